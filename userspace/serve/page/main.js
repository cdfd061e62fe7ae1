// SPDX-License-Identifier: Apache-2.0
// Asks the API every two seconds, hands the answers to the sections, and says when none comes.

const INTERVAL = 2000; // ms
const PATIENCE = 8000; // ms until an answer counts as missing
const TARGETS_EVERY = 3; // rounds: their answer may be long, and changes seldom

let round = 0;
let timer = 0;
let isPaused = false;
let lastAnswer = 0;

async function ask(path) {
  const response = await fetch("api/v1/" + path, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${response.statusText}`);
  return (await response.json()).data;
}

function showBanner(text) {
  const banner = byId("banner");
  setText(banner, text);
  banner.hidden = !text;
  setClass(document.body, "away", Boolean(text));
}

function why(error) {
  if (error.name === "TimeoutError") return `no answer within ${PATIENCE / 1000} s`;
  if (error instanceof TypeError) return "it cannot be reached";
  return error.message;
}

async function refresh() {
  const asked = [["edgemeter/http", takeHttp], ["edgemeter/kernel", takeKernel], ["edgemeter/queues", takeQueues]];
  if (round % TARGETS_EVERY === 0) asked.push(["targets", takeTargets]);
  let answers;
  try {
    answers = await Promise.all(asked.map(([path]) => ask(path)));
  } catch (error) {
    round = 0;
    const kept = lastAnswer ? ` What you see is from ${formatClock(lastAnswer)}.` : "";
    showBanner(`The agent does not answer: ${why(error)}.${kept} Trying again every ${INTERVAL / 1000} s.`);
    return;
  }
  showBanner("");
  lastAnswer = Date.now() / 1000;
  asked.forEach(([, take], i) => take(answers[i]));
  if (round++ % TARGETS_EVERY !== 0) showTargets(); // "3 s ago" goes on
}

async function turn() {
  timer = 0;
  if (isPaused || document.hidden) return;
  const begun = performance.now();
  await refresh().catch((error) => console.error(error)); // a bug of this page; the next round comes
  const spent = performance.now() - begun;
  clearTimeout(timer);
  timer = setTimeout(turn, Math.max(200, (round === 1 ? 1000 : INTERVAL) - spent));
}

function wake() {
  if (!timer && !isPaused && !document.hidden) timer = setTimeout(turn, 0);
}

function togglePause() {
  isPaused = !isPaused;
  byId("pause").setAttribute("aria-pressed", String(isPaused));
  setText(byId("pause"), isPaused ? "Paused" : "Pause");
  if (isPaused) {
    clearTimeout(timer);
    timer = 0;
  } else {
    wake();
  }
}

async function showAbout() {
  try {
    const [build, runtime] = await Promise.all([ask("status/buildinfo"), ask("status/runtimeinfo")]);
    setText(byId("about"), `${build.version} on ${location.host}, up since ${new Date(runtime.startTime).toLocaleString("en-GB")}`);
  } catch {
    setText(byId("about"), location.host);
  }
}

async function showConfig() {
  const text = byId("config-text");
  try {
    const { yaml } = await ask("status/config");
    setText(text, yaml || "The agent runs without --config.file: it meters this host's HTTP and serves it.");
  } catch (error) {
    setText(text, `The configuration could not be read: ${why(error)}.`);
  }
}

startHttp();
startTargets();
byId("pause").addEventListener("click", togglePause);
byId("config-details").addEventListener("toggle", (event) => event.target.open && showConfig());
document.addEventListener("visibilitychange", wake);
showAbout();
turn();
