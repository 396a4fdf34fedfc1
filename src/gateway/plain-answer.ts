import type { PlainMap } from '#events/fields.ts';

/** Digits of a number that is told as text: a slope to a hundred-millionth. */
const digits = 9;

/**
 * A value as messages can hold it, which have integers only: masses to a mg, other fractions as decimal text ("2.3283064"),
 * what is undefined or no number left out.
 */
export function plainAnswer(value: object): PlainMap {
  return plain('', value) as PlainMap;
}

function plain(name: string, value: unknown): unknown {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return value;
    if (!Number.isFinite(value)) return undefined;
    return name.endsWith('Mg') || name === 'cells'
      ? Math.round(value)
      : String(Number(value.toPrecision(digits)));
  }
  if (Array.isArray(value)) return value.map((item) => plain(name, item) ?? null);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  const entries = Object.entries(value).map(
    ([key, inner]) => [key, plain(isName(key) ? key : name, inner)] as const,
  );
  return Object.fromEntries(entries.filter(([, inner]) => inner !== undefined));
}

/** Ids of cells and plates are no names of fields: what stands under them means what the field around them says. */
const isName = (key: string) => /^[a-z][A-Za-z0-9]*$/.test(key);
