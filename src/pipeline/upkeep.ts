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
  /** Who works there, where they said so; states before it had a meaning have none. */
  readonly owner?: string;
  /** Given back, and it waits to be cleared. */
  readonly clearing?: boolean;
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

/** Work on one plate. */
interface Work {
  /** When it is over at the latest, µs. */
  readonly untilUs: number;
  /** Nobody else ends it or begins there. Undefined where anybody may, and once the owner has ended it. */
  readonly owner?: string | undefined;
  /** Staff are done, and the plate is the shop's again once it rests, or rests empty. */
  readonly ends?: 'at-rest' | 'cleared' | undefined;
}

/** Who begins to work on plates, and for how long at most. */
export interface BeginWork {
  readonly plates: readonly string[];
  readonly minutes: number;
  readonly owner?: string | undefined;
}

/** Who is done, with which plates (those that are theirs where left out), and whether these are to be cleared first. */
export interface EndWork {
  readonly plates?: readonly string[] | undefined;
  readonly owner?: string | undefined;
  readonly cleared?: boolean | undefined;
}

/** Stock is counted so long after the latest that happened on a plate: decided by then, and at rest. */
const countAfterUs = 1.5 * usPerSecond;
/** So long after a start, and again while a plate can't be counted. */
const retryUs = 5 * usPerSecond;
/** Somebody who works at a plate touches it at least this often; one that is left open is taken for done, µs. */
const longestDrainUs = 10 * usPerSecond;
/** Test weights that still lie there so long after nobody works with them any more were forgotten, µs. */
const longestClearingUs = 2 * usPerMinute;
/** A plate that rests within so many verification scale intervals of zero is clear: far below any test weight that counts. */
const clearIntervals = 10;
/** e of a plate whose board doesn't say it, mg. */
const usualIntervalMg = 1_000;
/** So often it is looked whether a plate is clear, µs: after a calibration came into force it comes to rest silently. */
const lookUs = 0.5 * usPerSecond;

/**
 * Plates that staff work on (maintenance, restocking): what moves there is nobody's purchase. And the stock of shelves:
 * counted after whatever happens there.
 */
