import { mgPerGram, mgPerKilogram } from '#base/units.ts';

const boxes = 10;
/** At rest for so long the bar is full, ms: about what the device itself waits for. */
const fullMs = 1_500;

/** The line of a plate whose load is coming to rest: mass, a bar that fills, and the state in a word. */
export function loadBar(): (
  live: { readonly grossMg: number | undefined; readonly stable: boolean } | undefined,
  nowMs: number,
) => string {
  let sinceMs: number | undefined;
  return (live, nowMs) => {
    if (live === undefined) return '     no live values; the step can be taken all the same';
    sinceMs = live.stable ? (sinceMs ?? nowMs) : undefined;
    const filled =
      sinceMs === undefined ? 0 : Math.min(boxes, Math.floor((boxes * (nowMs - sinceMs)) / fullMs));
    const mass = live.grossMg === undefined ? 'not weighed' : massText(live.grossMg);
    const word = live.stable ? (filled === boxes ? 'at rest' : 'settling') : 'moving';
    return `     ${mass.padStart(12)}  [${'#'.repeat(filled)}${'.'.repeat(boxes - filled)}]  ${word}`;
  };
}

/** With the same digits from one drawing to the next, so that what changes is the mass and not the width. */
function massText(massMg: number): string {
  return Math.abs(massMg) < mgPerKilogram
    ? `${(massMg / mgPerGram).toFixed(1)} g`
    : `${(massMg / mgPerKilogram).toFixed(4)} kg`;
}
