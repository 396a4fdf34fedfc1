import test from 'ava';
import fc from 'fast-check';
import type { VariableMeasureLayout } from '#catalogue/products.ts';
import { priceVerifier } from '#scanning/restricted.ts';
import { checked, refused, rules, scan } from './support.ts';

test('price verifiers of published examples come out as printed', (t) => {
  t.is(priceVerifier('2875'), 9);
  t.is(priceVerifier('14685'), 6);
  t.is(priceVerifier('0000'), 0);
  t.is(priceVerifier('00000'), 0);
  t.is(priceVerifier('123'), undefined);
  t.is(priceVerifier('12a4'), undefined);
});

test('a price verifier detects any single wrong digit', (t) => {
  for (const length of [4, 5]) {
    for (let value = 0; value < 10 ** length; value += 7) {
      const field = String(value).padStart(length, '0');
      for (let position = 0; position < length; position++) {
        const other = String((Number(field[position]) + 3) % 10);
        const changed = field.slice(0, position) + other + field.slice(position + 1);
        if (priceVerifier(field) === priceVerifier(changed)) t.fail(`${field} and ${changed}`);
      }
    }
  }
  t.pass();
});

test('a label is taken apart by its layout: price with verifier, mass, count', (t) => {
  const label = (prefix: string) =>
    ({ meaning: 'variable-measure', item: '12345', itemGtin: `0${checked(`${prefix}1234500000`)}` }) as const;
  t.deepEqual(scan(checked('201234592875'), ']E0'), { ...label('20'), priceMinor: 2875 });
  t.deepEqual(scan(checked('211234501234'), ']E0'), { ...label('21'), massMg: 1_234_000 });
  t.deepEqual(scan(checked('221234500012'), ']E0'), { ...label('22'), count: 12 });
  t.deepEqual(scan(checked('211234501234')), { ...label('21'), massMg: 1_234_000 });
  t.deepEqual(scan(`010${checked('211234501234')}`, ']e0'), { ...label('21'), massMg: 1_234_000 });
});

test('the same item under two prices has one item number', (t) => {
  const read = (value: string) => scan(checked(`2012345${priceVerifier(value)}${value}`), ']E0');
  const [first, second] = [read('0199'), read('0899')];
  t.true(first.meaning === 'variable-measure' && second.meaning === 'variable-measure');
  // The catalogue is asked for this number: with the price in it, it would be two products.
  const itemGtin = `0${checked('201234500000')}`;
  t.like(first, { item: '12345', itemGtin, priceMinor: 199 });
  t.like(second, { item: '12345', itemGtin, priceMinor: 899 });
});

test('the longest prefix that fits decides', (t) => {
  t.deepEqual(scan(checked('219123400250'), ']E0'), {
    meaning: 'variable-measure',
    item: '1234',
    itemGtin: `0${checked('219123400000')}`,
    priceMinor: 250,
  });
});

test('a UPC of number system 2 is laid out with its leading zero', (t) => {
  const variableMeasure: VariableMeasureLayout[] = [
    { prefix: '02', item: [2, 5], value: [8, 4], verifier: 7, meaning: 'price', decimals: 2 },
  ];
  const itemGtin = `0${checked('021234500000')}`;
  const expected = { meaning: 'variable-measure', item: '12345', itemGtin, priceMinor: 2875 } as const;
  t.deepEqual(scan(checked('21234592875'), ']E0', { variableMeasure }), expected);
  t.deepEqual(scan(checked('021234592875'), ']E0', { variableMeasure }), expected);
});

test('a value of zero says nothing, and a wrong verifier is refused', (t) => {
  t.deepEqual(scan(checked('201234500000'), ']E0'), {
    meaning: 'variable-measure',
    item: '12345',
    itemGtin: `0${checked('201234500000')}`,
  });
  refused(t, () => scan(checked('201234582875'), ']E0'), 'CW-SCN-009');
});

test('without a layout a restricted number is refused, unless the catalogue lists it itself', (t) => {
  const isListed = (gtin: string) => gtin === `0${checked('270000000001')}`;
  for (const body of ['270000000001', '290123456789', '020123456789']) {
    refused(t, () => scan(checked(body), ']E0'), 'CW-SCN-010', body);
    refused(t, () => scan(checked(body), ']E0', { variableMeasure: [] }), 'CW-SCN-010', body);
  }
  refused(t, () => scan(checked('2012345'), ']E4'), 'CW-SCN-010');
  refused(t, () => scan(checked('0012345'), ']E4'), 'CW-SCN-010');
  t.deepEqual(scan(checked('270000000001'), ']E0', { isListed }), {
    meaning: 'product',
    gtin: `0${checked('270000000001')}`,
  });
  refused(t, () => scan(checked('270000000002'), ']E0', { isListed }), 'CW-SCN-010');
});

test('number system 4 is a product unless a layout says otherwise', (t) => {
  t.deepEqual(scan('0457739070017', ']E0'), { meaning: 'product', gtin: '00457739070017' });
  const variableMeasure: VariableMeasureLayout[] = [
    { prefix: '04', item: [2, 5], value: [7, 5], meaning: 'mass', decimals: 3 },
  ];
  t.like(scan('0457739070017', ']E0', { variableMeasure }), { meaning: 'variable-measure', item: '57739' });
});

test('a price that the currency has no coins for is refused, not rounded', (t) => {
  const yen = { currencyDecimals: 0 };
  t.deepEqual(scan(checked(`2012345${priceVerifier('1200')}1200`), ']E0', yen), {
    meaning: 'variable-measure',
    item: '12345',
    itemGtin: `0${checked('201234500000')}`,
    priceMinor: 12,
  });
  refused(t, () => scan(checked('201234592875'), ']E0', yen), 'CW-SCN-012');
});

test('a layout that does not fit a code is an error of the catalogue, with its own code', (t) => {
  const bad: VariableMeasureLayout[] = [
    { prefix: '23', item: [2, 5], value: [9, 4], meaning: 'price', decimals: 2 },
    { prefix: '24', item: [-1, 5], value: [7, 5], meaning: 'price', decimals: 2 },
    { prefix: '25', item: [2, 5], value: [7, 0], meaning: 'price', decimals: 2 },
    { prefix: '26', item: [2, 4], value: [7, 5], verifier: 99, meaning: 'price', decimals: 2 },
    { prefix: '27', item: [2, 3], value: [6, 6], verifier: 5, meaning: 'price', decimals: 2 },
  ];
  for (const { prefix } of bad) {
    const code = checked(`${prefix}1234567890`);
    refused(t, () => scan(code, ']E0', { variableMeasure: bad }), 'CW-SCN-011', prefix);
  }
});

test('every price and mass that a label can carry is read back exactly', (t) => {
  const five = fc.integer({ min: 1, max: 99_999 });
  fc.assert(
    fc.property(five, five, (item, value) => {
      const [i, v] = [String(item).padStart(5, '0'), String(value).padStart(5, '0')];
      const mass = scan(checked(`21${i}${v}`), ']E0', { variableMeasure: rules.variableMeasure.slice(0, 3) });
      const count = scan(checked(`22${i}${v}`), ']E0');
      return (
        mass.meaning === 'variable-measure' &&
        mass.item === i &&
        mass.massMg === value * 1000 &&
        count.meaning === 'variable-measure' &&
        count.count === value
      );
    }),
    { seed: 20261122 },
  );
  t.pass();
});
