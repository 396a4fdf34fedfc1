import { hash32, type Random } from '#base/random.ts';

export interface AddressOptions {
  /** Addresses of one broker, the preferred one first; at least one. */
  readonly urls: readonly string[];
  /** Of the device: carts spread over the addresses by it, each always beginning at the same one. */
  readonly key: string;
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Where to connect, and after which delay, ms. */
export interface Attempt {
  readonly url: string;
  readonly delayMs: number;
}

interface Address {
  readonly url: string;
  /** Longest delay after the next failure, ms. */
  stepMs: number;
  /** Not tried again before, monotonic ms. */
  notBeforeMs: number;
}

/** A connection that lasted this long was a good one: only then the next delay is short again. */
export const settledMs = 10_000;
/**
 * The first delay after the loss of a good connection is drawn from this many first delays: all carts lose a broker in the
 * same moment, and would all be back in the same moment.
 */
const spreadFactor = 8;
/** No delay is shorter than this share of its step. */
const shortestShare = 0.1;

/**
 * Which address of the broker comes next, and when. A device begins at an address of its own and goes round from there; one
 * that fails, or drops the link soon after taking it, is left alone for a growing time. Delays are drawn from nearly the whole
 * of their step ("full jitter"), so that those who lost the broker together come back one after the other. After a good
 * connection was lost the row begins at the device's own address again, so that nodes that were away get their carts back.
 */
export class Addresses {
  readonly #addresses: readonly Address[];
  readonly #random: Pick<Random, 'next'>;
  readonly #firstMs: number;
  readonly #maxMs: number;
  readonly #spreadMs: number;
  #gapMs = 0;

  constructor({ urls, key, firstMs, maxMs }: AddressOptions, random: Pick<Random, 'next'>) {
    this.#firstMs = Math.max(10, firstMs);
    this.#maxMs = Math.max(this.#firstMs, maxMs);
    this.#spreadMs = Math.min(this.#maxMs, spreadFactor * this.#firstMs);
    this.#random = random;
    const home = hash32(key) % Math.max(1, urls.length);
    this.#addresses = [...urls.slice(home), ...urls.slice(0, home)].map((url) => ({
      url,
      stepMs: this.#firstMs,
      notBeforeMs: 0,
    }));
  }

  /** The first address that may be tried now, else the one that may be soonest. */
  next(nowMs: number): Attempt {
    const free = this.#addresses.find(({ notBeforeMs }) => notBeforeMs <= nowMs);
    if (free !== undefined) return { url: free.url, delayMs: Math.round(this.#gapMs) };
    const [soonest] = [...this.#addresses].sort((a, b) => a.notBeforeMs - b.notBeforeMs);
    if (soonest === undefined) throw new TypeError('there is no address');
    return { url: soonest.url, delayMs: Math.round(soonest.notBeforeMs - nowMs) };
  }

  /** It was not reached, refused, or did not answer. */
  failed(url: string, nowMs: number): void {
    this.#gapMs = this.#jitter(this.#firstMs);
    const address = this.#find(url);
    if (address === undefined) return;
    address.notBeforeMs = nowMs + this.#jitter(address.stepMs);
    address.stepMs = Math.min(this.#maxMs, address.stepMs * 2);
  }

  /** It said that it has too much to do: left alone for about the longest delay. */
  busy(url: string, nowMs: number): void {
    this.failed(url, nowMs);
    const address = this.#find(url);
    if (address === undefined) return;
    address.stepMs = this.#maxMs;
    address.notBeforeMs = nowMs + (this.#maxMs * (1 + this.#random.next())) / 2;
  }

  /** A connection that lasted `upMs` ended; one that was short counts as a failure. */
  lost(url: string, nowMs: number, upMs: number): void {
    const address = this.#find(url);
    if (address === undefined || upMs < settledMs) {
      this.failed(url, nowMs);
      return;
    }
    for (const other of this.#addresses) other.stepMs = this.#firstMs;
    address.stepMs = this.#spreadMs;
    address.notBeforeMs = nowMs + this.#jitter(this.#spreadMs);
    this.#gapMs = this.#jitter(this.#spreadMs);
  }

  #find(url: string): Address | undefined {
    return this.#addresses.find((address) => address.url === url);
  }

  #jitter(stepMs: number): number {
    return stepMs * (shortestShare + (1 - shortestShare) * this.#random.next());
  }
}
