import { appendFile, readFile } from 'node:fs/promises';
import type { Outcome } from './outcome.ts';
import { playAll } from './pool.ts';
import type { Job } from './worker.ts';

interface Kept {
  readonly job: Job;
  readonly outcome: Outcome;
}

const keyOf = ({ tier, engine, seed, timed, products }: Job) =>
  [tier, engine, seed, timed === true ? 'timed' : '', products ?? ''].join(' ');

/**
 * Outcomes of trips that were played before, one JSON object a line, so that a long run may be stopped and go on. They are those of
 * the code that played them: a file belongs to one state of the code.
 */
export class Played {
  readonly #file: string | undefined;
  readonly #outcomes = new Map<string, Outcome>();

  /** @param file where outcomes are kept; left out, nothing is */
  constructor(file: string | undefined) {
    this.#file = file;
  }

  /** Reads what is there; a last line that was cut off is left out. */
  async load(): Promise<void> {
    if (this.#file === undefined) return;
    const text = await readFile(this.#file, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    for (const line of text.split('\n').slice(0, -1)) {
      const { job, outcome } = JSON.parse(line) as Kept;
      this.#outcomes.set(keyOf(job), outcome);
    }
  }

  /** How many of the jobs are still to be played. */
  missing(jobs: readonly Job[]): number {
    return jobs.filter((job) => !this.#outcomes.has(keyOf(job))).length;
  }

  /** Plays the jobs that were not played before; outcomes of all of them in the order of the jobs. */
  async play(jobs: readonly Job[], workers: number, onDone: () => void): Promise<Outcome[]> {
    const left = jobs.filter((job) => !this.#outcomes.has(keyOf(job)));
    let writing = Promise.resolve();
    await playAll(left, workers, (job, outcome) => {
      this.#outcomes.set(keyOf(job), outcome);
      const file = this.#file;
      if (file !== undefined) {
        writing = writing.then(() => appendFile(file, `${JSON.stringify({ job, outcome })}\n`));
      }
      onDone();
    });
    await writing;
    return jobs.flatMap((job) => this.#outcomes.get(keyOf(job)) ?? []);
  }
}
