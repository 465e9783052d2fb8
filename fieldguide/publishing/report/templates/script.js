"use strict";
(() => {
  const asked = new URLSearchParams(location.search); // ?q=WORD&sort=HEADING and the like are links to share

  // Sorting: a button in each heading; numbers from the greatest, words from a; again: the other way.
  const text = (row, column) => row.cells[column].innerText.split("\n")[0].replace("\u2212", "-").trim();
  const numeric = /^[-+<]?\s?[\d.,]+ ?%?$|^[-+<]?\s?[\d.]+\D|^\u2013$|^$/;
  const number = (row, column) => {
    const read = parseFloat(text(row, column).replace(/[<,]/g, ""));
    return Number.isNaN(read) ? -Infinity : read;
  };
  const sort = (table, column, heading) => {
    const rows = [...table.tBodies[0].rows];
    const numbers = rows.every((row) => numeric.test(text(row, column)));
    const order = numbers
      ? (a, b) => number(b, column) - number(a, column)
      : (a, b) => text(a, column).localeCompare(text(b, column));
    const turned = heading.getAttribute("aria-sort") === "ascending";
    rows.sort((a, b) => (turned ? -order(a, b) : order(a, b)));
    for (const other of heading.parentNode.children) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", turned ? "descending" : "ascending");
    table.tBodies[0].append(...rows);
  };
  for (const table of document.querySelectorAll("table")) {
    if (!table.tHead || table.tBodies[0].rows.length < 2) continue;
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      if (heading.classList.contains("plot")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => sort(table, column, heading));
      if (button.textContent === asked.get("sort")) button.click();
    });
  }

  // The list of topics: words, a system, another one to compare it with, an outcome.
  const form = document.getElementById("filter");
  if (form) {
    const { systems, means, found } = JSON.parse(document.getElementById("means").textContent);
    const fields = ["q", "system", "against", "outcome", "kind", "feature", "entity"].map((id) => document.getElementById(id));
    const [words, system, against, outcome, kind, feature, entity] = fields;
    const rows = [...document.getElementById("list").tBodies[0].rows];
    const first = rows.map((row) => row.lastElementChild.textContent);
    const heading = document.querySelector("#chosen button") || document.getElementById("chosen");
    const filter = () => {
      const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
      const [one, other] = [systems.indexOf(system.value), systems.indexOf(against.value)];
      heading.textContent = one < 0 ? "best system" : other < 0 ? system.value : `${system.value} \u2212 ${against.value}`;
      let shown = 0;
      rows.forEach((row, topic) => {
        const own = one < 0 ? null : means[topic][one];
        const beside = other < 0 ? null : means[topic][other];
        const value = own === null || other < 0 ? own : beside === null ? null : own - beside;
        const sign = value !== null && other >= 0 && value > 0 ? "+" : "";
        row.lastElementChild.textContent =
          one < 0 ? first[topic] : value === null ? "\u2013" : (sign + value.toFixed(3)).replace("-", "\u2212");
        const best = own !== null ? own : one < 0 ? Math.max(...means[topic].filter((mean) => mean !== null)) : null;
        const fits = {
          "": true,
          found: best !== null && best >= found,
          missed: best !== null && best < found,
          wins: own !== null && beside !== null && own > beside,
          losses: own !== null && beside !== null && own < beside,
        };
        const of = { feature: row.cells[2].textContent, kind: row.cells[3].textContent, entities: JSON.parse(row.dataset.entities) };
        const chosen =
          (!kind.value || of.kind === kind.value) &&
          (!feature.value || of.feature === feature.value) &&
          (!entity.value || of.entities.includes(entity.value));
        row.hidden = !(chosen && wanted.every((word) => row.dataset.words.includes(word)) && fits[outcome.value]);
        shown += row.hidden ? 0 : 1;
      });
      document.getElementById("count").value = `${shown} of ${rows.length}`;
    };
    for (const field of fields) {
      const given = asked.get(field.id);
      if (given !== null) field.value = given;
      field.addEventListener("input", filter);
    }
    form.addEventListener("submit", (event) => event.preventDefault());
    form.hidden = false;
    filter();
  }

  // The leaderboards: a track, a family of systems.
  const choose = document.getElementById("choose");
  if (choose) {
    for (const field of choose.querySelectorAll("select")) {
      const name = field.dataset.choose;
      const apply = () => {
        for (const one of document.querySelectorAll(`[data-${name}]`)) one.hidden = field.value && one.dataset[name] !== field.value;
      };
      field.value = asked.get(name) || "";
      field.addEventListener("input", apply);
      apply();
    }
    choose.hidden = false;
  }

  // A picture opens in a window of its own; without scripts its link does.
  const dialog = document.createElement("dialog");
  dialog.className = "large";
  dialog.setAttribute("aria-label", "Picture");
  const large = document.createElement("img");
  const said = document.createElement("p");
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "Close";
  close.addEventListener("click", () => dialog.close());
  dialog.append(large, said, close);
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a.t");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const picture = link.querySelector("img");
    [large.src, large.alt] = [link.href, picture.alt];
    said.textContent = link.title ? `${picture.alt} (${link.title})` : picture.alt;
    dialog.showModal();
  });
})();
