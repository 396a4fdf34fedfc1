import type { Board } from 'johnny-five';
import type { Clock } from '#base/clock.ts';
import { describeError, isCoded } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { ReadingSink } from '#readings/readings.ts';
import type { Device, DeviceIdentity } from '../../driver.ts';
import { DriverError } from '../../errors.ts';
import { FaultBus } from '../../fault-bus.ts';
import type { I2cPort, PortBus } from '../../ports/ports.ts';
import type { JohnnyFiveBoard } from './board.ts';
import { type BridgeCounts, bridgeCall } from './calls.ts';
import { CellStream } from './cells.ts';
import { FaultLedger } from './fault-ledger.ts';
import { CellHealth, settleUs } from './health.ts';
import { FirmataI2c } from './i2c.ts';
import type { BridgeLink, LinkTarget } from './link.ts';
import {
  type BridgeIdentity,
  type Notice,
  noticeKinds,
  type SampleFrame,
  type StatusReport,
  serialText,
} from './protocol.ts';

const tickUs = 100_000;
/** No frame for so long is a fault, µs: seven conversions at 10 a second. */
const silentUs = 700_000;
const answerWithinUs = 400_000;
const attempts = 3;
const statusEveryUs = 5_000_000;

const resetCauses = [
  [1, 'its power came back'],
  [2, 'its reset line was pulled'],
  [4, 'its supply sagged'],
  [8, 'its watchdog bit'],
] as const;

export interface BridgeSetup {
  readonly id: string;
  readonly link: BridgeLink;
  readonly identity: BridgeIdentity;
  /** Of the port: where it is. */
  readonly address: string | undefined;
  readonly johnnyFive: JohnnyFiveBoard;
  /** Ids by channel; undefined for unused ones. */
  readonly cells: readonly (string | undefined)[];
  readonly samplesPerSecond: number;
  readonly gain: number;
  /** Time on the line of one byte, µs; 0 where it isn't known. */
  readonly byteUs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** An open load-cell bridge. Others reach chips on its I²C bus through it. */
export class LoadCellBridge implements Device, PortBus, LinkTarget {
  readonly faults: FaultBus;
  readonly counts: BridgeCounts = { frames: 0, framesLost: 0, damaged: 0, resets: 0 };
  readonly stream: CellStream;
  readonly #setup: BridgeSetup;
  readonly #ledger: FaultLedger;
  readonly #health: CellHealth;
  readonly #i2c: FirmataI2c;
  #bridge: BridgeIdentity;
  #sink: ReadingSink | undefined;
  #state: 'idle' | 'starting' | 'streaming' | 'lost' = 'idle';
  #stopped = false;
  /** Counts the starts of streaming: one that was overtaken by another gives up. */
  #run = 0;
  /** The bridge's clock began anew since the last start. */
  #newClock = false;
  /** When frames could come at the earliest, and when the last one came, µs. */
  #sinceUs = 0;
  #lastFrameUs = 0;
  /** Told to be silent: the next frame ends that. */
  #silent = false;
  /** How often its status was seen since: alive, but no frame came. */
  #silentLooks = 0;
  #looking = false;
  #lastTickUs = 0;
  #nextStatusUs = 0;
  #cancelTick = () => {};

  constructor(setup: BridgeSetup) {
    this.#setup = setup;
    this.#bridge = setup.identity;
    this.faults = new FaultBus((error) => setup.log.error({ error }, 'a fault listener threw'));
    this.#ledger = new FaultLedger(this.faults);
    this.stream = new CellStream(setup.cells, 1e6 / setup.samplesPerSecond);
    this.#health = new CellHealth(setup.cells, this.stream, this.#ledger, setup.samplesPerSecond);
    this.#i2c = new FirmataI2c(setup.link, setup.clock);
    setup.link.target = this;
  }

