// Elements. Texts are always texts, never HTML.

export const $ = (id) => document.getElementById(id);

export function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name.includes("-") || name === "for") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

let after = null;

/** Show one dialog, in the place of any other; what is behind it takes neither keys nor clicks. */
export function dialog(title, content, {large = false, closing = null, words = "Close"} = {}) {
  const box = $("dialog");
  if (box.open) box.close();
  closed(); // its event comes later, and would empty the new one
  const close = el("button", {type: "button", className: "main", onclick: () => box.close()}, words, " ", el("kbd", {}, "esc"));
  box.replaceChildren(el("div", {className: "head"}, el("h1", {}, title), close), ...[content].flat());
  box.classList.toggle("large", large);
  after = closing;
  box.showModal();
  box.scrollTop = 0;
  return box;
}

export function closed() {
  if ($("dialog").open) return;
  const then = after;
  after = null;
  $("dialog").replaceChildren();
  then?.();
}
