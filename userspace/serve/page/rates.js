// SPDX-License-Identifier: Apache-2.0
// From answers of api/v1/edgemeter/http to rates, quantiles and sparklines. Draws nothing.

const STEPS = 60; // of the sparklines
const WINDOW = 10; // seconds that rates and quantiles are of

// The same as PromQL's histogram_quantile(); each count is of its own bucket alone.
function quantile(q, bounds, counts) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0 || bounds.length === 0) return NaN;
  const rank = q * total;
  let below = 0;
  for (let i = 0; i < bounds.length; i++) {
    if (counts[i] > 0 && below + counts[i] >= rank) {
      const start = i ? bounds[i - 1] : 0;
      return start + (bounds[i] - start) * (rank - below) / counts[i];
    }
    below += counts[i];
  }
  return bounds[bounds.length - 1];
}

const partOf = (entry, name) => entry.labels[name] || (["method", "status", "route", "host"].includes(name) && entry[name]) || "";

// Whose requests an entry counts: the pod, else the service, else the cgroup, else all labels.
function nameOf(entry, by) {
  if (by) return by.split(",").map((name) => partOf(entry, name) || "-").join(" ");
  const { labels } = entry;
  const owner = labels.pod || labels.pod_uid || labels.service || labels.cgroup;
  if (owner) return labels.namespace ? labels.namespace + "/" + owner : owner;
  const all = Object.entries(labels).map(([name, value]) => name + "=" + value);
  return all.join(",") || "other";
}

const isError = (entry) => Number(entry.status) >= 500;

class History {
  constructor() {
    this.time = 0;
    this.bounds = [];
    this.entries = new Map(); // identity -> the entry as it was last
    this.unanswered = [];
    this.steps = []; // {time, seconds, changes: [{entry, count, ...}]}
  }

  // What has happened since the answer before.
  take(data) {
    const seconds = data.time - this.time;
    const isFirst = this.time === 0 || seconds <= 0 || String(data.bounds) !== String(this.bounds);
    const before = isFirst ? null : this.entries;
    const changes = [];
    this.entries = new Map();
    for (const entry of data.requests || []) {
      const identity = JSON.stringify([entry.role, entry.labels, entry.method, entry.status, entry.route, entry.host]);
      this.entries.set(identity, entry);
      if (before) {
        const change = since(entry, before.get(identity));
        if (change.count) changes.push(change);
      }
    }
    if (isFirst) this.steps = [];
    else this.steps.push({ time: data.time, seconds, changes });
    while (this.steps.length > STEPS) this.steps.shift();
    for (const step of this.steps) {
      if (data.time - step.time >= 2 * WINDOW) for (const change of step.changes) change.buckets = null;
    }
    this.time = data.time;
    this.bounds = data.bounds || [];
    this.unanswered = data.unanswered || [];
  }

  // Rows {name, total, rate, errors, p50, ..., spark} of one role; `sum` is that of all of them.
  table(role, by, matches) {
    const rows = new Map();
    const sum = newRow("");
    const rowOf = (entry) => {
      const name = nameOf(entry, by);
      if (!matches(name)) return null;
      if (!rows.has(name)) rows.set(name, newRow(name));
      return rows.get(name);
    };
    for (const entry of this.entries.values()) {
      const row = entry.role === role ? rowOf(entry) : null;
      if (row) row.total = (row.total || 0) + entry.count;
    }
    for (const entry of this.unanswered) {
      const row = entry.role === role ? rowOf(entry) : null;
      if (row) row.unanswered += entry.count;
    }
    const from = this.firstOfWindow();
    let seconds = 0;
    this.steps.forEach((step, at) => {
      if (at >= from) seconds += step.seconds;
      for (const change of step.changes) {
        const row = change.entry.role === role ? rowOf(change.entry) : null;
        if (row) for (const each of [row, sum]) add(each, change, at, step.seconds, at >= from, this.bounds);
      }
    });
    for (const row of [...rows.values(), sum]) this.finish(row, seconds);
    return { rows: [...rows.values()], sum };
  }

  firstOfWindow() {
    let at = this.steps.length;
    let seconds = 0;
    while (at > 0 && seconds < WINDOW - 0.5) seconds += this.steps[--at].seconds;
    return at;
  }

  finish(row, seconds) {
    row.rate = seconds ? row.recent / seconds : NaN;
    row.errors = row.recent ? row.recentErrors / row.recent : NaN;
    row.in = seconds ? row.recentIn / seconds : NaN;
    row.out = seconds ? row.recentOut / seconds : NaN;
    row.p50 = quantile(0.5, this.bounds, row.buckets);
    row.p90 = quantile(0.9, this.bounds, row.buckets);
    row.p99 = quantile(0.99, this.bounds, row.buckets);
  }
}

function newRow(name) {
  return {
    name, total: NaN, unanswered: 0, recent: 0, recentErrors: 0, recentIn: 0, recentOut: 0, buckets: [],
    spark: new Float64Array(STEPS), sparkErrors: new Float64Array(STEPS),
  };
}

// A counter that went back began anew: the agent was restarted.
function since(entry, before) {
  const old = before && before.count <= entry.count ? before : null;
  return {
    entry,
    count: entry.count - (old ? old.count : 0),
    in: entry.requestBytes - (old ? old.requestBytes : 0),
    out: entry.responseBytes - (old ? old.responseBytes : 0),
    buckets: entry.buckets.map((count, i) => count - (old ? old.buckets[i] : 0)),
  };
}

function add(row, change, at, seconds, isRecent, bounds) {
  row.spark[at] += change.count / seconds;
  if (isError(change.entry)) row.sparkErrors[at] += change.count / seconds;
  if (!isRecent) return;
  row.recent += change.count;
  if (isError(change.entry)) row.recentErrors += change.count;
  row.recentIn += change.in;
  row.recentOut += change.out;
  for (let i = 0; i <= bounds.length; i++) row.buckets[i] = (row.buckets[i] || 0) + change.buckets[i];
}
