import { usPerSecond } from '#base/units.ts';
import { CellBlocks, ScaleBlocks } from './blocks.ts';
import { CalibrationError } from './errors.ts';
import { judgeRest, type RestRules, type Unrest } from './rest.ts';
import type { Capture } from './types.ts';

export interface CapturerOptions extends RestRules {
  readonly plate: string;
  /** Nothing before is counted, monotonic µs. */
  readonly startUs: number;
  /** When it gives up, µs from the start. */
  readonly limitUs?: number;
}

/** Readings are gathered in blocks of this length, µs; rest is judged by their means. */
const blockUs = usPerSecond / 4;
/** Before readings count, the plate has to be at rest for this many blocks: 1 s (1 d over 0.5–1 s is the field's rule). */
const restBlocks = 4;
/** So many blocks are averaged: 2 s. */
const averageBlocks = 8;
const neededBlocks = restBlocks + averageBlocks;
const usualLimitUs = 15 * usPerSecond;
/** Readings may come this much later than others of their time, µs. */
const latenessUs = 100_000;

/** What a capture has come to. */
export type CaptureOutcome =
  | { readonly state: 'waiting'; readonly progressPpm: number; readonly unrest?: Unrest }
  | { readonly state: 'done'; readonly capture: Capture }
  | { readonly state: 'failed'; readonly error: CalibrationError };

/**
 * Waits until a plate is at rest, then averages it for 2 s: block means of every cell, and of their sum, stay within 1 d
 * over 3 s and don't drift. Fed with everything that concerns one plate, in order of time; it has no clock.
 */
export class Capturer {
  readonly #options: CapturerOptions;
  readonly #cells: ReadonlyMap<string, CellBlocks>;
  readonly #scale: ScaleBlocks | undefined;
  readonly #limitUs: number;
  /** Blocks from here on count: the plate moved, or a device failed, before. */
  #fromBlock = 0;
  #nextBlock = 0;
  readonly #faults = new Set<string>();
  #movedAtUs = Number.NEGATIVE_INFINITY;
  #milliCelsius: number | undefined;
  #unrest: Unrest | undefined;
  #outcome: CaptureOutcome = { state: 'waiting', progressPpm: 0 };

  constructor(options: CapturerOptions) {
    this.#options = options;
    this.#cells = new Map(options.cells.map(({ id }) => [id, new CellBlocks()]));
    this.#scale = options.scale === undefined ? undefined : new ScaleBlocks();
    this.#limitUs = options.limitUs ?? usualLimitUs;
  }

