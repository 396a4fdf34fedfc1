import type { ExecutionContext } from 'ava';
import type { CalibrationCode, CalibrationError } from '#calibration/errors.ts';
import { Procedure } from '#calibration/procedure.ts';
import type { BeginOptions } from '#calibration/session.ts';
import type { Capture, CellCapture } from '#calibration/types.ts';
import { basket, load, options, perfect, SyntheticPlate, step, takeLoads } from './synthetic-plate.ts';

/** A basket on flexible cells whose zero has been taken. */
export function zeroed(more: Partial<BeginOptions> = {}) {
  const plate = new SyntheticPlate(basket, perfect(basket), 0.3);
  const procedure = Procedure.begin({ ...options(basket), ...more });
  step(procedure, plate, { kind: 'zero' });
  return { procedure, plate };
}

/** As far as the fit, and beyond it with `verified`. */
export function fitted(verified: readonly string[] = []) {
  const plate = new SyntheticPlate(basket, perfect(basket), 0.3);
  const procedure = Procedure.begin(options(basket));
  takeLoads(procedure, plate);
  procedure.take({ kind: 'fit', plate: 'basket' }, 1_000_000);
  if (verified.length > 0) load(procedure, plate, 'verify', verified);
  return { procedure, plate };
}

export function calibration(more: { readonly scale?: number } = {}) {
  const { procedure } = fitted(['c10']);
  const entry = procedure.candidate()?.plates.basket?.entry;
  if (entry === undefined) throw new Error('it was fitted');
  const cells = Object.fromEntries(
    Object.entries(entry.cells).map(([id, cell]) => [
      id,
      { ...cell, milligramsPerCount: cell.milligramsPerCount * (more.scale ?? 1) },
    ]),
  );
  return { calibration: 1 as const, revision: 4, plates: { basket: { ...entry, cells } } };
}

export function refused(t: ExecutionContext, code: CalibrationCode, act: () => unknown, says?: RegExp): void {
  const error = t.throws<CalibrationError>(act, { code });
  // A message says what was found and what to do; it never has a hole.
  t.notRegex(error?.message ?? '', /undefined|NaN|\[object/);
  if (says !== undefined) t.regex(error?.message ?? '', says);
}

/** A capture of which one cell was changed. */
export function withCell(capture: Capture, cell: string, change: Partial<CellCapture>): Capture {
  const own = capture.cells[cell];
  if (own === undefined) throw new Error('the plate has such a cell');
  return { ...capture, cells: { ...capture.cells, [cell]: { ...own, ...change } } };
}
