import { describeError } from '#base/errors.ts';
import type { Random } from '#base/random.ts';
import { Backoff } from '#base/retry.ts';
import { UplinkError } from './errors.ts';
import type { Outbox } from './outbox.ts';
import { isDamage } from './outbox-file.ts';
import type { DropRange } from './outbox-policy.ts';
import type { Batch } from './outbox-types.ts';

export interface WriterHooks {
  stored(ids: readonly number[]): void;
  rejected(id: number, error: UplinkError): void;
  dropped(ranges: readonly DropRange[]): void;
  fault(error: UplinkError): void;
  /** The file is damaged: nothing can be trusted any more. */
  damaged(error: unknown): void;
}

interface Waiting {
  readonly id: number;
  readonly batch: Batch;
}

/** A group is written at once when it has this many events: waiting longer would spare nothing. */
const largestGroup = 512;
/** Deletions gather this long, which spares the card; after a crash what they named is repeated, and removed by id. */
const deletionDelayMs = 5_000;
const largestDeletion = 2_000;

/**
 * Gathers batches for one transaction and one fsync. What can't be written (disk full, read-only, I/O error) waits
 * here and is tried again with growing delays; nothing is skipped, since the row must not break.
 */
export class Writer {
  readonly #outbox: Pick<Outbox, 'append' | 'flush' | 'hasDeletions' | 'pendingDeletions'>;
  readonly #groupMs: number;
  readonly #hooks: WriterHooks;
  readonly #backoff: Backoff;
  #waiting: Waiting[] = [];
  #events = 0;
  #timer: NodeJS.Timeout | undefined;
  #deletion: NodeJS.Timeout | undefined;
  #blocked: UplinkError | undefined;
  #commits = 0;

  constructor(
    outbox: Pick<Outbox, 'append' | 'flush' | 'hasDeletions' | 'pendingDeletions'>,
    groupMs: number,
    hooks: WriterHooks,
    random: Pick<Random, 'next'>,
  ) {
    this.#outbox = outbox;
    this.#groupMs = groupMs;
    this.#hooks = hooks;
    this.#backoff = new Backoff({ firstMs: 100, maxMs: 5_000 }, random);
  }

  /** Why nothing can be written now. */
  get blocked(): UplinkError | undefined {
    return this.#blocked;
  }
  get commits(): number {
    return this.#commits;
  }

  add(id: number, batch: Batch): void {
    this.#waiting.push({ id, batch });
    this.#events += batch.events.length;
    if (this.#blocked !== undefined) return;
    if (this.#events >= largestGroup) this.write();
    else this.#timer ??= setTimeout(() => this.write(), this.#groupMs);
  }

  /** Deletions wait for the next transaction, but not for long. */
  scheduleDeletion(): void {
    if (!this.#outbox.hasDeletions) return;
    if (this.#outbox.pendingDeletions >= largestDeletion) this.#delete();
    else this.#deletion ??= setTimeout(() => this.#delete(), deletionDelayMs);
  }

  #delete(): void {
    clearTimeout(this.#deletion);
    this.#deletion = undefined;
    try {
      if (this.#outbox.hasDeletions) {
        this.#outbox.flush();
        this.#commits++;
      }
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Writes all that waits, now. */
  write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.length === 0) return;
    const group = this.#waiting;
    let result: ReturnType<Outbox['append']>;
    try {
      result = this.#outbox.append(group.map(({ batch }) => batch));
    } catch (error) {
      this.#failed(error);
      return;
    }
    // Outside: what a hook throws is no fault of the disk.
    this.#commits++;
    this.#waiting = [];
    this.#events = 0;
    this.#blocked = undefined;
    this.#backoff.reset();
    if (result.lost !== undefined) this.#hooks.fault(result.lost);
    this.#settle(group, result.outcomes);
    if (result.drops.length > 0) this.#hooks.dropped(result.drops);
  }

  #settle(group: readonly Waiting[], outcomes: ReturnType<Outbox['append']>['outcomes']): void {
    const stored: number[] = [];
    for (const [i, outcome] of outcomes.entries()) {
      const id = group[i]?.id ?? 0;
      if (outcome.outcome === 'stored') stored.push(id);
      else this.#hooks.rejected(id, outcome.error);
    }
    if (stored.length > 0) this.#hooks.stored(stored);
  }

  #failed(error: unknown): void {
    if (isDamage(error)) {
      this.#hooks.damaged(error);
      return;
    }
    this.#block(
      new UplinkError(
        'CW-UPL-008',
        `the outbox can not be written (${describeError(error)}); events wait in memory. Free space on the disk, or check that it is not read-only`,
        { cause: error },
      ),
    );
  }

  #block(error: UplinkError): void {
    const known = this.#blocked?.code === error.code;
    this.#blocked = error;
    if (!known) this.#hooks.fault(error);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#waiting.length > 0) this.write();
      else {
        // Only a deletion failed; it is tried again, and new events try anyway.
        this.#blocked = undefined;
        this.scheduleDeletion();
      }
    }, this.#backoff.nextMs());
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#deletion);
  }
}
