import { z } from 'zod';
import type { Clock } from '#base/clock.ts';

/** One step of a pattern: on for so long, then off for so long, ms. */
export type Step = readonly [onMs: number, offMs: number];

const longestStepMs = 10_000;
const mostSteps = 32;

export const stepSchema = z.tuple([z.int().min(10).max(longestStepMs), z.int().min(0).max(longestStepMs)]);
export const stepsSchema = z.array(stepSchema).min(1).max(mostSteps);

/** Patterns that have a name: those of a lamp repeat, those of a buzzer sound once. */
export const blinkPatterns = {
  slow: [[500, 500]],
  fast: [[125, 125]],
  flash: [[60, 940]],
  double: [
    [100, 150],
    [100, 650],
  ],
} as const satisfies Record<string, readonly Step[]>;
export const tonePatterns = {
  ok: [[80, 0]],
  attention: [
    [120, 80],
    [120, 0],
  ],
  error: [
    [250, 100],
    [250, 100],
    [250, 0],
  ],
  long: [[1_000, 0]],
} as const satisfies Record<string, readonly Step[]>;

/** Plays on-off patterns on one output, one at a time. */
export class PatternPlayer {
  readonly #clock: Clock;
  readonly #set: (isOn: boolean) => void;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, set: (isOn: boolean) => void) {
    this.#clock = clock;
    this.#set = set;
  }

  /** Steady, from now on. */
  hold(isOn: boolean): void {
    this.#stop();
    this.#set(isOn);
  }

  /** @param times how often the whole pattern is played; undefined for ever. Then it is off. */
  play(steps: readonly Step[], times: number | undefined): void {
    this.#stop();
    this.#step(steps, 0, times);
  }

  #step(steps: readonly Step[], index: number, left: number | undefined): void {
    const step = steps[index];
    if (step === undefined) {
      if (left === undefined || left > 1) this.#step(steps, 0, left === undefined ? undefined : left - 1);
      return;
    }
    const [onMs, offMs] = step;
    this.#set(true);
    this.#cancel = this.#clock.after(onMs * 1000, () => {
      this.#set(false);
      this.#cancel = this.#clock.after(offMs * 1000, () => {
        this.#cancel = undefined;
        this.#step(steps, index + 1, left);
      });
    });
  }

  #stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
