import type { Clock } from '#base/clock.ts';
import { toJson } from '#events/json.ts';
import type {
  BrokerStatus,
  DeviceStatus,
  EventView,
  PlateStatus,
  PlateWeight,
  QuestionStatus,
  StatusSnapshot,
  StatusSource,
  StatusUpdate,
} from '#pages/status/source.ts';
import type { DeviceReport } from './devices.ts';
import type { Gateway } from './gateway.ts';
import type { GatewaySetup } from './setup.ts';

const weightsEveryUs = 100_000;
const healthEveryUs = 1_000_000;
/** While nobody looks, weights are taken for the plot's past alone. */
const idleWeightsEveryUs = 500_000;
const idleHealthEveryUs = 10_000_000;
const minuteUs = 60_000_000;
/** Kinds of drivers that deliver no readings by design: a rate of 0 would look like a fault. */
const withoutReadings: ReadonlySet<string> = new Set(['bus', 'indicator']);
/** Kinds that deliver when somebody uses them: their readings are counted over the last minute. */
const onDemand: ReadonlySet<string> = new Set(['scanner', 'tag-reader']);

/** How many readings a device had delivered at some time. */
interface Tally {
  readonly atUs: number;
  readonly readings: number;
}

/** The gateway as the status page sees it: sampled often while somebody looks, and rarely while nobody does. */
export class GatewayStatus implements StatusSource {
  readonly #gateway: Gateway;
  readonly #setup: GatewaySetup;
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #listeners = new Set<(update: StatusUpdate) => void>();
  readonly #unsubscribe: () => void;
  #cancels: (() => void)[] = [];
  #watched = false;
  /** By device, oldest first, at most one a second: what the rates of readings are taken from. */
  readonly #tallies = new Map<string, Tally[]>();

