import { setImmediate } from 'node:timers/promises';
import type { VirtualClock } from '#base/clock.ts';

/** Lets everything that is ready to run do so: promises, not time. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await setImmediate();
}

/** Moves virtual time in small steps and lets what falls due finish between them. */
export async function pass(clock: VirtualClock, seconds: number, stepUs = 50_000): Promise<void> {
  for (const untilUs = clock.nowUs() + seconds * 1e6; clock.nowUs() < untilUs; ) {
    clock.advanceTo(Math.min(untilUs, clock.nowUs() + stepUs));
    await settle();
  }
}

/** A promise that somebody else fulfils. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

export function deferred<T = void>(): Deferred<T> {
  return Promise.withResolvers<T>();
}
