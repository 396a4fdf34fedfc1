import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { ServiceManager } from '#base/service-manager.ts';
import { TypedBus } from '#base/typed-bus.ts';
import type { CommandDesk } from '#commands/desk.ts';
import type { Calibration, DeviceEntry } from '#config/board.ts';
import type { Ports } from '#drivers/driver.ts';
import type { CartEvent, TimeQuality } from '#events/event.ts';
import type { PlainMap } from '#events/fields.ts';
import type { PipelineInput } from '#pipeline/inputs.ts';
import type { Pipeline, PipelineState } from '#pipeline/pipeline.ts';
import type { ScanReading } from '#readings/readings.ts';
import type { Uplink } from '#uplink/uplink.ts';
import { GatewayDesk } from './command-desk.ts';
import { CommandWatch } from './command-watch.ts';
import { DecisionLoop } from './decisions.ts';
import type { DeviceSupervisor } from './devices.ts';
import { GatewayError } from './errors.ts';
import { makeHandlers } from './handlers.ts';
import type { Health } from './health.ts';
import { gatewayInfo } from './info.ts';
import { makeInspection } from './inspection.ts';
import { LiveFeed } from './live.ts';
import { machineHandlers } from './machine-handlers.ts';
import { LastMeasurements } from './measurements.ts';
import { type OpenedParts, openParts } from './opened-parts.ts';
import { Operations } from './operations.ts';
import { startPipeline } from './pipeline-setup.ts';
import { Publisher } from './publisher.ts';
import { Reporting } from './reporting.ts';
import { RootSlots } from './root-slots.ts';
import { type ScaleCare, watchScales } from './scale-care.ts';
import { calibratedSetup, type GatewaySetup } from './setup.ts';
import { StoreStock } from './store-stock.ts';
import { superviseDevices } from './supervision.ts';
import { Technician } from './technician.ts';
import { TimeSource } from './time-source.ts';
import { Timers } from './timers.ts';
import type { Trust } from './trust.ts';
import { updateHandlers } from './update-handlers.ts';
import type { GatewayUpdates } from './updates.ts';
import { gatewayUpdates } from './updates-setup.ts';
import { GatewayVision } from './vision.ts';

const clockEveryUs = 60_000_000;
const saveEveryUs = 60_000_000;
const sweepEveryUs = 3_600_000_000;
/** The first birth waits so long for devices to say what they are; those that take longer are in the next one. */
const announceWithinUs = 2_000_000;
/** On a stop, what is decided has this long to get to disk: a full outbox without a broker never takes it. */
const storeWithinUs = 3_000_000;

export interface GatewayOptions {
  readonly setup: GatewaySetup;
  readonly clock: Clock;
  readonly log: Logger;
  readonly setLogLevel: (level: string) => void;
  /** Sees every input in the order in which it was decided on. */
  readonly onInput?: (input: PipelineInput) => void;
  /** Stands between a device and its ports, as a recorder of the very bytes does. */
  readonly tapPorts?: ((entry: DeviceEntry, ports: Ports) => Ports) | undefined;
  /** Called once when the gateway can't go on without losing events; the process must end and be restarted. */
  readonly onFatal: (error: unknown) => void;
  /** Who started this program, where somebody supervises it. */
  readonly service?: ServiceManager | undefined;
  /** Folder of its own below /run, where it is a service. */
  readonly runtimeFolder?: string | undefined;
}

/** What the pages and the command line listen to. Events are on disk when they appear here. */
export interface GatewayEvents {
  readonly events: readonly CartEvent[];
  readonly health: Health;
}

/** The whole of one device: opens what the board names, decides, stores, publishes, answers. */
export class Gateway {
  readonly bus: TypedBus<GatewayEvents>;
  readonly #options: GatewayOptions;
  readonly #uplink: Uplink;
  readonly #loop: DecisionLoop;
  readonly #devices: DeviceSupervisor;
  readonly #vision: GatewayVision;
  readonly #stock: StoreStock;
  readonly #desk: GatewayDesk;
  readonly #trust: Trust;
  readonly #technician: Technician;
  readonly #watch = new CommandWatch(() => this.#loop.pipeline.snapshot());
  readonly #care: ScaleCare;
  readonly #live: LiveFeed;
  readonly #time: TimeSource;
  readonly #publisher: Publisher;
  readonly #reporting: Reporting;
  readonly #operations: Operations;
  readonly #updates: GatewayUpdates;
  readonly #roots: RootSlots;
  readonly #measurements = new LastMeasurements();
  readonly #timers: Timers;
  #stopped = false;

