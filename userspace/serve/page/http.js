// SPDX-License-Identifier: Apache-2.0
// The section of the HTTP rows, and the figures that sum them up.

const history = new History();

const httpTable = new Table("http-table", [
  { title: "Name", header: true, value: (row) => row.name, fill: (cell, row) => { setText(cell, row.name); cell.title = row.name; } },
  { title: "Last 2 min", classes: "spark", fill: (cell, row) => drawSpark(cell, row, history.steps.length) },
  { title: "Req/s", number: true, first: -1, value: (row) => row.rate, text: (row) => formatRate(row.rate) },
  { title: "Errors", number: true, first: -1, value: (row) => row.errors,
    fill: (cell, row) => { setText(cell, formatShare(row.errors)); setClass(cell, "bad", row.errors > 0); } },
  ...["p50", "p90", "p99"].map((name) => ({
    title: name, number: true, first: -1, value: (row) => row[name], text: (row) => formatSeconds(row[name], history.bounds.at(-1)),
  })),
  { title: "In/s", number: true, first: -1, value: (row) => row.in, text: (row) => formatBytes(row.in) },
  { title: "Out/s", number: true, first: -1, value: (row) => row.out, text: (row) => formatBytes(row.out) },
  { title: "Requests", number: true, first: -1, value: (row) => row.total, text: (row) => formatCount(row.total) },
  { title: "No answer", number: true, first: -1, value: (row) => row.unanswered, text: (row) => formatCount(row.unanswered) },
], 2, () => showHttp());

let httpData = null;

const chosenRole = () => document.querySelector("input[name=role]:checked").value;

function showHttp() {
  if (!httpData) return;
  const filter = byId("http-filter").value.trim().toLowerCase();
  const role = chosenRole();
  const { rows, sum } = history.table(role, byId("http-by").value, (name) => name.toLowerCase().includes(filter));
  httpTable.show(rows, (row) => row.name);
  byId("http-scroll").hidden = rows.length === 0;
  setText(byId("http-count"), rows.length ? `${formatCount(rows.length)} ${rows.length === 1 ? "line" : "lines"}, over ${WINDOW} s` : "");
  showHttpEmpty(rows.length, filter, role);
  showHttpFigures(sum, role);
}

function showHttpEmpty(count, filter, role) {
  if (count) showEmpty("http-empty", "");
  else if (!httpData.enabled)
    showEmpty("http-empty", "HTTP is not metered.", "This block in the configuration turns it on; it needs root and a kernel with BPF.", "http_metrics: {}");
  else if (filter) showEmpty("http-empty", "No name has this in it.", "Change the filter, or empty it.");
  else if (role === "client") showEmpty("http-empty", "No request was sent out yet.", "A request shows up here once its answer has gone by. HTTP inside TLS and HTTP/2 are not seen.");
  else showEmpty("http-empty", "No request was served yet.", "Send one to any server on this host: it shows up here once it is answered. HTTP inside TLS and HTTP/2 are not seen.");
}

function showHttpFigures(sum, role) {
  const off = !httpData.enabled;
  setText(byId("figure-rate"), off ? "off" : formatRate(sum.rate));
  setText(byId("figure-rate-note"), off ? "no http_metrics" : role === "client" ? "per second, sent out" : "per second, served");
  setText(byId("figure-errors"), formatShare(sum.errors));
  setClass(byId("figure-errors"), "bad", sum.errors > 0);
  setText(byId("figure-p50"), formatSeconds(sum.p50, history.bounds.at(-1)));
  setText(byId("figure-quantiles"), `p90 ${formatSeconds(sum.p90, history.bounds.at(-1))}, p99 ${formatSeconds(sum.p99, history.bounds.at(-1))}`);
}

function takeHttp(data) {
  httpData = data;
  if (data.enabled) history.take(data);
  showHttp();
}

function startHttp() {
  for (const radio of document.querySelectorAll("input[name=role]")) radio.addEventListener("change", showHttpAnew);
  byId("http-by").addEventListener("change", showHttpAnew);
  byId("http-filter").addEventListener("input", showHttpAnew);
}

function showHttpAnew() {
  httpTable.isStale = true;
  showHttp();
}
