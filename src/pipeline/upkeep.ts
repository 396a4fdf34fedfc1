import { usPerMinute, usPerSecond } from '#base/units.ts';
import type { Board } from '#config/board.ts';
import type { CartEvent, Draft } from '#events/event.ts';
import type { Fusion } from '#fusion/fusion.ts';
import type { WeighingOutput } from '#weighing/outputs.ts';
import type { Weigher } from '#weighing/weigher.ts';
import { PipelineError } from './errors.ts';
import { type Counts, PlateStock } from './shelf-stock.ts';
import type { Stock } from './shop.ts';

/** One plate's share of the saved state. */
export interface SavedUpkeep {
  readonly plate: string;
  /** In maintenance until then, µs of the run that saved it. */
  readonly untilUs?: number;
  readonly counts?: Counts;
}

export interface UpkeepOptions {
  readonly board: Board;
  readonly weigher: () => Pick<Weigher, 'status'>;
  readonly fusion: () => Fusion;
  readonly stock: () => Stock;
  readonly emit: (draft: Draft) => void;
  readonly startUs: number;
  readonly saved: readonly SavedUpkeep[] | undefined;
  /** Added to every time of `saved`. */
  readonly rebaseUs: number;
}

/** Stock is counted so long after the latest that happened on a plate: decided by then, and at rest. */
const countAfterUs = 1.5 * usPerSecond;
/** So long after a start, and again while a plate can't be counted. */
const retryUs = 5 * usPerSecond;
/** Somebody who works at a plate touches it at least this often; one that is left open is taken for done, µs. */
const longestDrainUs = 10 * usPerSecond;

/**
 * Plates that staff work on (maintenance, restocking): what moves there is nobody's purchase. And the stock of shelves:
 * counted after whatever happens there.
 */
