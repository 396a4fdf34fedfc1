import type { Random } from '#base/random.ts';
import { UplinkError } from './errors.ts';
import type { StateSeen } from './payloads.ts';

interface Own {
  readonly ledger: string;
  readonly boot: number;
  /** Drawn at each start of the gateway: two copies of one card count boots and connections alike. */
  readonly instance: string;
}

/** What is known of another device with this identity. */
export interface Contest {
  /** How often it threw this one off. */
  readonly times: number;
  /** Until when this one leaves the broker to it, monotonic ms; undefined while it doesn't. */
  readonly backAtMs: number | undefined;
}

const takeoverWindowMs = 10 * 60_000;
const takeoversUntilReported = 2;
const longestStandBackMs = 60 * 60_000;
/** Longer than the longest time that the other one may stand back: then it is gone. */
const contestEndsMs = 2 * longestStandBackMs;

/**
 * Watches for a second device with the same identity. Both would throw each other off the broker for ever; each one finds the
 * other's birth where its own should be, or hears from the broker that its session was taken over. The one that was thrown off
 * stands back, for minutes and each time longer, and keeps its events meanwhile.
 */
export class Presence {
  readonly #own: Own;
  readonly #random: Pick<Random, 'next'>;
  readonly #firstStandBackMs: number;
  #first = 0;
  #current = 0;
  #ownSeen = false;
  #takeovers: number[] = [];
  /** When another device's birth or will was seen last, monotonic ms. */
  #foreignMs: number | undefined;
  #contest: { times: number; lastMs: number; backAtMs: number | undefined } | undefined;

  constructor(own: Own, firstStandBackMs: number, random: Pick<Random, 'next'>) {
    this.#own = own;
    this.#firstStandBackMs = firstStandBackMs;
    this.#random = random;
  }

  /** A CONNECT with this number is about to be sent. */
  connecting(connection: number): void {
    if (this.#first === 0) this.#first = connection;
    this.#current = connection;
    if (this.#contest !== undefined) this.#contest.backAtMs = undefined;
  }

  /**
   * What stands on the `state` topic. `foreign`: another device put it there; `stale`: an older will of this device
   * came after its birth, which must be published again; `own` otherwise.
   */
  judge(state: StateSeen, nowMs: number): 'own' | 'stale' | 'foreign' {
    const verdict = this.#judge(state);
    if (verdict === 'foreign') {
      // Its will as well: a broker that gives the session to another client publishes the will of the one before.
      this.#foreignMs = nowMs;
      this.#contest ??= { times: 0, lastMs: nowMs, backAtMs: undefined };
      this.#contest.lastMs = nowMs;
    }
    return verdict;
  }

  #judge({ ledger, boot, connection, online, instance }: StateSeen): 'own' | 'stale' | 'foreign' {
    const own = this.#own;
    // Before our own birth was there, it is what the last ledger of this device left behind.
    if (ledger !== own.ledger) return this.#ownSeen ? 'foreign' : 'own';
    if (boot === own.boot && instance !== undefined && instance !== own.instance) return 'foreign';
    if (boot === own.boot && connection === this.#current) {
      if (online) this.#ownSeen = true;
      return 'own';
    }
    const newer = boot > own.boot || connection > this.#current;
    const mixed = connection >= this.#first && boot !== own.boot;
    // Of an earlier run a will may come late, a birth never.
    const risen = boot < own.boot && online && this.#ownSeen;
    if (newer || mixed || risen) return 'foreign';
    return this.#ownSeen ? 'stale' : 'own';
  }

  /**
   * The broker ended a connection.
   * @param told it said that another one took the session over, as only MQTT 5 can; otherwise a birth or will that was seen speaks for it
   * @returns how long to stand back, ms; 0 where nothing speaks for another device, or it may have been our own reconnecting
   */
  thrownOff(told: boolean, nowMs: number): number {
    const isRecent = (atMs: number | undefined) => atMs !== undefined && nowMs - atMs < takeoverWindowMs;
    const seen = isRecent(this.#foreignMs);
    if (!told && !seen) return 0;
    this.#takeovers = [...this.#takeovers.filter(isRecent), nowMs];
    const known = (this.#contest?.times ?? 0) > 0;
    if (!known && !seen && this.#takeovers.length < takeoversUntilReported) return 0;
    const times = (this.#contest?.times ?? 0) + 1;
    const stepMs = Math.min(longestStandBackMs, this.#firstStandBackMs * 2 ** Math.min(times - 1, 16));
    const standBackMs = Math.round(stepMs * (0.5 + this.#random.next() / 2));
    this.#contest = { times, lastMs: nowMs, backAtMs: nowMs + standBackMs };
    return standBackMs;
  }

  /** Undefined where no other device was noticed, or it was not for two hours. */
  contest(nowMs: number): Contest | undefined {
    if (this.#contest !== undefined && nowMs - this.#contest.lastMs > contestEndsMs)
      this.#contest = undefined;
    return this.#contest;
  }
}

/** CW-UPL-022 */
export function identityError(clientId: string, standBackMs: number): UplinkError {
  const back =
    standBackMs > 0
      ? ` This one leaves the broker to it for ${Math.max(1, Math.round(standBackMs / 60_000))} min, and keeps its events.`
      : '';
  return new UplinkError(
    'CW-UPL-022',
    `another device connects as ${clientId} and throws this one off; give each its own device name, and never copy a data folder.${back}`,
    { details: { clientId, standBackMs } },
  );
}
