import type { basketSnapshot } from '#events/data/baskets.ts';
import type { Infer } from '#events/fields.ts';
import { approvalsOf, unpricedOf } from './context.ts';
import { lineRecord } from './lines.ts';
import type { FullTotals } from './totals.ts';
import type { Trip } from './trip.ts';

export type BasketSnapshot = Infer<typeof basketSnapshot>;

/** A trip as the retained topic has it, but for ledger and sequence. */
export function snapshotOf(trip: Trip, totals: FullTotals, isMoving: boolean): BasketSnapshot {
  const { checkout, revision } = trip;
  const attempt = { revision, unpriced: unpricedOf(trip), moving: isMoving };
  return {
    session: trip.session,
    revision,
    state: trip.state,
    lines: trip.lines.filter((line) => line.count > 0).map(lineRecord),
    totals,
    questions: [...trip.questions],
    ledger: '',
    sequence: 0,
    asked: [...trip.asked],
    approvals: approvalsOf(trip),
    ...(checkout === undefined ? {} : { checkout: { checkout, ...attempt } }),
    ...(trip.paid === undefined ? {} : { paid: trip.paid }),
    ...(trip.coupons.length === 0 ? {} : { coupons: [...trip.coupons] }),
    loyalty: trip.loyalty,
    help: trip.help,
    anonymous: trip.tokenHash === '',
  };
}
