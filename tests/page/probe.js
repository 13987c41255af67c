"use strict";
// Measures a page for tests/browser.sh and says in its title what is wrong, or "fine".
(function () {
  const wrong = [];
  const wide = document.documentElement.scrollWidth;
  if (wide > window.innerWidth) wrong.push("wider than the screen: " + wide + " > " + window.innerWidth);

  // Words of a usual length stand on one line, and titles are seen to their end.
  const broken = new Set();
  const range = document.createRange();
  document.querySelectorAll("td, th, caption, h1, h2, h3, li, dd").forEach(function (cell) {
    const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const node = texts.currentNode;
      if (node.parentElement.closest("code, svg, .seen")) continue;
      // A word within a longer one, as of an address, may be broken.
      for (const word of node.data.matchAll(/(?<=^|\s)[A-Za-z]{2,20}(?=[\s,.;:)]|$)/g)) {
        range.setStart(node, word.index);
        range.setEnd(node, word.index + word[0].length);
        const tops = new Set(Array.from(range.getClientRects(), function (box) { return Math.round(box.top); }));
        if (tops.size > 1) broken.add(word[0]);
      }
    }
  });
  if (broken.size) wrong.push("words are broken: " + Array.from(broken).slice(0, 9).join(", "));
  const clipped = Array.from(document.querySelectorAll("caption span, h1, h2, h3")).filter(function (title) {
    const scrolls = title.closest(".scroll");
    const edge = scrolls ? scrolls.getBoundingClientRect().right : window.innerWidth;
    return title.getBoundingClientRect().right > edge + 1 || title.scrollWidth > title.clientWidth + 1 && getComputedStyle(title).overflow === "hidden";
  });
  // No cell of short text is squeezed into a column of single words.
  document.querySelectorAll(".scroll:not(.tall) tr").forEach(function (row) {
    const isShort = Array.from(row.cells).every(function (cell) { return cell.textContent.length < 100; });
    if (isShort && row.offsetHeight > 120) wrong.push("a row is squeezed: " + row.textContent.slice(0, 40));
  });
  if (clipped.length) wrong.push("titles are clipped: " + clipped.map(function (title) { return title.textContent; }).join(", "));

  // Contrast by WCAG 2.2, success criterion 1.4.3: 4.5 to 1.
  const channels = function (colour) { return colour.match(/[\d.]+/g).map(Number); };
  const light = function (colour) {
    const linear = channels(colour).slice(0, 3).map(function (value) {
      value /= 255;
      return value <= 0.04045 ? value / 12.92 : Math.pow((value + 0.055) / 1.055, 2.4);
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const ground = function (element) {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      const parts = channels(colour);
      if (parts.length < 4 || parts[3] === 1) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const pale = new Set();
  document.querySelectorAll("body *").forEach(function (element) {
    const hasText = Array.from(element.childNodes).some(function (node) { return node.nodeType === 3 && node.data.trim(); });
    if (!hasText || element.closest("script, style, title, desc")) return;
    const style = getComputedStyle(element);
    const text = light(element.closest("svg") ? style.fill : style.color);
    const behind = light(ground(element));
    const ratio = (Math.max(text, behind) + 0.05) / (Math.min(text, behind) + 0.05);
    if (ratio < 4.5) pale.add(element.tagName + "." + element.getAttribute("class") + " " + ratio.toFixed(2));
  });
  if (pale.size) wrong.push("too little contrast: " + Array.from(pale).join(", "));

  // Sorting: by number, there and back.
  const table = document.querySelector("table.rows");
  if (table) {
    const heads = Array.from(table.tHead.rows[0].cells);
    const column = heads.findIndex(function (head) { return head.textContent.startsWith("Output stored"); });
    const rows = table.tBodies[0].rows.length;
    const values = function () {
      return Array.from(table.tBodies[0].rows, function (row) { return Number(row.cells[column].textContent.replaceAll(",", "")) || 0; });
    };
    ["ascending", "descending"].forEach(function (way) {
      heads[column].querySelector("button").click();
      if (heads[column].getAttribute("aria-sort") !== way) wrong.push("it does not sort " + way);
      const sorted = values();
      const sign = way === "ascending" ? 1 : -1;
      if (sorted.some(function (value, place) { return place && sign * (value - sorted[place - 1]) < 0; })) wrong.push("it is not sorted " + way);
    });
    if (table.tBodies[0].rows.length !== rows) wrong.push("rows were lost");
  }
  document.title = wrong.length ? wrong.join("; ") : "fine";
})();
