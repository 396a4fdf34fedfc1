import type { Basket, Opening } from '#basket/basket.ts';
import type { Settled, Settlement } from '#basket/checkout.ts';
import type { LineRecord } from '#basket/lines.ts';
import type { GuardedCommand } from '#basket/transitions.ts';
import type { Fusion } from '#fusion/fusion.ts';
import type { Weigher } from '#weighing/weigher.ts';
import { PipelineError } from './errors.ts';
import type { TagMemory } from './tags.ts';

export interface TripsOptions {
  readonly basket: Basket;
  readonly weigher: Weigher;
  readonly tags: TagMemory;
  /** Fusion, about to change. */
  readonly decide: () => Fusion;
  readonly nowUs: () => number;
  /** UTC, ms; undefined while the clock is unset. */
  readonly utcMs: () => number | undefined;
  /** A code that makes its shopper a known one. */
  readonly isLoyalty: (code: string) => boolean;
  /** Staff work on a plate of the cart. */
  readonly isMaintained: () => boolean;
}

/** Beginning and end of trips: basket, scales, fusion and tags begin and end them together. */
export class Trips {
  readonly #options: TripsOptions;
  /** No room for another session's events. */
  #full = false;

  constructor(options: TripsOptions) {
    this.#options = options;
  }

  setFull(full: boolean): void {
    this.#full = full;
  }

  /** Throws CW-PIP-007 where there is no room for its events, -012 where staff work on it, CW-BSK-001 where a session is open. */
  open(opening: Opening): string {
    this.#requireRoom();
    const known = opening.token !== undefined && this.#options.isLoyalty(opening.token);
    const session = this.#options.basket.open({ ...opening, loyalty: opening.loyalty === true || known });
    this.#begun();
    return session;
  }

  /** Opens a session with the lines of another cart. Throws as `open`, and CW-BSK-016. */
  receive(args: {
    readonly from: string;
    readonly session: string;
    readonly lines: readonly LineRecord[];
    readonly token?: string | undefined;
    readonly loyalty?: boolean | undefined;
  }): string {
    this.#requireRoom();
    const session = this.#options.basket.receive(args);
    this.#begun();
    return session;
  }

  #requireRoom(): void {
    if (this.#options.isMaintained()) {
      throw new PipelineError(
        'CW-PIP-012',
        'staff work on this cart; send maintenance.end before a session begins',
      );
    }
    if (!this.#full || this.#options.basket.session !== undefined) return;
    throw new PipelineError(
      'CW-PIP-007',
      "the outbox is full of events that the store hasn't taken; no new session begins until the broker is back",
    );
  }

  #begun(): void {
    const { tags, weigher, decide } = this.#options;
    tags.clear();
    weigher.setSession(true);
    decide().beginSession();
  }

  /** Ends a trip by `end`: what is undecided still belongs into its basket. Nothing ends where the state refuses it. */
  end<T>(command: GuardedCommand, end: () => T): T {
    this.#options.basket.guard(command);
    if (this.#options.basket.session !== undefined) this.#finish();
    const result = end();
    this.#options.weigher.setSession(false);
    return result;
  }

  /** A till's word; where that is payment, goods are the shopper's from now on. */
  settle(settlement: Settlement): Settled {
    const { basket, weigher } = this.#options;
    const wasRunning = basket.session !== undefined;
    const settled = basket.checkout.settle(settlement, basket.isMoving);
    if (wasRunning && basket.session === undefined) {
      this.#finish();
      weigher.setSession(false);
    }
    return settled;
  }

  #finish(): void {
    this.#options.decide().endSession(this.#options.nowUs(), this.#options.utcMs());
  }

  /** A session token was scanned. False where it is refused, so that it is told. */
  tokenScanned(token: string, cause: string): boolean {
    const { basket } = this.#options;
    const isHers = basket.isOpenedBy(token);
    if (basket.state === 'suspended' && isHers) basket.resume({ token, causes: [cause] });
    else if (basket.session === undefined && !isHers) {
      if (this.#full || this.#options.isMaintained()) return false;
      this.open({ by: 'token', token, causes: [cause] });
    } else return isHers;
    return true;
  }

  /** Time alone changes the basket: it is given up, or a state of it ends. */
  due(atUs: number): void {
    const { basket } = this.#options;
    if (basket.isForgotten(atUs)) {
      this.end('basket.abandon', () => basket.abandon('time', undefined));
    } else basket.advance(atUs);
  }
}
