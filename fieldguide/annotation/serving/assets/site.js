// The pages of an assessor: what comes next, what is given, what can be opened.

import {$, closed, dialog, el} from "./dom.js";
import {learn} from "./keys.js";
import {Page} from "./pages.js";
import {Outbox, call} from "./talk.js";
import {take} from "./time.js";

const POLL = 15_000; // milliseconds between looks for new pages, where there are none
const AGAIN = 3_000; // and between tries to send what was not taken
const A_GLANCE = 300; // milliseconds for which a new page of thumbnails takes no "the rest: not", unless something was marked
const MOST_WAITING = 30; // pages that may wait to be sent before no further one is taken

let me = null;
let page = null;
let queue = [];
let behind = []; // keys of pages that were answered here, the latest last
let later = new Set();
let outbox = null;
let asking = false;
let shownAt = 0;
let again = null; // the timer of the next try to send

const store = {
  key: (name) => `fieldguide-${name}-${me.name}`,
  get(name) {
    try { return JSON.parse(localStorage.getItem(this.key(name))); } catch { return null; }
  },
  set(name, value) {
    if (value === null) localStorage.removeItem(this.key(name));
    else localStorage.setItem(this.key(name), JSON.stringify(value));
  },
};

function told(words, bad = false) {
  const status = $("status");
  status.textContent = words;
  status.classList.toggle("bad", bad);
}

// Entering.

function enter(words = "") {
  const key = el("input", {type: "password", autocomplete: "off", required: true, id: "key"});
  const form = el("form", {className: "enter", onsubmit: (event) => { event.preventDefault(); unlock(key.value.trim()); }},
    el("label", {for: "key"}, words || "The key that you were given:"), key, el("button", {className: "main"}, "Open"));
  for (const id of ["bar", "foot"]) $(id).hidden = true;
  page = null;
  $("main").replaceChildren(form);
  key.focus();
}

async function unlock(key) {
  try {
    await call("/enter", {key});
    await begin();
  } catch (error) {
    enter(error.message);
  }
}

async function begin() {
  if (location.hash.length > 1) {
    const key = decodeURIComponent(location.hash.slice(1));
    history.replaceState(null, "", "/"); // a key in the address would stay in the history
    await call("/enter", {key});
  }
  me = await call("/api/me");
  if (me.role === "manager") { location.replace("/manager"); return; }
  outbox = new Outbox(me.name, sent);
  outbox.send();
  document.title = `${me.benchmark}: images to judge`;
  for (const id of ["bar", "foot"]) $(id).hidden = false;
  bar();
  await proceed();
  if (store.get("guideline") !== me.guideline) guidelines();
}

// The bar above.

function bar() {
  const waiting = outbox.waiting.length;
  $("who").textContent = me.name;
  const training = me.training && !me.training.passed ? `training, round ${me.training.round}: ${me.training.answered} of ${me.training.images} images` : null;
  $("left").textContent = training ?? `${me.pages_left} page${me.pages_left === 1 ? "" : "s"} left (${me.images_left} images)`;
  $("today").textContent = `${me.images_today} images today`;
  const days = me.days === 0 ? "today" : me.days === 1 ? "tomorrow" : me.days < 0 ? "past" : `in ${me.days} days`;
  $("deadline").textContent = me.deadline ? `until ${me.deadline} (${days})` : "";
  const unread = me.unread.filter((seq) => !(store.get("read") ?? []).includes(seq)).length;
  $("open-questions").textContent = unread ? `My questions (${unread} answered)` : "My questions";
  const rulings = me.rulings - (store.get("rulings") ?? 0);
  $("open-rulings").textContent = rulings > 0 ? `Rulings (${rulings} new)` : "Rulings";
  if (waiting) told(`${waiting} page${waiting === 1 ? " is" : "s are"} kept in this browser until the server has ${waiting === 1 ? "it" : "them"}.`, true);
}

// What comes next.

async function proceed() {
  if (asking) return;
  asking = true;
  try {
    if (!queue.length) await fill();
    if (queue.length) show(queue.shift());
    else nothing();
  } catch (error) {
    if (error.status === 401) { enter(error.message); return; }
    message(`${error.message}. This is tried again.`);
    setTimeout(() => { if (!page) proceed(); }, AGAIN);
  } finally {
    asking = false;
  }
  if (queue.length < 2) fill().catch(() => {});
}

