"use strict";
// A click on a heading sorts the table; nothing is lost without it.
(function () {
  const table = document.querySelector("table.rows");
  if (!table) return;
  const body = table.tBodies[0];
  const heads = Array.from(table.tHead.rows[0].cells);
  const value = function (row, column, isNumber) {
    const text = row.cells[column].textContent.trim();
    if (!isNumber) return text;
    const number = Number.parseFloat(text.replaceAll(",", ""));
    return Number.isNaN(number) ? -Infinity : number;
  };
  table.classList.add("sorts");
  heads.forEach(function (head, column) {
    const isNumber = head.classList.contains("number");
    const button = document.createElement("button");
    button.type = "button";
    // It lies over the heading's text, which stays the table's own: Chromium does not print what is in a button on every page.
    button.setAttribute("aria-label", "Sort by " + head.textContent.replaceAll("\u00ad", ""));
    head.append(button);
    button.addEventListener("click", function () {
      const falls = head.getAttribute("aria-sort") === "ascending";
      heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", falls ? "descending" : "ascending");
      const keyed = Array.from(body.rows, function (row) { return [value(row, column, isNumber), row]; });
      const collator = new Intl.Collator("en", { numeric: true });
      keyed.sort(function (a, b) {
        return isNumber ? a[0] - b[0] || 0 : collator.compare(a[0], b[0]);
      });
      if (falls) keyed.reverse();
      body.append(...keyed.map(function (pair) { return pair[1]; }));
    });
  });
})();
