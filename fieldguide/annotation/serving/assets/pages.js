// One page of images: what is shown, what is answered. Nothing here asks the server.

import {dialog, el} from "./dom.js";
import {gridKey, pickKey, sign, written} from "./keys.js";

const RETRIES = [1000, 3000, 8000]; // milliseconds before an image that did not load is asked for again

export class Page {
  /** data: as the server gives it; answers: of the guidelines; told(words, bad); changed(): an answer was given. */
  constructor(data, answers, {told, changed}) {
    this.data = data;
    this.answers = answers;
    this.told = told;
    this.changed = changed;
    this.chosen = {};
    this.feedback = null;
    this.touched = false; // whether the person has answered anything on it
    this.cursor = 1;
    this.positions = data.images.flatMap((address, index) => (address ? [index + 1] : []));
    this.cursor = this.positions[0];
    for (const [index, guess] of data.guesses.entries()) {
      if (guess !== null && data.images[index]) this.chosen[index + 1] = guess;
    }
    // What a press marks on a page of thumbnails, in this order: the best grade first, then what is unclear.
    const graded = answers.filter((one) => one.grade !== null && one.grade > 0).sort((a, b) => b.grade - a.grade);
    this.cycle = [...graded, ...answers.filter((one) => one.grade === null)].map((one) => one.choice);
    this.tiles = new Map();
    this.node = this.draw();
  }

  get form() {
    return this.data.form;
  }

  // Drawing.

  draw() {
    const {data} = this;
    const field = (name, text, plain) => [el("dt", {}, name), el("dd", {className: plain ? "plain" : ""}, text)];
    const ask = el("div", {className: "ask"},
      el("div", {},
        el("h1", {}, data.question),
        el("dl", {}, ...field("Entity", data.entity), ...field("Feature", data.feature), ...field("Look at", data.part, true))),
      el("div", {className: "references"}, ...data.references.slice(0, 3).map((src) => el("img", {src, alt: `surely ${data.entity}`}))));
    const tiles = el("div", {className: `tiles n${this.positions.length}`, role: "group", "aria-label": "images"},
      ...this.positions.map((position) => this.tile(position)));
    if (this.form !== "single") return el("div", {className: `sheet ${this.form}`}, ask, tiles);
    const side = el("div", {className: "side"}, ask, ...this.said(), this.buttons(this.positions[0]));
    if (data.adjudicates) side.append(...this.reasons());
    return el("div", {className: "sheet single"}, el("div", {className: "body"}, tiles, side));
  }

  said() {
    const label = (choice) => this.answers.find((one) => one.choice === choice)?.label ?? choice;
    const votes = this.data.votes[0] ?? [];
    const parts = [];
    if (votes.length) {
      parts.push(el("div", {className: "votes"}, "Judged: ", ...votes.flatMap(([choice, count], n) => [n ? ", " : "", el("b", {}, label(choice)), ` × ${count}`])));
    }
    for (const note of this.data.notes) {
      parts.push(el("div", {className: "notes"}, note.flag ? "Flagged: " : "Asked: ", note.text, ...note.replies.map((text) => el("div", {}, `Answer: ${text}`))));
    }
    return parts;
  }

  reasons() {
    this.reason = el("textarea", {maxLength: 4000, oninput: () => this.changed(), id: "reason"});
    this.example = el("input", {type: "checkbox", onchange: () => this.changed(), id: "example"});
    return [
      el("label", {for: "reason"}, "Why? Whoever judged this image reads it, without names."), this.reason,
      el("label", {for: "example"}, this.example, " show it to everybody, as an example of this grade"),
    ];
  }

  tile(position) {
    const picture = el("button", {type: "button", className: "picture", "aria-label": `image ${position}`});
    const node = el("div", {className: "tile unloaded"}, picture);
    const tile = {node, picture, state: "loading", tries: 0, image: null};
    this.tiles.set(position, tile);
    this.load(position);
    if (this.form === "pick") {
      picture.addEventListener("click", (event) => (event.shiftKey ? this.enlarge(position) : this.next(position)));
      picture.addEventListener("focus", () => { this.cursor = position; });
      const code = pickKey(position);
      node.append(el("kbd", {}, code ? sign(code) : ""), el("span", {className: "mark"}));
      picture.tabIndex = position === this.cursor ? 0 : -1;
    } else {
      picture.addEventListener("click", () => this.enlarge(position));
      if (this.form === "grid") node.append(this.buttons(position));
    }
    return node;
  }

