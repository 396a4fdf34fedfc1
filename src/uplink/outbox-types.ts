import type { EventClass } from '#events/catalog.ts';
import type { UplinkError } from './errors.ts';
import type { DropRange } from './outbox-policy.ts';

/** Classes as they are stored; a larger number goes first when space runs out. */
export const classNumbers = { ledger: 0, evidence: 1, telemetry: 2 } as const satisfies Record<
  EventClass,
  number
>;
export const classNames = ['ledger', 'evidence', 'telemetry'] as const satisfies readonly EventClass[];

/** An event as the outbox sees it. */
export interface EncodedEvent {
  readonly sequence: number;
  readonly type: string;
  readonly class: EventClass;
  readonly bytes: Uint8Array;
}

/** What is stored in one piece: all of it, or nothing. */
export interface Batch {
  readonly events: readonly EncodedEvent[];
  /** Keys to set, or to remove where the value is null. */
  readonly state: Readonly<Record<string, string | null>>;
  /** Dropped ranges that events of this batch report. */
  readonly reported: readonly Pick<DropRange, 'first' | 'last' | 'class' | 'reason' | 'runs'>[];
}

export interface OutboxLimits {
  /** Bound of stored events, bytes. */
  readonly maxBytes: number;
  /** Share of `maxBytes` that other events never use, 0…1; ledger events that need more take it from them. */
  readonly ledgerShare: number;
  /** Pages that the write-ahead log gathers (1,000). */
  readonly checkpointPages?: number;
}

export interface OutboxStart {
  readonly ledger: string;
  readonly boot: number;
  readonly nextSequence: number;
  readonly state: Readonly<Record<string, string>>;
  readonly crashed: boolean;
}

/** What is stored, per class (by number). */
export interface OutboxTally {
  readonly events: number;
  readonly bytes: number;
  readonly ledgerBytes: number;
  readonly dropped: number;
}

export type AppendOutcome =
  | { readonly outcome: 'stored' }
  | { readonly outcome: 'rejected'; readonly error: UplinkError };
