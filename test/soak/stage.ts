/** What the command line asked for. */
export interface SoakOptions {
  readonly kills: number;
  /** How often the power of whole machines is cut. */
  readonly cuts: number;
  readonly trips: number;
  /** Of the first trip; the others count on from it. */
  readonly seed: number;
  /** Inputs for each property of a parser. */
  readonly inputs: number;
  /** How often each device is pulled and put back. */
  readonly cycles: number;
  /** Test files that run side by side. */
  readonly jobs: number;
}

/** What came of a stage. */
export interface StageResult {
  /** The figures, in a few words. */
  readonly summary: string;
  /** What must not be, each in words; none where the stage passed. */
  readonly faults: readonly string[];
  /** What helps to understand them: the last output of what failed. */
  readonly details?: readonly string[];
}

/** One kind of endurance; `say` prints a line of progress. */
export interface Stage {
  readonly name: string;
  readonly about: string;
  run(options: SoakOptions, say: (line: string) => void): Promise<StageResult>;
}
