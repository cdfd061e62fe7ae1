// SPDX-License-Identifier: Apache-2.0
// Answers made by hand, whose rates and quantiles are known to the digit; names as hostile as labels
// can be; an agent that starts again in between.

import assert from "node:assert/strict";

import { cells, eventually, open, run, same } from "./browser.mjs";

const hostile = "<script>document.title='x'</script>\u202eevil\u0007\"'&amp;";
const entry = (pod, status, count, buckets) => ({
  role: "server", labels: { namespace: "shop", pod }, method: "GET", status, count,
  durationSum: 1, firstByteSum: 1, requestBytes: 100 * count, responseBytes: 2048 * count, buckets,
});
const answer = (time, requests) => ({
  enabled: true, time, lastDrain: time, interval: 15, bounds: [0.1, 0.2, 0.5], requests, unanswered: [{ role: "server", labels: { namespace: "shop", pod: "a" }, count: 3 }],
});

run(async () => {
  const page = await open();
  let asked = 0;
  let last = null;
  let again = false; // the agent begins anew
  const rounds = [
    answer(1000, [entry("a", "200", 100, [100, 0, 0, 0])]),
    answer(1010, [entry("a", "200", 190, [145, 45, 0, 0]), entry("a", "503", 10, [0, 0, 10, 0]), entry(hostile, "200", 5, [0, 0, 0, 5])]),
  ];
  await page.route("**/api/v1/edgemeter/http", (route) => {
    last = again ? answer(1020, [entry("a", "200", 20, [20, 0, 0, 0])]) : rounds[Math.min(asked++, 1)];
    // Later answers have no news: the same time, so that nothing is made of them.
    return route.fulfill({ json: { status: "success", data: last } });
  });
  await page.reload();
  const find = async (name) => (await cells(page, "http-table")).find((row) => row[0] === name);
  await eventually("100 requests in 10 s, a tenth of them errors", async () => {
    const row = await find("shop/a");
    assert.deepEqual([row[2], row[3]], ["10", "10%"].map((text, i) => (i ? "10.0%" : text)));
  });
  // 45 up to 0.1, 45 up to 0.2, 10 up to 0.5: the 50th of 100 is the 5th of the second bucket.
  const row = await find("shop/a");
  same("p50, p90, p99", row.slice(4, 7), ["111 ms", "200 ms", "470 ms"]);
  same("bytes in and out, requests, unanswered", row.slice(7), ["0.98 KiB", "20.0 KiB", "200", "3"]);
  const evil = await find(`shop/${hostile}`);
  same("beyond the last bound", evil.slice(2, 5), ["0.50", "0%", ">500 ms"]);
  same("title", await page.title(), "edgemeter");
  same("a script of a label", await page.$$eval("main script", (nodes) => nodes.length), 0);
  again = true;
  await eventually("the counters of the new agent", async () => assert.equal((await find("shop/a"))[9], "20"));
  assert.ok(!(await find("shop/a"))[2].startsWith("-"), "a rate below nothing");
});
