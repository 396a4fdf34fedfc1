import test from 'ava';
import fc from 'fast-check';
import { gtinCheckDigit, hasValidCheckDigit, isGtin14, toGtin14 } from '#base/gtin.ts';

test('check digits of published examples come out as printed', (t) => {
  t.is(gtinCheckDigit('629104150021'), 3);
  t.is(gtinCheckDigit('400638133393'), 1);
  t.is(gtinCheckDigit('04210000526'), 4);
  t.is(gtinCheckDigit('06510000432'), 7);
  t.is(gtinCheckDigit('9638507'), 4);
  t.is(gtinCheckDigit('37610425002123456'), 9);
});

test('every GTIN length is padded to fourteen digits and keeps its check digit', (t) => {
  t.is(toGtin14('96385074'), '00000096385074');
  t.is(toGtin14('042100005264'), '00042100005264');
  t.is(toGtin14('4006381333931'), '04006381333931');
  t.is(toGtin14('10614141999993'), '10614141999993');
});

test('a wrong check digit, another length or a stray character is no GTIN', (t) => {
  for (const bad of [
    '4006381333932',
    '400638133393',
    '',
    '0',
    '４００６３８１３３３９３１',
    '400638133393 ',
    '-006381333931',
  ]) {
    t.is(toGtin14(bad), undefined, bad);
    t.false(isGtin14(bad), bad);
  }
  t.false(isGtin14('4006381333931'), 'thirteen digits are not fourteen');
  t.true(isGtin14('04006381333931'));
});

test('asking for the check digit of something that is not digits is a mistake of the caller', (t) => {
  t.throws(() => gtinCheckDigit(''), { instanceOf: RangeError });
  t.throws(() => gtinCheckDigit('12a'), { instanceOf: RangeError });
});

test('any single wrong digit is detected', (t) => {
  const digits = fc.stringMatching(/^[0-9]{13}$/);
  fc.assert(
    fc.property(digits, fc.nat(13), fc.integer({ min: 1, max: 9 }), (body, position, shift) => {
      const right = `${body}${gtinCheckDigit(body)}`;
      const changed = (right.charCodeAt(position) - 48 + shift) % 10;
      const wrong = `${right.slice(0, position)}${changed}${right.slice(position + 1)}`;
      return hasValidCheckDigit(right) && !hasValidCheckDigit(wrong);
    }),
    { seed: 20261122 },
  );
  t.pass();
});