  get identity(): DeviceIdentity {
    const serial = serialText(this.#bridge.serial);
    const { address } = this.#setup;
    return {
      vendor: 'Cartwright',
      model: 'load-cell bridge',
      firmware: this.#bridge.version.join('.'),
      ...(serial === undefined ? {} : { serial }),
      ...(address === undefined ? {} : { address }),
    };
  }

  /** johnny-five's board for this bridge, ready: for components of an integrator's own. Throws CW-DRV-005 once stopped. */
  get board(): Board {
    return this.#setup.johnnyFive.board;
  }

  /** johnny-five: `new bridge.five.Barometer({ board: bridge.board, controller: 'BMP280' })`. */
  get five(): JohnnyFiveBoard['five'] {
    return this.#setup.johnnyFive.five;
  }

  get cells(): readonly (string | undefined)[] {
    return this.#setup.cells;
  }

  /** Rejects with CW-DRV-020 where the bridge refuses to stream, CW-DRV-011 where it doesn't answer. */
  async start(sink: ReadingSink): Promise<void> {
    if (this.#state !== 'idle' || this.#stopped) return;
    this.#sink = sink;
    await this.#stream();
    this.#lastTickUs = this.#setup.clock.nowUs();
    this.#nextStatusUs = this.#lastTickUs + statusEveryUs;
    this.#wake();
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#end(new DriverError('CW-DRV-005', `${this.#setup.id} was stopped`));
    const { link, clock } = this.#setup;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = clock.after(answerWithinUs, resolve);
    await Promise.race([link.send({ kind: 'stop' }).catch(() => {}), late]);
    cancel();
    await link.close();
  }

  /** Actions: see `bridgeCall`. */
  call(action: string, args: unknown): Promise<unknown> {
    return bridgeCall(this, this.#setup.link, action, args);
  }

  async openI2c(): Promise<I2cPort> {
    return this.#i2c.open(this.#setup.id);
  }

  /** Stops streaming for what the bridge refuses meanwhile. */
  async paused<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#state !== 'streaming') return work();
    this.#state = 'starting';
    try {
      await this.#setup.link.command({ kind: 'stop' }, answerWithinUs);
      return await work();
    } finally {
      await this.#stream().catch((error) => this.#vanish(describeError(error)));
    }
  }

  /** Asks the bridge anew who it is: its serial number may have been changed. */
  async refresh(): Promise<DeviceIdentity> {
    this.#bridge = await this.#setup.link.identify(answerWithinUs);
    return this.identity;
  }

  /** HOT PATH. */
  samples(frame: SampleFrame, atUs: number, wireBytes: number): void {
    if (this.#state !== 'streaming' || this.#sink === undefined) return;
    this.#lastFrameUs = atUs;
    this.counts.frames += 1;
    if (this.#silent) {
      this.#silent = false;
      this.#ledger.clear('missing');
    }
    const { lost, disorder } = this.stream.accept(frame, atUs - wireBytes * this.#setup.byteUs, this.#sink);
    if (lost > 0) {
      this.counts.framesLost += lost;
      const message = `${lost} frames were lost on the way (${this.counts.framesLost} since opening); check cable and grounding`;
      this.#ledger.pulse('integrity', 'CW-DRV-017', message, atUs);
    }
    if (disorder) this.#reset('its clock went backwards');
  }

  notice(notice: Notice): void {
    if (notice.what === noticeKinds.i2cSilent) this.#i2c.notAcknowledged(notice.detail);
    else if (this.#state === 'streaming') this.#health.notice(notice, this.#setup.clock.nowUs());
  }

  began(identity: BridgeIdentity): void {
    this.#bridge = identity;
    this.#i2c.reset();
    const causes = resetCauses.filter(([bit]) => (identity.resetCause & bit) !== 0).map(([, cause]) => cause);
    this.#reset(causes.length === 0 ? 'cause unknown' : causes.join(', '));
  }

  firmata(bytes: Uint8Array, atUs: number): void {
    this.#i2c.receive(bytes, atUs);
    this.#setup.johnnyFive.receive(bytes);
  }

  version(major: number, minor: number): void {
    this.#setup.johnnyFive.version(major, minor);
  }

  damaged(): void {
    this.counts.damaged += 1;
    if (this.#state !== 'streaming') return;
    const message = `a message of the bridge was damaged on the way (${this.counts.damaged} since opening); check cable and grounding`;
    this.#ledger.pulse('integrity', 'CW-DRV-017', message, this.#setup.clock.nowUs());
  }

  lost(error: DriverError): void {
    if (this.#state === 'lost' || this.#stopped) return;
    this.#end(error);
    this.faults.emit({ fault: 'disconnected', code: error.code, message: error.message });
  }

  #end(error: DriverError): void {
    this.#state = 'lost';
    this.#run += 1;
    this.#cancelTick();
    this.#i2c.lose(error);
    this.#setup.johnnyFive.close();
  }

  /** Tells the bridge to stream, and asks again where the answer was lost. */
  async #stream(): Promise<void> {
    const { link, cells, samplesPerSecond, gain } = this.#setup;
    const channels = cells.reduce(
      (mask, cell, channel) => (cell === undefined ? mask : mask | (1 << channel)),
      0,
    );
    this.#run += 1;
    const run = this.#run;
    this.#state = 'starting';
    for (let attempt = 1; run === this.#run; attempt++) {
      try {
        await link.command({ kind: 'start', channels, rate: samplesPerSecond, gain }, answerWithinUs, () => {
          if (run === this.#run) this.#streaming();
        });
        return;
      } catch (error) {
        if (run !== this.#run) return;
        if (!isCoded(error) || error.code !== 'CW-DRV-011' || attempt === attempts) throw error;
      }
    }
  }

  /** The bridge said that it streams: the next frame is the first. */
  #streaming(): void {
    const { clock } = this.#setup;
    this.#state = 'streaming';
    this.#sinceUs = clock.nowUs() + settleUs;
    this.#lastFrameUs = this.#sinceUs - silentUs;
    this.stream.restart(this.#newClock);
    this.#newClock = false;
  }

  #reset(cause: string): void {
    this.counts.resets += 1;
    this.#newClock = true;
    if (this.#state !== 'streaming' && this.#state !== 'starting') return;
    this.#again('CW-DRV-018', `the bridge was reset (${cause}); its readings are started again`);
  }

  #again(code: 'CW-DRV-008' | 'CW-DRV-018', message: string): void {
    this.#fallSilent(code, message);
    this.#stream().catch((error) => this.#vanish(describeError(error)));
  }

  #fallSilent(code: 'CW-DRV-008' | 'CW-DRV-018', message: string): void {
    this.#silent = true;
    this.#silentLooks = 0;
    this.#ledger.raise('missing', code, message, this.#setup.clock.nowUs());
  }

  #vanish(why: string): void {
    this.#setup.link.lose(new DriverError('CW-DRV-005', `the bridge does not answer any more (${why})`));
  }

  #wake(): void {
    this.#cancelTick = this.#setup.clock.after(tickUs, () => {
      this.#tick();
      if (this.#state !== 'lost') this.#wake();
    });
  }

  #tick(): void {
    const nowUs = this.#setup.clock.nowUs();
    // A process that slept finds its timers due before the bytes that waited: let them be read first.
    const slept = nowUs - this.#lastTickUs > silentUs / 2;
    this.#lastTickUs = nowUs;
    this.#ledger.expire(nowUs);
    if (slept || this.#state !== 'streaming' || this.#looking) return;
    if (nowUs - this.#lastFrameUs >= silentUs) {
      if (!this.#silent) this.#fallSilent('CW-DRV-008', 'the bridge sends no samples');
      void this.#look();
      return;
    }
    // While nothing comes at all, it isn't the cells.
    const flowing = nowUs - this.#lastFrameUs < silentUs / 2;
    if (flowing && nowUs >= this.#sinceUs) this.#health.look(this.#sinceUs - settleUs / 2, nowUs);
    if (nowUs >= this.#nextStatusUs) void this.#look();
  }

  /** Looks at the bridge's own status: alive, streaming, and which channels work. */
  async #look(): Promise<void> {
    const run = this.#run;
    this.#looking = true;
    try {
      const status = await this.#askStatus();
      if (run === this.#run && this.#state === 'streaming') this.#judge(status);
    } catch (error) {
      if (run === this.#run) this.#vanish(describeError(error));
    } finally {
      this.#looking = false;
    }
  }

  async #askStatus(): Promise<StatusReport> {
    try {
      return await this.#setup.link.status(answerWithinUs);
    } catch {
      // One message may be lost on a noisy line, two in a row are not.
      return this.#setup.link.status(answerWithinUs);
    }
  }

  #judge(status: StatusReport): void {
    const nowUs = this.#setup.clock.nowUs();
    this.#nextStatusUs = nowUs + statusEveryUs;
    if (!status.streaming) {
      // It was reset, and what it said of that was lost.
      this.#reset('it stopped streaming');
      return;
    }
    this.#health.status(status, this.#sinceUs, nowUs);
    const dead = this.#setup.cells.every(
      (cell) => cell === undefined || this.#ledger.has('missing', cell) || this.#ledger.has('stuck', cell),
    );
    // Where no converter works there is nothing to send; else it is made to begin anew.
    if (!this.#silent || dead) return;
    this.#silentLooks += 1;
    // What a busy machine held up comes right after the first status.
    if (this.#silentLooks > 1) this.#again('CW-DRV-008', 'the bridge sends no samples; it is started again');
  }
}
