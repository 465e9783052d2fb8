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
  document.getElementById("filter").hidden = false;
  box.value = new URLSearchParams(location.search).get("q") || ""; // index.html?q=WORD is a link to share
  box.addEventListener("input", filter);
  window.addEventListener("hashchange", open);
  filter();
  open();
})();
