import type { Clock } from '#base/clock.ts';
import { DriverError } from '../../errors.ts';
import type { BytePort } from '../../ports/ports.ts';
import {
  type BridgeIdentity,
  type BridgeMessage,
  encodeHostMessage,
  type HostMessage,
  messageIds,
  type Notice,
  results,
  type SampleFrame,
  type StatusReport,
} from './protocol.ts';
import { FrameSplitter, type SplitterTarget } from './splitter.ts';
import { sysexStart } from './wire.ts';

/** What a link tells whoever uses it. */
export interface LinkTarget {
  samples(frame: SampleFrame, atUs: number, wireBytes: number): void;
  notice(notice: Notice, atUs: number): void;
  /** The bridge introduced itself without having been asked: it was reset. */
  began(identity: BridgeIdentity): void;
  firmata(bytes: Uint8Array, atUs: number): void;
  version(major: number, minor: number): void;
  damaged(): void;
  lost(error: DriverError): void;
}

export interface FirmwareReport {
  readonly name: string;
  readonly major: number;
  readonly minor: number;
}

interface Waiter {
  reply(message: BridgeMessage, atUs: number): void;
  fail(error: DriverError): void;
}

const firmwareReport = 0x79;
/** Answers carry the id of what they answer: their keys lie beyond those of other replies. */
const answerKey = 0x100;

/** Messages that have a reply of their own; all others are answered by a result. */
const replies = new Map<HostMessage['kind'], number>([
  ['status', messageIds.statusReport],
  ['echo', messageIds.echoReply],
  ['identify', messageIds.identity],
]);

const deaf: LinkTarget = {
  samples() {},
  notice() {},
  began() {},
  firmata() {},
  version() {},
  damaged() {},
  lost() {},
};

/** Requests and replies over a byte port, and what the bridge tells by itself. */
export class BridgeLink implements SplitterTarget {
  target: LinkTarget = deaf;
  /** What the board last said runs on it. */
  firmware: FirmwareReport | undefined;
  /** Anything that looks like a message came: there is a board at this rate. */
  heard = false;
  readonly #port: BytePort;
  readonly #clock: Clock;
  readonly #splitter = new FrameSplitter(this);
  readonly #waiters = new Map<number, Waiter>();
  readonly #turns = new Map<number, Promise<unknown>>();
  #lost: DriverError | undefined;

  constructor(port: BytePort, clock: Clock) {
    this.#port = port;
    this.#clock = clock;
  }

