// SPDX-License-Identifier: Apache-2.0
// The agent ends and comes back: the page says so and keeps what it had.

import assert from "node:assert/strict";

import { axe, cells, eventually, open, run, same, tell } from "./browser.mjs";

run(async () => {
  const page = await open();
  await eventually("targets", async () => assert.ok((await cells(page, "targets-table")).length));
  const before = (await cells(page, "targets-table")).map((row) => row[1]);
  same("banner", await page.isVisible("#banner"), false);
  await tell("stop");
  await eventually("the banner", async () => assert.match(await page.textContent("#banner"), /does not answer.*What you see is from \d\d:\d\d:\d\d/));
  same("kept", (await cells(page, "targets-table")).map((row) => row[1]), before);
  await axe(page, "without an agent");
  await tell("start");
  await eventually("no banner any more", async () => assert.equal(await page.isVisible("#banner"), false));
});
