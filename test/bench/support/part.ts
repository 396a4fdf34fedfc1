import type { Row, Skipped } from './report.ts';

export interface BenchContext {
  /** Shorter runs and fewer of them: to see that everything works, not to quote. */
  readonly quick: boolean;
  /** Measures the gateway before everything else on the machine, as on one of its own (root only). */
  readonly prefer: boolean;
  /** A folder for this run's files, on the disk that is measured. */
  readonly folder: string;
  /** Says what is going on. */
  readonly say: (text: string) => void;
}

export type PartResult = readonly (Row | Skipped)[];

export interface Part {
  readonly name: string;
  readonly about: string;
  run(context: BenchContext): Promise<PartResult>;
}
