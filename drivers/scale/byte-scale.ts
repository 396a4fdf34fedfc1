import { describeError } from '#base/errors.ts';
import type { ReadingSink } from '#readings/readings.ts';
import type { Device, DeviceIdentity, DriverContext } from '../driver.ts';
import { DriverError } from '../errors.ts';
import { FaultBus } from '../fault-bus.ts';
import type { BytePort } from '../ports/ports.ts';
import { Dialogue } from './dialogue.ts';
import type { Framer } from './framers.ts';
import type { Indication } from './indication.ts';
import { type ByteScaleOptions, byteRequest } from './options.ts';
import { ScaleReporter } from './reporter.ts';

/** What a scale protocol is besides its codec: what is asked when, and what the scale says unasked. */
export interface ScaleProtocol {
  readonly name: string;
  readonly framer: Framer;
  /** Asks for one indication; undefined where the scale has none just now. Left out: it sends by itself. */
  poll?(dialogue: Dialogue): Promise<Indication | undefined>;
  /** Begins what the scale sends by itself; again after each silence. */
  begin?(dialogue: Dialogue): Promise<void>;
  /** A frame that nobody asked for. `restarted` where it says that the scale was switched on. */
  unasked?(frame: Uint8Array): Indication | 'restarted' | undefined;
  /** Ends what it sends by itself, before the port is closed. */
  end?(dialogue: Dialogue): Promise<void>;
  /** Who the scale says it is. */
  identify?(dialogue: Dialogue): Promise<DeviceIdentity>;
  readonly calls: Readonly<Record<string, ScaleCall>>;
}

export interface CallContext {
  readonly dialogue: Dialogue;
  /** Waits until the scale indicates stable zero; CW-DRV-020 where it doesn't within two seconds. */
  zeroed(): Promise<void>;
  readonly acceptsNet: boolean;
}

/** Answers with plain JSON; rejects with CW-DRV-020 where the scale refuses. */
export type ScaleCall = (args: unknown, context: CallContext) => Promise<unknown>;

/** A scale must show zero this long after it was zeroed, µs. */
const zeroedWithinUs = 2_000_000;

/** Opens the port of a scale and speaks `protocol` on it. Rejects as `Ports.bytes` does. */
export async function openByteScale(
  options: ByteScaleOptions & { readonly certifiedSerial?: string | undefined },
  context: DriverContext,
  protocol: ScaleProtocol,
): Promise<Device> {
  const port = await context.ports.bytes(byteRequest(options));
  return new ByteScale(options, context, protocol, port);
}

class ByteScale implements Device {
  readonly faults: FaultBus;
  readonly #options: ByteScaleOptions & { readonly certifiedSerial?: string | undefined };
  readonly #context: DriverContext;
  readonly #protocol: ScaleProtocol;
  readonly #port: BytePort;
  readonly #dialogue: Dialogue;
  readonly #reporter: ScaleReporter;
  #said: DeviceIdentity = {};
  #state: 'open' | 'starting' | 'running' | 'stopped' = 'open';
  #missed = 0;
  #cancelNext: (() => void) | undefined;
  #newest: Indication | undefined;
  #heardAtUs = Number.NEGATIVE_INFINITY;
  #firstHeard = Promise.withResolvers<void>();

