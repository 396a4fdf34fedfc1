import type { Clock } from '#base/clock.ts';

/** The last part of a silence, µs: what waits to be read is read in it. */
const secondLookUs = 20_000;

/**
 * Calls `action` after `silenceUs`; the returned function cancels it. A process that was held up finds its timers due
 * before it has read what came meanwhile, and would cut a code in two: so the last part of the time is a timer of its
 * own, during which that is read.
 */
export function afterSilence(clock: Clock, silenceUs: number, action: () => void): () => void {
  const lastUs = Math.min(secondLookUs, silenceUs / 2);
  let cancel = clock.after(silenceUs - lastUs, () => {
    cancel = clock.after(lastUs, action);
  });
  return () => cancel();
}
