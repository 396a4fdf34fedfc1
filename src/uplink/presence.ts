import { UplinkError } from './errors.ts';
import type { StateSeen } from './payloads.ts';

interface Own {
  readonly ledger: string;
  readonly boot: number;
}

const takeoverWindowMs = 10 * 60_000;
const takeoversUntilReported = 2;

/**
 * Watches the device's own `state` topic for a second device with the same identity. Both would throw each other off the
 * broker for ever; each one finds the other's state where its own should be. A copy of a card has the same ledger, so
 * boot and connection are compared as well.
 */
export class Presence {
  readonly #own: Own;
  #first = 0;
  #current = 0;
  #ownSeen = false;
  #takeovers: number[] = [];

  constructor(own: Own) {
    this.#own = own;
  }

  /** A CONNECT with this number is about to be sent. */
  connecting(connection: number): void {
    if (this.#first === 0) this.#first = connection;
    this.#current = connection;
  }

  /**
   * What stands on the `state` topic. `foreign`: another device put it there; `stale`: an older will of this device
   * came after its birth, which must be published again; `own` otherwise.
   */
  judge(state: StateSeen): 'own' | 'stale' | 'foreign' {
    if (state.ledger === this.#own.ledger) {
      if (state.boot === this.#own.boot && state.connection === this.#current) {
        if (state.online) this.#ownSeen = true;
        return 'own';
      }
      const newer = state.boot > this.#own.boot || state.connection > this.#current;
      const mixed = state.connection >= this.#first && state.boot !== this.#own.boot;
      if (newer || mixed) return 'foreign';
      return this.#ownSeen ? 'stale' : 'own';
    }
    // Before our own birth was there, it is what the last ledger of this device left behind.
    return this.#ownSeen ? 'foreign' : 'own';
  }

  /** The broker gave the session to another connection. True if that happened too often to be our own reconnecting. */
  takenOver(nowMs: number): boolean {
    this.#takeovers = [...this.#takeovers.filter((atMs) => nowMs - atMs < takeoverWindowMs), nowMs];
    return this.#takeovers.length >= takeoversUntilReported;
  }
}

export function identityError(clientId: string): UplinkError {
  return new UplinkError(
    'CW-UPL-022',
    `another device connects as ${clientId} and throws this one off; give each its own device name, and never copy a data folder`,
    { details: { clientId } },
  );
}
