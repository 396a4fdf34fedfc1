import test from 'ava';
import fc from 'fast-check';
import { cset82 } from '#scanning/gs1/characters.ts';
import { checkCouponCode } from '#scanning/gs1/coupons.ts';
import { fullYear, isoDate, isYymmd0, isYymmdd, referenceYear } from '#scanning/gs1/dates.ts';
import { checkCharacters, linters } from '#scanning/gs1/linters.ts';

test('alphanumeric check characters of published examples come out as printed', (t) => {
  for (const key of [
    '1987654Ad4X4bL5ttr2310c2K',
    '12345678901234567890123NT',
    '12345_ABCDEFGHIJKLMCP',
    '00000!HV',
  ]) {
    t.is(checkCharacters(key.slice(0, -2)), key.slice(-2), key);
    t.is(linters.csumalpha?.(key), undefined, key);
  }
  t.is(checkCharacters('12 34'), undefined, 'a space has no value');
});

test('alphanumeric check characters detect any single wrong character', (t) => {
  const character = fc.constantFrom(...cset82);
  fc.assert(
    fc.property(
      fc.array(character, { minLength: 1, maxLength: 23 }),
      fc.nat(),
      character,
      (body, at, other) => {
        const position = at % body.length;
        fc.pre(body[position] !== other);
        const changed = body.with(position, other);
        return checkCharacters(body.join('')) !== checkCharacters(changed.join(''));
      },
    ),
    { seed: 20261122 },
  );
  t.pass();
});

test('account numbers are checked by country and MOD 97-10', (t) => {
  for (const iban of ['GB82WEST12345698765432', 'FR7630006000011234567890189', 'BE71096123456769']) {
    t.is(linters.iban?.(iban), undefined, iban);
  }
  for (const wrong of ['BE71096123456760', 'XX361234567890', 'BE7', 'be71096123456769']) {
    t.truthy(linters.iban?.(wrong), wrong);
  }
});

test('coupon codes are read field by field', (t) => {
  const base = '012345612345611110123';
  const accepted = [
    base,
    `${base}101101239`,
    `${base}21101230123456`,
    `${base}3261231`,
    `${base}32612314261101`,
    `${base}50123456`,
    `${base}611234567`,
    `${base}90000`,
  ];
  for (const coupon of accepted) t.is(checkCouponCode(coupon), undefined, coupon);
  const refused = [
    '',
    '7',
    base.slice(0, -1),
    `${base}7`,
    `${base}3261301`,
    `${base}32611014261231`,
    `${base}5012345`,
    `${base}60123456`,
    `${base}93000`,
    `${base}90300`,
    `${base}90002`,
    `${base}141101239`,
    'A12345612345611110123',
  ];
  for (const coupon of refused) t.truthy(checkCouponCode(coupon), coupon);
});

test('two-digit years lie from forty-nine years back to fifty ahead of the current one', (t) => {
  for (const year of [1999, 2000, 2026, 2049, 2050, 2051, 2099]) {
    for (let two = 0; two < 100; two++) {
      const full = fullYear(two, year);
      t.is(full % 100, two);
      t.true(full - year >= -49 && full - year <= 50, `${two} in ${year} is ${full}`);
    }
  }
  t.is(fullYear(76, 2026), 2076);
  t.is(fullYear(77, 2026), 1977);
  t.is(fullYear(10, 2060), 2110);
});

test('day 00 is the last day of the month, also of a February in a leap year', (t) => {
  const today = { year: 2026, month: 11, day: 22 };
  t.is(isoDate('261100', today), '2026-11-30');
  t.is(isoDate('280200', today), '2028-02-29');
  t.is(isoDate('270200', today), '2027-02-28');
  t.is(isoDate('770115', today), '1977-01-15');
  t.is(isoDate('000229', { year: 2080, month: 1, day: 1 }), undefined, '2100 is no leap year');
  t.is(isoDate('761231', undefined), `${referenceYear + 50}-12-31`);
  t.false(isYymmdd('261100'));
  t.true(isYymmd0('261100'));
  t.false(isYymmd0('260000'));
  t.false(isYymmd0('261131'));
});