  buttons(position) {
    const alone = this.form === "single";
    const keyed = (index) => (this.form === "grid" ? el("kbd", {}, written(gridKey(index, position))) : null);
    return el("div", {className: "answers", role: "group", "aria-label": `answer to image ${position}`},
      ...this.answers.map((answer, index) => {
        const words = alone ? [el("kbd", {}, answer.key), " ", answer.label, el("small", {}, answer.definition)] : [answer.label, " ", keyed(index)].filter(Boolean);
        const button = el("button", {
          type: "button", className: `c${index}`, title: answer.definition, "aria-pressed": "false",
          onclick: () => this.answer(position, answer.choice),
        }, ...words);
        button.dataset.position = position;
        button.dataset.choice = answer.choice;
        return button;
      }));
  }

  load(position) {
    const tile = this.tiles.get(position);
    const address = this.data.images[position - 1];
    const image = el("img", {alt: "", draggable: false});
    image.addEventListener("load", () => this.loaded(position, "loaded"));
    image.addEventListener("error", () => {
      const pause = RETRIES[tile.tries];
      tile.tries += 1;
      if (pause === undefined) this.loaded(position, "failed");
      else setTimeout(() => this.load(position), pause);
    });
    image.src = tile.tries ? `${address}?again=${tile.tries}` : address;
    tile.image?.remove();
    tile.image = image;
    tile.picture.prepend(image);
  }

  loaded(position, state) {
    const tile = this.tiles.get(position);
    tile.state = state;
    tile.picture.querySelector(".note")?.remove();
    if (state === "failed") {
      const again = () => { tile.tries = 0; tile.state = "loading"; this.load(position); this.show(); };
      tile.picture.append(el("span", {className: "note"}, `image ${position} did not load: press it to try again`));
      tile.picture.addEventListener("click", (event) => { event.stopImmediatePropagation(); again(); }, {capture: true, once: true});
    }
    this.show();
  }

  /** Bring what is drawn in line with what is answered. */
  show() {
    for (const [position, tile] of this.tiles) {
      const choice = this.chosen[position];
      const index = this.answers.findIndex((one) => one.choice === choice);
      tile.node.className = `tile${index < 0 ? "" : ` c${index}`}${tile.state === "loaded" ? "" : " unloaded"}`;
      const mark = tile.node.querySelector(".mark");
      if (mark) mark.textContent = index < 0 ? "" : this.answers[index].label;
      tile.picture.setAttribute("aria-label", `image ${position}${index < 0 ? "" : `: ${this.answers[index].label}`}`);
      if (this.form === "pick") tile.picture.tabIndex = position === this.cursor ? 0 : -1;
    }
    for (const button of document.querySelectorAll("button[data-position]")) {
      const tile = this.tiles.get(Number(button.dataset.position));
      button.setAttribute("aria-pressed", String(this.chosen[button.dataset.position] === button.dataset.choice));
      button.disabled = Boolean(this.feedback) || tile?.state !== "loaded";
    }
  }

  // Answering.

  answer(position, choice) {
    const tile = this.tiles.get(position);
    if (!tile || this.feedback) return;
    if (tile.state !== "loaded") {
      this.told(`Image ${position} is not loaded: it cannot be judged yet.`, true);
      return;
    }
    if (choice === undefined || this.chosen[position] === choice) delete this.chosen[position];
    else this.chosen[position] = choice;
    this.touched = true;
    this.show();
    this.changed();
  }

  /** On a page of thumbnails: the next mark of an image, and after the last none. */
  next(position) {
    const at = this.cycle.indexOf(this.chosen[position]);
    this.move(position);
    this.answer(position, this.cycle[at + 1]);
  }

  move(position) {
    if (!this.tiles.has(position)) return;
    this.cursor = position;
    this.show();
    this.tiles.get(position).picture.focus();
  }

