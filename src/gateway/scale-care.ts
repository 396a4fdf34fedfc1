import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { usPerSecond } from '#base/units.ts';
import { Care, parseCareState } from '#calibration/diagnosis/care.ts';
import type { DueReason } from '#calibration/diagnosis/due.ts';
import type { Board, Calibration } from '#config/board.ts';
import type { CartEvent, TimeQuality } from '#events/event.ts';
import type { Pipeline } from '#pipeline/pipeline.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { Reading } from '#readings/readings.ts';
import type { Movement, WeighingFault, WeighingOutput } from '#weighing/outputs.ts';
import type { CellStatus, WeighingState } from '#weighing/weigher.ts';
import { otherHardware } from './calibrated-hardware.ts';
import type { Health } from './health.ts';
import type { GatewaySetup } from './setup.ts';
import type { StateChanges, StoredState } from './state.ts';
import type { Timers } from './timers.ts';

/** Key in the outbox's state. */
export const careKey = 'calibration/care';
/** A decision as sure as this teaches what a known thing weighs. */
const surePpm = 990_000;
/** Of a plate whose goods are not known an emptied one reads within so many e of zero; of an empty basket, 4 % of Max. */
const emptyIntervals = 10;
const zeroPart = 0.04;
/** What a return to zero came down from is at least so many e. */
const leftIntervals = 4;
/** How often the load is looked at while something is overloaded. */
const sampleEveryUs = usPerSecond;

/** One of the two names a product. */
interface NamedProduct {
  readonly gtin?: string | undefined;
  readonly plu?: string | undefined;
}

interface ScaleCareOptions {
  readonly board: Board;
  readonly stored: StoredState;
  readonly log: Pick<Logger, 'error'>;
  /** UTC, ms; undefined while the clock is not set. */
  readonly utcMs: () => number | undefined;
  readonly calibration: () => Calibration | undefined;
  readonly cells: () => readonly CellStatus[];
  readonly weighing: () => WeighingState;
  /** The basket is known to be empty. */
  readonly basketEmpty: () => boolean;
  /** Mass that the catalogue has for a product, mg. */
  readonly catalogueMg: (product: NamedProduct) => number | undefined;
}

/**
 * Watches how the scales of this device fare between calibrations, from what the pipeline puts out: overloads, returns to
 * zero, scanned things of known mass, temperatures. It changes no decision; health tells whether a calibration is due.
 */
export class ScaleCare {
  readonly #options: ScaleCareOptions;
  readonly #care: Care;
  readonly #overloaded = new Set<string>();
  readonly #foreign = new Set<string>();
  #saved: string;

  constructor(options: ScaleCareOptions) {
    this.#options = options;
    const text = options.stored[careKey];
    const state = text === undefined ? undefined : parseCareState(text);
    if (text !== undefined && state === undefined) {
      options.log.error(
        { code: 'CW-GWY-003', key: careKey },
        'what was known of the scales is not readable; it begins anew',
      );
    }
    this.#care = new Care(options.board, state);
    this.#saved = text ?? '';
    this.#look();
  }

