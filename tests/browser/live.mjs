// SPDX-License-Identifier: Apache-2.0
// The page on an agent with real traffic: what it shows is what the API says, and it can be used.

import assert from "node:assert/strict";

import { api, axe, becomesSame, cells, eventually, open, phone, run, same, tell } from "./browser.mjs";

const sorted = (list) => [...list].sort();
const names = async (page) => (await cells(page, "http-table")).map((row) => row[0]);
const nameOf = ({ labels }) => `${labels.namespace}/${labels.pod}`;
const namesIn = (data, role) => sorted(new Set(data.requests.filter((entry) => entry.role === role).map(nameOf)));
const number = (text) => Number(text.replaceAll(",", ""));

async function showsTraffic(page) {
  await eventually("rates, while requests are sent", async () => {
    for (const row of await cells(page, "http-table")) {
      assert.match(row[2], /^[0-9.]+k?$/);
      assert.notEqual(Number(row[2]), 0);
      assert.match(row[4], /^>?[0-9.]+ (ms|s)$/);
    }
    assert.match(await page.textContent("#figure-rate"), /^[0-9.]+k?$/);
    assert.ok((await page.getAttribute("#http-table .spark .line", "d")).length > 20);
  });
}

// The servers are idle: each of their numbers is that of the API. What goes on between the agent, its
// target and its remote lies between two answers.
async function numbersAreEqual(page) {
  await becomesSame("pods", async () => sorted(await names(page)), async () => namesIn(await api("edgemeter/http"), "server"));
  for (const pod of ["shop/nginx", "shop/apache"]) {
    await becomesSame(`requests of ${pod}`,
      async () => number((await cells(page, "http-table")).find((row) => row[0] === pod)[9]),
      async () => {
        const { requests } = await api("edgemeter/http");
        return requests.filter((entry) => entry.role === "server" && nameOf(entry) === pod).reduce((sum, entry) => sum + entry.count, 0);
      });
  }
  const before = (await api("edgemeter/kernel")).heads;
  const [seen, counted, lost, waiting] = await eventually("the kernel's account", async () => {
    const numbers = (await page.textContent("#heads-sum")).match(/[\d,]+/g).map(number);
    assert.ok(numbers[0] >= before.seen);
    return numbers;
  });
  const after = (await api("edgemeter/kernel")).heads;
  same("seen = counted + lost + waiting", seen, counted + lost + waiting);
  assert.ok(seen <= after.seen && counted >= before.counted && counted <= after.counted);
}

async function sortsAndFilters(page) {
  const all = sorted(await names(page));
  await page.click("#http-table button:text-is('Name')");
  same("by name", await names(page), all);
  same("aria-sort", await page.getAttribute("#http-table th[aria-sort]", "aria-sort"), "ascending");
  await page.click("#http-table button:text-is('Name')");
  same("turned round", await names(page), all.reverse());
  await page.click("#http-table button:text-is('Requests')");
  const counts = (await cells(page, "http-table")).map((row) => number(row[9]));
  same("by requests", counts, [...counts].sort((a, b) => b - a));

  await page.fill("#http-filter", "APA");
  same("filtered", await names(page), ["shop/apache"]);
  await page.fill("#http-filter", "nobody");
  assert.match(await page.textContent("#http-empty"), /No name has this/);
  await page.fill("#http-filter", "");

  await page.selectOption("#http-by", { label: "method and status" });
  const kinds = async () => (await api("edgemeter/http")).requests.filter(({ role }) => role === "server").map(({ method, status }) => `${method} ${status}`);
  await becomesSame("by method and status", async () => sorted(await names(page)), async () => sorted(new Set(await kinds())));
  await page.selectOption("#http-by", "");
}

async function switchesRoleByKeyboard(page) {
  await page.focus("input[value=server]");
  await page.keyboard.press("ArrowRight");
  await becomesSame("sent out", async () => sorted(await names(page)), async () => namesIn(await api("edgemeter/http"), "client"));
  await page.keyboard.press("ArrowLeft");
  await becomesSame("served", async () => sorted(await names(page)), async () => namesIn(await api("edgemeter/http"), "server"));
}

