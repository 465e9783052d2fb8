// Active time: what passes between two signs of life counts, of a longer pause only so much of it.

export const IDLE = 60_000; // milliseconds; docs/annotating.md names it
const SIGNS = ["keydown", "pointerdown", "pointermove", "wheel", "scroll", "focus"];

let last = Date.now();
let active = 0;

function tick() {
  const now = Date.now();
  active += Math.min(Math.max(now - last, 0), IDLE);
  last = now;
}

for (const sign of SIGNS) addEventListener(sign, tick, {capture: true, passive: true});

/** Seconds since the last call, without what of each pause is longer than IDLE. */
export function take() {
  tick();
  const seconds = active / 1000;
  active = 0;
  return seconds;
}
