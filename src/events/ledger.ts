import { createHash } from 'node:crypto';
import type { CartEvent, Draft, TimeQuality, Versions } from './event.ts';

export interface LedgerIdentity {
  readonly store: string;
  readonly device: string;
  /** 16 hexadecimal digits. */
  readonly ledger: string;
}

/** When a draft became an event. */
export interface Moment {
  readonly atUs: number;
  /** UTC in ms; 0 while the clock is unset. */
  readonly time: number;
  readonly timeQuality: TimeQuality;
}

/**
 * UUIDv8 (RFC 9562 §5.8): the first 16 bytes of the SHA-256 of store, device, ledger (lower-case hexadecimal) and
 * sequence (decimal), UTF-8, a zero byte between them; version and variant bits set.
 * The same four values name the same event everywhere, so a receiver can check an id.
 */
export function eventId(identity: LedgerIdentity, sequence: number): string {
  const digest = createHash('sha256')
    .update(`${identity.store}\0${identity.device}\0${identity.ledger}\0${sequence}`)
    .digest();
  const octets = digest.subarray(0, 16);
  octets.writeUInt8((octets.readUInt8(6) & 0x0f) | 0x80, 6);
  octets.writeUInt8((octets.readUInt8(8) & 0x3f) | 0x80, 8);
  return formatUuid(octets.toString('hex'));
}

/** 32 hexadecimal digits as `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`. */
export function formatUuid(digits: string): string {
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-${digits.slice(16, 20)}-${digits.slice(20)}`;
}

/**
 * Numbers the events of one device in one unbroken row. It is the only place where a sequence is given; the outbox
 * checks the row in the transaction that stores it, so a number that was never stored is given again after a crash.
 */
export class Ledger {
  readonly identity: LedgerIdentity;
  readonly #boot: number;
  #next: number;
  versions: Versions;

  constructor(identity: LedgerIdentity, start: { boot: number; nextSequence: number; versions: Versions }) {
    this.identity = identity;
    this.#boot = start.boot;
    this.#next = start.nextSequence;
    this.versions = start.versions;
  }

  /** The sequence that the next event will bear. */
  get nextSequence(): number {
    return this.#next;
  }

  append(draft: Draft, moment: Moment): CartEvent {
    const sequence = this.#next++;
    // The union of drafts maps onto the union of events type by type, which TypeScript can't follow through a spread.
    return {
      id: eventId(this.identity, sequence),
      ledger: this.identity.ledger,
      sequence,
      type: draft.type,
      source: `${this.identity.store}/${this.identity.device}`,
      boot: this.#boot,
      atUs: moment.atUs,
      time: moment.time,
      timeQuality: moment.timeQuality,
      ...(draft.session === undefined ? {} : { session: draft.session }),
      ...(draft.causes === undefined || draft.causes.length === 0 ? {} : { causes: draft.causes }),
      versions: this.versions,
      data: draft.data,
    } as CartEvent;
  }
}