async function fill() {
  const known = [page?.data.key, ...queue.map((one) => one.key), ...outbox.waiting.map((one) => one.key), ...later].filter(Boolean);
  const reply = await call(`/api/next?${known.map((key) => `skip=${encodeURIComponent(key)}`).join("&")}`);
  me = reply.me;
  if (page?.data.kind === "training") return;
  const there = new Set([page?.data.key, ...queue.map((one) => one.key), ...outbox.waiting.map((one) => one.key)]);
  const fresh = reply.pages.filter((one) => !there.has(one.key));
  if (!fresh.length && !queue.length && later.size) { later.clear(); await fill(); return; }
  queue.push(...fresh);
  for (const one of fresh) for (const src of [...one.images, ...one.references]) if (src) new Image().src = src;
  bar();
}

function show(data, answers = null) {
  page = new Page(data, me.answers, {told, changed: () => { keep(); buttons(); told(""); }});
  const draft = answers ?? store.get(`draft-${data.key}`)?.answers;
  for (const [position, choice] of Object.entries(draft ?? {})) if (page.tiles.has(Number(position))) page.chosen[position] = choice;
  const kept = store.get(`draft-${data.key}`);
  if (page.reason && kept?.reason) page.reason.value = kept.reason;
  page.answered = answers !== null;
  told("");
  $("main").replaceChildren(page.node);
  page.show();
  shownAt = performance.now();
  buttons();
  if (data.form === "pick") page.tiles.get(page.cursor)?.picture.focus();
  else document.activeElement?.blur();
}

function keep() {
  if (page.data.kind === "page") store.set(`draft-${page.data.key}`, {answers: page.chosen, reason: page.reason?.value ?? ""});
}

function buttons() {
  const words = page?.feedback ? "Next" : page?.form === "pick" ? `The rest (${page.rest}): not` : "Submit";
  $("submit").replaceChildren(words, " ", el("kbd", {}, "ctrl+enter"));
  $("submit").hidden = $("later").hidden = !page;
  $("later").disabled = page?.data.kind !== "page";
  $("back").disabled = page?.data.kind === "training";
}

function message(words) {
  page = null;
  $("main").replaceChildren(el("p", {className: "message"}, words));
  buttons();
}

function nothing() {
  const held = me.training?.held;
  if (me.paused) message("You are paused: there are no pages for you now. Whoever runs this can say why.");
  else if (held) message("The rounds of training are used up. Please talk to whoever runs this: the guidelines may be unclear.");
  else message("Nothing to judge now. Pages that become due appear here by themselves.");
  bar();
  setTimeout(async () => { if (!page && !$("dialog").open) await proceed(); else if (!page) nothing(); }, POLL);
}

// What is given.

async function submit() {
  if (!page) return;
  if (page.feedback) { page = null; await refresh(); await proceed(); return; }
  if (page.form === "pick" && !page.touched && performance.now() - shownAt < A_GLANCE) return;
  const missing = page.missing();
  if (missing) { told(missing, true); return; }
  if (outbox.waiting.length >= MOST_WAITING) { told("The server has not taken the last pages yet: wait until it answers.", true); outbox.send(); return; }
  if (page.data.kind === "training") { await train(); return; }
  const body = {person: me.name, answers: page.given(), seconds: take()};
  if (page.reason) Object.assign(body, {reason: page.reason.value, example: page.example.checked});
  const {key} = page.data;
  behind = [...behind.filter((one) => one !== key), key];
  told("");
  page = null;
  outbox.add(key, body);
  await proceed();
}

/** Guidelines that were made clearer are shown to whoever has the pages open. */
function heed() {
  if (me.guideline !== store.get("guideline") && !$("dialog").open) guidelines();
}

async function train() {
  if (asking) return;
  asking = true;
  told("…");
  try {
    const reply = await call(`/api/training/${page.data.key}`, {answers: page.given(), seconds: take()});
    page.tell(reply.images);
    const {passed, held, right, images, answered} = reply.training;
    me.training = reply.training;
    told(passed ? "Training passed: real pages follow." : held || !answered ? "This round was not passed." : `${right} of ${answered} right so far, of ${images}.`);
    bar();
    buttons();
  } catch (error) {
    told(error.message, true);
  } finally {
    asking = false;
  }
}

