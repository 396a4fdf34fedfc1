import type { Clock } from '#base/clock.ts';
import type { TimeQuality } from '#events/event.ts';
import type { Uplink, UplinkStatus } from '#uplink/uplink.ts';
import { bornDevice } from './birth.ts';
import type { DecisionLoop } from './decisions.ts';
import type { DeviceReport } from './devices.ts';
import { type Health, type HealthFacts, HealthReporter, processorTemperature } from './health.ts';
import type { Publisher } from './publisher.ts';
import type { GatewaySetup } from './setup.ts';

interface ReportingOptions extends Pick<HealthFacts, 'measurements'> {
  readonly setup: GatewaySetup;
  readonly clock: Clock;
  readonly loop: Pick<DecisionLoop, 'append' | 'pipeline' | 'push'>;
  readonly uplink: Pick<Uplink, 'status' | 'setBirth'>;
  readonly publisher: Pick<Publisher, 'health'>;
  readonly timeQuality: () => TimeQuality;
  /** All devices of the board, cameras too. */
  readonly devices: () => readonly DeviceReport[];
  /** Revision of what weighing goes by now. */
  readonly revision: () => number | undefined;
  /** What further parts say for health. */
  readonly parts: () => Pick<
    HealthFacts,
    'vision' | 'keys' | 'calibration' | 'operations' | 'update' | 'root'
  >;
  readonly onHealth: (health: Health) => void;
}

/** What the gateway says of itself: its birth on `state`, and its health. */
export class Reporting {
  readonly #options: ReportingOptions;
  readonly #reporter = new HealthReporter();
  readonly #startedUs: number;
  #linkState = '';
  #last: Health | undefined;
  #announced = false;
  #stopped = false;

  constructor(options: ReportingOptions) {
    this.#options = options;
    this.#startedUs = options.clock.nowUs();
  }

  get last(): Health | undefined {
    return this.#last;
  }

  uptimeS(): number {
    return Math.floor((this.#options.clock.nowUs() - this.#startedUs) / 1_000_000);
  }

  stop(): void {
    this.#stopped = true;
  }

  /** The birth on `state`; connecting begins with it. */
  announce(): void {
    if (this.#stopped) return;
    this.#announced = true;
    const { setup, clock, loop, uplink, timeQuality, devices } = this.#options;
    // The pipeline takes a new calibration in its turn, which is a moment later.
    const revision = this.#options.revision();
    uplink.setBirth({
      software: setup.versions.software,
      versions: { ...loop.pipeline.versions, ...(revision === undefined ? {} : { calibration: revision }) },
      devices: devices().map(bornDevice),
      ...(timeQuality() === 'unset' ? {} : { since: clock.utcMs() }),
    });
  }

  /** The birth again, where it was told already: something in it changed. */
  announceAgain(): void {
    if (this.#announced) this.announce();
  }

  /** @param asEvent also as an event in the row; resolves when that is on disk, rejects where it is lost */
  async health(asEvent: boolean): Promise<void> {
    if (this.#stopped) return;
    const { clock, loop, uplink, publisher, measurements, timeQuality, devices, parts } = this.#options;
    const health = this.#reporter.report(
      {
        uptimeUs: clock.nowUs() - this.#startedUs,
        devices: devices(),
        measurements,
        faultyCells: loop.pipeline.weigher
          .cellStatus()
          .flatMap(({ cell, fault }) => (fault === undefined ? [] : [{ cell, fault }])),
        uplink: uplink.status(),
        timeQuality: timeQuality(),
        ...parts(),
        milliCelsius: await processorTemperature(),
      },
      clock.nowUs(),
    );
    this.#last = health;
    publisher.health(health);
    this.#options.onHealth(health);
    if (asEvent) await loop.append({ type: 'gateway.health', data: health });
  }

  /** Health is told on change: of the link, of whether events can be kept, of losses; not of every event sent. */
  async linkChanged({ connected, ledgerFull, blocked, dropped, contested }: UplinkStatus): Promise<void> {
    const state = JSON.stringify([connected, ledgerFull, blocked, dropped, contested !== undefined]);
    if (state === this.#linkState) return;
    this.#linkState = state;
    this.#options.loop.push({
      kind: 'capacity',
      atUs: this.#options.clock.nowUs(),
      full: ledgerFull,
    });
    await this.health(false);
  }
}
