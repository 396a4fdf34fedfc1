import type { Clock } from '#base/clock.ts';
import { describeError, isCoded } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { ServiceManager } from '#base/service-manager.ts';
import { usPerSecond } from '#base/units.ts';
import type { TimeQuality } from '#events/event.ts';
import type { Uplink } from '#uplink/uplink.ts';
import { judgeCertificate } from './certificate.ts';
import { ClockFloor } from './clock-floor.ts';
import type { DecisionLoop } from './decisions.ts';
import type { DeviceReport } from './devices.ts';
import { GatewayError } from './errors.ts';
import type { Health, HealthFacts } from './health.ts';
import { HealthyFile } from './healthy-file.ts';
import { factsOf, keepFacts } from './known-facts.ts';
import { machineWarnings, readMachine, readStorage } from './machine.ts';
import type { LastMeasurements } from './measurements.ts';
import { PowerGuard } from './power-guard.ts';
import { type PowerAction, PowerWish } from './power-wish.ts';
import { RunRecord, readBeforeRun } from './run-record.ts';
import { answeredInSafeMode } from './safe-desk.ts';
import { forgetTries } from './safe-tries.ts';
import type { GatewaySetup } from './setup.ts';
import type { Timers } from './timers.ts';
import { type Warning, Warnings } from './warnings.ts';
import { ProgressJudge } from './watchdog.ts';

/** How often progress and power are judged, µs; a watchdog that wants to hear more often is fed more often. */
const judgeEveryUs = 5 * usPerSecond;
const lookEveryUs = 30 * usPerSecond;
const keepClockEveryUs = 60 * usPerSecond;
/** A wish that nobody carried out is left again after this long, µs. */
const wishAgainUs = 60 * usPerSecond;
/** A gateway that ran for so long doesn't fail at once: safe mode's pauses begin anew, s. */
const provenAfterS = 600;

/** What a run begins with. */
export interface Begun {
  readonly floor: ClockFloor;
  readonly record: RunRecord;
  /** How the run before ended, where that is known. */
  readonly before: Awaited<ReturnType<typeof readBeforeRun>>;
  /** Commands that safe mode answered. */
  readonly answered: Awaited<ReturnType<typeof answeredInSafeMode>>;
}

/** Looks at how the run before ended, and notes that another one begins. Never rejects. */
export async function beginRun(
  setup: Pick<GatewaySetup, 'dataFolder' | 'versions'>,
  clock: Clock,
  log: Logger,
): Promise<Begun> {
  const before = await readBeforeRun(setup.dataFolder);
  const record = runRecord(setup, clock, log);
  await record.begin();
  const answered = await answeredInSafeMode(setup.dataFolder);
  return { floor: await ClockFloor.open(setup.dataFolder, clock), record, before, answered };
}

/** The record of a run of this gateway. */
export function runRecord(
  setup: Pick<GatewaySetup, 'dataFolder' | 'versions'>,
  clock: Pick<Clock, 'utcMs'>,
  log: Logger,
): RunRecord {
  return new RunRecord(setup.dataFolder, setup.versions.software, clock.utcMs(), (error) =>
    log.warn({ err: describeError(error) }, 'how this run goes can not be noted on disk'),
  );
}

interface OperationsOptions extends Begun {
  readonly setup: GatewaySetup;
  readonly clock: Clock;
  readonly log: Logger;
  /** Systemd, or nobody. */
  readonly service: ServiceManager | undefined;
  /** Where updater and power helper look; undefined where the gateway is no service. */
  readonly runtimeFolder: string | undefined;
  readonly timers: Pick<Timers, 'every'>;
  readonly measurements: Pick<LastMeasurements, 'of'>;
  readonly loop: Pick<DecisionLoop, 'push' | 'decidedUs' | 'pipeline'>;
  readonly uplink: Pick<Uplink, 'status' | 'start' | 'workerSilentMs'>;
  readonly devices: () => readonly DeviceReport[];
  readonly reopen: (device: string) => Promise<void>;
  readonly timeQuality: () => TimeQuality;
  /** Ends the gateway in good order, to be started anew. */
  readonly onHung: (error: GatewayError) => void;
  readonly background: (work: Promise<unknown>) => void;
}

