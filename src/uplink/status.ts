import { decodeEvent } from '#events/codec.ts';
import type { Delivery } from './delivery.ts';
import type { Outbox } from './outbox.ts';
import type { EncodedEvent } from './outbox-types.ts';
import type { UplinkStatus } from './thread.ts';
import type { Writer } from './writer.ts';

/** What the engine knows of the link. */
type LinkStatus = Pick<
  UplinkStatus,
  'connected' | 'protocol' | 'broker' | 'reason' | 'contested' | 'connection'
>;

/** Puts together what the gateway is told of outbox and link. */
export class StatusSource {
  readonly #outbox: Outbox;
  readonly #writer: Writer;
  readonly #delivery: Delivery;
  /** Of the oldest waiting event, which is decoded once. */
  #oldest: { sequence: number; atUs: number | undefined } | undefined;

  constructor(outbox: Outbox, writer: Writer, delivery: Delivery) {
    this.#outbox = outbox;
    this.#writer = writer;
    this.#delivery = delivery;
  }

  /** The status of now. Throws the database's error. */
  read(link: LinkStatus): UplinkStatus {
    const { events, bytes, ledgerBytes, dropped } = this.#outbox.tally;
    return {
      ...link,
      outboxEvents: events,
      outboxBytes: bytes,
      ledgerBytes,
      ledgerFull: this.#outbox.ledgerFull,
      blocked: this.#writer.blocked?.code ?? (this.#outbox.givingUp ? 'CW-UPL-007' : undefined),
      dropped,
      published: this.#delivery.published,
      publishedThrough: this.#outbox.publishedThrough,
      releasedThrough: this.#outbox.releasedThrough,
      acknowledged: this.#outbox.acknowledged,
      oldestUs: this.#oldestUs(),
      commits: this.#writer.commits,
    };
  }

  #oldestUs(): number | undefined {
    const event = this.#outbox.oldest();
    if (event === undefined) return undefined;
    if (this.#oldest?.sequence !== event.sequence) {
      this.#oldest = { sequence: event.sequence, atUs: this.#timeOf(event) };
    }
    return this.#oldest.atUs;
  }

  /** Monotonic time of an event of this boot, µs; undefined for another boot's, and for one that can not be read. */
  #timeOf(event: EncodedEvent): number | undefined {
    try {
      const { boot, atUs } = decodeEvent(event.bytes);
      return boot === this.#outbox.start.boot ? atUs : undefined;
    } catch {
      return undefined;
    }
  }
}
