import { createHash } from 'node:crypto';
import type { Catalogue } from '#catalogue/products.ts';
import type { EventData } from '#events/catalog.ts';
import type { BasketDraft, Contents } from './contents.ts';
import { BasketError } from './errors.ts';
import type { Line } from './lines.ts';
import type { GuardedCommand } from './transitions.ts';
import type { Person, Trip } from './trip.ts';

/** What the parts of a basket share. */
export interface BasketContext {
  readonly catalogue: Catalogue;
  readonly contents: Contents;
  readonly salt: string;
  readonly emit: (draft: BasketDraft) => string;
  readonly nowUs: () => number;
  /** The trip, where its state allows the command; else throws the coded refusal. */
  readonly admit: (command: GuardedCommand) => Trip;
}

/** 32 hexadecimal digits from texts that nobody can take apart again. */
export function hash(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, 32);
}

/** A line that holds something. Throws CW-BSK-015. */
export function heldLine(trip: Trip, number: number): Line {
  const line = trip.lines.find((one) => one.line === number && one.count > 0);
  if (line !== undefined) return line;
  const held = trip.lines.filter(({ count }) => count > 0).map((one) => one.line);
  const these = held.length === 0 ? 'the basket is empty' : `these are: ${held.join(', ')}`;
  throw new BasketError('CW-BSK-015', `the basket has no line ${number}; ${these}`);
}

/** Throws CW-BSK-013 unless staff, or a till, with their number ask. */
export function requireStaff(command: GuardedCommand, by: Person | undefined): Person {
  if (by !== undefined && (by.role === 'staff' || by.role === 'till') && by.who !== undefined) return by;
  throw new BasketError(
    'CW-BSK-013',
    `${command} needs by: {role: staff or till, who: their number}, as it is told in the ledger`,
  );
}

/** Ages that still have to be approved, and for which lines. */
export function approvalsOf(trip: Trip): NonNullable<EventData<'basket.checkout'>['approvals']> {
  const ages = new Map<number, number[]>();
  for (const { line, count, minimumAge } of trip.lines) {
    if (count === 0 || minimumAge === undefined || minimumAge <= trip.approvedAge) continue;
    ages.set(minimumAge, [...(ages.get(minimumAge) ?? []), line]);
  }
  return [...ages].sort(([a], [b]) => a - b).map(([minimumAge, lines]) => ({ minimumAge, lines }));
}

/** Lines that only a till can price. */
export function unpricedOf(trip: Trip): number[] {
  return trip.lines.flatMap(({ line, count, priceStatus }) =>
    count > 0 && priceStatus !== 'final' ? [line] : [],
  );
}
