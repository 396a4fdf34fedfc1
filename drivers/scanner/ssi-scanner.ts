import { z } from 'zod';
import { describeError } from '#base/errors.ts';
import { type Driver, type DriverContext, driverContract } from '../driver.ts';
import { DriverError } from '../errors.ts';
import type { BytePort } from '../ports/ports.ts';
import { aimOptions } from './aim.ts';
import { openByteScanner } from './byte-scanner.ts';
import { repeatOptions } from './repeats.ts';
import { notUnderstood, type ScannerTalk, type ScanReceiver } from './scanner-device.ts';
import { byteOptions, oneWay, oneWayMessage } from './shared-options.ts';
import { afterSilence } from './silence.ts';
import { SsiDecoder } from './ssi-decode.ts';
import { SsiHost } from './ssi-host.ts';
import { SsiFramer, type SsiPacket, ssiOpcode, ssiRefusal } from './ssi-packet.ts';

/** Between the bytes of a packet there is never more silence than this, µs. */
const interByteUs = 200_000;
/** The next packet of a long code follows the acknowledgement of the one before at once; after this it is lost, µs. */
const continuationUs = 2_000_000;

const options = z
  .strictObject({
    ...byteOptions,
    aim: aimOptions.aim.describe(
      'Whether data may begin with an AIM identifier, which then counts before the packet’s bar code type: auto or always (it does where there is one), never. Default auto.',
    ),
    setUp: z
      .boolean()
      .default(true)
      .describe(
        'On start, tell the scanner to send packets and to wait for acknowledgements, until it loses power. Default true.',
      ),
    wakes: z
      .boolean()
      .default(false)
      .describe('The scanner sleeps between scans: it is woken before each command. Default false.'),
    ...repeatOptions,
  })
  .refine(oneWay, { error: oneWayMessage, path: ['match'] });
type SsiOptions = z.infer<typeof options>;

/** A scanner that speaks Zebra's Simple Serial Interface with packeted data: checked, acknowledged, and commanded. */
export const ssiScanner: Driver<SsiOptions> = {
  contract: driverContract,
  name: 'ssi-scanner',
  kind: 'scanner',
  options,

  open: (chosen, context) =>
    openByteScanner(chosen, context, (port, receiver) => new SsiTalk(context, port, chosen, receiver)),
};

const switched = z.strictObject({ on: z.boolean() });
const calls = {
  /** Sounds the beeper: 0 to 4 one to five short high tones, 5 to 9 low ones, up to 26 as the maker lists them. */
  beep: z.strictObject({ code: z.int().min(0).max(26).default(0) }).default({ code: 0 }),
  /** `mask`: a bit for each lamp. */
  led: z.strictObject({ on: z.boolean(), mask: z.int().min(1).max(255).default(1) }),
  /** The aiming pattern. */
  aim: switched,
  /** Pulls and releases the trigger. */
  session: switched,
  /** Allows or forbids scanning. */
  enable: switched,
  /** Answers with the scanner's own description. */
  revision: z.unknown(),
};

class SsiTalk implements ScannerTalk<Uint8Array> {
  readonly actions = Object.keys(calls);
  readonly #context: DriverContext;
  readonly #receiver: ScanReceiver;
  readonly #setUp: boolean;
  readonly #host: SsiHost;
  readonly #framer: SsiFramer;
  readonly #decoder: SsiDecoder;
  #atUs = 0;
  #cancelSilence: (() => void) | undefined;
  #misconfigured = false;

