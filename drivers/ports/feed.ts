import type { DriverError } from '../errors.ts';
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
      this.#listener.data(data, atUs);
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
    for (const { data, atUs } of early) {
      if (this.#closed) return;
      listener.data(data, atUs);
    }
    if (this.#error !== undefined && !this.#closed) listener.lost(this.#error);
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