export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #stocks = new Map<string, PlateStock>();
  readonly #maintained = new Map<string, Work>();
  readonly #open = new Set<string>();
  /** When each plate's stock is to be counted, µs. */
  readonly #counts = new Map<string, number>();
  /** When it is looked next whether plates are clear, µs. */
  #lookUs: number;
  /** Nothing is due before, µs. HOT PATH: asked for every sample. */
  dueUs = Number.POSITIVE_INFINITY;

  /** @throws PipelineError CW-PIP-009 where `saved` is no such state */
  constructor(options: UpkeepOptions) {
    this.#options = options;
    const { board, saved = [], rebaseUs, startUs } = options;
    if (!Array.isArray(saved) || !saved.every(isSaved)) {
      throw new PipelineError('CW-PIP-009', 'the saved upkeep is not readable; leave it out to start empty');
    }
    this.#lookUs = startUs + lookUs;
    for (const { id, kind } of board.plates) {
      const known = saved.find(({ plate }) => plate === id);
      if (known?.untilUs !== undefined) {
        const ends = known.clearing === true ? 'cleared' : undefined;
        this.#maintained.set(id, { untilUs: known.untilUs + rebaseUs, owner: known.owner, ends });
      }
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

  /** Plates that somebody works on under a name, and that name: a calibration's session, say. */
  get owned(): ReadonlyMap<string, string> {
    return new Map(
      [...this.#maintained].flatMap(([plate, { owner }]) => (owner === undefined ? [] : [[plate, owner]])),
    );
  }

  /**
   * Staff begin to work on plates, for so many minutes at most; again by the same owner prolongs. Throws CW-PIP-003 for a
   * plate that the board doesn't weigh and CW-PIP-014 for one that somebody else has: then nothing is begun.
   */
  begin({ plates, minutes, owner }: BeginWork, nowUs: number): void {
    const weighed = this.#options.board.plates.filter(({ kind }) => kind !== 'unweighed').map(({ id }) => id);
    const strange = plates.find((plate) => !weighed.includes(plate));
    if (strange !== undefined) {
      const message = `there is no weighed plate ${JSON.stringify(strange)}; there are: ${weighed.join(', ')}`;
      throw new PipelineError('CW-PIP-003', `maintenance.begin: ${message}`);
    }
    this.#mustBeFree('maintenance.begin', plates, owner, nowUs);
    for (const plate of plates) {
      const before = this.#maintained.get(plate);
      const askedUs = nowUs + minutes * usPerMinute;
      const untilUs =
        owner !== undefined && before?.owner === owner ? Math.max(before.untilUs, askedUs) : askedUs;
      // Whatever end was pending is the former work's.
      this.#maintained.set(plate, { untilUs, owner });
      // What was moving is theirs; nobody else is asked about it.
      this.#options.fusion().observe({ kind: 'activity', plate, open: false, atUs: nowUs });
    }
    this.#plan();
  }

  /**
   * Staff are done, with the plates named or all that are theirs: what is still moving there is theirs, and where plates are
   * to be `cleared`, what still lies there too, for two minutes. Answers which plates are the shop's again (or will be when
   * they rest) and which wait to be cleared. Throws CW-PIP-014 for a plate named that somebody else has: then nothing ends.
   */
  end(
    { plates, owner, cleared }: EndWork,
    nowUs: number,
  ): { readonly ended: readonly string[]; readonly clearing: readonly string[] } {
    if (plates !== undefined) this.#mustBeFree('maintenance.end', plates, owner, nowUs);
    const theirs = [...this.#maintained].filter(([plate, work]) =>
      plates === undefined ? work.owner === owner : plates.includes(plate),
    );
    const clearing: string[] = [];
    for (const [plate, work] of theirs) {
      if (cleared === true && !this.#isClear(plate)) {
        clearing.push(plate);
        const untilUs = work.ends === 'cleared' ? work.untilUs : nowUs + longestClearingUs;
        this.#maintained.set(plate, { untilUs, ends: 'cleared' });
      } else if (this.#open.has(plate)) {
        this.#maintained.set(plate, { untilUs: nowUs + longestDrainUs, ends: 'at-rest' });
      } else this.#done(plate, nowUs);
    }
    this.#lookUs = nowUs + lookUs;
    this.#plan();
    const ended = theirs.map(([plate]) => plate).filter((plate) => !clearing.includes(plate));
    return { ended, clearing };
  }

  /** Throws CW-PIP-014 where one of the plates is somebody's, and not this owner's. */
  #mustBeFree(command: string, plates: readonly string[], owner: string | undefined, nowUs: number): void {
    for (const plate of plates) {
      const work = this.#maintained.get(plate);
      if (work?.owner === undefined || work.owner === owner) continue;
      const minutes = Math.max(1, Math.ceil((work.untilUs - nowUs) / usPerMinute));
      throw new PipelineError(
        'CW-PIP-014',
        `${command}: ${JSON.stringify(work.owner)} works on plate ${plate}, for ${minutes} min at most; ` +
          'end it there (a calibration: commit or abort it), wait, or leave the plate out',
        { details: { plate, owner: work.owner } },
      );
    }
  }

  /** At rest, and no more lies there than would be zeroed away. */
  #isClear(plate: string): boolean {
    const { grossMg, stable } = this.#options.weigher().status(plate);
    if (grossMg === undefined || !stable) return false;
    const entry = this.#options.board.plates.find(({ id }) => id === plate);
    const intervalMg = entry?.intervalMg ?? entry?.divisionMg ?? usualIntervalMg;
    return Math.abs(grossMg) <= clearIntervals * intervalMg;
  }

  #done(plate: string, nowUs: number): void {
    if (!this.#maintained.delete(plate)) return;
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
    const work = this.#maintained.get(plate);
    if (output.kind === 'movement' && this.#stocks.has(plate)) this.#counts.set(plate, nowUs + countAfterUs);
    if (work?.ends === 'at-rest' && !this.#open.has(plate)) this.#done(plate, nowUs);
    this.#plan();
    return work !== undefined;
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
    for (const [plate, { untilUs }] of this.#maintained) if (untilUs <= nowUs) this.#done(plate, nowUs);
    if (this.#lookUs <= nowUs) {
      this.#lookUs = nowUs + lookUs;
      for (const [plate, { ends }] of this.#maintained) {
        if (ends === 'cleared' && this.#isClear(plate)) this.#done(plate, nowUs);
      }
    }
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
    const works = [...this.#maintained.values()];
    const looks = works.some(({ ends }) => ends === 'cleared') ? [this.#lookUs] : [];
    this.dueUs = Math.min(...works.map(({ untilUs }) => untilUs), ...looks, ...this.#counts.values());
  }

  saveState(): SavedUpkeep[] {
    return this.#options.board.plates.flatMap(({ id }) => {
      const work = this.#maintained.get(id);
      const counts = this.#stocks.get(id)?.save();
      if (work === undefined && counts === undefined) return [];
      return [
        {
          plate: id,
          ...(work === undefined ? {} : { untilUs: work.untilUs }),
          ...(work?.owner === undefined ? {} : { owner: work.owner }),
          ...(work?.ends === 'cleared' ? { clearing: true } : {}),
          ...(counts === undefined ? {} : { counts }),
        },
      ];
    });
  }
}

function isSaved(value: unknown): value is SavedUpkeep {
  if (typeof value !== 'object' || value === null) return false;
  const { plate, untilUs, owner, clearing, counts } = value as Record<string, unknown>;
  return (
    typeof plate === 'string' &&
    (untilUs === undefined || Number.isSafeInteger(untilUs)) &&
    (owner === undefined || typeof owner === 'string') &&
    (clearing === undefined || typeof clearing === 'boolean') &&
    (counts === undefined ||
      (typeof counts === 'object' &&
        counts !== null &&
        Object.values(counts).every((count) => Number.isSafeInteger(count) && count >= 0)))
  );
}
