import { randomBytes } from 'node:crypto';
import { networkOf } from './tries.ts';

/** Reports that wait to be looked at, in memory: so many, of one network so many, for so long. */
const mostReports = 32;
const mostOfOne = 8;
const reportKeptMs = 15 * 60_000;

interface Kept {
  readonly html: string;
  readonly of: string;
  readonly untilMs: number;
}

/** Rendered reports under names that nobody can guess, for a while: a new window can show and print them. */
export class Reports {
  readonly #kept = new Map<string, Kept>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Keeps a report; where its network has too many, the oldest of its own makes room. Answers with the name. */
  add(html: string, address: string): string {
    const now = this.#nowMs();
    const of = networkOf(address);
    for (const [id, { untilMs }] of this.#kept) if (untilMs < now) this.#kept.delete(id);
    const own = [...this.#kept].filter(([, kept]) => kept.of === of).map(([id]) => id);
    const [oldest] = own.length >= mostOfOne ? own : this.#kept.size >= mostReports ? this.#kept.keys() : [];
    if (oldest !== undefined) this.#kept.delete(oldest);
    const id = randomBytes(16).toString('hex');
    this.#kept.set(id, { html, of, untilMs: now + reportKeptMs });
    return id;
  }

  get(id: string): string | undefined {
    const found = this.#kept.get(id);
    return found === undefined || found.untilMs < this.#nowMs() ? undefined : found.html;
  }
}
