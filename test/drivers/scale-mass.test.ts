import test from 'ava';
import fc from 'fast-check';
import {
  formatMassIn,
  largestMassMg,
  type MassUnit,
  massUnit,
  parseDecimal,
  toMassMg,
} from '#drivers/scale/mass.ts';

const runs = { numRuns: Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 20_000), seed: 20_261_123 };

/** Mass of what a scale wrote, mg. */
function massOf(text: string, unit: MassUnit): number {
  const decimal = parseDecimal(text);
  if (decimal === undefined) throw new Error(`${text} is no decimal`);
  return toMassMg(decimal, unit);
}

const exact: readonly [text: string, unit: MassUnit, massMg: number][] = [
  ['0.415', 'kg', 415_000],
  ['100.00', 'g', 100_000],
  ['0.001', 'g', 1],
  ['1', 'lb', 453_592],
  ['100', 'lb', 45_359_237],
  ['16', 'oz', 453_592],
  ['1600', 'oz', 45_359_237],
  ['10000', 'ozt', 311_034_768],
  ['7000', 'gr', 453_592],
  ['1000000', 'ug', 1_000],
  ['5', 'ct', 1_000],
  ['2', 'ston', 1_814_369_480],
  ['0.015', 't', 15_000_000],
  ['-0.005', 'kg', -5_000],
  ['- 5', 'g', -5_000],
  ['.5', 'g', 500],
  ['5.', 'g', 5_000],
];
for (const [text, unit, massMg] of exact) {
  test(`${text} ${unit} is ${massMg} mg`, (t) => {
    t.is(massOf(text, unit), massMg);
  });
}

test('half a milligram goes to the even one, either side of zero', (t) => {
  for (const [text, massMg] of [
    ['0.0005', 0],
    ['0.0015', 2],
    ['0.0025', 2],
    ['0.00251', 3],
    ['-0.0005', 0],
    ['-0.0015', -2],
    ['-0.0025', -2],
    ['-0.00251', -3],
  ] as const) {
    t.is(massOf(text, 'g'), massMg, text);
  }
});

test('what is no plain decimal is none', (t) => {
  for (const text of [
    '',
    '.',
    '-',
    '1e3',
    '1,5',
    '1.2.3',
    '0x10',
    '--1',
    '1-',
    'NaN',
    '∞',
    '1234567890123456',
  ]) {
    t.is(parseDecimal(text), undefined, text);
  }
});

test('a mass that no scale weighs, and a power of ten that none sends, are refused', (t) => {
  t.throws(() => massOf('10000.001', 'kg'), { code: 'CW-DRV-006' });
  t.throws(() => massOf('-10000.001', 'kg'), { code: 'CW-DRV-006' });
  t.is(massOf('10000', 'kg'), largestMassMg);
  t.throws(() => toMassMg({ coefficient: 0n, exponent: 16 }, 'g'), { code: 'CW-DRV-006' });
  t.throws(() => toMassMg({ coefficient: 1n, exponent: 0.5 }, 'g'), { code: 'CW-DRV-006' });
});

test('units are known by the spellings of scales, and nothing else is one', (t) => {
  t.is(massUnit('KG'), 'kg');
  t.is(massUnit(' g'), 'g');
  t.is(massUnit('LB'), 'lb');
  for (const name of ['', 'tael', 'N', 'pcs', '%', 'constructor', '__proto__']) {
    t.is(massUnit(name), undefined, name);
  }
});

test('every mass of a scale survives being written and read', (t) => {
  const scale = fc.constantFrom(
    ...([
      ['kg', 3],
      ['g', 2],
      ['lb', 2],
      ['oz', 1],
      ['ct', 2],
    ] as const),
  );
  fc.assert(
    fc.property(scale, fc.integer({ min: -99_999, max: 99_999 }), ([unit, decimals], shown) => {
      const digits = String(Math.abs(shown)).padStart(decimals + 1, '0');
      const text = `${shown < 0 ? '-' : ''}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
      t.is(formatMassIn(massOf(text, unit), unit, decimals), text);
    }),
    runs,
  );
});

test('any text is a decimal or none, and a decimal is a whole number of milligrams or refused', (t) => {
  const text = fc.oneof(fc.string({ maxLength: 20 }), fc.stringMatching(/^[-+ ]?[0-9.]{0,18}$/));
  fc.assert(
    fc.property(text, (given) => {
      const decimal = parseDecimal(given);
      if (decimal === undefined) return;
      try {
        t.true(Number.isSafeInteger(toMassMg(decimal, 'lb')));
      } catch (error) {
        t.like(error, { code: 'CW-DRV-006' });
      }
    }),
    runs,
  );
});
