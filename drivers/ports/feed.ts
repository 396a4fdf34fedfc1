import { describeError } from '#base/errors.ts';
import { DriverError } from '../errors.ts';
import type { PortListener } from './ports.ts';

/** What is kept of data that comes before anybody listens, bytes. */
const mostEarlyBytes = 65_536;

/**
 * The way of an open port's data to its one listener: keeps what comes before it listens (the newest 64 KiB), tells a
 * loss once, and nothing after the port was closed.
 */
export class PortFeed<Data> {
  readonly #bytesOf: (data: Data) => number;
  #early: { readonly data: Data; readonly atUs: number }[] = [];
  #earlyBytes = 0;
  #listener: PortListener<Data> | undefined;
  #error: DriverError | undefined;
  #closed = false;

  constructor(bytesOf: (data: Data) => number) {
    this.#bytesOf = bytesOf;
  }

  /** Why the port was lost. */
  get error(): DriverError | undefined {
    return this.#error;
  }

  get ended(): boolean {
    return this.#closed || this.#error !== undefined;
  }

  push(data: Data, atUs: number): void {
    if (this.ended) return;
    if (this.#listener !== undefined) {
      this.#give(this.#listener, data, atUs);
      return;
    }
    this.#early.push({ data, atUs });
    this.#earlyBytes += this.#bytesOf(data);
    while (this.#earlyBytes > mostEarlyBytes) {
      const oldest = this.#early.shift();
      if (oldest === undefined) break;
      this.#earlyBytes -= this.#bytesOf(oldest.data);
    }
  }

  listen(listener: PortListener<Data>): void {
    if (this.#closed) return;
    this.#listener = listener;
    const early = this.#early;
    this.#early = [];
    this.#earlyBytes = 0;
    const lostBefore = this.#error;
    for (const { data, atUs } of early) {
      if (this.#closed || this.#error !== lostBefore) return;
      this.#give(listener, data, atUs);
    }
    if (lostBefore !== undefined && !this.#closed) listener.lost(lostBefore);
  }

  /** Nobody else hears what a driver throws here: it would end the process, and every other sensor with it. */
  #give(listener: PortListener<Data>, data: Data, atUs: number): void {
    try {
      listener.data(data, atUs);
    } catch (cause) {
      const message = `its driver can not read what came: ${describeError(cause)}; record it with \`record --raw\` for whoever made the driver`;
      this.lose(new DriverError('CW-DRV-006', message, { cause }));
    }
  }

  /** Ends the feed with an error; only the first one counts. */
  lose(error: DriverError): void {
    if (this.ended) return;
    this.#error = error;
    this.#listener?.lost(error);
  }

  /** Ends the feed silently. */
  close(): void {
    this.#closed = true;
    this.#early = [];
    this.#listener = undefined;
  }
}
