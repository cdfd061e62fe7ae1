// SPDX-License-Identifier: Apache-2.0
// The section of the remotes, and what all of them share: the queue.

function fillRemote(cell, remote) {
  if (!cell.firstChild) cell.append(make("span"), make("br"), make("span", "soft"));
  setText(cell.children[0], remote.url);
  setText(cell.children[2], `${remote.name}, remote write ${remote.protocol}`);
}

function fillRemoteState(cell, remote) {
  if (!cell.firstChild) cell.append(make("span"));
  const idle = !remote.samples.sent && !remote.failing;
  setText(cell.firstChild, remote.failing ? "failing" : idle ? "idle" : "ok");
  cell.firstChild.className = "badge" + (remote.failing ? " down" : idle ? "" : " up");
}

const pendingOf = (remote) => remote.pending.samples + remote.pending.histograms;

function errorText(remote) {
  const { lastError } = remote;
  if (!lastError) return "";
  const status = lastError.status ? `${lastError.status} ` : "";
  return `${formatClock(lastError.time)}: ${status}${lastError.message}`;
}

const count = (title, of) => ({ title, number: true, first: -1, value: of, text: (remote) => formatCount(of(remote)) });

const remotesTable = new Table("remotes-table", [
  { title: "Remote", header: true, value: (remote) => remote.url, fill: fillRemote },
  { title: "State", value: (remote) => (remote.failing ? 0 : 1), fill: fillRemoteState },
  count("Waiting", pendingOf),
  { title: "Lag", number: true, first: -1, value: (remote) => remote.lag, text: (remote) => formatSpan(remote.lag) },
  { title: "In/s", number: true, first: -1, value: (remote) => remote.rate.in, text: (remote) => formatRate(remote.rate.in) },
  { title: "Out/s", number: true, first: -1, value: (remote) => remote.rate.out, text: (remote) => formatRate(remote.rate.out) },
  { title: "Shards", number: true, text: (remote) => `${remote.shards.current} of ${remote.shards.max}` },
  count("Taken", (remote) => remote.samples.acknowledged),
  count("Retried", (remote) => remote.samples.retried),
  count("Refused", (remote) => remote.samples.failed),
  count("Dropped", (remote) => remote.samples.dropped),
  { title: "Last error", classes: "wrap",
    fill: (cell, remote) => { setText(cell, errorText(remote)); setClass(cell, "bad", remote.failing); setClass(cell, "soft", !remote.failing); } },
], 1, () => showRemotes());

let queuesData = null;

function showRemotes() {
  if (!queuesData) return;
  const { remotes, queue } = queuesData;
  remotesTable.show(remotes, (remote) => remote.name + " " + remote.url);
  byId("remotes-scroll").hidden = remotes.length === 0;
  setText(byId("queue-note"), !remotes.length ? ""
    : `queue: ${formatBytes(queue.bytes)} of ${formatBytes(queue.maxBytes)}, ${queue.durable ? "on disk" : "in memory (lost when the agent ends: no --storage.path)"}`);
  if (remotes.length) showEmpty("remotes-empty", "");
  else showEmpty("remotes-empty", "Nothing is sent.", "A remote in the configuration takes what is scraped and metered:",
    "remote_write:\n  - url: https://prometheus.example.org/api/v1/write");
  showRemotesFigure(remotes);
}

function showRemotesFigure(remotes) {
  const lag = Math.max(0, ...remotes.map((remote) => remote.lag));
  const failing = remotes.filter((remote) => remote.failing).length;
  setText(byId("figure-pending"), remotes.length ? formatRate(Math.max(...remotes.map(pendingOf))) : "none");
  setText(byId("figure-pending-note"), !remotes.length ? "no remote_write"
    : failing ? `${failing} of ${remotes.length} remotes failing` : `samples; lag ${formatSpan(lag)}`);
  setClass(byId("figure-pending"), "bad", failing > 0);
}

function takeQueues(data) {
  queuesData = data;
  showRemotes();
}
