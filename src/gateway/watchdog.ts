import type { DeviceReport } from './devices.ts';

/** What shows whether the parts of a gateway get on. */
export interface Progress {
  readonly nowUs: number;
  readonly devices: readonly Pick<DeviceReport, 'id' | 'kind' | 'state' | 'readings' | 'fault'>[];
  /** Time up to which has been decided, µs. */
  readonly decidedUs: number;
  /** For how long the outbox's thread has not said a word, ms. */
  readonly workerSilentMs: number;
}

interface Verdict {
  /** Why nothing but a new start helps, for people; undefined while everything gets on. */
  readonly hung: string | undefined;
  /** The part that hangs. */
  readonly part: string | undefined;
  /** Devices that are to be opened anew. */
  readonly reopen: readonly string[];
}

/** How long a device that runs may deliver nothing before it is opened anew, µs, by its kind; others speak when spoken to. */
const silentUs: Readonly<Record<string, number>> = {
  'load-cell': 10_000_000,
  scale: 10_000_000,
  motion: 10_000_000,
  power: 300_000_000,
  temperature: 300_000_000,
};
/** So much longer, after it was opened anew, until the whole program is: its driver may hang in this process. */
const hopelessUs = 20_000_000;
const undecidedUs = 10_000_000;
/** The outbox's own supervisor replaces a thread that is silent for less. */
const workerMs = 30_000;

interface Silence {
  readings: number;
  forUs: number;
  reopened: boolean;
}

/**
 * Tells whether a gateway makes progress: whether devices that run deliver, decisions keep up with time and the outbox's
 * thread answers. A device that is gone or says itself that it is faulty is a fault and no hang, and so is a broker that
 * is away, a full disk: nothing of that would be better after a new start. Pure.
 *
 * Time counts by what passed between two looks, at most the usual: a process that was held up itself has not read
 * yet what others sent meanwhile.
 */
export class ProgressJudge {
  readonly #everyUs: number;
  readonly #excused: ReadonlySet<string>;
  readonly #silences = new Map<string, Silence>();
  #lookedUs: number | undefined;
  #decidedUs = Number.NEGATIVE_INFINITY;
  #undecidedUs = 0;

  /**
   * @param everyUs how often it is asked
   * @param excused parts for which the run before was ended: a new start did not help them, so that they are faults
   */
  constructor(everyUs: number, excused: readonly string[] = []) {
    this.#everyUs = everyUs;
    this.#excused = new Set(excused);
  }

  judge(progress: Progress): Verdict {
    const passedUs = Math.min(progress.nowUs - (this.#lookedUs ?? progress.nowUs), this.#everyUs);
    this.#lookedUs = progress.nowUs;
    const { silent, reopen } = this.#devices(progress.devices, passedUs);
    const found = [this.#decisions(progress.decidedUs, passedUs), worker(progress.workerSilentMs), ...silent];
    const worst = found.find((one) => one !== undefined && !this.#excused.has(one.part));
    return { hung: worst?.message, part: worst?.part, reopen };
  }

  #decisions(decidedUs: number, passedUs: number): Finding | undefined {
    this.#undecidedUs = decidedUs > this.#decidedUs ? 0 : this.#undecidedUs + passedUs;
    this.#decidedUs = Math.max(this.#decidedUs, decidedUs);
    if (this.#undecidedUs < undecidedUs) return undefined;
    return { part: 'decisions', message: `nothing was decided for ${seconds(this.#undecidedUs)} s` };
  }

  #devices(devices: Progress['devices'], passedUs: number): { silent: Finding[]; reopen: string[] } {
    const silent: Finding[] = [];
    const reopen: string[] = [];
    for (const { id, kind, state, readings, fault } of devices) {
      const allowedUs = silentUs[kind];
      const known = this.#silences.get(id);
      if (allowedUs === undefined || fault !== undefined || known?.readings !== readings) {
        this.#silences.set(id, { readings, forUs: 0, reopened: false });
        continue;
      }
      if (state !== 'running') continue;
      known.forUs += passedUs;
      if (known.forUs >= allowedUs && !known.reopened) {
        known.reopened = true;
        reopen.push(id);
      }
      if (known.forUs >= allowedUs + hopelessUs) {
        const message = `${id} runs and delivered nothing for ${seconds(known.forUs)} s, also after it was opened anew`;
        silent.push({ part: id, message });
      }
    }
    return { silent, reopen };
  }
}

interface Finding {
  readonly part: string;
  readonly message: string;
}

function worker(silentMs: number): Finding | undefined {
  if (silentMs < workerMs) return undefined;
  return {
    part: 'outbox',
    message: `the thread of the outbox has not answered for ${Math.round(silentMs / 1000)} s`,
  };
}

const seconds = (us: number) => Math.round(us / 1_000_000);