  constructor(context: DriverContext, port: BytePort, chosen: SsiOptions, receiver: ScanReceiver) {
    this.#context = context;
    this.#receiver = receiver;
    this.#setUp = chosen.setUp;
    this.#host = new SsiHost(context.clock, port, chosen.wakes);
    this.#decoder = new SsiDecoder(chosen.aim);
    this.#framer = new SsiFramer({
      packet: (packet) => this.#packet(packet),
      corrupt: () => this.#refuse(ssiRefusal.resend, 'a packet with a wrong checksum'),
      garbage: () => this.#receiver.damaged(unpacketed('bytes that belong to no packet')),
    });
  }

  async begin(): Promise<void> {
    if (!this.#setUp) return;
    // No beep; parameter 0xEE 1: decoded data in packets; 0x9F 1: software handshaking. Readings need not wait for it.
    this.#host.command(ssiOpcode.paramSend, [0xff, 0xee, 1, 0x9f, 1]).catch((error: unknown) => {
      if (error instanceof DriverError && error.code === 'CW-DRV-005') return;
      this.#misconfigured = true;
      this.#receiver.fault({
        fault: 'configuration',
        code: 'CW-DRV-020',
        message: `${this.#context.id} could not be set up: ${describeError(error)}; set it to SSI with packeted data, or setUp to false`,
      });
    });
  }

  heard(bytes: Uint8Array, atUs: number): void {
    this.#atUs = atUs;
    this.#framer.push(bytes);
    this.#awaitMore();
  }

  ended(): void {
    this.#cancelSilence?.();
    this.#cancelSilence = undefined;
    this.#framer.reset();
    this.#decoder.reset();
    this.#host.end();
  }

  async call(action: string, args: unknown): Promise<unknown> {
    switch (action) {
      case 'beep':
        await this.#host.command(ssiOpcode.beep, [this.#checked(calls.beep, action, args).code]);
        return {};
      case 'led': {
        const { on, mask } = this.#checked(calls.led, action, args);
        await this.#host.command(on ? ssiOpcode.ledOn : ssiOpcode.ledOff, [mask]);
        return {};
      }
      case 'revision': {
        const { data } = await this.#host.command(ssiOpcode.requestRevision);
        return {
          revision: Buffer.from(data)
            .toString('latin1')
            .replaceAll(/[^\x20-\x7e]+/g, ' ')
            .trim(),
        };
      }
      default: {
        const [on, off] = switches[action] ?? [0, 0];
        await this.#host.command(this.#checked(switched, action, args).on ? on : off);
        return {};
      }
    }
  }

  #checked<T>(schema: z.ZodType<T>, action: string, args: unknown): T {
    const result = schema.safeParse(args);
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    throw new DriverError(
      'CW-DRV-020',
      `call ${action} of ${this.#context.id}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'wrong arguments'}`,
    );
  }

  #packet(packet: SsiPacket): void {
    switch (packet.opcode) {
      case ssiOpcode.decodeData:
        this.#decoded(packet);
        return;
      case ssiOpcode.acknowledge:
      case ssiOpcode.refuse:
      case ssiOpcode.replyRevision:
      case ssiOpcode.capabilities:
        this.#host.heard(packet);
        return;
      case ssiOpcode.event:
      case ssiOpcode.paramSend:
        this.#host.send(ssiOpcode.acknowledge);
        return;
      default:
        // Pictures and remote management are not asked for.
        this.#host.send(ssiOpcode.refuse, [ssiRefusal.denied]);
    }
  }

  #decoded(packet: SsiPacket): void {
    const decoded = this.#decoder.take(packet);
    if (decoded.kind === 'malformed') {
      this.#refuse(ssiRefusal.badContext, decoded.what);
      return;
    }
    this.#host.send(ssiOpcode.acknowledge);
    if (this.#misconfigured) {
      this.#misconfigured = false;
      const message = `${this.#context.id} sends packets`;
      this.#receiver.fault({ fault: 'configuration', code: 'CW-DRV-020', message, cleared: true });
    }
    if (decoded.kind === 'code') this.#receiver.code(decoded.code, this.#atUs);
  }

  #refuse(reason: number, what: string): void {
    this.#decoder.refused();
    this.#host.send(ssiOpcode.refuse, [reason]);
    this.#receiver.damaged(unpacketed(what));
  }

  #awaitMore(): void {
    this.#cancelSilence?.();
    this.#cancelSilence = undefined;
    if (this.#framer.pending > 0) {
      this.#cancelSilence = afterSilence(this.#context.clock, interByteUs, () => {
        this.#framer.reset();
        this.#refuse(ssiRefusal.resend, 'the beginning of a packet and not its end');
      });
    } else if (this.#decoder.unfinished) {
      this.#cancelSilence = afterSilence(this.#context.clock, continuationUs, () => {
        this.#decoder.reset();
        this.#receiver.damaged(
          new DriverError(
            'CW-DRV-017',
            `the end of a long code did not reach ${this.#context.id}; scan it again`,
          ),
        );
      });
    }
  }
}

const switches: Readonly<Record<string, readonly [on: number, off: number]>> = {
  aim: [ssiOpcode.aimOn, ssiOpcode.aimOff],
  session: [ssiOpcode.startSession, ssiOpcode.stopSession],
  enable: [ssiOpcode.scanEnable, ssiOpcode.scanDisable],
};

function unpacketed(what: string): DriverError {
  return notUnderstood(what, 'set it to SSI with packeted data, and the line to its rate');
}
