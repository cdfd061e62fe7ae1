// SPDX-License-Identifier: Apache-2.0
// A sortable table whose rows are kept and changed in place, so that focus, selection and scroll
// stay. Whatever it is given goes in as text.

const byId = (id) => document.getElementById(id);

function make(tag, classes, text) {
  const node = document.createElement(tag);
  if (classes) node.className = classes;
  if (text !== undefined) node.textContent = text;
  return node;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function setClass(node, name, on) {
  if (node.classList.contains(name) !== on) node.classList.toggle(name, on);
}

const collator = new Intl.Collator("en", { numeric: true });

// NaN and missing ones last, whichever way it is sorted.
function compare(a, b, direction) {
  const missing = isMissing(a) - isMissing(b);
  if (missing) return missing;
  const order = typeof a === "string" ? collator.compare(a, b) : a - b;
  return direction * order;
}

class Table {
  // columns: {title, value(row), text(row) or fill(cell, row), number, header, first: -1 or 1}
  constructor(id, columns, sort, onChange) {
    this.node = byId(id);
    this.body = this.node.tBodies[0];
    this.columns = columns;
    this.rows = new Map(); // key -> {node, cells}
    this.sort = { column: sort, direction: columns[sort].first || 1 };
    this.isStale = true; // the order has to be made anew, whatever the pointer does
    this.onChange = onChange;
    this.makeHead();
  }

  makeHead() {
    const line = this.node.tHead.rows[0];
    this.columns.forEach((column, i) => {
      const cell = make("th", column.number ? "number" : "");
      cell.scope = "col";
      if (column.value) {
        const button = make("button", "", column.title);
        button.type = "button";
        button.addEventListener("click", () => this.sortBy(i));
        cell.append(button);
      } else {
        cell.append(column.title);
      }
      line.append(cell);
    });
    this.showSort();
  }

  sortBy(column) {
    const same = this.sort.column === column;
    this.sort = { column, direction: same ? -this.sort.direction : this.columns[column].first || 1 };
    this.isStale = true;
    this.showSort();
    this.onChange();
  }

  showSort() {
    [...this.node.tHead.rows[0].cells].forEach((cell, i) => {
      if (i !== this.sort.column) cell.removeAttribute("aria-sort");
      else cell.setAttribute("aria-sort", this.sort.direction > 0 ? "ascending" : "descending");
    });
  }

  sorted(rows, keyOf) {
    const { value } = this.columns[this.sort.column];
    return rows
      .map((row) => ({ row, key: keyOf(row), value: value(row) }))
      .sort((a, b) => compare(a.value, b.value, this.sort.direction) || collator.compare(a.key, b.key));
  }

  makeRow(key) {
    const node = make("tr");
    const cells = this.columns.map((column) => {
      const cell = make(column.header ? "th" : "td", [column.number ? "number" : "", column.classes || ""].join(" ").trim());
      if (column.header) cell.scope = "row";
      node.append(cell);
      return cell;
    });
    const made = { node, cells };
    this.rows.set(key, made);
    return made;
  }

  // Nothing moves under a pointer, a focus or a selection.
  isHeld() {
    const selection = document.getSelection();
    const selects = selection && !selection.isCollapsed && this.body.contains(selection.anchorNode);
    return selects || this.body.matches(":hover") || this.body.contains(document.activeElement);
  }

  show(rows, keyOf) {
    const wanted = this.sorted(rows, keyOf);
    const keys = new Set(wanted.map((entry) => entry.key));
    for (const [key, { node }] of this.rows) {
      if (keys.has(key)) continue;
      node.remove();
      this.rows.delete(key);
    }
    const isHeld = !this.isStale && this.isHeld();
    wanted.forEach(({ row, key }, at) => {
      const { node, cells } = this.rows.get(key) || this.makeRow(key);
      this.columns.forEach((column, i) => {
        if (column.fill) column.fill(cells[i], row);
        else setText(cells[i], column.text(row));
      });
      if (!node.isConnected) this.body.append(node);
      if (!isHeld && this.body.rows[at] !== node) this.body.insertBefore(node, this.body.rows[at]);
    });
    this.isStale = false;
  }
}

// One line of advice and, where there is one, what to write into the configuration.
function showEmpty(id, title, advice, example) {
  const node = byId(id);
  node.hidden = !title;
  if (!title || node.dataset.title === title) return;
  node.dataset.title = title;
  node.replaceChildren(make("strong", "", title), make("span", "", advice || ""));
  if (example) node.append(make("pre", "", example));
}
