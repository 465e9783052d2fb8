// Active time: what passes between two signs of life counts; of a pause, what somebody looked before it, as a guess.

export const IDLE = 60_000; // milliseconds without a sign of life that make a pause; docs/annotating.md names both
export const BEFORE_A_PAUSE = 10_000;
const SIGNS = ["keydown", "pointerdown", "pointermove", "wheel", "scroll", "focus"];

let last = Date.now();
let active = 0;

function tick() {
  const now = Date.now();
  const passed = Math.max(now - last, 0);
  active += passed <= IDLE ? passed : BEFORE_A_PAUSE;
  last = now;
}

for (const sign of SIGNS) addEventListener(sign, tick, {capture: true, passive: true});

/** Seconds of activity since the last call. */
export function take() {
  tick();
  const seconds = active / 1000;
  active = 0;
  return seconds;
}
