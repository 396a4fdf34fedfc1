import { isIPv6 } from 'node:net';
import { RateLimit } from '#base/rate-limit.ts';
import { ConsoleError } from './errors.ts';

/** How often something may be asked for: by one network, and by all together where that is limited too. */
export interface Pace {
  readonly burst: number;
  readonly perMinute: number;
  readonly all?: { readonly burst: number; readonly perMinute: number };
}

const mostNetworks = 1_000;

/** Limits how often something is asked for, by network and in all. */
export class Tries {
  readonly #pace: Pace;
  readonly #nowUs: () => number;
  readonly #all: RateLimit | undefined;
  /** The one that asked last is last. */
  readonly #of = new Map<string, RateLimit>();

  constructor(pace: Pace, nowUs: () => number = () => performance.now() * 1_000) {
    this.#pace = pace;
    this.#nowUs = nowUs;
    this.#all = pace.all === undefined ? undefined : new RateLimit(pace.all.burst, pace.all.perMinute);
  }

  /** @throws CW-CON-006 */
  count(address: string): void {
    const nowUs = this.#nowUs();
    const network = networkOf(address);
    const own = this.#of.get(network) ?? new RateLimit(this.#pace.burst, this.#pace.perMinute);
    this.#of.delete(network);
    this.#of.set(network, own);
    // Only who has been quiet for longest is forgotten: many addresses don't win a new allowance for one that is over its own.
    const [quietest] = this.#of.keys();
    if (this.#of.size > mostNetworks && quietest !== undefined) this.#of.delete(quietest);
    if (own.admits(nowUs) && this.#all?.admits(nowUs) !== false) return;
    throw new ConsoleError('CW-CON-006', 'too many tries: wait a minute');
  }
}

/** What is counted as one: an IPv4 address, or the 64 bits of an IPv6 address that its holder does not choose. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.replace(/%.*$/, '').split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros =
    tail === undefined ? [] : Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  return [...left, ...zeros, ...right].slice(0, 4).join(':');
}