/** An answer was taken, or was not. */
function sent(one, error, reply) {
  if (!error) {
    me = reply.me;
    heed();
    store.set(`draft-${one.key}`, null);
    if (!outbox.waiting.length && $("status").classList.contains("bad") && $("status").textContent.includes("browser")) told("");
    bar();
    return;
  }
  if (error.status === 401) { enter(`${error.message} What you answered is kept in this browser.`); return; }
  if (error.status === 0 || error.status >= 500 || error.status === 429) {
    bar();
    again ??= setTimeout(() => { again = null; outbox.send(); }, AGAIN);
    return;
  }
  told(`A page was not taken: ${error.message}`, true);
}

async function refresh() {
  try {
    me = await call("/api/me");
    bar();
  } catch { /* the next request says it */ }
}

async function back() {
  if (page?.data.kind === "training") return;
  let key = behind.at(-1);
  if (key === page?.data.key) key = behind.at(-2);
  try {
    if (!key) {
      const earlier = await call("/api/answered");
      key = earlier[page ? earlier.indexOf(page.data.key) + 1 : 0];
    }
    if (!key) { told("There is no page before this one."); return; }
    if (outbox.waiting.some((one) => one.key === key)) { told("That page is still on its way to the server; try again in a moment.", true); return; }
    const data = await call(`/api/pages/${key}`);
    if (page && page.data.key !== key && !page.answered) queue.unshift(page.data);
    behind = behind.filter((one) => one !== key);
    take();
    show(data, data.answers);
    told("You have answered this page before; submitting it again changes your answers.");
  } catch (error) {
    told(error.message, true);
  }
}

function postpone() {
  if (!page || page.data.kind !== "page") return;
  later.add(page.data.key);
  page = null;
  proceed();
}

// What can be opened.

async function guidelines() {
  const {html} = await call("/api/guidelines");
  const known = store.get("guideline");
  const text = el("div", {className: "guidelines"});
  text.innerHTML = html; // made by the server from Markdown without HTML in it
  const fresh = known !== null && known !== me.guideline ? el("p", {}, el("b", {}, `They have changed since you last read them (${known} → ${me.guideline}).`)) : null;
  const title = `Guidelines ${me.guideline}`;
  dialog(title, [fresh, howto(), text].filter(Boolean), {closing: () => store.set("guideline", me.guideline), words: "I have read them"});
}

function howto() {
  const text = {
    pick: "Press a picture's key (or the picture) once for the best grade, again for the next one, then for what is unclear, and once more to take it back. ⇧ with the key, or Enter, enlarges. Ctrl+Enter says: the rest is not relevant.",
    grid: "Each picture is a column of keys, each answer a row. ⇧ with the key of the second row enlarges. Ctrl+Enter submits.",
    single: "The key beside an answer gives it, z enlarges, Ctrl+Enter submits.",
  }[page?.form ?? "grid"];
  return el("p", {}, el("b", {}, "Keys. "), text, " The same answer again takes it back. Page up: the page before. Page down: this page later. ?: ask. Esc closes what is open.");
}

function ask() {
  if (!page || page.data.kind !== "page") { told("A question is about a page: there is none now.", true); return; }
  const {key} = page.data;
  const about = el("select", {id: "about"}, el("option", {value: ""}, "the whole page"), ...page.positions.map((n) => el("option", {value: n}, `image ${n}`)));
  if (page.form !== "grid") about.value = String(page.cursor);
  const flag = el("input", {type: "checkbox", id: "flag"});
  const text = el("textarea", {maxLength: 4000, required: true, id: "text"});
  const problem = el("p", {role: "status"});
  const send = async () => {
    try {
      await call("/api/questions", {page: key, position: about.value ? Number(about.value) : null, flag: flag.checked, text: text.value});
      $("dialog").close();
      told("Asked. The answer comes to “My questions”.");
    } catch (error) {
      problem.textContent = error.message;
    }
  };
  text.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send(); });
  dialog("Ask, or flag", [
    el("p", {}, el("label", {for: "about"}, "About "), about),
    el("label", {for: "text"}, "Whoever runs this answers; your name is with the question, and the adjudicator sees it without."), text,
    el("p", {}, el("label", {for: "flag"}, flag, " this picture should not be here (private, offensive, illegal, damaged)")),
    problem, el("button", {type: "button", className: "main", onclick: send}, "Send ", el("kbd", {}, "ctrl+enter")),
  ], {words: "Cancel"});
  text.focus();
}