  constructor(gateway: Gateway, setup: GatewaySetup, clock: Clock) {
    this.#gateway = gateway;
    this.#setup = setup;
    this.#clock = clock;
    this.#startedAt = clock.utcMs();
    this.#unsubscribe = gateway.bus.on('events', (events) => {
      for (const event of events) this.#tell({ kind: 'event', event: toJson(event) as unknown as EventView });
      const basket = gateway.pipeline.snapshot();
      this.#tell({
        kind: 'basket',
        questions: this.#questions(),
        ...(basket === undefined ? {} : { basket }),
      });
    });
  }

  stop(): void {
    this.#unsubscribe();
    this.#listeners.clear();
    this.#pause();
  }

  subscribe(listener: (update: StatusUpdate) => void): () => void {
    this.#listeners.add(listener);
    if (this.#cancels.length === 0) this.#resume();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#pause();
    };
  }

  watch(watched: boolean): void {
    if (watched === this.#watched) return;
    this.#watched = watched;
    if (this.#listeners.size === 0) return;
    this.#pause();
    this.#resume();
  }

  snapshot(): StatusSnapshot {
    const basket = this.#gateway.pipeline.snapshot();
    return {
      store: this.#setup.config.store,
      device: this.#setup.config.device,
      software: this.#setup.versions.software,
      startedAt: this.#startedAt,
      atUs: this.#clock.nowUs(),
      plates: this.#plates(),
      devices: this.#devices(),
      broker: this.#broker(),
      clock: { utcMs: this.#clock.utcMs(), quality: this.#gateway.timeQuality },
      questions: this.#questions(),
      ...(basket === undefined ? {} : { basket }),
    };
  }

  #resume(): void {
    const repeat = (periodUs: number, index: number, action: () => void) => {
      this.#cancels[index] = this.#clock.after(periodUs, () => {
        action();
        if (this.#listeners.size > 0) repeat(periodUs, index, action);
      });
    };
    repeat(this.#watched ? weightsEveryUs : idleWeightsEveryUs, 0, () => {
      const plates = this.#weighed().map((plate) => this.#weight(plate.id));
      this.#tell({ kind: 'weights', atUs: this.#clock.nowUs(), plates });
    });
    repeat(this.#watched ? healthEveryUs : idleHealthEveryUs, 1, () => {
      this.#tell({
        kind: 'health',
        plates: this.#plates(),
        devices: this.#devices(),
        broker: this.#broker(),
        clock: { utcMs: this.#clock.utcMs(), quality: this.#gateway.timeQuality },
      });
    });
  }

  #pause(): void {
    for (const cancel of this.#cancels) cancel();
    this.#cancels = [];
  }

  #tell(update: StatusUpdate): void {
    for (const listener of this.#listeners) listener(update);
  }

  /** A lower rack has nothing to show: nothing weighs it. */
  #weighed() {
    return this.#setup.board.plates.filter(({ kind }) => kind !== 'unweighed');
  }

  #weight(id: string): PlateWeight {
    const { grossMg, tareMg, stable, moving } = this.#gateway.pipeline.weigher.status(id);
    return {
      id,
      stable,
      moving,
      ...(grossMg === undefined ? {} : { grossMg, netMg: grossMg - tareMg }),
    };
  }

  #plates(): PlateStatus[] {
    const cells = this.#gateway.pipeline.weigher.cellStatus();
    return this.#weighed().map((plate) => ({
      ...this.#weight(plate.id),
      kind: plate.kind,
      ...(plate.maxMg === undefined ? {} : { maxMg: plate.maxMg }),
      ...(plate.intervalMg === undefined ? {} : { intervalMg: plate.intervalMg }),
      ...(plate.divisionMg === undefined ? {} : { divisionMg: plate.divisionMg }),
      tareMg: this.#gateway.pipeline.weigher.status(plate.id).tareMg,
      cells: cells
        .filter((cell) => cell.plate === plate.id)
        .map(({ cell, counts, ratePerS, fault }) => ({
          id: cell,
          ratePerSecond: Math.round(ratePerS * 10) / 10,
          ...(counts === undefined ? {} : { counts }),
          ...(fault === undefined ? {} : { fault }),
        })),
    }));
  }

  #devices(): DeviceStatus[] {
    return this.#gateway.devices.reports().map((report) => ({
      ...this.#measured(report),
      id: report.id,
      driver: report.driver,
      state: shownState(report),
      identity: report.identity,
      ...(withoutReadings.has(report.kind) ? {} : { ratePerMinute: this.#rate(report) }),
      ...(report.fault === undefined
        ? {}
        : { fault: { code: report.fault.code, message: report.fault.message } }),
    }));
  }

  #measured({ id, state }: DeviceReport): Pick<DeviceStatus, 'measured'> {
    const measured = state === 'running' ? this.#gateway.measurements.of(id) : undefined;
    return measured === undefined ? {} : { measured };
  }

  /** Readings a minute: of the last second, or where they come on demand, those of the last minute. */
  #rate({ id, kind, readings }: DeviceReport): number {
    const atUs = this.#clock.nowUs();
    const tallies = this.#tallies.get(id) ?? [{ atUs, readings }];
    this.#tallies.set(id, tallies);
    const latest = tallies.at(-1);
    if (latest !== undefined && atUs - latest.atUs >= healthEveryUs) tallies.push({ atUs, readings });
    const spanUs = onDemand.has(kind) ? minuteUs : healthEveryUs;
    while (tallies.length > 2 && (tallies[1]?.atUs ?? atUs) <= atUs - spanUs) tallies.shift();
    return readingsPerMinute(tallies, onDemand.has(kind));
  }

  #broker(): BrokerStatus {
    const status = this.#gateway.uplink.status();
    const { protocol, reason } = status;
    return {
      url: status.broker,
      connected: status.connected,
      ...(protocol === undefined ? {} : { protocol }),
      ...(reason === undefined ? {} : { error: reason }),
      outboxEvents: status.outboxEvents,
      outboxBytes: status.outboxBytes,
      outboxMaxBytes: this.#setup.config.outbox.maxBytes,
      published: status.published,
      dropped: status.dropped,
    };
  }

  #questions(): QuestionStatus[] {
    return this.#gateway.pipeline.openQuestions().map((question) => ({
      event: question.event,
      kind: question.kind,
      ask: question.ask,
      plate: question.plate,
      massMg: question.massMg,
      candidates: question.candidates.map(({ name, gtin, plu, count, probabilityPpm }) => ({
        name: name ?? gtin ?? plu ?? '',
        count,
        probabilityPpm,
      })),
    }));
  }
}

function shownState({ state, fault }: DeviceReport): DeviceStatus['state'] {
  if (state === 'opening') return 'opening';
  if (state === 'closed') return 'stopped';
  return state === 'running' && fault === undefined ? 'running' : 'faulty';
}

function readingsPerMinute(tallies: readonly Tally[], counted: boolean): number {
  const [first, last] = [tallies[0], tallies.at(-1)];
  if (first === undefined || last === undefined || first === last) return 0;
  const readings = last.readings - first.readings;
  return counted ? readings : Math.round((readings * minuteUs) / (last.atUs - first.atUs));
}
