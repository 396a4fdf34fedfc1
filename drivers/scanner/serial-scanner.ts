import { z } from 'zod';
import { type Driver, type DriverContext, driverContract } from '../driver.ts';
import type { BytePort } from '../ports/ports.ts';
import { aimOptions } from './aim.ts';
import { openByteScanner } from './byte-scanner.ts';
import { type CodeBuffer, textBuffer } from './framing.ts';
import { repeatOptions } from './repeats.ts';
import { longestCode } from './scanned-code.ts';
import { notUnderstood, type ScannerTalk, type ScanReceiver } from './scanner-device.ts';
import { byteOptions, hexBytes, oneWay, oneWayMessage } from './shared-options.ts';

const cr = 0x0d;
const lf = 0x0a;
const tab = 0x09;
const stx = 0x02;
const etx = 0x03;

/** Terminators of one byte. */
const ends: Readonly<Record<'line' | 'cr' | 'lf' | 'tab' | 'none', readonly number[]>> = {
  line: [cr, lf],
  cr: [cr],
  lf: [lf],
  tab: [tab],
  none: [],
};

/** Bytes outside of STX and ETX that go on for this long are told again, so that their fault stands meanwhile, µs. */
const strayAgainUs = 500_000;

const noBytes = new Uint8Array();

const options = z
  .strictObject({
    ...byteOptions,
    terminator: z
      .enum(['line', 'cr', 'lf', 'crlf', 'tab', 'stx-etx', 'none'])
      .default('line')
      .describe(
        'What ends a code: line (CR, LF or both), exactly cr, lf, crlf or tab, stx-etx (STX before, ETX behind it), or none (idleMs of silence). Default line.',
      ),
    prefix: hexBytes
      .optional()
      .describe('Bytes that the scanner sends before each code, hexadecimal. Default none.'),
    suffix: hexBytes
      .optional()
      .describe(
        'Bytes that the scanner sends after each code, before the terminator, hexadecimal. Default none.',
      ),
    idleMs: z
      .int()
      .min(10)
      .max(10_000)
      .optional()
      .describe(
        'Silence that ends a code (terminator none, default 100) or tells that its end was lost (default 500), ms.',
      ),
    maximumBytes: z
      .int()
      .min(8)
      .max(longestCode)
      .default(longestCode)
      .describe('The longest code, bytes; longer ones are dropped. Default 4096.'),
    commands: z
      .record(z.string().regex(/^[a-z][a-z0-9-]*$/), hexBytes)
      .default({})
      .describe(
        'Commands of this scanner, hexadecimal by the name of the call that sends them: { trigger-on: "16 54 0d" }. Default none.',
      ),
    ...aimOptions,
    ...repeatOptions,
  })
  .refine(oneWay, { error: oneWayMessage, path: ['match'] });
type SerialOptions = z.infer<typeof options>;

/** A scanner on a serial line, real or emulated (CDC), or on the network: one code after the other, with a terminator. */
export const serialScanner: Driver<SerialOptions> = {
  contract: driverContract,
  name: 'serial-scanner',
  kind: 'scanner',
  options,

  open: (chosen, context) =>
    openByteScanner(chosen, context, (port, receiver) => new SerialTalk(context, port, chosen, receiver)),
};

class SerialTalk implements ScannerTalk<Uint8Array> {
  readonly actions: readonly string[];
  readonly #port: BytePort;
  readonly #chosen: SerialOptions;
  readonly #receiver: ScanReceiver;
  readonly #buffer: CodeBuffer;
  /** Whether a byte is inside STX and ETX. */
  #inside = false;
  /** When bytes outside of STX and ETX were last told of, in the run of them that goes on. */
  #strayUs: number | undefined;
  /** A CR came that may be the first half of the terminator. */
  #afterCr = false;

  constructor(context: DriverContext, port: BytePort, chosen: SerialOptions, receiver: ScanReceiver) {
    this.#port = port;
    this.#chosen = chosen;
    this.#receiver = receiver;
    this.actions = Object.keys(chosen.commands);
    const { terminator, prefix = noBytes, suffix = noBytes } = chosen;
    const rules = { ...chosen, endsByIdle: terminator === 'none', prefix, suffix };
    this.#buffer = textBuffer(context.clock, rules, receiver);
  }

  heard(bytes: Uint8Array, atUs: number): void {
    for (const byte of bytes) this.#byte(byte, atUs);
    this.#buffer.listenForIdle();
  }

  ended(): void {
    this.#inside = false;
    this.#strayUs = undefined;
    this.#afterCr = false;
    this.#buffer.reset();
  }

  async call(action: string): Promise<unknown> {
    await this.#port.write(this.#chosen.commands[action] ?? noBytes);
    return {};
  }

  #byte(byte: number, atUs: number): void {
    const { terminator } = this.#chosen;
    if (terminator === 'crlf') this.#crlf(byte, atUs);
    else if (terminator === 'stx-etx') this.#framed(byte, atUs);
    else if (ends[terminator].includes(byte)) this.#buffer.end(atUs);
    else this.#buffer.add(byte, atUs);
  }

  /** A CR alone is data. */
  #crlf(byte: number, atUs: number): void {
    if (this.#afterCr && byte === lf) {
      this.#afterCr = false;
      this.#buffer.end(atUs);
      return;
    }
    if (this.#afterCr) this.#buffer.add(cr, atUs);
    this.#afterCr = byte === cr;
    if (byte !== cr) this.#buffer.add(byte, atUs);
  }

  #framed(byte: number, atUs: number): void {
    if (byte === stx) {
      if (!this.#buffer.isEmpty) this.#receiver.damaged(unended());
      this.#buffer.reset();
      this.#inside = true;
      this.#strayUs = undefined;
    } else if (byte === etx && this.#inside) {
      this.#inside = false;
      this.#buffer.end(atUs);
    } else if (this.#inside) {
      this.#buffer.add(byte, atUs);
    } else if (byte !== cr && byte !== lf && byte !== 0) this.#stray(atUs);
  }

  #stray(atUs: number): void {
    if (this.#strayUs !== undefined && atUs - this.#strayUs < strayAgainUs) return;
    this.#strayUs = atUs;
    this.#receiver.damaged(
      notUnderstood('data outside of STX and ETX', 'set its prefix and suffix, or the option terminator'),
    );
  }
}

function unended() {
  return notUnderstood('STX before the ETX of the code before', 'check the cable and the rate of the line');
}
