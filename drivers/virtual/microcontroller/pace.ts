import type { Simulator } from './simulator.ts';

/** Simulated at most in one go, µs, so that messages are heard in between. */
const mostAtOnceUs = 20_000;
/**
 * Further behind than this is given up, µs. It runs several times faster than real time, so that a thread which was held
 * up for a second has caught up soon, and nothing is lost; who is later than this won't.
 */
const mostBehindUs = 3_000_000;

export interface Paced {
  readonly bytes: Uint8Array;
  /** Not yet there: go on at once. */
  readonly behind: boolean;
  /** Time that was given up, µs. */
  readonly slippedUs: number;
}

/** Moves a simulator on toward the clock: bounded work in one go, and never behind for ever. */
export function pace(simulator: Simulator, clockUs: number): Paced {
  const behindUs = simulator.behindUs(clockUs);
  const slippedUs = behindUs > mostBehindUs ? behindUs - mostAtOnceUs : 0;
  if (slippedUs > 0) simulator.slip(slippedUs);
  const untilUs = clockUs - Math.max(0, behindUs - slippedUs - mostAtOnceUs);
  return { bytes: simulator.run(untilUs), behind: untilUs < clockUs, slippedUs };
}
