import { createHash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '#base/canonical-json.ts';
import type { Board, Calibration, PlateEntry } from '#config/board.ts';
import { spanDrift, zeroDrift } from './drift.ts';
import { type CareFacts, type DueLimits, type DueReason, judgeDue, type PlateCare } from './due.ts';
import { OverloadHistory, type OverloadState } from './overloads.ts';

/** So many newest are kept of each plate; older ones say less. */
const keptReturns = 32;
const keptItems = 200;

const overloads = z.record(
  z.string(),
  z.object({ count: z.number().int(), worstMg: z.number(), lastMs: z.number().optional() }),
);
const plateSchema = z.object({
  /** Hash of the slopes, and of the zeros, that what follows was seen under. */
  span: z.string(),
  zero: z.string(),
  /** UTC, ms, when those slopes were first in force with a clock that was set. */
  sinceMs: z.number().optional(),
  returnsMg: z.array(z.number()),
  items: z.array(z.tuple([z.string(), z.number(), z.number()])),
  milliCelsius: z.tuple([z.number(), z.number()]).optional(),
});
const stateSchema = z.object({
  care: z.literal(1),
  overloads,
  lifetime: overloads,
  plates: z.record(z.string(), plateSchema),
});

/** What is kept over a restart: plain JSON. */
type CareState = z.infer<typeof stateSchema>;
type PlateState = z.infer<typeof plateSchema>;

/** Reads what `save` gave; undefined where it is of another form. */
export function parseCareState(text: string): CareState | undefined {
  try {
    return stateSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/**
 * What a device goes through between calibrations: overloads, returns to zero, known things, temperatures. A plate's are
 * forgotten when its slopes change, its returns to zero when its zeros do; overloads are also kept for good.
 */
export class Care {
  readonly #plates: ReadonlyMap<string, PlateEntry>;
  readonly #capacities: Record<string, number> = {};
  readonly #plateOf = new Map<string, string>();
  readonly #states = new Map<string, PlateState>();
  #calibration: Calibration | undefined;
  #since: OverloadHistory;
  readonly #lifetime: OverloadHistory;
  hardwareChanged = false;

  constructor(board: Pick<Board, 'plates'>, saved?: CareState) {
    const weighed = board.plates.filter(({ kind }) => kind !== 'unweighed');
    this.#plates = new Map(weighed.map((plate) => [plate.id, plate]));
    for (const plate of weighed) {
      if (plate.maxMg !== undefined) this.#capacities[plate.id] = plate.maxMg;
      for (const { id, capacityMg } of plate.cells ?? []) {
        this.#capacities[id] = capacityMg;
        this.#plateOf.set(id, plate.id);
      }
    }
    for (const [id, state] of Object.entries(saved?.plates ?? {})) {
      if (this.#plates.has(id)) this.#states.set(id, state);
    }
    this.#since = new OverloadHistory(saved?.overloads);
    this.#lifetime = new OverloadHistory(saved?.lifetime);
  }

  /** What a cell or plate may carry, mg. */
  capacityMg(id: string): number | undefined {
    return this.#capacities[id];
  }

  /** Tells which calibration is in force; plates that it changes begin anew. `utcMs` is undefined while the clock is not set. */
  setCalibration(calibration: Calibration | undefined, utcMs: number | undefined): void {
    if (calibration === this.#calibration && utcMs === undefined) return;
    this.#calibration = calibration;
    for (const id of this.#plates.keys()) this.#renew(id, calibration?.plates[id], utcMs);
  }

  #renew(id: string, entry: Calibration['plates'][string] | undefined, utcMs: number | undefined): void {
    const known = this.#states.get(id);
    // A calibration that can't be read for now takes nothing away.
    if (entry === undefined) return;
    const [span, zero] = [hashOf(spanOf(entry)), hashOf(zerosOf(entry))];
    if (known === undefined || known.span !== span) {
      if (known !== undefined) this.#forgetOverloads(id);
      const sinceMs = utcMs === undefined ? {} : { sinceMs: utcMs };
      this.#states.set(id, { span, zero, ...sinceMs, returnsMg: [], items: [] });
      return;
    }
    if (known.sinceMs === undefined && utcMs !== undefined) known.sinceMs = utcMs;
    if (known.zero === zero) return;
    known.zero = zero;
    known.returnsMg = [];
  }

  #forgetOverloads(plate: string): void {
    const kept = Object.entries(this.#since.save()).filter(
      ([id]) => id !== plate && this.#plateOf.get(id) !== plate,
    );
    this.#since = new OverloadHistory(Object.fromEntries(kept));
  }

  /** A load of a cell (with its share of the dead load) or plate, mg. */
  carry(id: string, loadMg: number, utcMs: number | undefined): void {
    const capacity = this.#capacities[id];
    if (capacity === undefined) return;
    this.#since.observe(id, loadMg, capacity, utcMs);
    this.#lifetime.observe(id, loadMg, capacity, utcMs);
  }

  /** The empty plate reads so much from the zero of its calibration, mg. */
  returnToZero(plate: string, mg: number): void {
    const state = this.#states.get(plate);
    if (state === undefined) return;
    state.returnsMg = [...state.returnsMg, Math.round(mg)].slice(-keptReturns);
  }

  /** A thing was weighed alone, and what it should weigh is known. */
  weighKnown(plate: string, product: string, expectedMg: number, measuredMg: number): void {
    const state = this.#states.get(plate);
    if (state === undefined) return;
    const item: PlateState['items'][number] = [product, Math.round(expectedMg), Math.round(measuredMg)];
    state.items = [...state.items, item].slice(-keptItems);
  }

  /** A sensor spoke; it counts for the plates that name it. */
  feel(sensor: string, milliCelsius: number): void {
    for (const [id, state] of this.#states) {
      if (this.#plates.get(id)?.temperature !== sensor) continue;
      const [low, high] = state.milliCelsius ?? [milliCelsius, milliCelsius];
      if (milliCelsius >= low && milliCelsius <= high && state.milliCelsius !== undefined) continue;
      state.milliCelsius = [Math.min(low, milliCelsius), Math.max(high, milliCelsius)];
    }
  }

  /** Overloads of cells and plates, ever. */
  get lifetimeOverloads(): OverloadState {
    return this.#lifetime.save();
  }

  /** Why a calibration is due. `utcMs` is undefined while the clock is not set. */
  due(utcMs: number | undefined, limits: Partial<DueLimits> = {}): DueReason[] {
    return judgeDue(this.facts(utcMs), limits);
  }

  /** What is known since the calibration; of several plates, the age of the oldest. */
  facts(utcMs: number | undefined): CareFacts {
    const ages = [...this.#states.values()].flatMap(({ sinceMs }) =>
      sinceMs === undefined || utcMs === undefined ? [] : [Math.max(0, Math.floor((utcMs - sinceMs) / 1000))],
    );
    return {
      calibrated: this.#isCalibrated(),
      ...(ages.length === 0 ? {} : { ageS: Math.max(...ages) }),
      overloads: this.#since.save(),
      capacities: this.#capacities,
      plates: [...this.#states].map(([id, state]) => this.#plateCare(id, state)),
      hardwareChanged: this.hardwareChanged,
    };
  }

  /** Every plate on cells has an entry; complete scales need none. */
  #isCalibrated(): boolean {
    return [...this.#plates.values()].every(
      ({ id, cells }) => cells === undefined || this.#calibration?.plates[id] !== undefined,
    );
  }

  #plateCare(id: string, state: PlateState): PlateCare {
    const plate = this.#plates.get(id);
    const items = state.items.map(([product, expectedMg, measuredMg]) => ({
      product,
      expectedMg,
      measuredMg,
    }));
    const cells = Object.values(this.#calibration?.plates[id]?.cells ?? {});
    const reference = cells[0]?.referenceMilliCelsius;
    const [low, high] = state.milliCelsius ?? [undefined, undefined];
    return {
      plate: id,
      maxMg: plate?.maxMg ?? Number.MAX_SAFE_INTEGER,
      intervalMg: plate?.intervalMg ?? 1_000,
      zero: zeroDrift(state.returnsMg.map((mg) => ({ mg }))),
      span: spanDrift(items),
      ...(reference === undefined || low === undefined || high === undefined
        ? {}
        : {
            temperature: {
              lowMilliCelsius: low,
              highMilliCelsius: high,
              referenceMilliCelsius: reference,
              compensated: cells.every(({ milligramsPerKelvin }) => milligramsPerKelvin !== undefined),
            },
          }),
    };
  }

  save(): CareState {
    return {
      care: 1,
      overloads: { ...this.#since.save() },
      lifetime: { ...this.#lifetime.save() },
      plates: Object.fromEntries(this.#states),
    };
  }
}

type Entry = Calibration['plates'][string];

function spanOf(entry: Entry): unknown {
  const cells = Object.entries(entry.cells).map(([id, { zeroCounts: _zero, ...rest }]) => [id, rest]);
  return [cells, entry.cornerGains ?? {}];
}

function zerosOf(entry: Entry): unknown {
  return Object.entries(entry.cells).map(([id, { zeroCounts }]) => [id, zeroCounts]);
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex').slice(0, 16);
}
