import type { Clock } from '#base/clock.ts';
import { DriverError } from '../../errors.ts';
import type { I2cAnswer, I2cPort } from '../../ports/ports.ts';
import type { BridgeLink } from './link.ts';
import { sysexEnd, sysexStart } from './wire.ts';

const configure = 0x78;
const request = 0x76;
const reply = 0x77;
const readOnce = 1 << 3;
/** Keep the bus between the register's write and the read: a repeated start. */
const repeatedStart = 0x40;
/** A chip that doesn't answer within this is not there, µs; a busy line takes a few milliseconds. */
const answerWithinUs = 250_000;
const statusWithinUs = 500_000;

interface Expected {
  readonly address: number;
  /** Of a read that names one. */
  readonly register: number | undefined;
  readonly bytes: number;
  readonly settle: (answer: I2cAnswer | DriverError) => void;
}

/**
 * The bridge's I²C bus through Firmata: one transfer at a time, whoever asks. Firmata doesn't confirm writes, so after
 * one the bridge's own count of unanswered addresses is looked at; and it has no checksum, so that a reply of another
 * length than asked for, or with values beyond a byte, is refused.
 */
export class FirmataI2c {
  readonly #link: BridgeLink;
  readonly #clock: Clock;
  readonly #ports = new Set<(error: DriverError) => void>();
  #last: Promise<unknown> = Promise.resolve();
  #expected: Expected | undefined;
  #refused: number | undefined;
  #configured = false;
  /** The bridge's count of unanswered addresses; undefined where it isn't known. */
  #errors: number | undefined;
  #lost: DriverError | undefined;

  constructor(link: BridgeLink, clock: Clock) {
    this.#link = link;
    this.#clock = clock;
  }

  /** A port of one user of the bus; it is lost when the bridge is. */
  open(name: string): I2cPort {
    if (this.#lost !== undefined) throw this.#lost;
    let closed = false;
    let onLost: ((error: DriverError) => void) | undefined;
    const lost = (error: DriverError) => onLost?.(error);
    this.#ports.add(lost);
    return {
      identity: { model: `I²C bus of ${name}` },
      transfer: (address, write, readBytes) => {
        if (closed) return Promise.reject(new DriverError('CW-DRV-005', 'the port is closed'));
        return this.#transfer(address, write, readBytes);
      },
      onLost: (listener) => {
        onLost = listener;
        if (this.#lost !== undefined && !closed) listener(this.#lost);
      },
      close: async () => {
        closed = true;
        this.#ports.delete(lost);
      },
    };
  }

  /** The bridge was reset: it has forgotten the bus. */
  reset(): void {
    this.#configured = false;
    this.#errors = undefined;
  }

  /** The bridge is gone: all ports are lost. */
  lose(error: DriverError): void {
    if (this.#lost !== undefined) return;
    this.#lost = error;
    this.#expected?.settle(error);
    for (const lost of [...this.#ports]) lost(error);
    this.#ports.clear();
  }

  /** A Firmata message, `F0 77 … F7` among others. */
  receive(bytes: Uint8Array, atUs: number): void {
    const expected = this.#expected;
    if (expected === undefined || bytes[1] !== reply || bytes.length < 7) return;
    if (pair(bytes, 2) !== expected.address) return;
    if (expected.register !== undefined && pair(bytes, 4) !== expected.register) return;
    const data = new Uint8Array((bytes.length - 7) >> 1);
    let most = 0;
    for (let i = 0; i < data.length; i++) {
      const value = pair(bytes, 6 + 2 * i);
      most = Math.max(most, value);
      data[i] = value;
    }
    const whole = bytes.length % 2 === 1 && data.length === expected.bytes && most <= 0xff;
    expected.settle(
      whole
        ? { data, atUs }
        : new DriverError(
            'CW-DRV-006',
            `the answer of chip ${hex(expected.address)} was damaged on the way: ${data.length} bytes where ${expected.bytes} were asked for`,
          ),
    );
  }

  /** The bridge's notice that a chip did not answer. */
  notAcknowledged(address: number): void {
    this.#errors = undefined;
    this.#refused = address;
    if (this.#expected?.address === address) this.#expected.settle(noChip(address));
  }

  #transfer(address: number, write: Uint8Array, readBytes: number): Promise<I2cAnswer> {
    const turn = this.#last.then(() => this.#now(address, write, readBytes));
    this.#last = turn.then(
      () => {},
      () => {},
    );
    return turn;
  }

  async #now(address: number, write: Uint8Array, readBytes: number): Promise<I2cAnswer> {
    if (this.#lost !== undefined) throw this.#lost;
    if (!this.#configured) {
      await this.#link.write(Uint8Array.of(sysexStart, configure, 0, 0, sysexEnd));
      this.#configured = true;
    }
    // Firmata's read names one register; what else is to be written goes before it.
    if (readBytes === 0 || write.length > 1) await this.#write(address, write);
    if (readBytes === 0) return { data: new Uint8Array(), atUs: this.#clock.nowUs() };
    return this.#read(address, write.length === 1 ? write[0] : undefined, readBytes);
  }

  async #write(address: number, bytes: Uint8Array): Promise<void> {
    this.#errors ??= (await this.#link.status(statusWithinUs)).i2cErrors;
    const before = this.#errors;
    this.#refused = undefined;
    await this.#link.write(
      Uint8Array.of(sysexStart, request, address, 0, ...[...bytes].flatMap(sevenBits), sysexEnd),
    );
    this.#errors = (await this.#link.status(statusWithinUs)).i2cErrors;
    if (this.#refused === address || this.#errors !== before) throw noChip(address);
  }

  #read(address: number, register: number | undefined, bytes: number): Promise<I2cAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<I2cAnswer>();
    const cancel = this.#clock.after(answerWithinUs, () => {
      this.#errors = undefined;
      settle(noChip(address));
    });
    const settle = (answer: I2cAnswer | DriverError) => {
      cancel();
      this.#expected = undefined;
      if (answer instanceof DriverError) reject(answer);
      else resolve(answer);
    };
    this.#expected = { address, register, bytes, settle };
    const named = register === undefined ? [] : sevenBits(register);
    const mode = readOnce | (register === undefined ? 0 : repeatedStart);
    this.#link
      .write(Uint8Array.of(sysexStart, request, address, mode, ...named, ...sevenBits(bytes), sysexEnd))
      .catch(settle);
    return promise;
  }
}

function sevenBits(value: number): [number, number] {
  return [value & 0x7f, (value >> 7) & 0x7f];
}

function pair(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) & 0x7f) | (((bytes[at + 1] ?? 0) & 0x7f) << 7);
}

function hex(address: number): string {
  return `0x${address.toString(16).padStart(2, '0')}`;
}

function noChip(address: number): DriverError {
  return new DriverError(
    'CW-DRV-013',
    `no chip answers at address ${hex(address)} of the bridge's I²C bus; check its wiring, supply and address pins`,
  );
}
