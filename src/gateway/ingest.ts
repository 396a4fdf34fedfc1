import type { Clock } from '#base/clock.ts';
import type { CommandOutcome } from '#pipeline/commands.ts';
import type { PipelineInput } from '#pipeline/inputs.ts';

/** How long an input waits for earlier ones from slower devices, µs: longer than a USB frame and a driver's timer. */
export const holdBackUs = 40_000;
const releaseEveryUs = 20_000;

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
 */
export class Ingest {
  readonly #clock: Clock;
  readonly #target: IngestTarget;
  #waiting: Waiting[] = [];
  #reachedUs: number;
  #late = 0;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, target: IngestTarget) {
    this.#clock = clock;
    this.#target = target;
    this.#reachedUs = clock.nowUs();
  }

  /** Inputs whose time could not be kept: they came too late, or were stamped ahead of the clock. */
  get late(): number {
    return this.#late;
  }

  get reachedUs(): number {
    return this.#reachedUs;
  }

  start(): void {
    this.#cancel ??= this.#clock.after(releaseEveryUs, () => this.#tick());
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  push(input: PipelineInput): void {
    this.#waiting.push({ input: this.#dated(input), done: undefined });
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
      this.#waiting.push({
        input,
        done: (outcome) => {
          if (outcome === undefined) return;
          onOutcome(outcome);
          resolve(outcome);
        },
      });
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
    const nowUs = this.#clock.nowUs();
    if (Number.isSafeInteger(input.atUs) && input.atUs <= nowUs + holdBackUs) return input;
    this.#late += 1;
    return { ...input, atUs: nowUs };
  }

  #inOrder(input: PipelineInput): PipelineInput {
    if (input.atUs >= this.#reachedUs) {
      this.#reachedUs = input.atUs;
      return input;
    }
    this.#late += 1;
    return { ...input, atUs: this.#reachedUs };
  }

  #tick(): void {
    this.release(this.#clock.nowUs() - holdBackUs);
    this.#cancel = this.#clock.after(releaseEveryUs, () => this.#tick());
  }
}
