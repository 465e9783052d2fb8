"use strict";
(() => {
  const box = document.getElementById("q");
  const count = document.getElementById("count");
  const topics = [...document.querySelectorAll("details.topic")];
  const filter = () => {
    const wanted = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const topic of topics) {
      topic.hidden = !wanted.every((word) => topic.dataset.words.includes(word));
      shown += topic.hidden ? 0 : 1;
    }
    count.value = `${shown} of ${topics.length}`;
  };
  const open = () => {
    const target = document.getElementById(location.hash.slice(1));
    const topic = target && target.closest("details.topic");
    if (topic) {
      topic.open = true;
      target.scrollIntoView();
    }
  };
  // Sorting: a button in each heading of a ranking; numbers from the greatest, words from a; again: the other way.
  const value = (row, column) => row.children[column].innerText.split("\n")[0].replace("\u2212", "-").trim();
  const sort = (table, column, heading) => {
    const rows = [...table.tBodies[0].rows];
    const numbers = rows.every((row) => /^[-+<]?\s?[\d.]+|^\u2013$|^$/.test(value(row, column)));
    const number = (row) => {
      const read = parseFloat(value(row, column).replace("<", ""));
      return Number.isNaN(read) ? -Infinity : read;
    };
    const order = numbers
      ? (a, b) => number(b) - number(a)
      : (a, b) => value(a, column).localeCompare(value(b, column));
    const turned = heading.getAttribute("aria-sort") === "ascending";
    rows.sort((a, b) => (turned ? -order(a, b) : order(a, b)));
    for (const other of heading.parentNode.children) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", turned ? "descending" : "ascending");
    table.tBodies[0].append(...rows);
  };
  const wanted = new URLSearchParams(location.search).get("sort"); // index.html?sort=HEADING is a link to share
  for (const table of document.querySelectorAll("table.ranking, table.measures")) {
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      if (heading.classList.contains("plot")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => sort(table, column, heading));
      if (heading.textContent === wanted) button.click();
    });
  }
  document.getElementById("filter").hidden = false;
  box.value = new URLSearchParams(location.search).get("q") || ""; // index.html?q=WORD is a link to share
  box.addEventListener("input", filter);
  window.addEventListener("hashchange", open);
  filter();
  open();
})();
