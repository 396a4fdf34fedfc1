import type { Clock } from '#base/clock.ts';
import { DriverError } from '../errors.ts';
import type { BytePort } from '../ports/ports.ts';
import type { Framer } from './framers.ts';

export interface DialogueOptions {
  readonly id: string;
  readonly clock: Clock;
  readonly port: BytePort;
  readonly framer: Framer;
  readonly timeoutUs: number;
  /** Frames that no exchange asked for. */
  readonly onFrame: (frame: Uint8Array, atUs: number) => void;
  readonly onLost: (error: DriverError) => void;
}

interface Waiting {
  /** True where the frame is (part of) the answer; a coded error refuses it and ends the exchange. */
  offer(frame: Uint8Array, atUs: number): boolean;
  fail(error: DriverError): void;
}

/** Talks with a scale over a stream of bytes: one question at a time, each with a time limit. */
export class Dialogue {
  readonly #options: DialogueOptions;
  #waiting: Waiting | undefined;
  #tail: Promise<unknown> = Promise.resolve();
  #ended: DriverError | undefined;
  readonly #pauses = new Set<() => void>();
  /** Bytes since the latest question. */
  #heard = 0;
  /** When the latest answer came. */
  answeredAtUs = 0;

  constructor(options: DialogueOptions) {
    this.#options = options;
  }

  /** Begins to hear the port. */
  listen(): void {
    this.#options.port.listen({
      data: (bytes, atUs) => {
        if (this.#ended !== undefined) return;
        this.#heard += bytes.length;
        for (const frame of this.#options.framer.push(bytes)) this.#take(frame, atUs);
      },
      lost: (error) => {
        if (this.#ended !== undefined) return;
        this.end(error);
        this.#options.onLost(error);
      },
    });
  }

  /** Ends whatever waits, and everything after it, with `error`. */
  end(error: DriverError): void {
    this.#ended ??= error;
    this.#waiting?.fail(error);
    for (const wake of [...this.#pauses]) wake();
  }

  /** Runs `work` when nothing else does: questions that belong together are not mixed with others. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#tail.then(work, work);
    this.#tail = run.catch(() => {});
    return run;
  }

  /**
   * Sends `bytes` and waits for the frame that `read` makes something of (undefined: not the answer). Rejects with
   * CW-DRV-008 where none comes in time, with what `read` throws, and with CW-DRV-005 where the port is gone.
   */
  async exchange<T>(
    bytes: Uint8Array,
    read: (frame: Uint8Array) => T | undefined,
    timeoutUs = this.#options.timeoutUs,
  ): Promise<T> {
    if (this.#ended !== undefined) throw this.#ended;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const { clock, framer } = this.#options;
    this.#heard = 0;
    const cancel = clock.after(timeoutUs, () => {
      framer.reset();
      reject(this.#unanswered(timeoutUs));
    });
    const waiting: Waiting = {
      offer: (frame, atUs) => {
        try {
          const answer = read(frame);
          if (answer === undefined) return false;
          this.answeredAtUs = atUs;
          resolve(answer);
        } catch (error) {
          reject(error);
        }
        return true;
      },
      fail: reject,
    };
    this.#waiting = waiting;
    try {
      // Not awaited: a port whose write hangs must not outlast the time limit.
      this.#options.port.write(bytes).catch(reject);
      return await promise;
    } finally {
      cancel();
      if (this.#waiting === waiting) this.#waiting = undefined;
    }
  }

  /** Sends what has no answer. */
  async send(bytes: Uint8Array): Promise<void> {
    if (this.#ended !== undefined) throw this.#ended;
    await this.#options.port.write(bytes);
  }

  /** Waits; rejects where the dialogue ends meanwhile. */
  async pause(us: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = () => {
        cancel();
        this.#pauses.delete(wake);
        resolve();
      };
      const cancel = this.#options.clock.after(us, wake);
      this.#pauses.add(wake);
    });
    if (this.#ended !== undefined) throw this.#ended;
  }

  /** A silent line and one whose bytes make no sense have different causes. */
  #unanswered(timeoutUs: number): DriverError {
    const { id } = this.#options;
    const within = `within ${Math.round(timeoutUs / 1000)} ms`;
    const message =
      this.#heard === 0
        ? `${id} did not answer ${within}; check its cable, power, protocol and baud rate`
        : `${id} sent ${this.#heard} bytes ${within}, but no answer; check its protocol, baud rate, data bits and parity`;
    return new DriverError('CW-DRV-008', message);
  }

  #take(frame: Uint8Array, atUs: number): void {
    const waiting = this.#waiting;
    if (waiting?.offer(frame, atUs) === true) {
      if (this.#waiting === waiting) this.#waiting = undefined;
      return;
    }
    this.#options.onFrame(frame, atUs);
  }
}
