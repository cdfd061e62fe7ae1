// SPDX-License-Identifier: Apache-2.0
// Requests per second of the last steps as a small chart; errors in it as an area of their own. The
// numbers beside say the same, so it is hidden from screen readers.

const SVG = "http://www.w3.org/2000/svg";

function svg(tag, attributes) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function areaOf(points) {
  return points.length ? `M${points[0].x},22L${points.map((p) => `${p.x},${p.y}`).join("L")}L${points.at(-1).x},22Z` : "";
}

function drawSpark(cell, row, count) {
  if (!cell.firstChild) {
    const chart = svg("svg", { viewBox: "0 0 120 22", preserveAspectRatio: "none", "aria-hidden": "true" });
    for (const name of ["area", "errors", "line"]) chart.append(svg("path", { class: name }));
    cell.append(chart);
  }
  const most = Math.max(...row.spark, 1e-9);
  const at = (values) => Array.from({ length: count }, (_, i) => ({
    x: (120 * (STEPS - count + i) / (STEPS - 1)).toFixed(1),
    y: (21 - 19 * values[i] / most).toFixed(1),
  }));
  const points = at(row.spark);
  const [area, errors, line] = cell.firstChild.children;
  area.setAttribute("d", areaOf(points));
  line.setAttribute("d", points.length > 1 ? "M" + points.map((p) => `${p.x},${p.y}`).join("L") : "");
  errors.setAttribute("d", row.sparkErrors.some((value) => value > 0) ? areaOf(at(row.sparkErrors)) : "");
}
