import { applicationIdentifiers, entryOf } from '#scanning/gs1/dictionary.ts';
import { checkCharacters } from '#scanning/gs1/linters.ts';
import type { AiEntry, Component } from '#scanning/gs1/specification.ts';
import type { GsElement } from '#scanning/meaning.ts';
import { checked } from './support.ts';

/** A value that passes a check of the dictionary and one that doesn't, both of a length that its components have. */
interface Sample {
  readonly good: string;
  readonly bad: string;
}

/** By the names of the dictionary; made from the standards, not from the code under test. */
const samples: Readonly<Record<string, Sample>> = {
  yymmdd: { good: '280229', bad: '270229' },
  yymmd0: { good: '261100', bad: '261301' },
  yyyymmdd: { good: '20240229', bad: '19000229' },
  hhmi: { good: '2359', bad: '2400' },
  hh: { good: '23', bad: '24' },
  mi: { good: '59', bad: '60' },
  ss: { good: '59', bad: '60' },
  hyphen: { good: '-', bad: '+' },
  iban: { good: 'GB82WEST12345698765432', bad: 'GB82WEST12345698765433' },
  importeridx: { good: '_', bad: '+' },
  iso3166: { good: '276', bad: '999' },
  iso3166999: { good: '999', bad: '998' },
  iso3166alpha2: { good: 'DE', bad: 'XX' },
  iso4217: { good: '978', bad: '000' },
  iso5218: { good: '9', bad: '3' },
  latitude: { good: '1800000000', bad: '1800000001' },
  longitude: { good: '3600000000', bad: '3600000001' },
  mediatype: { good: '80', bad: '11' },
  nozeroprefix: { good: '1', bad: '01' },
  packagetype: { good: 'PX', bad: 'P9' },
  pcenc: { good: 'A%20B', bad: 'A%2GB' },
  pieceoftotal: { good: '0203', bad: '0403' },
  posinseqslash: { good: '1/3', bad: '3/1' },
  winding: { good: '9', bad: '2' },
  yesno: { good: '1', bad: '2' },
  zero: { good: '0', bad: '1' },
  couponcode: { good: '012345612345611110123', bad: '712345612345611110123' },
  couponposoffer: { good: '001234561234560123456', bad: '201234561234560123456' },
};

const fillings = { N: '2000000000', X: '2468x', Y: '2468Z', Z: '2468_' } as const;
/** A character that a type of component does not have. */
export const strangers = { N: 'A', X: '~', Y: 'a', Z: '+' } as const;

function filled(component: Component): string {
  return fillings[component.type]
    .repeat(10)
    .slice(0, Math.min(component.maximum, Math.max(component.minimum, 10)));
}

/** A value of the component; with `wrong`, one that this check refuses and all before it accept. */
export function componentValue(component: Component, wrong?: string): string {
  const checks = component.checks ?? [];
  const named = checks.find((name) => name in samples);
  if (named !== undefined) return (wrong === named ? samples[named]?.bad : samples[named]?.good) ?? '';
  if (checks.includes('csumalpha')) return alphanumericKey(checks, wrong);
  if (checks.includes('csum')) {
    const body = `09506000134352${'0'.repeat(10)}`.slice(0, component.maximum - 1);
    const right = checked(body);
    if (wrong === 'csum') return `${body}${(Number(right.slice(-1)) + 1) % 10}`;
    return right;
  }
  if (wrong === 'gcppos1') return `A${filled(component).slice(1)}`;
  if (wrong === 'nonzero') return '0'.repeat(component.maximum);
  return filled(component);
}

function alphanumericKey(checks: readonly string[], wrong: string | undefined): string {
  const body =
    wrong === 'gcppos1' ? 'AB987654x' : wrong === 'hasnondigit' ? digitsWithDigitPair() : '1987654Ad4X4bL5';
  const pair = checkCharacters(body) ?? '';
  if (checks.includes('csumalpha') && wrong === 'csumalpha') return `${body}${pair === '22' ? '33' : '22'}`;
  return `${body}${pair}`;
}

/** A number whose check characters happen to be digits too. */
function digitsWithDigitPair(): string {
  for (let number = 19_876_540; ; number++) {
    if (/^[0-9]{2}$/.test(checkCharacters(String(number)) ?? '')) return String(number);
  }
}

/** A valid value of an element, with all its optional components or none. */
export function elementValue(entry: AiEntry, optional: boolean): string {
  return entry.components
    .filter((component) => optional || component.optional !== true)
    .map((component) => componentValue(component))
    .join('');
}

const fits = (ai: string, pattern: string): boolean =>
  new RegExp(`^${pattern.replaceAll('n', '[0-9]')}$`).test(ai);

function concrete(pattern: string): string {
  return applicationIdentifiers.find((ai) => fits(ai, pattern)) ?? pattern;
}

/** Identifiers with everything that they require and nothing that they exclude; `undefined` where there is no such set. */
export function withCompanions(present: readonly string[]): string[] | undefined {
  const excluded = present.some((ai) =>
    entryOf(ai)?.excludes.some((pattern) => present.some((other) => other !== ai && fits(other, pattern))),
  );
  if (excluded) return undefined;
  for (const ai of present) {
    for (const alternatives of entryOf(ai)?.requires ?? []) {
      const missing = (group: readonly string[]) =>
        group.filter((pattern) => !present.some((other) => fits(other, pattern))).map(concrete);
      if (alternatives.some((group) => missing(group).length === 0)) continue;
      for (const group of alternatives) {
        const found = withCompanions([...present, ...missing(group)]);
        if (found !== undefined) return found;
      }
      return undefined;
    }
  }
  return [...present];
}

/** A complete, valid set of elements that begins with `ai`. */
export function elementsWith(ai: string, value: string): GsElement[] {
  const set = withCompanions([ai]);
  if (set === undefined) throw new Error(`nothing satisfies what (${ai}) requires`);
  return set.map((other) => {
    const entry = entryOf(other);
    if (entry === undefined) throw new Error(`(${other}) is unassigned`);
    return { ai: other, value: other === ai ? value : elementValue(entry, false) };
  });
}