// Tab reaches everything in the order of the page; a refresh takes nothing away from the user.
async function keepsWhatTheUserHas(page) {
  await page.reload();
  await eventually("rows again", async () => assert.ok((await names(page)).length));
  await page.keyboard.press("Tab");
  same("first stop", await page.evaluate(() => document.activeElement.textContent), "Skip to the tables");
  await page.keyboard.press("Enter");
  same("skipped to", await page.evaluate(() => document.activeElement.id), "main");
  for (let i = 0; i < 20; i++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(() => document.activeElement.textContent === "Errors")) break;
  }
  await page.keyboard.press("Enter");
  same("sorted by the keyboard", await page.textContent("#http-table th[aria-sort]"), "Errors");
  await page.evaluate(() => {
    for (const row of document.querySelectorAll("#http-table tbody tr")) row.isOld = true;
    getSelection().selectAllChildren(document.querySelector("#http-table tbody th"));
  });
  const selected = await page.evaluate(() => String(getSelection()));
  const rounds = await page.evaluate(() => performance.getEntriesByType("resource").length);
  await eventually("some refreshes", async () => assert.ok(await page.evaluate(() => performance.getEntriesByType("resource").length) > rounds + 12));
  same("focus", await page.evaluate(() => document.activeElement.textContent), "Errors");
  same("selection", await page.evaluate(() => String(getSelection())), selected);
  assert.ok(await page.$$eval("#http-table tbody tr", (rows) => rows.every((row) => row.isOld)), "rows were made anew");

  await page.focus("#http-filter");
  await page.keyboard.type("ngi");
  await page.keyboard.press("ArrowLeft");
  await eventually("another refresh", async () => assert.ok(await page.evaluate(() => performance.getEntriesByType("resource").length) > rounds + 18));
  await page.keyboard.type("x");
  same("typed through a refresh", await page.inputValue("#http-filter"), "ngxi");
  await page.fill("#http-filter", "");
}

async function showsTargets(page) {
  const { activeTargets } = await api("targets");
  await eventually("the targets", async () => assert.equal((await cells(page, "targets-table")).length, activeTargets.length));
  const down = activeTargets.find((target) => target.health === "down");
  const row = (await cells(page, "targets-table"))[0];
  same("the first is down", [row[0], row[1], row[2], row[7]], [down.scrapePool, down.scrapeUrl, "down", down.lastError]);
  assert.ok(row[6].includes("<img src=x onerror="), "the hostile label is not shown as it is");
  same("elements made of label values", await page.$$eval("main img, main b b", (nodes) => nodes.length), 0);
  await page.selectOption("#targets-health", "up");
  assert.ok((await cells(page, "targets-table")).every((cell) => cell[2] === "up"));
  await page.selectOption("#targets-health", "");
  await page.fill("#targets-filter", "onerror");
  same("filtered by a label", (await cells(page, "targets-table")).length, 1);
  await page.fill("#targets-filter", "no such target");
  assert.match(await page.textContent("#targets-empty"), /No target is like this/);
  await page.fill("#targets-filter", "");
  same("at a glance", await page.textContent("#figure-targets"), `${activeTargets.length - 1} / ${activeTargets.length}`);
}

async function showsRemotes(page) {
  await eventually("the remotes", async () => {
    const { remotes } = await api("edgemeter/queues");
    const rows = await cells(page, "remotes-table");
    for (const remote of remotes) {
      const row = rows.find((cell) => cell[0].startsWith(remote.url));
      assert.equal(row[1], remote.failing ? "failing" : "ok");
      if (remote.failing) assert.ok(row[11].includes(remote.lastError.message));
    }
    assert.equal(remotes.filter((remote) => remote.failing).length, 1);
  });
}

async function showsConfig(page) {
  await page.click("#config summary");
  await eventually("the configuration", async () => assert.match(await page.textContent("#config-text"), /password: <secret>/));
  assert.ok(!(await page.content()).includes("s3cret"), "a secret is on the page");
}

async function pauses(page) {
  await page.click("#pause");
  same("paused", await page.getAttribute("#pause", "aria-pressed"), "true");
  await page.waitForTimeout(500); // what was asked before
  let asked = 0;
  page.on("request", () => asked++);
  await page.waitForTimeout(3000);
  same("requests while paused", asked, 0);
  await page.click("#pause");
  await eventually("goes on", async () => assert.ok(asked > 0));
}

run(async () => {
  const page = await open();
  await showsTraffic(page);
  await tell("quiet");
  await numbersAreEqual(page);
  await sortsAndFilters(page);
  await switchesRoleByKeyboard(page);
  await showsTargets(page);
  await showsRemotes(page);
  await showsConfig(page);
  same("the version", (await page.textContent("#about")).startsWith((await api("status/buildinfo")).version), true);
  await keepsWhatTheUserHas(page);
  await pauses(page);
  same("complaints of the browser", page.complaints, []);
  for (const colorScheme of ["light", "dark"]) {
    for (const viewport of [undefined, phone]) {
      const other = await open({ colorScheme, viewport });
      await eventually("rows", async () => assert.ok((await names(other)).length && (await cells(other, "targets-table")).length));
      await other.click("#config summary");
      await axe(other, `${colorScheme}, ${viewport ? "phone" : "desktop"}`);
      same("wider than the screen", await other.evaluate(() => document.documentElement.scrollWidth > innerWidth), false);
    }
  }
});
