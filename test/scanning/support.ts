import type { ExecutionContext } from 'ava';
import { describeError, isCoded } from '#base/errors.ts';
import { gtinCheckDigit } from '#base/gtin.ts';
import { ScanningError, type scanningCodes } from '#scanning/errors.ts';
import { interpretScan, type ScanRules } from '#scanning/interpret.ts';
import type { ScanMeaning } from '#scanning/meaning.ts';

/** FNC1 as scanners send it. */
export const gs = '\x1d';

/** A European store: prices under 20, masses under 21, counts under 22. */
export const rules: ScanRules = {
  variableMeasure: [
    { prefix: '20', item: [2, 5], value: [8, 4], verifier: 7, meaning: 'price', decimals: 2 },
    { prefix: '21', item: [2, 5], value: [7, 5], meaning: 'mass', decimals: 3 },
    { prefix: '22', item: [2, 5], value: [7, 5], meaning: 'count', decimals: 0 },
    { prefix: '219', item: [3, 4], value: [7, 5], meaning: 'price', decimals: 2 },
  ],
  tokenPattern: /^QR-[A-Za-z0-9-]{4,64}$/,
  todayUtc: { year: 2026, month: 11, day: 22 },
  currencyDecimals: 2,
  currencyNumber: '978',
};

export function scan(text: string, symbology = '', changes: Partial<ScanRules> = {}): ScanMeaning {
  return interpretScan(new TextEncoder().encode(text), symbology, { ...rules, ...changes });
}

/** Asserts that `action` throws a ScanningError of this code, with a message that a person can act on. */
export function refused(
  t: ExecutionContext,
  action: () => unknown,
  code: keyof typeof scanningCodes,
  what?: string,
) {
  let thrown: unknown;
  try {
    const result = action();
    t.fail(`${what ?? 'it'} was accepted as ${JSON.stringify(result)}, not refused with ${code}`);
    return;
  } catch (error) {
    thrown = error;
  }
  t.true(thrown instanceof ScanningError && isCoded(thrown), `${what ?? ''} ${describeError(thrown)}`);
  t.is(describeError(thrown).slice(0, 10), code, `${what ?? ''} ${describeError(thrown)}`);
}

/** Digits with the check digit that belongs to them. */
export const checked = (body: string): string => `${body}${gtinCheckDigit(body)}`;
