// The keyboard: columns are images, rows are answers. Keys count by their place, so that AZERTY and QWERTZ do too.

export const ROWS = [
  ["Digit1", "Digit2", "Digit3", "Digit4", "Digit5", "Digit6", "Digit7", "Digit8"],
  ["KeyQ", "KeyW", "KeyE", "KeyR", "KeyT", "KeyY", "KeyU", "KeyI"],
  ["KeyA", "KeyS", "KeyD", "KeyF", "KeyG", "KeyH", "KeyJ", "KeyK"],
  ["KeyZ", "KeyX", "KeyC", "KeyV", "KeyB", "KeyN", "KeyM", "Comma"],
];
const SIGNS = Object.fromEntries(ROWS.flat().map((code) => [code, code === "Comma" ? "," : code.at(-1).toLowerCase()]));

let layout = new Map();

/** Ask the browser what is printed on the keys, where it tells. */
export async function learn() {
  try {
    layout = await navigator.keyboard.getLayoutMap();
  } catch { /* the signs of QWERTY stay */ }
}

export const sign = (code) => (code.startsWith("Digit") ? SIGNS[code] : layout.get(code) ?? SIGNS[code]);

/** The key of an answer (from 0) of an image (from 1) in the grid: {code, shift}. */
export function gridKey(answer, position) {
  return answer < ROWS.length ? {code: ROWS[answer][position - 1], shift: false} : {code: ROWS[0][position - 1], shift: true};
}

/** The key of an image of a page of thumbnails. */
export const pickKey = (position) => ROWS[Math.floor((position - 1) / 8)]?.[(position - 1) % 8];

export const written = ({code, shift}) => `${shift ? "⇧" : ""}${sign(code)}`;
