import test from 'ava';
import { currencies, currencyOf } from '#base/currency.ts';

test('a currency is known by its letters, with its number and its decimals', (t) => {
  t.deepEqual(currencyOf('EUR'), { code: 'EUR', number: '978', decimals: 2 });
  t.deepEqual(currencyOf('JPY'), { code: 'JPY', number: '392', decimals: 0 });
  t.deepEqual(currencyOf('KWD'), { code: 'KWD', number: '414', decimals: 3 });
  t.is(currencyOf('eur'), undefined);
  t.is(currencyOf('XXX'), undefined);
});

test('every currency has letters, a number of its own and at most three decimals', (t) => {
  t.true(currencies.length > 150);
  t.is(new Set(currencies.map(({ number }) => number)).size, currencies.length);
  for (const { code, number, decimals } of currencies) {
    t.regex(code, /^[A-Z]{3}$/);
    t.regex(number, /^[0-9]{3}$/, code);
    t.true([0, 2, 3].includes(decimals), code);
  }
});
