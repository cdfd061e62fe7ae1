// SPDX-License-Identifier: Apache-2.0
// Numbers and times as people read them. "–" where there is nothing to show.

const NOTHING = "–";

function digits(value) {
  const decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return value.toFixed(decimals);
}

function scaled(value, step, units) {
  let unit = 0;
  while (value >= 999.5 && unit + 1 < units.length) {
    value /= step;
    unit++;
  }
  return (unit === 0 && Number.isInteger(value) ? String(value) : digits(value)) + units[unit];
}

const isMissing = (value) => value === null || value === undefined || Number.isNaN(value);
const formatRate = (value) => isMissing(value) ? NOTHING : scaled(value, 1000, ["", "k", "M", "G"]);
const formatBytes = (value) => isMissing(value) ? NOTHING
  : scaled(value, 1024, [" B", " KiB", " MiB", " GiB", " TiB"]);
const formatCount = (value) => isMissing(value) ? NOTHING : Math.round(value).toLocaleString("en-US");

function formatShare(value) {
  if (isMissing(value)) return NOTHING;
  if (value === 0) return "0%";
  if (value < 0.00005) return "<0.01%";
  return value < 1 && value > 0.9995 ? ">99.9%" : digits(100 * value) + "%";
}

// `most` is the last bound of the histogram: beyond it nothing is known.
function formatSeconds(value, most = Infinity) {
  if (isMissing(value)) return NOTHING;
  const sign = value >= most ? ">" : "";
  if (value < 0.9995) return sign + digits(1000 * value) + " ms";
  if (value < 120) return sign + digits(value) + " s";
  return formatSpan(value);
}

// 3 s, 12 min, 5 h, 3 d
function formatSpan(seconds) {
  if (isMissing(seconds)) return NOTHING;
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
    if (seconds >= 2 * size) return Math.round(seconds / size) + " " + unit;
  }
  return Math.max(0, Math.round(seconds)) + " s";
}

function formatClock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString("en-GB");
}