  constructor(
    options: ByteScaleOptions & { readonly certifiedSerial?: string | undefined },
    context: DriverContext,
    protocol: ScaleProtocol,
    port: BytePort,
  ) {
    this.#options = options;
    this.#context = context;
    this.#protocol = protocol;
    this.#port = port;
    this.faults = new FaultBus((error) => context.log.error({ error }, 'a fault listener threw'));
    this.#reporter = new ScaleReporter({ id: context.id, faults: this.faults, ...optionsOf(options) });
    this.#dialogue = new Dialogue({
      id: context.id,
      clock: context.clock,
      port,
      framer: protocol.framer,
      timeoutUs: options.timeoutMs * 1000,
      onFrame: (frame, atUs) => this.#unasked(frame, atUs),
      onLost: (error) => this.#lose(error),
    });
    this.#firstHeard.promise.catch(() => {});
  }

  /** The port's identity, and over it what the scale said of itself. */
  get identity(): DeviceIdentity {
    return { ...this.#port.identity, ...this.#said };
  }

  /**
   * Resolves when the scale has answered. Rejects with CW-DRV-008 or CW-DRV-006 where it doesn't, or only with what the
   * protocol doesn't allow: so a scale that is switched off is tried again with growing delays. Never zeroes or tares.
   */
  async start(sink: ReadingSink): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'starting';
    this.#reporter.begin(sink);
    this.#dialogue.listen();
    try {
      await this.#first();
      if (this.#protocol.identify !== undefined) await this.#identify(this.#protocol.identify);
    } catch (error) {
      await this.stop();
      throw error;
    }
    if (this.#stopped()) throw new DriverError('CW-DRV-005', `${this.#context.id} was lost while it started`);
    this.#state = 'running';
    this.#missed = 0;
    this.#heardAtUs = Math.max(this.#heardAtUs, this.#context.clock.nowUs());
    this.#schedule(this.#options.intervalMs * 1000);
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    const running = this.#state === 'running';
    this.#state = 'stopped';
    this.#cancelNext?.();
    this.#cancelNext = undefined;
    this.#reporter.end();
    if (running) await this.#protocol.end?.(this.#dialogue).catch(() => {});
    this.#dialogue.end(new DriverError('CW-DRV-005', `${this.#context.id} was closed`));
    this.#firstHeard.reject(new DriverError('CW-DRV-005', `${this.#context.id} was closed`));
    await this.#port.close();
  }

  async call(action: string, args: unknown): Promise<unknown> {
    const { calls, name } = this.#protocol;
    const call = Object.hasOwn(calls, action) ? calls[action] : undefined;
    if (call === undefined) {
      const known = Object.keys(calls).join(', ');
      const message = `${name} does not know the call ${action}; ${known === '' ? 'it has none' : `it knows: ${known}`}`;
      throw new DriverError('CW-DRV-009', message);
    }
    if (this.#state !== 'running') {
      throw new DriverError('CW-DRV-020', `${this.#context.id} is not running; start it first`);
    }
    return this.#dialogue.alone(() =>
      call(args, {
        dialogue: this.#dialogue,
        zeroed: () => this.#zeroed(),
        acceptsNet: this.#options.net === 'accept',
      }),
    );
  }

  #stopped(): boolean {
    return this.#state === 'stopped';
  }

  async #first(): Promise<void> {
    const { poll, begin } = this.#protocol;
    let last: unknown;
    for (let attempt = 0; attempt < this.#options.missedAnswers; attempt++) {
      try {
        if (poll === undefined) await this.#hears(begin);
        else await this.#ask();
        return;
      } catch (error) {
        last = error;
        if (this.#stopped() || !mayPass(error)) break;
      }
      // The answer that was too late, or the noise after a wrong one, goes by.
      await this.#dialogue.pause(this.#options.intervalMs * 1000);
    }
    throw last;
  }

  /** Waits for what the scale sends by itself. */
  async #hears(begin: ScaleProtocol['begin']): Promise<void> {
    await begin?.call(this.#protocol, this.#dialogue);
    const { timeoutMs } = this.#options;
    const limit = Promise.withResolvers<never>();
    limit.promise.catch(() => {});
    const cancel = this.#context.clock.after(timeoutMs * 1000, () => {
      const message = `${this.#context.id} sent nothing within ${timeoutMs} ms; check its cable, power, and that it is set to send continuously`;
      limit.reject(new DriverError('CW-DRV-008', message));
    });
    try {
      await Promise.race([this.#firstHeard.promise, limit.promise]);
    } finally {
      cancel();
    }
  }

  async #identify(identify: NonNullable<ScaleProtocol['identify']>): Promise<void> {
    const { certifiedSerial } = this.#options;
    this.#said = await this.#dialogue.alone(() => identify.call(this.#protocol, this.#dialogue));
    const { serial } = this.#said;
    if (certifiedSerial === undefined || serial === undefined || serial === certifiedSerial) return;
    this.#reporter.disownCertificate(
      `${this.#context.id} is the scale ${serial}, but its certificate is for ${certifiedSerial}; correct certificateId and certifiedSerial`,
    );
  }

  #schedule(delayUs: number): void {
    if (this.#state !== 'running') return;
    this.#cancelNext = this.#context.clock.after(delayUs, () => void this.#turn());
  }

  /** One poll, or for a scale that sends by itself a look at whether it does. The next one follows when it has ended. */
  async #turn(): Promise<void> {
    const { clock } = this.#context;
    const { intervalMs, timeoutMs } = this.#options;
    const begunUs = clock.nowUs();
    if (this.#protocol.poll === undefined) {
      const silentUs = begunUs - this.#heardAtUs;
      if (silentUs >= timeoutMs * 1000) await this.#miss(this.#silence());
      this.#schedule(silentUs >= timeoutMs * 1000 ? timeoutMs * 1000 : timeoutMs * 1000 - silentUs);
      return;
    }
    try {
      await this.#ask();
    } catch (error) {
      await this.#miss(error);
    }
    this.#schedule(Math.max(0, begunUs + intervalMs * 1000 - clock.nowUs()));
  }

  #silence(): DriverError {
    const message = `${this.#context.id} stopped sending; check its cable, power and settings`;
    return new DriverError('CW-DRV-008', message);
  }

  async #ask(): Promise<void> {
    const indication = await this.#dialogue.alone(async () => this.#protocol.poll?.(this.#dialogue));
    if (this.#stopped()) return;
    this.#missed = 0;
    if (indication !== undefined) {
      this.#heard(indication, this.#dialogue.answeredAtUs);
    } else if (this.#context.clock.nowUs() - this.#heardAtUs > this.#options.timeoutMs * 1000) {
      this.#reporter.silent(`${this.#context.id} answers that it has no weight; see its display`);
    }
  }

  #heard(indication: Indication, atUs: number): void {
    this.#newest = indication;
    this.#heardAtUs = atUs;
    this.#missed = 0;
    this.#firstHeard.resolve();
    this.#reporter.indicate(indication, atUs);
  }

  #unasked(frame: Uint8Array, atUs: number): void {
    if (this.#state !== 'running' && this.#state !== 'starting') return;
    try {
      const said = this.#protocol.unasked?.(frame);
      if (said === 'restarted') {
        if (this.#state === 'running') this.#reporter.restarted();
      } else if (said !== undefined) this.#heard(said, atUs);
    } catch (error) {
      this.#refuse(error);
    }
  }

  #refuse(error: unknown): void {
    const { log, id } = this.#context;
    log.debug({ device: id, err: describeError(error) }, 'the scale sent what its protocol does not allow');
    if (this.#state === 'running' && error instanceof DriverError) this.#reporter.refused(error);
  }

  /** An answer that didn't come, or was wrong. After so many that didn't come the scale is lost; a wrong one is a sign of life. */
  async #miss(error: unknown): Promise<void> {
    if (this.#stopped()) return;
    const coded = error instanceof DriverError ? error : new DriverError('CW-DRV-005', describeError(error));
    if (coded.code === 'CW-DRV-006') {
      this.#missed = 0;
      this.#refuse(coded);
      return;
    }
    this.#missed += 1;
    if (coded.code === 'CW-DRV-008') this.#reporter.silent(coded.message);
    if (coded.code === 'CW-DRV-005' || this.#missed >= this.#options.missedAnswers) {
      this.#lose(coded);
    } else if (this.#protocol.poll === undefined) {
      await this.#protocol.begin?.(this.#dialogue).catch(() => {});
    }
  }

  #lose(error: DriverError): void {
    if (this.#state === 'stopped') return;
    const running = this.#state === 'running';
    const { id } = this.#context;
    // While it starts, the rejection of `start` says so.
    if (running) this.#reporter.lost(`${id} is lost: ${error.message}`);
    this.#firstHeard.reject(error);
    void this.stop();
  }

  async #zeroed(): Promise<void> {
    const { clock } = this.#context;
    const untilUs = clock.nowUs() + zeroedWithinUs;
    // What was sent before the scale was zeroed says nothing.
    if (this.#protocol.poll === undefined) await this.#dialogue.pause(this.#options.intervalMs * 1000);
    for (;;) {
      const seen =
        this.#protocol.poll === undefined ? this.#newest : await this.#protocol.poll(this.#dialogue);
      if (this.#protocol.poll !== undefined && seen !== undefined) {
        this.#heard(seen, this.#dialogue.answeredAtUs);
      }
      if (seen?.condition === 'zero' || (seen?.condition === 'stable' && seen.massMg === 0)) return;
      if (clock.nowUs() >= untilUs) {
        const message = `${this.#context.id} does not show zero; clear it, let it come to rest and try again`;
        throw new DriverError('CW-DRV-020', message);
      }
      await this.#dialogue.pause(this.#options.intervalMs * 1000);
    }
  }
}

function optionsOf(options: ByteScaleOptions) {
  return { certificateId: options.certificateId, net: options.net };
}

/** Whether asking again may help. */
function mayPass(error: unknown): boolean {
  return error instanceof DriverError && (error.code === 'CW-DRV-008' || error.code === 'CW-DRV-006');
}