export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #stocks = new Map<string, PlateStock>();
  /** Until when each plate is worked on, µs. */
  readonly #maintained = new Map<string, number>();
  readonly #open = new Set<string>();
  /** Plates that staff are done with, and that have not come to rest since. */
  readonly #ending = new Set<string>();
  /** When each plate's stock is to be counted, µs. */
  readonly #counts = new Map<string, number>();
  /** Nothing is due before, µs. HOT PATH: asked for every sample. */
  dueUs = Number.POSITIVE_INFINITY;

  /** @throws PipelineError CW-PIP-009 where `saved` is no such state */
  constructor(options: UpkeepOptions) {
    this.#options = options;
    const { board, saved = [], rebaseUs, startUs } = options;
    if (!Array.isArray(saved) || !saved.every(isSaved)) {
      throw new PipelineError('CW-PIP-009', 'the saved upkeep is not readable; leave it out to start empty');
    }
    for (const { id, kind } of board.plates) {
      const known = saved.find(({ plate }) => plate === id);
      if (known?.untilUs !== undefined) this.#maintained.set(id, known.untilUs + rebaseUs);
      if (kind !== 'shelf') continue;
      this.#stocks.set(id, new PlateStock(id, known?.counts));
      this.#counts.set(id, startUs + retryUs);
    }
    this.#plan();
  }

  /** Whether anybody works on one of these plates. */
  isMaintained(plate: string): boolean {
    return this.#maintained.has(plate);
  }

  /** Plates that somebody works on. */
  get maintained(): readonly string[] {
    return [...this.#maintained.keys()];
  }

  /** Staff begin to work on plates, for so many minutes at most. Throws CW-PIP-003 for a plate that the board doesn't weigh. */
  begin(plates: readonly string[], minutes: number, nowUs: number): void {
    const weighed = this.#options.board.plates.filter(({ kind }) => kind !== 'unweighed').map(({ id }) => id);
    const strange = plates.find((plate) => !weighed.includes(plate));
    if (strange !== undefined) {
      const message = `there is no weighed plate ${JSON.stringify(strange)}; there are: ${weighed.join(', ')}`;
      throw new PipelineError('CW-PIP-003', `maintenance.begin: ${message}`);
    }
    for (const plate of plates) {
      this.#maintained.set(plate, nowUs + minutes * usPerMinute);
      // What was moving is theirs; nobody else is asked about it.
      this.#options.fusion().observe({ kind: 'activity', plate, open: false, atUs: nowUs });
    }
    this.#plan();
  }

  /** Staff are done, with all plates or those named: what is still moving there is theirs. */
  end(plates: readonly string[] | undefined, nowUs: number): readonly string[] {
    const ended = this.maintained.filter((plate) => plates === undefined || plates.includes(plate));
    for (const plate of ended) {
      if (this.#open.has(plate)) {
        this.#ending.add(plate);
        this.#maintained.set(plate, nowUs + longestDrainUs);
      } else this.#done(plate, nowUs);
    }
    this.#plan();
    return ended;
  }

  #done(plate: string, nowUs: number): void {
    if (!this.#maintained.delete(plate)) return;
    this.#ending.delete(plate);
    this.#options.fusion().tidied(plate);
    this.#stocks.get(plate)?.forget();
    if (this.#stocks.has(plate)) this.#counts.set(plate, nowUs + countAfterUs);
  }

  /** Hears what the scales say. True where it is of a plate that staff work on: it is no shopper's. */
  weighed(output: WeighingOutput, nowUs: number): boolean {
    if (output.kind === 'fault') return false;
    const { plate } = output;
    if (output.kind === 'activity') {
      if (output.open) this.#open.add(plate);
      else this.#open.delete(plate);
    }
    const theirs = this.#maintained.has(plate);
    if (output.kind === 'movement' && this.#stocks.has(plate)) this.#counts.set(plate, nowUs + countAfterUs);
    if (theirs && !this.#open.has(plate) && this.#ending.has(plate)) this.#done(plate, nowUs);
    this.#plan();
    return theirs;
  }

  /** Hears of a decision. */
  decided(event: CartEvent, nowUs: number): void {
    const { plate } = event.data as { readonly plate?: string };
    if (plate === undefined || this.#stocks.get(plate)?.heard(event) !== true) return;
    this.#counts.set(plate, nowUs + countAfterUs);
    this.#plan();
  }

  /** Ends what is over and counts what is due. */
  advance(nowUs: number): void {
    for (const [plate, untilUs] of this.#maintained) if (untilUs <= nowUs) this.#done(plate, nowUs);
    for (const [plate, atUs] of this.#counts) {
      if (atUs > nowUs) continue;
      this.#counts.delete(plate);
      if (!this.#maintained.has(plate)) this.#count(plate, nowUs);
    }
    this.#plan();
  }

  #count(plate: string, nowUs: number): void {
    const { weigher, fusion, stock, emit } = this.#options;
    const { grossMg, stable } = weigher().status(plate);
    if (grossMg === undefined || !stable) {
      this.#counts.set(plate, nowUs + retryUs);
      return;
    }
    const { catalogue, planogram } = stock();
    const strangeMg = fusion()
      .contents(plate)
      .reduce((sum, { massMg }) => sum + Math.max(0, massMg), 0);
    const drafts = this.#stocks.get(plate)?.count({
      catalogue,
      planogram,
      grossMg,
      strangeMg,
      unitMass: (product) => fusion().unitMass(product),
    });
    for (const draft of drafts ?? []) emit(draft);
  }

  #plan(): void {
    this.dueUs = Math.min(...this.#maintained.values(), ...this.#counts.values());
  }

  saveState(): SavedUpkeep[] {
    return this.#options.board.plates.flatMap(({ id }) => {
      const untilUs = this.#maintained.get(id);
      const counts = this.#stocks.get(id)?.save();
      if (untilUs === undefined && counts === undefined) return [];
      return [
        {
          plate: id,
          ...(untilUs === undefined ? {} : { untilUs }),
          ...(counts === undefined ? {} : { counts }),
        },
      ];
    });
  }
}

function isSaved(value: unknown): value is SavedUpkeep {
  if (typeof value !== 'object' || value === null) return false;
  const { plate, untilUs, counts } = value as Record<string, unknown>;
  return (
    typeof plate === 'string' &&
    (untilUs === undefined || Number.isSafeInteger(untilUs)) &&
    (counts === undefined ||
      (typeof counts === 'object' &&
        counts !== null &&
        Object.values(counts).every((count) => Number.isSafeInteger(count) && count >= 0)))
  );
}