  /** The calibration may have changed, the clock may have been set. */
  #look(): void {
    this.#care.setCalibration(this.#options.calibration(), this.#options.utcMs());
  }

  weighed(output: WeighingOutput): void {
    if (output.kind === 'movement') this.#moved(output);
    else if (output.kind === 'fault') this.#faulted(output);
  }

  /** HOT PATH: every reading comes by. */
  read(reading: Reading): void {
    if (reading.kind === 'temperature') this.#care.feel(reading.source, reading.milliCelsius);
  }

  /** A device's own fault: a bridge that the calibration was not made on. */
  deviceFault(source: string, fault: DeviceFault): void {
    if (fault.code !== otherHardware) return;
    const channel = fault.channel ?? source;
    if (fault.cleared === true) this.#foreign.delete(channel);
    else this.#foreign.add(channel);
    this.#care.hardwareChanged = this.#foreign.size > 0;
  }

  /** Things that were scanned, put in alone and decided beyond doubt teach how far masses are off. */
  decided(events: readonly CartEvent[]): void {
    for (const event of events) {
      if (event.type !== 'item.added') continue;
      const { data } = event;
      if (data.entry !== 'scan' || data.count !== 1 || data.massMg <= 0) continue;
      if (data.probabilityPpm < surePpm || (data.evidence.movements?.length ?? 0) !== 1) continue;
      const product = data.gtin ?? data.plu;
      const expected = this.#options.catalogueMg(data);
      if (product === undefined || expected === undefined) continue;
      this.#care.weighKnown(data.plate, product, expected, data.massMg);
    }
  }

  #moved(movement: Movement): void {
    const { plate: id, massMg, afterMg } = movement;
    const plate = this.#options.board.plates.find((one) => one.id === id);
    const state = this.#options.weighing().plates[id];
    if (plate?.cells === undefined || state === undefined) return;
    const intervalMg = plate.intervalMg ?? 1_000;
    if (massMg > -leftIntervals * intervalMg || movement.moving) return;
    const gross = afterMg + state.tareMg;
    const emptied = plate.kind === 'cart' && this.#options.basketEmpty();
    const near = emptied ? zeroPart * (plate.maxMg ?? 0) : emptyIntervals * intervalMg;
    if (Math.abs(gross) > near) return;
    this.#look();
    // From the calibration's zero: what was set to zero since is added again.
    this.#care.returnToZero(id, gross + state.zeroMg);
  }

  #faulted({ code, source, cleared }: WeighingFault): void {
    if (code !== 'CW-WGH-007' && code !== 'CW-WGH-008') return;
    if (!cleared) {
      this.#overloaded.add(source);
      this.sample();
      return;
    }
    this.#overloaded.delete(source);
    this.#care.carry(source, 0, this.#options.utcMs());
  }

  /** Looks at what lasts: the worst load while something is overloaded. To be called every second or so. */
  sample(): void {
    if (this.#overloaded.size === 0) return;
    const loads = this.#loads();
    for (const id of this.#overloaded) {
      // The fault says that it is overloaded, whatever the newest reading is.
      const least = (this.#care.capacityMg(id) ?? 0) + 1;
      this.#care.carry(id, Math.max(loads.get(id) ?? 0, least), this.#options.utcMs());
    }
  }

  /** Loads of cells, dead load included, and of plates on cells, mg. */
  #loads(): Map<string, number> {
    const loads = new Map<string, number>();
    for (const { cell, plate: id, massMg } of this.#options.cells()) {
      if (massMg === undefined) continue;
      const plate = this.#options.board.plates.find((one) => one.id === id);
      const dead = (plate?.deadLoadMg ?? 0) / (plate?.cells?.length ?? 1);
      loads.set(cell, massMg + dead);
      loads.set(id, (loads.get(id) ?? 0) + massMg);
    }
    return loads;
  }

  /** Why a calibration is due; none where nothing speaks for one. */
  due(): DueReason[] {
    this.#look();
    return this.#care.due(this.#options.utcMs());
  }

  /** For diagnosis: drift, overloads ever and since the calibration. */
  history(): { readonly lifetimeOverloads: Care['lifetimeOverloads'] } & ReturnType<Care['facts']> {
    this.#look();
    return { ...this.#care.facts(this.#options.utcMs()), lifetimeOverloads: this.#care.lifetimeOverloads };
  }

  /** What health says of the calibration. */
  health(): NonNullable<Health['calibration']> {
    const due = this.due();
    const { ageS } = this.#care.facts(this.#options.utcMs());
    const revision = this.#options.calibration()?.revision;
    return {
      ...(revision === undefined ? {} : { revision }),
      ...(ageS === undefined ? {} : { ageS }),
      due: due.length > 0,
      reasons: due.map(({ code, at, message }) => ({ code, message, ...(at === undefined ? {} : { at }) })),
    };
  }

  /** What is to be stored where it changed since the last time that this was asked. */
  changes(): StateChanges {
    const text = JSON.stringify(this.#care.save());
    if (text === this.#saved) return {};
    this.#saved = text;
    return { [careKey]: text };
  }
}

/** The gateway whose scales are watched. */
interface WatchedGateway {
  readonly pipeline: Pipeline;
  readonly calibration: Calibration | undefined;
  readonly timeQuality: TimeQuality;
  readonly bus: { on(event: 'events', listener: (events: readonly CartEvent[]) => void): unknown };
}

/** Watches the scales of a gateway: it hears events by the bus; movements, readings and faults are passed on to it. */
export function watchScales(
  setup: Pick<GatewaySetup, 'board'>,
  gateway: WatchedGateway,
  parts: {
    readonly clock: Clock;
    readonly log: Logger;
    readonly stored: StoredState;
    readonly timers: Pick<Timers, 'every'>;
  },
): ScaleCare {
  const care = new ScaleCare({
    ...parts,
    board: setup.board,
    utcMs: () => (gateway.timeQuality === 'unset' ? undefined : parts.clock.utcMs()),
    calibration: () => gateway.calibration,
    cells: () => gateway.pipeline.weigher.cellStatus(),
    weighing: () => gateway.pipeline.weigher.saveState(),
    basketEmpty: () => (gateway.pipeline.snapshot()?.lines.length ?? 0) === 0,
    catalogueMg: ({ gtin, plu }) => {
      const { byGtin, byPlu } = gateway.pipeline.stock.catalogue;
      const product = gtin === undefined ? byPlu.get(plu ?? '') : byGtin.get(gtin);
      return product?.sale === 'each' ? product.grossMg?.mean : undefined;
    },
  });
  gateway.bus.on('events', (events) => care.decided(events));
  parts.timers.every(sampleEveryUs, () => care.sample());
  return care;
}
