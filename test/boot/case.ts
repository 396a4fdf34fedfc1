import type { Bench } from './bench.ts';

/** A trial of a whole machine: a file of test/boot/cases, whose name is the case's. */
export interface Case {
  /** What holds, as a sentence. */
  readonly title: string;
  /** Rejects where it does not hold; answers lines of what was measured. */
  run(bench: Bench): Promise<readonly string[]>;
}

/** Thrown where a case can't be run here: it says what is missing. */
export class NotHere extends Error {}

/** Throws with what was expected unless it is so. */
export function expect(isSo: boolean, what: string): asserts isSo {
  if (!isSo) throw new Error(what);
}