  /** Opens the outbox and puts the parts together; `start` sets them going. Rejects with coded errors. */
  static async open(options: GatewayOptions): Promise<Gateway> {
    const parts = await openParts(options);
    try {
      return new Gateway(options, parts);
    } catch (error) {
      await parts.begun.record.failed(error);
      await parts.uplink.stop();
      throw error;
    }
  }

  private constructor(options: GatewayOptions, parts: OpenedParts) {
    const { uplink, cameras, trust, calibrations, begun } = parts;
    const { clock, log } = options;
    const setup = calibratedSetup(options.setup, calibrations.calibration);
    this.#options = { ...options, setup };
    this.#trust = trust;
    this.#uplink = uplink;
    this.#timers = new Timers(clock);
    this.#time = new TimeSource(clock, undefined, () => begun.floor.isBehind);
    this.bus = new TypedBus((error, event) => log.error({ err: error, event }, 'a listener failed'));
    const { state } = uplink.start;
    const { config } = setup;
    this.#publisher = new Publisher(uplink, config.encoding);
    this.#loop = new DecisionLoop({
      clock,
      log,
      store: uplink,
      stored: state,
      pipeline: (sink, saved) =>
        startPipeline(setup, uplink.start, {
          startUs: clock.nowUs(),
          sink: (event) => {
            this.#watch.event(event);
            sink(event);
          },
          onWeighed: (output) => {
            this.#vision.weighed(output);
            this.#care.weighed(output);
          },
          onStock: (given) => this.#stock.adopted(given),
          state: saved,
        }),
      onInput: (input) => {
        this.#watch.input(input);
        this.#technician.see(input);
        options.onInput?.(input);
      },
      onStored: (events) => {
        this.#vision.decided(events);
        this.bus.emit('events', events);
      },
      onBasket: (basket) => this.#publisher.basket(basket),
      onLost: (error) => {
        void begun.record.failed(error);
        options.onFatal(error);
      },
    });
    this.#vision = new GatewayVision({
      setup,
      cameras,
      clock,
      log,
      push: (input) => this.#loop.push(input),
      inSession: () => this.#loop.pipeline.session !== undefined,
      catalogue: () => this.pipeline.stock.catalogue,
      uplink,
      onIdentity: () => this.#reporting.announceAgain(),
    });
    this.#stock = new StoreStock({
      device: config.device,
      paths: { catalogue: setup.cataloguePath, planogram: setup.planogramPath },
      folder: setup.dataFolder,
      uplink,
      clock,
      log,
      push: (input) => this.#loop.push(input),
      stock: () => this.pipeline.stock,
      onInForce: () => this.#reporting.announce(),
    });
    this.#devices = superviseDevices(setup, {
      ...{ clock, log, cameras, tapPorts: options.tapPorts },
      calibration: () => calibrations.calibration,
      onReading: (reading) => {
        this.#measurements.see(reading);
        this.#care.read(reading);
        this.#loop.push(reading);
      },
      onFault: (source, fault, atUs) => {
        this.#care.deviceFault(source, fault);
        this.#loop.push({ kind: 'device-fault', source, atUs, fault });
      },
    });
    this.#live = new LiveFeed(clock, (topic) =>
      this.#publisher.live(topic, this.#loop.pipeline, setup.board, clock),
    );
    this.#technician = new Technician({
      ...{ setup, clock, log, keeper: calibrations, loop: this.#loop, live: this.#live, stored: state },
      timeQuality: () => this.timeQuality,
      background: (work) => this.#background(work),
    });
    // It asks for the calibration in force, so the technician's part comes first.
    this.#care = watchScales(setup, this, { clock, log, stored: state, timers: this.#timers });
    this.#operations = new Operations({
      ...{ ...begun, setup, clock, log, uplink, loop: this.#loop, timers: this.#timers },
      ...{ service: options.service, runtimeFolder: options.runtimeFolder, measurements: this.#measurements },
      devices: () => this.#devices.reports(),
      reopen: (device) => this.#devices.reopen(device),
      timeQuality: () => this.timeQuality,
      onHung: options.onFatal,
      background: (work) => this.#background(work),
    });
    this.#updates = gatewayUpdates(setup, {
      ...{ clock, log, uplink, loop: this.#loop, measurements: this.#measurements },
      devices: () => this.#devices.reports(),
      timeQuality: () => this.timeQuality,
    });
    this.#roots = new RootSlots({ clock, log, loop: this.#loop, stored: state });
    this.#desk = new GatewayDesk({
      setup,
      clock,
      clockTrusted: () => this.timeQuality !== 'unset',
      log,
      loop: this.#loop,
      stored: state,
      keys: trust.keys,
      answered: begun.answered,
      auditor: trust.auditor,
      watch: this.#watch,
      publish: this.#publisher.answer,
      handlers: (pipeline, nonce, keep) =>
        makeHandlers({
          calibration: this.#technician.handlers(keep, this.#care),
          machine: machineHandlers({
            ...{ keep, operations: this.#operations },
            inSession: () => this.pipeline.session !== undefined,
            within: (limitUs, work) => this.#timers.within(limitUs, work),
          }),
          updates: updateHandlers(this.#updates, keep),
          clock,
          live: this.#live,
          vision: this.#vision,
          info: () => this.info(),
          inspection: makeInspection(setup, () => trust.auditor.head),
          nonce,
          setLogLevel: options.setLogLevel,
          pipeline,
        }),
      background: (work) => this.#background(work),
    });
    this.#reporting = new Reporting({
      ...{ setup, clock, uplink, loop: this.#loop, publisher: this.#publisher },
      measurements: this.#measurements,
      timeQuality: () => this.timeQuality,
      devices: () => this.devices.reports(),
      revision: () => this.calibration?.revision,
      parts: () => ({
        vision: this.#vision.health(),
        keys: this.#desk.health(),
        calibration: this.#care.health(),
        operations: this.#operations.health(),
        update: this.#updates.health(),
        root: this.#roots.health(),
      }),
      onHealth: (health) => {
        this.bus.emit('health', health);
        this.#background(this.#operations.told(health));
      },
    });
  }

  /** All devices of the board, cameras too. */
  get devices(): Pick<DeviceSupervisor, 'reports'> {
    return { reports: () => [...this.#devices.reports(), ...this.#vision.reports()] };
  }

  get measurements(): Pick<LastMeasurements, 'of'> {
    return this.#measurements;
  }

  get pipeline(): Pipeline {
    return this.#loop.pipeline;
  }

  get uplink(): Pick<Uplink, 'status' | 'start' | 'subscribe' | 'publish'> {
    return this.#uplink;
  }

  get vision(): Pick<GatewayVision, 'health'> {
    return this.#vision;
  }

  /** Where commands of this machine's own pages are carried out. */
  get desk(): Pick<CommandDesk, 'handle'> {
    return this.#desk.desk;
  }

  /** What an earlier run knew and this one goes on with, for a recording's header. */
  get restoredState(): PipelineState | undefined {
    return this.#loop.restored;
  }

  /** How far the wall clock can be trusted; as of a minute ago at most. */
  get timeQuality(): TimeQuality {
    return this.#time.quality;
  }

  get lastHealth(): Health | undefined {
    return this.#reporting.last;
  }

  /** Begins to decide, opens the devices and announces itself. Resolves when it has announced itself. */
  async start(): Promise<void> {
    await this.#synchronizeClock();
    if (this.#stopped) return;
    // So that the birth already bears the time.
    this.#loop.flush();
    this.#loop.start();
    const { boot, crashed } = this.#uplink.start;
    // Nobody waits for it to be stored: a full outbox takes it only once the announcement below has made it send.
    this.#background(
      this.#loop.append({
        type: 'gateway.born',
        data: {
          boot,
          software: this.#options.setup.versions.software,
          reason: crashed ? 'restart-after-crash' : 'start',
          ...this.#operations.before,
        },
      }),
    );
    this.#uplink.subscribe('request/#', (topic, payload, { retain }) => {
      const command = topic.split('/').slice(1).join('.');
      this.#updates.hear(command, payload);
      this.#background(this.#desk.answer(command, payload, retain));
    });
    this.#uplink.onDropped((drop) =>
      this.#background(this.#loop.append({ type: 'outbox.dropped', data: drop })),
    );
    this.#uplink.onStatus((status) => this.#background(this.#reporting.linkChanged(status)));
    this.#trust.start({ loop: this.#loop, timeQuality: () => this.timeQuality });
    this.#background(this.#technician.start(this.#technicianHost()));
    this.#vision.start();
    this.#stock.start();
    this.#updates.start();
    this.#roots.start();
    const tried = this.#devices.start();
    if (!(await this.#timers.within(announceWithinUs, tried)))
      this.#background(tried.then(() => this.#reporting.announce()));
    if (this.#stopped) return;
    this.#reporting.announce();
    this.#timers.every(clockEveryUs, () => this.#background(this.#synchronizeClock()));
    this.#timers.every(saveEveryUs, () => this.#background(this.#loop.saveState(this.#care.changes())));
    this.#timers.every(sweepEveryUs, () => this.#background(this.#desk.desk.sweep()));
    this.#timers.every(this.#options.setup.config.healthS * 1_000_000, () =>
      this.#background(this.#reporting.health(true)),
    );
    await this.#operations.start();
    await this.#reporting.health(false);
  }

  /** Stops sensing, decides on what is there, flushes what can be flushed and says goodbye. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#timers.stop();
    this.#reporting.stop();
    this.#live.stop();
    this.#technician.stop();
    await Promise.all([
      this.#devices.stop(),
      this.#vision.stop(),
      this.#stock.stop(),
      this.#updates.stop(),
      this.#roots.stop(),
    ]);
    await this.#trust.stop(this.#options.log);
    await this.#operations.stop();
    try {
      this.#background(this.#loop.saveState(this.#care.changes()));
      const stored = this.#loop.stop();
      if (!(await this.#timers.within(storeWithinUs, stored))) {
        this.#options.log.error(
          {},
          'the outbox does not take the last events; the gateway stops without them',
        );
      }
    } finally {
      await this.#uplink.stop();
    }
  }

  /** What `gateway.info` answers. */
  info(): PlainMap {
    const { late, pipeline } = this.#loop;
    const sequence = pipeline.nextSequence - 1;
    return gatewayInfo(this.#options.setup, this.#uplink.start, pipeline.stock, this.devices.reports(), {
      sequence,
      late,
      uptimeS: this.uptimeS(),
    });
  }

  /** What weighing goes by now. */
  get calibration(): Calibration | undefined {
    return this.#technician.calibration;
  }

  #technicianHost(): Parameters<Technician['start']>[0] {
    return {
      auditor: this.#trust.auditor,
      inSession: () => this.pipeline.session !== undefined,
      opened: () => this.#devices.opened(),
      onInForce: () => {
        this.#devices.rejudge();
        this.#reporting.announceAgain();
      },
    };
  }

  /** Takes a scan of something that is no device of the board: a shopper's phone. */
  scanned(scan: ScanReading): void {
    this.#loop.push(scan);
  }

  uptimeS(): number {
    return this.#reporting.uptimeS();
  }

  async #synchronizeClock(): Promise<void> {
    await this.#time.refresh();
    const { clock } = this.#options;
    this.#loop.push({ kind: 'clock', atUs: clock.nowUs(), utcMs: clock.utcMs(), quality: this.timeQuality });
  }

  /** Work nobody waits for: its failure is logged, never unhandled. That it came after the end is none. */
  #background(work: Promise<unknown>): void {
    const { log } = this.#options;
    work.catch((error: unknown) => {
      if (error instanceof GatewayError && error.code === 'CW-GWY-007') log.debug({}, error.message);
      else log.error({ err: error }, 'background work failed');
    });
  }
}
