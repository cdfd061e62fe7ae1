// SPDX-License-Identifier: Apache-2.0
// Pictures of the page for docs/: light and dark, desktop and phone. Argument 3 is the folder.

import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";

import { desktop, eventually, open, phone, run } from "./browser.mjs";

const MOST_BYTES = 250_000;
const folder = process.argv[3];
const seconds = Number(process.argv[4]); // of traffic, so that the sparklines have something to show

run(async () => {
  const views = [];
  for (const colorScheme of ["light", "dark"]) {
    for (const [name, viewport] of Object.entries({ desktop, phone })) {
      const page = await open({ colorScheme, viewport, deviceScaleFactor: name === "phone" ? 2 : 1 });
      views.push({ page, name: `status-page-${name}-${colorScheme}.png`, fullPage: name === "desktop" });
    }
  }
  await views[0].page.waitForTimeout(seconds * 1000);
  for (const { page, name, fullPage } of views) {
    await eventually(`rows on ${name}`, async () => assert.ok(await page.isVisible("#http-table tbody tr")));
    await page.bringToFront();
    const path = join(folder, name);
    await page.screenshot({ path, fullPage });
    const { size } = statSync(path);
    assert.ok(size > 20_000 && size < MOST_BYTES, `${name} has ${size} bytes`);
    console.log(`    ${path}: ${size} bytes`);
  }
});
