import type { Clock } from '#base/clock.ts';
import type { CommandOutcome } from '#pipeline/commands.ts';
import type { PipelineInput } from '#pipeline/inputs.ts';

/** How long an input waits for earlier ones from slower devices, µs: longer than a USB frame and a driver's timer. */
export const holdBackUs = 40_000;
/**
 * Samples that come in give out earlier ones, not more often than this, µs. Code that has slept for some milliseconds
 * runs from a cold cache, ten times as slowly; more at a time is cheaper, and a decision may take a second.
 */
const releaseEveryUs = 50_000;
/** Where none come in, time passes at this interval, µs. */
const idleEveryUs = 100_000;
/** Without a look at the clock for so long the process was held up, µs: more than a timer's usual delay. */
const heldUpUs = 250_000;

interface Waiting {
  readonly input: PipelineInput;
  readonly done: ((outcome: CommandOutcome | undefined) => void) | undefined;
}

export interface IngestTarget {
  /** Takes one input, in order of time. */
  accept(input: PipelineInput): CommandOutcome | undefined;
  /** Lets time pass where nothing came in. */
  advance(toUs: number): void;
  /** Called after each batch: what came of it can be stored together. */
  settled(): void;
}

/**
 * Puts what devices deliver into one order of time. Devices stamp readings near the hardware but deliver them with
 * different delays; each input waits `holdBackUs` for earlier ones. What comes later than that is moved to the time
 * already reached (and counted), so that the order given out, and recorded, never goes back.
 *
 * Samples drive this: the processor was woken for one, and what has waited long enough goes with it. A timer of its
 * own would wake a sleeping processor as often again, which costs more than all the decisions.
 */
export class Ingest {
  readonly #clock: Clock;
  readonly #target: IngestTarget;
  #waiting: Waiting[] = [];
  #reachedUs: number;
  #late = 0;
  #releasedUs = Number.NEGATIVE_INFINITY;
  /** The clock when it was last looked at, µs. */
  #seenUs: number;
  /** When it was last seen that the process isn't held up, µs. */
  #turnedUs: number;
  #catchingUp = false;
  #running = false;
  #scheduled = false;
  readonly #cancels = new Set<() => void>();

  constructor(clock: Clock, target: IngestTarget) {
    this.#clock = clock;
    this.#target = target;
    this.#reachedUs = clock.nowUs();
    this.#seenUs = this.#reachedUs;
    this.#turnedUs = this.#reachedUs;
  }

  /** Inputs whose time could not be kept: they came too late, or were stamped ahead of the clock. */
  get late(): number {
    return this.#late;
  }

  get reachedUs(): number {
    return this.#reachedUs;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#turnedUs = this.#clock.nowUs();
    this.#after(idleEveryUs, () => this.#idle());
  }

  stop(): void {
    this.#running = false;
    this.#catchingUp = false;
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
  }

  /** HOT PATH: the clock is looked at only for what would be ahead of it. */
  push(input: PipelineInput): void {
    const { kind } = input;
    this.#add({ input: this.#dated(input), done: undefined }, kind === 'cell' || kind === 'motion');
  }

  /**
   * Pushes a command; resolves with its outcome when its turn has come. `onOutcome` hears of it at once, before what
   * came of the batch is stored.
   */
  command(
    input: Extract<PipelineInput, { kind: 'command' }>,
    onOutcome: (outcome: CommandOutcome) => void = () => {},
  ): Promise<CommandOutcome> {
    return new Promise((resolve) => {
      const done = (outcome: CommandOutcome | undefined) => {
        if (outcome === undefined) return;
        onOutcome(outcome);
        resolve(outcome);
      };
      this.#add({ input, done }, false);
    });
  }

  /** Gives out everything that is waiting, whatever its time: before stopping. */
  flush(): void {
    this.release(Number.POSITIVE_INFINITY);
  }

  /** Gives out what is due by `watermarkUs` and lets time pass to it. */
  release(watermarkUs: number): void {
    const due = this.#waiting.filter(({ input }) => input.atUs <= watermarkUs);
    if (due.length > 0) {
      this.#waiting = this.#waiting.filter(({ input }) => input.atUs > watermarkUs);
      due.sort((a, b) => a.input.atUs - b.input.atUs);
      for (const { input, done } of due) {
        const outcome = this.#target.accept(this.#inOrder(input));
        done?.(outcome);
      }
    }
    if (Number.isFinite(watermarkUs) && watermarkUs > this.#reachedUs) {
      this.#reachedUs = watermarkUs;
      this.#target.advance(watermarkUs);
    }
    this.#target.settled();
  }

  /** A device whose clock is wrong must not make its inputs wait for ever, nor carry all others into the future. */
  #dated(input: PipelineInput): PipelineInput {
    const { atUs } = input;
    if (Number.isSafeInteger(atUs)) {
      if (atUs <= this.#seenUs + holdBackUs) return input;
      this.#seenUs = this.#clock.nowUs();
      if (atUs <= this.#seenUs + holdBackUs) return input;
    }
    this.#late += 1;
    return { ...input, atUs: this.#clock.nowUs() };
  }

  #inOrder(input: PipelineInput): PipelineInput {
    if (input.atUs >= this.#reachedUs) {
      this.#reachedUs = input.atUs;
      return input;
    }
    this.#late += 1;
    return { ...input, atUs: this.#reachedUs };
  }

  /** @param oneOfMany more will follow at once; anything else gets a timer, lest it wait for company */
  #add(waiting: Waiting, oneOfMany: boolean): void {
    this.#waiting.push(waiting);
    if (!this.#running) return;
    if (!oneOfMany) this.#after(holdBackUs, () => this.#releaseDue());
    if (this.#scheduled || waiting.input.atUs - this.#releasedUs < releaseEveryUs) return;
    this.#scheduled = true;
    // Not in the driver's own call, where a fault of ours would look like one of the driver's.
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#releaseDue();
    });
  }

  #releaseDue(): void {
    if (!this.#running) return;
    this.#seenUs = this.#clock.nowUs();
    if (this.#mustCatchUp(this.#seenUs)) return;
    this.#releasedUs = this.#seenUs;
    this.release(this.#seenUs - holdBackUs);
  }

  /**
   * A process that was held up finds its timers due, or one device heard, before it has read what the others sent
   * meanwhile. Time may not pass over that, as if their sensors had been silent: it is given the hold-back to be read.
   */
  #mustCatchUp(nowUs: number): boolean {
    const heldUp = nowUs - this.#turnedUs > heldUpUs;
    this.#turnedUs = nowUs;
    if (!heldUp || this.#catchingUp) return this.#catchingUp;
    this.#catchingUp = true;
    this.#after(holdBackUs, () => {
      this.#catchingUp = false;
      // Once for each time: who is held up all the time has to decide nevertheless.
      this.#turnedUs = this.#clock.nowUs();
      this.#releaseDue();
    });
    return true;
  }

  #idle(): void {
    const nowUs = this.#clock.nowUs();
    if (nowUs - this.#releasedUs >= releaseEveryUs) this.#releaseDue();
    else this.#turnedUs = nowUs;
    this.#after(idleEveryUs, () => this.#idle());
  }

  #after(delayUs: number, action: () => void): void {
    const cancel = this.#clock.after(delayUs, () => {
      this.#cancels.delete(cancel);
      action();
    });
    this.#cancels.add(cancel);
  }
}
