import { basename, dirname } from 'node:path';
import { z } from 'zod';
import { readBelow } from './untrusted.ts';

/** So long a release on trial has to be healthy without a break, ms. */
export const healthyForMs = 60_000;
/** And so long after its start, or the machine's, that has to have come to pass, ms. */
export const healthyWithinMs = 600_000;
/** The gateway reports its health every half minute: an older report says nothing of now. */
const freshForMs = 95_000;

const report = z.object({
  version: z.string().max(64),
  faulty: z.array(z.string()).default([]),
  checks: z.object({ sensors: z.boolean(), fusion: z.boolean(), broker: z.boolean() }),
});

/** A report is some 300 bytes. */
const longestReport = 65_536;

/**
 * The text of the gateway's report, undefined where there is none. It lies in the gateway's own folder and is read by root:
 * no link is followed, no pipe waited for, and no more is read than a report may have.
 */
export async function reportAt(path: string): Promise<string | undefined> {
  return await readBelow(dirname(path), [basename(path)], longestReport).then(String, () => undefined);
}

export type Verdict =
  | { readonly kind: 'waiting' }
  | { readonly kind: 'good' }
  | { readonly kind: 'failed'; readonly why: string };

/** What the gateway's file says of its health; undefined for what is no report. */
export function readReport(text: string): z.infer<typeof report> | undefined {
  try {
    return report.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/**
 * Judges a release on trial by the reports of its health. Times are monotonic, ms: the wall clock jumps when a machine
 * without a clock battery hears the time.
 */
export class HealthWatch {
  readonly #version: string;
  readonly #brokerAway: boolean;
  readonly #faulty: ReadonlySet<string>;
  readonly #untilMs: number;
  /** What was there before the release was started says nothing of it. */
  #text: string | undefined;
  #heardMs: number | undefined;
  #goodSinceMs: number | undefined;
  #missing = 'it never said how it is';

  constructor(
    trial: {
      readonly version: string;
      readonly brokerAway: boolean;
      readonly faulty?: readonly string[] | undefined;
    },
    nowMs: number,
    before?: string,
  ) {
    this.#text = before;
    this.#version = trial.version;
    this.#brokerAway = trial.brokerAway;
    this.#faulty = new Set(trial.faulty);
    this.#untilMs = nowMs + healthyWithinMs;
  }

  /** Takes what the file holds now; undefined where it can't be read. A text that was there before is no news. */
  see(text: string | undefined, nowMs: number): Verdict {
    if (text !== undefined && text !== this.#text) {
      this.#text = text;
      this.#hear(text, nowMs);
    }
    if (this.#heardMs !== undefined && nowMs - this.#heardMs > freshForMs) {
      this.#goodSinceMs = undefined;
      this.#missing = 'it says nothing any more';
    }
    if (this.#goodSinceMs !== undefined && nowMs - this.#goodSinceMs >= healthyForMs) return { kind: 'good' };
    if (nowMs < this.#untilMs) return { kind: 'waiting' };
    return {
      kind: 'failed',
      why: `not healthy within ${healthyWithinMs / 60_000} minutes: ${this.#missing}`,
    };
  }

  #hear(text: string, nowMs: number): void {
    const said = readReport(text);
    if (said?.version !== this.#version) return;
    this.#heardMs = nowMs;
    const { sensors, fusion, broker } = said.checks;
    const fresh = said.faulty.filter((id) => !this.#faulty.has(id));
    const isAsBefore = said.faulty.length > 0 && fresh.length === 0;
    const failed = [
      ...(sensors || isAsBefore ? [] : [`sensors (${fresh.join(', ') || 'silent'})`]),
      ...(fusion ? [] : ['decisions']),
      ...(broker || this.#brokerAway ? [] : ['link to the broker']),
    ];
    if (failed.length === 0) this.#goodSinceMs ??= nowMs;
    else {
      this.#goodSinceMs = undefined;
      this.#missing = `not in order: ${failed.join(', ')}`;
    }
  }
}