  /** What is missing, in words; null where the page is whole. Marks the images. */
  missing() {
    const unloaded = this.positions.filter((position) => this.tiles.get(position).state !== "loaded");
    const open = this.form === "pick" ? [] : this.positions.filter((position) => !(position in this.chosen));
    const marked = new Set([...unloaded, ...open]);
    for (const [position, tile] of this.tiles) tile.node.classList.toggle("missing", marked.has(position));
    if (unloaded.length) return `Not loaded, and so not judged: image ${unloaded.join(", ")}. Press it to try again, or put the page off (Later).`;
    if (open.length) return `Without an answer: image ${open.join(", ")}.`;
    return null;
  }

  /** Every image's answer; of a page of thumbnails, the rest is not relevant. */
  given() {
    const answers = {};
    for (const position of this.positions) answers[position] = this.chosen[position] ?? this.data.none;
    return answers;
  }

  get rest() {
    return this.positions.filter((position) => !(position in this.chosen)).length;
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    if (this.form === "single") return this.singleKey(event);
    return this.form === "pick" ? this.pickKey(event) : this.gridKey(event);
  }

  singleKey(event) {
    const key = event.key.toLowerCase();
    if (key === "z") return this.enlarge(this.positions[0]), true;
    const answer = this.answers.find((one) => one.key === key);
    if (answer) this.answer(this.positions[0], answer.choice);
    return Boolean(answer);
  }

  gridKey(event) {
    for (const position of this.positions) {
      if (event.shiftKey && event.code === gridKey(1, position).code) return this.enlarge(position), true;
      for (const [index, answer] of this.answers.entries()) {
        const {code, shift} = gridKey(index, position);
        if (event.code === code && event.shiftKey === shift) return this.answer(position, answer.choice), true;
      }
    }
    return false;
  }

  pickKey(event) {
    const step = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -8, ArrowDown: 8}[event.key];
    if (step) return this.move(this.cursor + step), true;
    if (event.key === "Enter") return this.enlarge(this.cursor), true;
    if (event.key === " ") return this.next(this.cursor), true;
    const position = this.positions.find((one) => pickKey(one) === event.code);
    if (position === undefined) return false;
    if (event.shiftKey) this.enlarge(position);
    else this.next(position);
    return true;
  }

  // An image alone. Its own keys act on it; those of the others do not, for they are not seen.

  enlarge(position) {
    const tile = this.tiles.get(position);
    if (tile.state !== "loaded") return;
    const frame = el("div", {className: "frame", title: "press to see it in its own size", onclick: () => frame.classList.toggle("whole")},
      el("img", {src: tile.image.src, alt: `image ${position}`}));
    const focused = document.activeElement;
    dialog(`Image ${position}`, [frame, this.buttons(position)], {large: true, closing: () => { this.large = null; this.show(); focused?.focus(); }});
    this.large = position;
    this.show();
  }

  /** Whether a key makes the large image small again. */
  shrinks(event) {
    if (this.form === "single") return event.key.toLowerCase() === "z";
    if (this.form === "pick") return event.key === "Enter" || (event.shiftKey && event.code === pickKey(this.large));
    return event.shiftKey && event.code === gridKey(1, this.large).code;
  }

  /** An answer's key while an image is large. */
  largeKey(event) {
    const position = this.large;
    if (this.form === "pick") {
      if (event.code !== pickKey(position)) return false;
      this.next(position);
      return true;
    }
    for (const [index, answer] of this.answers.entries()) {
      const {code, shift} = this.form === "grid" ? gridKey(index, position) : {};
      const hit = this.form === "grid" ? event.code === code && event.shiftKey === shift : event.key.toLowerCase() === answer.key;
      if (hit) return this.answer(position, answer.choice), true;
    }
    return false;
  }

  /** After a page of training: what was right, and why. */
  tell(images) {
    this.feedback = images;
    for (const [index, told] of images.entries()) {
      const expected = this.answers.find((one) => one.choice === told.expected)?.label ?? told.expected;
      this.tiles.get(index + 1).node.append(el("div", {className: `told${told.right ? "" : " wrong"}`},
        `${told.right ? "✓" : "✗"} ${expected}: ${told.why}`));
    }
    this.show();
  }
}