async function questions() {
  const asked = await call("/api/questions");
  store.set("read", me.unread);
  bar();
  const list = el("div", {className: "list"}, ...asked.flatMap((one) => [
    one.image ? el("img", {src: one.image, alt: ""}) : el("span", {}, "a whole page"),
    el("div", {}, el("b", {}, one.flag ? "Flagged: " : ""), one.text,
      ...one.replies.map((reply) => el("p", {className: "notes"}, reply.text)), one.replies.length ? null : el("p", {}, "not answered yet")),
  ]));
  dialog("My questions", asked.length ? list : el("p", {}, "You have asked nothing yet: press ? on a page."));
}

async function rulings() {
  const found = await call("/api/rulings");
  store.set("rulings", found.length);
  bar();
  const label = (choice) => me.answers.find((one) => one.choice === choice)?.label ?? choice;
  const list = el("div", {className: "list"}, ...found.flatMap((one) => [
    el("img", {src: one.image, alt: "", loading: "lazy"}),
    el("div", {}, el("b", {}, `${one.entity}: ${one.feature}`), el("div", {}, one.question),
      el("div", {}, `you: ${label(one.yours)}; ruling: `, el("b", {}, label(one.ruling))), one.reason ? el("p", {className: "notes"}, one.reason) : null),
  ]));
  dialog("Rulings on images that you judged", found.length ? list : el("p", {}, "There are none yet. Where people differ, the adjudicator decides."));
}

// Keys.

function typing(target) {
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || (target instanceof HTMLInputElement && target.type !== "checkbox");
}

function keydown(event) {
  if (event.isComposing || !me) return;
  if ($("dialog").open) { behindKey(event); return; }
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); if (!event.repeat) submit(); return; }
  if (typing(event.target)) return;
  if (event.repeat && !event.key.startsWith("Arrow")) return; // a key that is held down answers once
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
  const open = plain && {KeyO: guidelines, PageUp: back, PageDown: postpone}[event.code];
  if (open) { event.preventDefault(); open(); return; }
  if (plain && event.key === "?") { event.preventDefault(); ask(); return; }
  const pressed = (event.key === " " || event.key === "Enter") && event.target instanceof HTMLButtonElement && !event.target.classList.contains("picture");
  if (page && !pressed && page.key(event)) event.preventDefault();
}

/** While a dialog is open no key reaches the page behind it; an image that is large takes its own. */
function behindKey(event) {
  if (typing(event.target) || event.repeat) return;
  if (page?.large) {
    if (event.ctrlKey || event.metaKey || event.altKey || (event.key === "Enter" && event.target instanceof HTMLButtonElement)) return;
    if (page.shrinks(event)) $("dialog").close();
    else if (!page.largeKey(event)) return;
    event.preventDefault();
    return;
  }
  if (event.code === "KeyO" && !event.ctrlKey && $("dialog").querySelector(".guidelines")) { event.preventDefault(); $("dialog").close(); }
}

$("dialog").addEventListener("close", closed);
$("open-guidelines").addEventListener("click", () => guidelines());
$("open-ask").addEventListener("click", () => ask());
$("open-questions").addEventListener("click", () => questions());
$("open-rulings").addEventListener("click", () => rulings());
$("back").addEventListener("click", () => back());
$("later").addEventListener("click", () => postpone());
$("submit").addEventListener("click", () => submit());
addEventListener("keydown", keydown);
addEventListener("hashchange", () => location.reload()); // another link, in the same tab
addEventListener("beforeunload", (event) => { if (outbox?.waiting.length) event.preventDefault(); });
addEventListener("unhandledrejection", (event) => told(event.reason?.message ?? "something failed; reload the page", true));

learn().finally(() => begin().catch((error) => enter(error.status === 401 && !location.hash ? "" : error.message)));
