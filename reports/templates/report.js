"use strict";
// Sorting and filtering. Without this script the page shows the same, in the order of the audit.
(() => {
  const SORTED_FROM = 3;
  const FILTERED_FROM = 10;

  const shown = (cell) =>
    [...cell.childNodes]
      .filter((node) => !node.classList?.contains("note"))
      .map((node) => node.textContent)
      .join("")
      .replace(/\s+/g, " ")
      .trim();

  // What stands where there is no number.
  const isMissing = (text) => /^(not |no |none|unknown|[–—-]?$)/i.test(text);

  // "1 h 3 min", "80.2 %", "1,200", "+1.2 points", "−0.4" with a true minus, and "< 0.001", which is a little
  // less than 0.001; NaN for words.
  const number = (words) => {
    const text = words.replaceAll("−", "-");
    const time = text.match(/^(?:(\d+) h ?)?(?:(\d+) min ?)?(?:([\d.]+) s)?$/);
    if (text && time) return (+time[1] || 0) * 3600 + (+time[2] || 0) * 60 + (+time[3] || 0);
    const found = text.match(/^([<≤≈≥>]?) ?([+-]?[\d,]*\.?\d+)/);
    if (!found) return NaN;
    const nearly = { "<": -1e-9, ">": 1e-9 }[found[1]] ?? 0;
    return parseFloat(found[2].replaceAll(",", "")) + nearly;
  };

  const sort = (table, column, direction) => {
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => {
      const text = shown(row.cells[column]);
      return { row, text, value: number(text), place: +row.dataset.place };
    });
    const told = rows.filter(({ text }) => !isMissing(text));
    const numeric = told.filter(({ value }) => !Number.isNaN(value)).length * 2 > told.length;
    const last = ({ text, value }) => (numeric ? Number.isNaN(value) : isMissing(text));
    rows.sort((a, b) => {
      if (!direction) return a.place - b.place;
      const missing = last(a) - last(b);
      if (missing || last(a)) return missing || a.place - b.place;
      const way = numeric ? a.value - b.value : a.text.localeCompare(b.text, "en", { numeric: true });
      return direction * way || a.place - b.place;
    });
    body.append(...rows.map(({ row }) => row));
  };

  const sortable = (table) => {
    const body = table.tBodies[0];
    if (table.classList.contains("fixed") || body.rows.length < SORTED_FROM) return;
    [...body.rows].forEach((row, place) => (row.dataset.place = place));
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const next = { ascending: "descending", descending: "none" }[head.ariaSort] ?? "ascending";
        heads.forEach((each) => each.removeAttribute("aria-sort"));
        if (next !== "none") head.ariaSort = next;
        sort(table, column, { ascending: 1, descending: -1, none: 0 }[next]);
      });
    });
  };

  const filterable = (items, before, what) => {
    if (items.length < FILTERED_FROM) return;
    const line = document.createElement("p");
    const label = document.createElement("label");
    const input = document.createElement("input");
    const count = document.createElement("span");
    line.className = "filter";
    label.textContent = `Filter ${what} `;
    input.type = "search";
    count.setAttribute("role", "status");
    label.append(input);
    line.append(label, count);
    before.before(line);
    const texts = items.map((item) => item.textContent.toLowerCase());
    input.addEventListener("input", () => {
      const wanted = input.value.trim().toLowerCase();
      let left = 0;
      items.forEach((item, i) => {
        item.hidden = !texts[i].includes(wanted);
        left += !item.hidden;
      });
      count.textContent = wanted && `${left} of ${items.length} shown`;
    });
  };

  for (const table of document.querySelectorAll(".scroll > table")) {
    filterable([...table.tBodies[0].rows], table.parentElement, "rows");
    sortable(table);
  }
  for (const list of document.querySelectorAll(".examples")) filterable([...list.children], list, "examples");
  for (const list of document.querySelectorAll(".remarks")) filterable([...list.children], list, "findings");

  // Browsers that cannot print what is folded away by style alone.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((each) => (each.open = true));
  });
  addEventListener("afterprint", () => closed.forEach((each) => (each.open = false)));
})();
