import type { Clock } from '#base/clock.ts';
import type { PolledTools } from '../polled/polled-device.ts';
import { SampleClock } from '../polled/sample-clock.ts';
import { CellWatch } from './cell-watch.ts';
import { LossWatch } from './loss-watch.ts';
import type { Nau7802Chip } from './nau7802-chip.ts';

/** Conversions that still show what was before a change of input or a calibration: the filter has four taps. */
const settling = 4;
/**
 * The chip is asked more often than it converts, so that a bus that is busy for some ms costs nothing, and at least so
 * often, µs, for the sake of exact times.
 */
const slowestPollUs = 20_000;
const pollPart = 0.6;

export interface Nau7802ReaderSettings {
  readonly cells: readonly string[];
  readonly samplesPerSecond: number;
  readonly samplesPerTurn: number;
}

interface Cell {
  readonly id: string;
  sequence: number;
}

/** Turns the conversions of a NAU7802 into readings of its cells. */
export class Nau7802Reader {
  readonly #chip: Nau7802Chip;
  readonly #settings: Nau7802ReaderSettings;
  readonly #clock: Clock;
  readonly #times: SampleClock;
  readonly #cells: readonly Cell[];
  #watches: readonly CellWatch[] = [];
  #loss: LossWatch | undefined;
  #unsettled = settling;
  #taken = 0;
  #notReadyUs: number | undefined;
  #lastUs: number | undefined;

  constructor(chip: Nau7802Chip, settings: Nau7802ReaderSettings, clock: Clock) {
    this.#chip = chip;
    this.#settings = settings;
    this.#clock = clock;
    this.#times = new SampleClock(1_000_000 / settings.samplesPerSecond);
    this.#cells = settings.cells.map((id) => ({ id, sequence: 0 }));
  }

  get pollUs(): number {
    return Math.min(slowestPollUs, (pollPart * 1_000_000) / this.#settings.samplesPerSecond);
  }

  async setUp({ life, faults }: PolledTools): Promise<void> {
    await this.#chip.setUp(life);
    if (this.#watches.length === 0) {
      this.#watches = this.#cells.map(({ id }) => new CellWatch(id, faults));
      this.#loss = new LossWatch(faults);
    }
    this.#begin();
  }

  async round({ deliver }: PolledTools): Promise<void> {
    const { counts, atUs } = await this.#chip.conversion();
    if (counts === undefined) {
      this.#notReadyUs = atUs;
      return;
    }
    const cell = this.#cells[this.#chip.input];
    // What is ready is the latest conversion: it ended within a period, and since it was last seen not to be there.
    const earliestUs = Math.max(this.#notReadyUs ?? 0, atUs - this.#times.periodUs);
    const lost = this.#lost((earliestUs + atUs) / 2);
    const sampledUs = this.#times.take(1 + lost, earliestUs, atUs).at(-1);
    this.#lastUs = sampledUs;
    if (cell === undefined || sampledUs === undefined) return;
    if (this.#unsettled > 0) {
      this.#unsettled -= 1;
      return;
    }
    cell.sequence = (cell.sequence + lost) >>> 0;
    const reading = {
      kind: 'cell',
      source: cell.id,
      atUs: sampledUs,
      counts,
      sequence: cell.sequence,
    } as const;
    cell.sequence = (cell.sequence + 1) >>> 0;
    this.#loss?.see(lost, sampledUs);
    this.#watches[this.#chip.input]?.see(counts, sampledUs);
    deliver(reading);
    await this.#turn();
  }

  /** Conversions that ended unread since the last one: the time between tells, because the chip doesn't count. */
  #lost(endedUs: number): number {
    if (this.#lastUs === undefined) return 0;
    return Math.max(0, Math.round((endedUs - this.#lastUs) / this.#times.periodUs) - 1);
  }

  async #turn(): Promise<void> {
    this.#taken += 1;
    if (this.#cells.length < 2 || this.#taken < this.#settings.samplesPerTurn) return;
    await this.#chip.select(1 - this.#chip.input);
    this.#begin();
  }

  #begin(): void {
    this.#unsettled = settling;
    this.#taken = 0;
    this.#lastUs = undefined;
    this.#notReadyUs = this.#clock.nowUs();
    this.#times.restart();
  }
}