  /** One conversion of a cell: signed counts, and the converter's running number (32 bits). Others' are ignored. */
  cell(cell: string, atUs: number, counts: number, sequence: number): void {
    const blocks = this.#cells.get(cell);
    if (blocks === undefined || this.#isOver) return;
    this.advance(atUs - latenessUs);
    const block = this.#blockOf(atUs);
    if (block >= this.#nextBlock) blocks.add(block, atUs, counts, sequence);
  }

  /** One indication of the complete scale. */
  scale(atUs: number, massMg: number, stable: boolean): void {
    if (this.#scale === undefined || this.#isOver) return;
    this.advance(atUs - latenessUs);
    const block = this.#blockOf(atUs);
    if (block >= this.#nextBlock) this.#scale.add(block, massMg, stable);
  }

  /** What the motion sensor of the plate says. */
  motion(atUs: number, moving: boolean): void {
    this.advance(atUs - latenessUs);
    if (!moving) return;
    this.#movedAtUs = Math.max(this.#movedAtUs, atUs);
    this.#restart(atUs);
  }

  /** A fault of a device or cell of the plate, or its end; afterwards its converter settles anew. */
  fault(source: string, atUs: number, cleared: boolean): void {
    this.advance(atUs - latenessUs);
    if (cleared) this.#faults.delete(source);
    else this.#faults.add(source);
    this.#restart(atUs);
  }

  /** What the sensor at the plate says, m°C. */
  temperature(milliCelsius: number): void {
    this.#milliCelsius = milliCelsius;
  }

  /** Lets time pass: what was to be heard by then has been. */
  advance(toUs: number): void {
    const { startUs } = this.#options;
    while (!this.#isOver && startUs + (this.#nextBlock + 1) * blockUs <= toUs) {
      this.#closeBlock(this.#nextBlock++);
    }
    if (!this.#isOver && toUs - startUs >= this.#limitUs) {
      this.#outcome = { state: 'failed', error: this.#failure(toUs) };
    }
  }

  get outcome(): CaptureOutcome {
    return this.#outcome;
  }

  get #isOver(): boolean {
    return this.#outcome.state !== 'waiting';
  }

  #blockOf(atUs: number): number {
    return Math.floor((atUs - this.#options.startUs) / blockUs);
  }

  /** What comes up to `atUs` does not count, nor the block in which it is. */
  #restart(atUs: number): void {
    this.#fromBlock = Math.max(this.#fromBlock, this.#blockOf(atUs) + 1);
  }

  #closeBlock(block: number): void {
    const complete =
      this.#faults.size === 0 &&
      [...this.#cells.values()].every((cell) => cell.has(block)) &&
      (this.#scale?.has(block) ?? true);
    if (!complete) this.#fromBlock = Math.max(this.#fromBlock, block + 1);
    const most = Math.min(neededBlocks, block + 1 - this.#fromBlock);
    this.#unrest = most > 1 ? this.#judge(block + 1 - most, block + 1) : undefined;
    // What is not at rest over the whole window may be so in its last part: the bar grows.
    let still = most;
    while (still > 1 && this.#judge(block + 1 - still, block + 1) !== undefined) still--;
    if (still < neededBlocks) {
      const progressPpm = Math.max(0, Math.floor((1e6 * still) / neededBlocks));
      const unrest = this.#unrest;
      this.#outcome = { state: 'waiting', progressPpm, ...(unrest === undefined ? {} : { unrest }) };
      return;
    }
    this.#outcome = { state: 'done', capture: this.#capture(block + 1 - averageBlocks, block + 1) };
  }

  #judge(from: number, to: number): Unrest | undefined {
    return judgeRest(this.#options, this.#cells, this.#scale, { from, to }, averageBlocks);
  }

  #capture(from: number, to: number): Capture {
    const { plate, startUs } = this.#options;
    const indication = this.#scale?.summary(from, to);
    return {
      plate,
      fromUs: startUs + from * blockUs,
      toUs: startUs + to * blockUs,
      cells: Object.fromEntries([...this.#cells].map(([id, blocks]) => [id, blocks.summary(from, to)])),
      ...(indication === undefined ? {} : { indication }),
      ...(this.#milliCelsius === undefined ? {} : { milliCelsius: this.#milliCelsius }),
    };
  }

  /** Says which of what kept the plate from resting was the last: a fault before silence, motion before unrest. */
  #failure(atUs: number): CalibrationError {
    const { plate, scale } = this.#options;
    if (this.#faults.size > 0) {
      const which = [...this.#faults].join(', ');
      return new CalibrationError('CW-CAL-025', `${which} has a fault; see the device's faults`, {
        details: { plate, sources: [...this.#faults] },
      });
    }
    const last = this.#nextBlock;
    const silent = [...this.#cells]
      .filter(([, blocks]) => !blocks.hasAny(last - restBlocks, last))
      .map(([id]) => id);
    if (scale !== undefined && this.#scale?.hasAny(last - restBlocks, last) === false) silent.push(scale);
    if (silent.length > 0) {
      return new CalibrationError(
        'CW-CAL-023',
        `${silent.join(', ')} sent no readings of plate ${plate}; check cable and bridge`,
        { details: { plate, sources: silent } },
      );
    }
    if (atUs - this.#movedAtUs < neededBlocks * blockUs) {
      return new CalibrationError(
        'CW-CAL-024',
        `plate ${plate} moves or is tilted, as its motion sensor says: stand it level and still, with the brake on`,
      );
    }
    const unrest = this.#unrest;
    if (unrest === undefined) {
      return new CalibrationError(
        'CW-CAL-048',
        `readings of plate ${plate} are lost again and again; check cable and bridge`,
      );
    }
    return new CalibrationError(unrest.code, unrest.message, { details: { plate, ...unrest.details } });
  }
}
