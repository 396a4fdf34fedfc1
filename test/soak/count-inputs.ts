import { appendFileSync } from 'node:fs';
import fc from 'fast-check';

/** One property that came to its end, as count-inputs tells it: a line of JSON in the file CARTWRIGHT_SOAK_INPUTS. */
export interface CountedProperty {
  readonly inputs: number;
  readonly failed: boolean;
  readonly seed: number;
}

const path = process.env.CARTWRIGHT_SOAK_INPUTS;
if (path !== undefined) {
  fc.configureGlobal({
    reporter: (run) => {
      const counted: CountedProperty = { inputs: run.numRuns, failed: run.failed, seed: run.seed };
      appendFileSync(path, `${JSON.stringify(counted)}\n`);
      // A reporter takes the place of the default one, which throws.
      if (run.failed) throw new Error(fc.defaultReportMessage(run));
    },
  });
}
