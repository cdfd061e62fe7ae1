// SPDX-License-Identifier: Apache-2.0
// The section of the scraped targets.

const TARGETS_SHOWN = 200; // until one asks for all

const healthOrder = { down: 0, unknown: 1, up: 2 };
const ageOf = (target) => {
  const time = Date.parse(target.lastScrape) / 1000;
  return time > 0 ? Math.max(0, Date.now() / 1000 - time) : NaN; // the year 1: never
};

function labelsText(target) {
  return Object.entries(target.labels)
    .filter(([name]) => name !== "job")
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(" ");
}

// Only what a browser would fetch becomes a link.
function fillUrl(cell, target) {
  if (!cell.firstChild) cell.append(make("a"));
  const link = cell.firstChild;
  if (link.textContent === target.scrapeUrl) return;
  link.textContent = cell.title = target.scrapeUrl;
  if (/^https?:\/\//.test(target.scrapeUrl)) link.href = target.scrapeUrl;
  else link.removeAttribute("href");
  link.rel = "noreferrer noopener";
}

function fillHealth(cell, target) {
  if (!cell.firstChild) cell.append(make("span"));
  setText(cell.firstChild, target.health);
  const classes = "badge " + (target.health in healthOrder ? target.health : "");
  if (cell.firstChild.className !== classes) cell.firstChild.className = classes;
}

const targetsTable = new Table("targets-table", [
  { title: "Job", header: true, value: (target) => target.scrapePool, text: (target) => target.scrapePool },
  { title: "Endpoint", classes: "url", value: (target) => target.scrapeUrl, fill: fillUrl },
  { title: "Health", first: 1, value: (target) => healthOrder[target.health] ?? 1, fill: fillHealth },
  { title: "Last scrape", number: true, first: -1, value: ageOf,
    text: (target) => Number.isNaN(ageOf(target)) ? "never" : formatSpan(ageOf(target)) + " ago" },
  { title: "Took", number: true, first: -1, value: (target) => target.lastScrapeDuration,
    text: (target) => Number.isNaN(ageOf(target)) ? NOTHING : formatSeconds(target.lastScrapeDuration) },
  { title: "Every", number: true, text: (target) => target.scrapeInterval },
  { title: "Labels", classes: "wrap soft", text: labelsText },
  { title: "Last error", classes: "wrap bad", value: (target) => target.lastError, text: (target) => target.lastError },
], 2, () => showTargets());

let targetsData = null;
let showsAllTargets = false;

function matchesTarget(target, filter) {
  return [target.scrapePool, target.scrapeUrl, labelsText(target), target.lastError]
    .some((text) => text.toLowerCase().includes(filter));
}

const keyOfTarget = (target) => JSON.stringify([target.scrapePool, target.scrapeUrl, target.labels]);

function showTargets() {
  if (!targetsData) return;
  const all = targetsData.activeTargets;
  const health = byId("targets-health").value;
  const filter = byId("targets-filter").value.trim().toLowerCase();
  const wanted = all.filter((target) => (!health || target.health === health) && (!filter || matchesTarget(target, filter)));
  const shown = showsAllTargets ? wanted
    : targetsTable.sorted(wanted, keyOfTarget).slice(0, TARGETS_SHOWN).map((entry) => entry.row);
  targetsTable.show(shown, keyOfTarget);
  byId("targets-scroll").hidden = wanted.length === 0;
  const more = byId("targets-more");
  more.hidden = shown.length === wanted.length;
  setText(more, `Show all ${formatCount(wanted.length)}`);
  showTargetsCounts(all, wanted);
  if (wanted.length) showEmpty("targets-empty", "");
  else if (all.length) showEmpty("targets-empty", "No target is like this.", "Change the filter or the health, or empty them.");
  else showEmpty("targets-empty", "There are no targets.", "A job in the configuration finds them, for instance:",
    "scrape_configs:\n  - job_name: node\n    static_configs:\n      - targets: [\"127.0.0.1:9100\"]");
}

function showTargetsCounts(all, wanted) {
  const up = all.filter((target) => target.health === "up").length;
  const down = all.filter((target) => target.health === "down").length;
  const counts = targetsData.droppedTargetCounts;
  const dropped = counts ? Object.values(counts).reduce((sum, count) => sum + count, 0) : 0;
  setText(byId("figure-targets"), all.length ? `${up} / ${all.length}` : "none");
  setClass(byId("figure-targets"), "bad", down > 0);
  setText(byId("figure-targets-note"), down ? `${down} down` : all.length > up ? `${all.length - up} not scraped yet` : "");
  const parts = [wanted.length === all.length ? `${formatCount(all.length)} active` : `${formatCount(wanted.length)} of ${formatCount(all.length)} active`];
  if (dropped) parts.push(`${formatCount(dropped)} dropped by rules`);
  setText(byId("targets-count"), parts.join(", "));
}

function takeTargets(data) {
  targetsData = data;
  showTargets();
}

function showTargetsAnew() {
  targetsTable.isStale = true;
  showTargets();
}

function startTargets() {
  byId("targets-health").addEventListener("change", showTargetsAnew);
  byId("targets-filter").addEventListener("input", showTargetsAnew);
  byId("targets-more").addEventListener("click", () => {
    showsAllTargets = true;
    showTargetsAnew();
    byId("targets-scroll").focus();
  });
}