  /** Begins to read. */
  listen(): void {
    this.#port.listen({
      data: (bytes, atUs) => this.#splitter.push(bytes, atUs),
      lost: (error) => this.lose(error),
    });
  }

  /** Closes the port; what is waited for is given up. Idempotent. */
  async close(): Promise<void> {
    this.#fail(new DriverError('CW-DRV-005', 'the bridge was closed'));
    this.target = deaf;
    await this.#port.close();
  }

  lose(error: DriverError): void {
    if (this.#lost !== undefined) return;
    this.#fail(error);
    this.target.lost(error);
  }

  /** Sends bytes as they are. Rejects with CW-DRV-005 where the port is gone. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#lost !== undefined) throw this.#lost;
    await this.#port.write(bytes);
  }

  send(message: HostMessage): Promise<void> {
    return this.write(encodeHostMessage(message));
  }

  /**
   * Sends a message whose result is answered, one of a kind at a time. `done` is called while the answer is being
   * read, before what follows it. Rejects with CW-DRV-020 where it was refused, CW-DRV-011 where no answer came.
   */
  async command(message: HostMessage, withinUs: number, done?: () => void): Promise<void> {
    await this.#ask(message, answerKey | messageIds[message.kind], withinUs, (reply) => {
      if (reply.kind !== 'answer') return;
      if (reply.result === 0) {
        done?.();
        return;
      }
      const why = results[reply.result] ?? `result ${reply.result}`;
      throw new DriverError('CW-DRV-020', `the bridge refused ${message.kind}: ${why}`);
    });
  }

  async status(withinUs: number): Promise<StatusReport> {
    const reply = await this.#request({ kind: 'status' }, withinUs);
    if (reply.kind === 'statusReport') return reply;
    throw unexpected(reply);
  }

  async identify(withinUs: number): Promise<BridgeIdentity> {
    const reply = await this.#request({ kind: 'identify' }, withinUs);
    if (reply.kind === 'identity') return reply;
    throw unexpected(reply);
  }

  async echo(bytes: Uint8Array, withinUs: number): Promise<Uint8Array> {
    const reply = await this.#request({ kind: 'echo', bytes }, withinUs);
    if (reply.kind === 'echoReply') return reply.bytes;
    throw unexpected(reply);
  }

  #request(message: HostMessage, withinUs: number): Promise<BridgeMessage> {
    return this.#ask(message, replies.get(message.kind) ?? 0, withinUs, (reply) => reply);
  }

  #ask<Reply>(
    message: HostMessage,
    key: number,
    withinUs: number,
    read: (reply: BridgeMessage) => Reply,
  ): Promise<Reply> {
    const turn = (this.#turns.get(key) ?? Promise.resolve()).then(() =>
      this.#wait(message, key, withinUs, read),
    );
    // Whoever comes next waits for the end of this one, however it ends.
    this.#turns.set(
      key,
      turn.then(
        () => {},
        () => {},
      ),
    );
    return turn;
  }

  #wait<Reply>(
    message: HostMessage,
    key: number,
    withinUs: number,
    read: (reply: BridgeMessage) => Reply,
  ): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const settle = () => {
      this.#waiters.delete(key);
      cancel();
    };
    const fail = (error: unknown) => {
      settle();
      reject(error);
    };
    const cancel = this.#clock.after(withinUs, () =>
      fail(
        new DriverError(
          'CW-DRV-011',
          `the bridge did not answer ${message.kind} within ${withinUs / 1000} ms; check its cable and power`,
        ),
      ),
    );
    this.#waiters.set(key, {
      reply: (reply) => {
        settle();
        try {
          resolve(read(reply));
        } catch (error) {
          reject(error);
        }
      },
      fail,
    });
    this.send(message).catch(fail);
    return promise;
  }

  #fail(error: DriverError): void {
    this.#lost ??= error;
    for (const waiter of [...this.#waiters.values()]) waiter.fail(error);
  }

  samples(frame: SampleFrame, atUs: number, wireBytes: number): void {
    this.target.samples(frame, atUs, wireBytes);
  }

  message(message: BridgeMessage, atUs: number): void {
    this.heard = true;
    if (message.kind === 'notice') {
      this.target.notice(message, atUs);
      return;
    }
    const key = message.kind === 'answer' ? answerKey | message.of : messageIds[message.kind];
    const waiter = this.#waiters.get(key);
    if (waiter !== undefined) waiter.reply(message, atUs);
    else if (message.kind === 'identity') this.target.began(message);
  }

  firmata(bytes: Uint8Array, atUs: number): void {
    if (bytes[0] === sysexStart && bytes[1] === firmwareReport && bytes.length >= 5) {
      this.heard = true;
      let name = '';
      for (let i = 4; i + 1 < bytes.length - 1; i += 2) {
        name += String.fromCharCode(((bytes[i] ?? 0) | ((bytes[i + 1] ?? 0) << 7)) & 0xff);
      }
      this.firmware = { name: name.replace(/[^ -~]/g, '?'), major: bytes[2] ?? 0, minor: bytes[3] ?? 0 };
    }
    this.target.firmata(bytes, atUs);
  }

  version(major: number, minor: number): void {
    this.heard = true;
    this.target.version(major, minor);
  }

  damaged(): void {
    this.target.damaged();
  }
}

function unexpected(reply: BridgeMessage): DriverError {
  return new DriverError('CW-DRV-006', `the bridge answered with ${reply.kind}`);
}
