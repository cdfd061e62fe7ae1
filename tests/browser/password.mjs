// SPDX-License-Identifier: Apache-2.0
// Behind a name and a password: the browser asks once, and the page's own requests carry both.

import assert from "node:assert/strict";

import { eventually, open, run, same } from "./browser.mjs";

run(async () => {
  const page = await open({ httpCredentials: { username: "alice", password: "open sesame" } });
  await eventually("the figures", async () => assert.notEqual(await page.textContent("#figure-targets"), "–"));
  same("banner", await page.isVisible("#banner"), false);
  await page.click("#config summary");
  await eventually("the configuration", async () => assert.match(await page.textContent("#config-text"), /scrape_configs/));
  same("complaints of the browser", page.complaints.filter((text) => !text.includes("401")), []);
});
