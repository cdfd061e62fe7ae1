// SPDX-License-Identifier: Apache-2.0
// The kernel's account: everything seen is counted, lost for a stated reason, or still waits.

const sumOf = (numbers) => Object.values(numbers).reduce((sum, number) => sum + number, 0);

function drawSplit(group, parts) {
  const total = Math.max(1, parts.reduce((sum, part) => sum + part.count, 0));
  while (group.children.length < parts.length) group.append(svg("rect", { y: 0, height: 8 }));
  let x = 0;
  parts.forEach(({ count: number, kind }, i) => {
    const width = number ? Math.max(3, 1000 * number / total) : 0;
    const rect = group.children[i];
    rect.setAttribute("class", kind);
    rect.setAttribute("x", x);
    rect.setAttribute("width", width);
    x += width;
  });
}

function showParts(list, parts) {
  while (list.children.length > parts.length) list.lastChild.remove();
  while (list.children.length < parts.length) {
    const item = make("li");
    item.append(make("b"), make("span"));
    list.append(item);
  }
  parts.forEach(({ name, count: number }, i) => {
    setText(list.children[i].children[0], formatCount(number));
    setText(list.children[i].children[1], " " + name);
  });
}

// "1,000 seen = 990 counted + 4 lost + 6 waiting", and whether that is so.
function showAccount(id, seen, parts, reasons) {
  const sum = parts.reduce((total, part) => total + part.count, 0);
  const text = parts.map((part) => `${formatCount(part.count)} ${part.name}`).join(" + ");
  const line = byId(id + "-sum");
  if (!line.firstChild) line.append(make("b"), make("span"), make("span"));
  setText(line.children[0], `${formatCount(seen)} seen`);
  setText(line.children[1], ` = ${text}`);
  setText(line.children[2], sum === seen ? "" : ` (differs by ${formatCount(seen - sum)})`);
  setClass(line.children[2], "bad", sum !== seen);
  drawSplit(byId(id + "-bar"), parts);
  showParts(byId(id + "-parts"), reasons);
  return sum === seen;
}

const words = (name) => name.replaceAll("_", " ");
const reasonsOf = (numbers) => Object.entries(numbers).filter(([, number]) => number).map(([name, number]) => ({ name: words(name), count: number }));

function takeKernel(data) {
  byId("kernel-accounts").hidden = !data.enabled;
  if (!data.enabled) {
    showEmpty("kernel-empty", "Nothing is metered.", "The account begins with http_metrics in the configuration.");
    setText(byId("figure-kernel"), "off");
    setText(byId("figure-kernel-note"), "no http_metrics");
    setText(byId("kernel-note"), "");
    return;
  }
  showEmpty("kernel-empty", "");
  const { heads, connections, rows } = data;
  const lost = sumOf(heads.lost);
  const balances = showAccount("heads", heads.seen, [
    { name: "counted", count: heads.counted, kind: "counted" },
    { name: "lost", count: lost, kind: "lost" },
    { name: "waiting for the answer", count: heads.waiting, kind: "waiting" },
  ], reasonsOf(heads.lost));
  const others = Object.entries(connections).filter(([name]) => !["seen", "http", "undecided"].includes(name));
  showAccount("connections", connections.seen, [
    { name: "HTTP", count: connections.http, kind: "counted" },
    { name: "other", count: others.reduce((sum, [, number]) => sum + number, 0), kind: "other" },
    { name: "not decided yet", count: connections.undecided, kind: "waiting" },
  ], [...reasonsOf(Object.fromEntries(others)), ...reasonsOf(data.losses).map((loss) => ({ ...loss, name: `× ${loss.name}` }))]);
  setText(byId("kernel-note"), `${formatCount(rows.used)} of ${formatCount(rows.max)} rows, ${formatBytes(data.mapBytes)} of maps`);
  setText(byId("figure-kernel"), balances ? (heads.seen > heads.waiting ? formatShare(heads.counted / (heads.seen - heads.waiting)) : "0 seen") : "differs");
  setClass(byId("figure-kernel"), "bad", !balances);
  setText(byId("figure-kernel-note"), heads.seen ? `${formatRate(lost)} of ${formatRate(heads.seen)} seen are lost` : "no request seen yet");
}