/** The gateway as a service of its machine: watchdog, supply, clock, disk, certificate, and what is told of them. */
export class Operations {
  readonly wish: PowerWish;
  readonly #options: OperationsOptions;
  readonly #warnings: Warnings;
  readonly #judge: ProgressJudge;
  readonly #guard: PowerGuard;
  readonly #healthy: HealthyFile | undefined;
  readonly #everyUs: number;
  #looked: {
    readonly parts: Pick<Health, 'certificate' | 'storage'>;
    readonly warnings: readonly Warning[];
  } = {
    parts: {},
    warnings: [],
  };
  #machine: Awaited<ReturnType<typeof readMachine>> = {};
  #power: ReturnType<PowerGuard['judge']> = { why: undefined, isDue: false };
  #wishedUs = Number.NEGATIVE_INFINITY;
  #isHung = false;
  #isProven = false;

  constructor(options: OperationsOptions) {
    const { setup, clock, runtimeFolder, uplink, loop, before, service } = options;
    this.#options = options;
    this.wish = new PowerWish(runtimeFolder);
    this.#warnings = new Warnings((source, fault) =>
      loop.push({ kind: 'device-fault', source, atUs: clock.nowUs(), fault }),
    );
    this.#everyUs = Math.min(judgeEveryUs, Math.floor((service?.watchdogUs ?? judgeEveryUs) / 3));
    this.#judge = new ProgressJudge(this.#everyUs, before?.parts);
    this.#guard = new PowerGuard(setup.config.power);
    const version = setup.versions.software.replace(/^.*\//, '');
    this.#healthy =
      runtimeFolder === undefined
        ? undefined
        : new HealthyFile(runtimeFolder, { version, boot: uplink.start.boot });
  }

  /** What the birth tells of the run before. */
  get before(): { before?: Omit<NonNullable<Begun['before']>, 'parts'> } {
    if (this.#options.before === undefined) return {};
    const { parts: _, ...before } = this.#options.before;
    return { before };
  }

  /** Looks at everything once, then begins to watch. */
  async start(): Promise<void> {
    const { timers, background } = this.#options;
    await this.#look();
    timers.every(this.#everyUs, () => this.#watch());
    timers.every(lookEveryUs, () => background(this.#look()));
    timers.every(keepClockEveryUs, () => background(this.#keepClock()));
    this.#watch();
    await this.#keepClock().catch((error: unknown) => this.#troubled(error));
    const { setup, uplink } = this.#options;
    const facts = factsOf(setup, uplink.start);
    await keepFacts(setup.dataFolder, facts, process.env.CREDENTIALS_DIRECTORY).catch((error: unknown) =>
      this.#troubled(error),
    );
  }

  /** The run ends in good order; the reason that was noted first counts. Never rejects. */
  async stop(): Promise<void> {
    await this.#keepClock().catch((error: unknown) => this.#troubled(error));
    await this.#options.record.end({ cause: 'stopped' });
  }

  /** What health says of the machine. */
  health(): NonNullable<HealthFacts['operations']> {
    const { setup } = this.#options;
    const { sensor } = setup.config.power;
    const said = sensor === undefined ? undefined : this.#said(sensor);
    const { underVoltage, underVoltageSeen, throttled } = this.#machine;
    const { inS } = this.#power;
    const power = {
      ...(said?.externalPower === undefined ? {} : { externalPower: said.externalPower }),
      ...(said?.batteryPpm === undefined ? {} : { batteryPpm: said.batteryPpm }),
      ...(underVoltage === undefined ? {} : { underVoltage }),
      ...(underVoltageSeen === undefined ? {} : { underVoltageSeen }),
      ...(throttled === undefined ? {} : { throttled }),
      ...(inS === undefined ? {} : { shutdownInS: inS }),
    };
    const warnings = this.#warnings.health;
    return {
      ...this.#looked.parts,
      ...(Object.keys(power).length === 0 ? {} : { power }),
      ...(warnings.length === 0 ? {} : { warnings }),
    };
  }

  /** Tells the updater, and whoever asks systemd, how this version does. Never rejects. */
  async told(health: Health): Promise<void> {
    const { clock, uplink, service, setup } = this.#options;
    if (!this.#isProven && health.uptimeS >= provenAfterS) {
      this.#isProven = true;
      await forgetTries(setup.dataFolder).catch((error: unknown) => this.#troubled(error));
    }
    const waiting = health.outboxEvents === 0 ? '' : `, ${health.outboxEvents} events wait`;
    const state = health.ok ? 'in service' : 'in service with faults';
    service?.status(`${state}; broker ${health.connected ? 'connected' : 'away'}${waiting}`);
    const faulty = health.sensors.filter(({ ok }) => !ok).map(({ id }) => id);
    const checks = {
      sensors: faulty.length === 0,
      fusion: !this.#isHung && uplink.status().blocked === undefined,
      broker: health.connected,
    };
    const now = { us: clock.nowUs(), utcMs: clock.utcMs() };
    await this.#healthy?.write(now, checks, faulty).catch((error: unknown) => this.#troubled(error));
  }

  /** Has the machine restarted or switched off, for a reason that stands in the next birth. Rejects with CW-GWY-011. */
  async wishFor(action: PowerAction, why: string): Promise<void> {
    const { record, clock, log } = this.#options;
    await this.wish.demandHelper();
    log.warn({ action }, `the machine is to ${action === 'reboot' ? 'start again' : 'go off'}: ${why}`);
    await this.#keepClock().catch((error: unknown) => this.#troubled(error));
    await record.end({ cause: action, message: why });
    await this.wish.leave(action, why, clock.utcMs());
  }

  #watch(): void {
    const { clock, log, service, devices, loop, uplink, reopen, background } = this.#options;
    const verdict = this.#judge.judge({
      nowUs: clock.nowUs(),
      devices: devices(),
      decidedUs: loop.decidedUs,
      workerSilentMs: uplink.workerSilentMs,
    });
    for (const id of verdict.reopen) {
      log.warn({ device: id, code: 'CW-GWY-008' }, `${id} runs and delivers nothing; it is opened anew`);
      background(reopen(id));
    }
    this.#guardPower();
    if (verdict.hung === undefined) service?.alive();
    else this.#hung(verdict.hung, verdict.part ?? '');
  }

  /** Where somebody starts it anew the gateway ends in good order; should that hang too, its watchdog is not fed any more. */
  #hung(found: string, part: string): void {
    if (this.#isHung) return;
    this.#isHung = true;
    const { log, service, before, record, onHung } = this.#options;
    const error = new GatewayError('CW-GWY-009', `${found}; the gateway is started anew`);
    log.error({ code: error.code, part }, error.message);
    if (service?.watchdogUs === undefined) return;
    const parts = [...new Set([...(before?.parts ?? []), part])].slice(-64);
    void record.end({ cause: 'hung', code: error.code, message: found, parts });
    onHung(error);
  }

  #guardPower(): void {
    const { setup, clock, loop } = this.#options;
    const { sensor, ignition } = setup.config.power;
    if (sensor === undefined && ignition === undefined) return;
    this.#power = this.#guard.judge({
      nowUs: clock.nowUs(),
      battery: sensor === undefined ? undefined : this.#said(sensor),
      ignition: ignition === undefined ? undefined : this.#said(ignition),
      inSession: loop.pipeline.session !== undefined,
    });
    this.#warn();
    const { why, isDue } = this.#power;
    if (!isDue || why === undefined || clock.nowUs() - this.#wishedUs < wishAgainUs) return;
    this.#wishedUs = clock.nowUs();
    this.wishFor('poweroff', why).catch((error: unknown) => this.#troubled(error));
  }

  /** What a sensor that runs said last: what one that is gone said is no longer so. */
  #said(id: string) {
    const isThere = this.#options.devices().some((device) => device.id === id && device.state === 'running');
    return isThere ? this.#options.measurements.of(id) : undefined;
  }

  async #look(): Promise<void> {
    const { setup, clock, timeQuality } = this.#options;
    this.#machine = await readMachine();
    const storage = await readStorage(setup.dataFolder);
    const { certFile } = setup.broker;
    const nowMs = timeQuality() === 'unset' ? undefined : clock.utcMs();
    const certificate = certFile === undefined ? undefined : await judgeCertificate(certFile, nowMs);
    const health = certificate?.health;
    this.#looked = {
      parts: {
        ...(storage === undefined ? {} : { storage }),
        ...(health === undefined ? {} : { certificate: health }),
      },
      warnings: [
        ...machineWarnings(this.#machine, storage, setup.config.power.hotMilliCelsius),
        ...(certificate?.warnings ?? []),
      ],
    };
    this.#warn();
  }

  #warn(): void {
    const { floor, uplink, timeQuality, clock } = this.#options;
    const warnings: Warning[] = [...this.#looked.warnings];
    const { why, inS } = this.#power;
    if (why !== undefined) {
      const when = inS === undefined ? 'when the shopper has left' : 'soon';
      const message = `${why}: the machine is switched off ${when}, unless that ends; bring it to its charger`;
      warnings.push({ code: 'CW-GWY-012', fault: 'missing', message });
    }
    if (timeQuality() === 'unset' && floor.isBehind) {
      const message = `the clock says ${isoOf(clock.utcMs())}, and it was ${isoOf(floor.atMs)} already; let the machine reach its time server (timedatectl timesync-status), and look after the battery of its clock`;
      warnings.push({ code: 'CW-GWY-020', fault: 'timing', message });
    }
    const { contested, reason } = uplink.status();
    if (contested !== undefined) {
      const message = `another device connects with the identity of this one${reason === undefined ? '' : ` (${reason})`}; find it and give it its own`;
      warnings.push({ code: 'CW-UPL-022', fault: 'busy', message, source: 'broker' });
    }
    this.#warnings.set(warnings);
  }

  async #keepClock(): Promise<void> {
    await this.#options.floor.keep(this.#options.timeQuality());
  }

  /** What can't be written now is tried again in its turn; a full disk is told by the outbox. */
  #troubled(error: unknown): void {
    const coded = isCoded(error) ? { code: error.code } : {};
    this.#options.log.warn(
      { ...coded, err: describeError(error) },
      'a file of the service can not be written',
    );
  }
}

function isoOf(utcMs: number): string {
  return new Date(Math.max(0, Math.min(utcMs, 8.64e15))).toISOString();
}
