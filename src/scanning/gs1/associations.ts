import { ScanningError, shown } from '../errors.ts';
import type { GsElement } from '../meaning.ts';
import { assigned, named } from './element.ts';

/** Whether an identifier fits a pattern of the dictionary, in which `n` stands for any digit. */
function fits(ai: string, pattern: string): boolean {
  if (ai.length !== pattern.length) return false;
  for (let i = 0; i < ai.length; i++) {
    if (pattern[i] !== 'n' && pattern[i] !== ai[i]) return false;
  }
  return true;
}

/**
 * Checks what elements require of each other (General Specifications 4.13 and 4.14): mandatory and invalid pairs, and that
 * none appears twice with different values.
 *
 * @throws ScanningError CW-SCN-025, CW-SCN-026, CW-SCN-027
 */
export function checkAssociations(elements: readonly GsElement[]): void {
  const values = new Map<string, string>();
  for (const { ai, value } of elements) {
    const other = values.get(ai);
    if (other !== undefined && other !== value) {
      throw new ScanningError(
        'CW-SCN-027',
        `(${ai}) is both ${shown(other)} and ${shown(value)}; the label contradicts itself, use another code of the product.`,
      );
    }
    values.set(ai, value);
  }
  const present = [...values.keys()];
  for (const ai of present) checkExcluded(ai, present);
  for (const ai of present) checkRequired(ai, present);
}

function checkExcluded(ai: string, present: readonly string[]): void {
  const entry = assigned(ai);
  for (const pattern of entry.excludes) {
    const rival = present.find((other) => other !== ai && fits(other, pattern));
    if (rival === undefined) continue;
    throw new ScanningError(
      'CW-SCN-026',
      `${named(ai, entry)} must not appear with (${rival}); the label contradicts itself, use another code of the product.`,
    );
  }
}

function checkRequired(ai: string, present: readonly string[]): void {
  const entry = assigned(ai);
  for (const alternatives of entry.requires) {
    const met = alternatives.some((group) =>
      group.every((pattern) => present.some((other) => fits(other, pattern))),
    );
    if (met) continue;
    const wanted = alternatives.map((group) => group.join(' with ')).join(', or ');
    throw new ScanningError(
      'CW-SCN-025',
      `${named(ai, entry)} means nothing without ${wanted}; use another code of the product.`,
    );
  }
}
