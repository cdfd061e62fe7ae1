// SPDX-License-Identifier: Apache-2.0
// An agent that has nothing to do yet says what to do.

import assert from "node:assert/strict";

import { axe, eventually, open, phone, run, same } from "./browser.mjs";

run(async () => {
  for (const viewport of [undefined, phone]) {
    const page = await open({ viewport });
    await eventually("advice", async () => {
      assert.match(await page.textContent("#http-empty"), /not metered.*http_metrics: {}/);
      assert.match(await page.textContent("#targets-empty"), /no targets.*scrape_configs:/s);
      assert.match(await page.textContent("#remotes-empty"), /Nothing is sent.*remote_write:/s);
      assert.match(await page.textContent("#kernel-empty"), /Nothing is metered/);
    });
    same("tables that show nothing", await page.$$eval("table", (tables) => tables.filter((table) => table.checkVisibility()).length), 0);
    await axe(page, "an empty agent");
    same("complaints of the browser", page.complaints, []);
  }
});
