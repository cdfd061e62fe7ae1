// SPDX-License-Identifier: Apache-2.0
// What the scenarios share: a Chromium on the page, what it complains about, axe-core, the API.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

import { chromium } from "playwright-core";

export const url = process.argv[2].replace(/\/$/, "");
export const desktop = { width: 1280, height: 800 };
export const phone = { width: 390, height: 844 };
const patience = 90000; // milliseconds: a browser's first start on a new, busy machine takes long
const axeFile = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
let browser = null;

// A page of its own context. `complaints` collects all that a developer would see in the console.
export async function open({ viewport = desktop, colorScheme = "light", path = "/", ...rest } = {}) {
  browser ||= await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    timeout: patience,
    args: ["--no-sandbox", "--disable-dev-shm-usage"], // the tests run as root; nothing foreign is loaded
  });
  const context = await browser.newContext({ viewport, colorScheme, reducedMotion: "reduce", ...rest });
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  page.complaints = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) page.complaints.push(`${message.text()} ${message.location().url}`);
  });
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  await page.goto(url + path);
  return page;
}

export async function api(path) {
  const response = await fetch(`${url}/api/v1/${path}`);
  assert.equal(response.status, 200, path);
  return (await response.json()).data;
}

// Tries until it does not fail any more; then how long that takes on a slow machine is all the same.
export async function eventually(what, check, seconds = 30) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    try {
      const result = await check();
      console.log(`    ${what}`);
      return result;
    } catch (error) {
      if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s: ${error.message}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

export function same(what, got, wanted) {
  assert.deepEqual(got, wanted, `${what}: got ${JSON.stringify(got)}, wanted ${JSON.stringify(wanted)}`);
  console.log(`    ${what}: ${JSON.stringify(got)}`);
}

// As `same`, when `get` and `want` are read at once: the page lags behind the API by a refresh.
export async function becomesSame(what, get, want) {
  await eventually(what, async () => assert.deepEqual(await get(), await want()));
}

// The texts of a table: a list of lists.
export function cells(page, id) {
  return page.$$eval(`#${id} tbody tr`, (rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent)));
}

// No violation of any rule: WCAG's and the best practices.
export async function axe(page, what) {
  await page.evaluate(await (await import("node:fs/promises")).readFile(axeFile, "utf8"));
  const { violations, passes } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const told = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target} ${node.failureSummary}`).join("; ")}`);
  assert.ok(passes.length > 20, "axe-core has looked at nothing");
  same(`axe-core, ${what}`, told, []);
}

// Asks whoever started this to do something to the agent, and waits until it is done.
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
export async function tell(what) {
  console.log(`@${what}`);
  const { value } = await answers.next();
  assert.equal(value, "done");
}

// The scenario, to its end.
export async function run(scenario) {
  let status = 0;
  try {
    await scenario();
  } catch (error) {
    console.log(error.stack);
    status = 1;
  }
  await browser?.close();
  process.exit(status);
}
