import test from 'ava';
import fc from 'fast-check';
import { gtinCheckDigit } from '#base/gtin.ts';
import type { Catalogue, Product, VariableMeasureLayout } from '#catalogue/products.ts';
import { understandScan } from '#pipeline/scans.ts';
import { priceVerifier } from '#scanning/restricted.ts';
import { catalogue as shop } from './support.ts';

const prefix20: VariableMeasureLayout = {
  prefix: '20',
  item: [2, 5],
  value: [8, 4],
  meaning: 'price',
  decimals: 2,
};

/** A body of 12 digits with its check digit. */
const code = (body: string): string => `${body}${gtinCheckDigit(body)}`;
/** 12 digits that are zero but for these, each at its position. */
function body(...parts: readonly (readonly [number, string])[]): string {
  const digits = Array.from({ length: 12 }, () => '0');
  for (const [start, text] of parts) digits.splice(start, text.length, ...text);
  return digits.join('');
}

function listed(gtins: readonly string[], layouts: readonly VariableMeasureLayout[]): Catalogue {
  const products = gtins.map(
    (gtin): Product => ({ key: `gtin:${gtin}`, gtin, name: gtin, sale: 'weight', look: gtin }),
  );
  return {
    ...shop,
    products,
    byKey: new Map(products.map((product) => [product.key, product])),
    byGtin: new Map(products.map((product) => [product.gtin ?? '', product])),
    byPlu: new Map(),
    variableMeasure: layouts,
  };
}

function productOf(text: string, symbology: string, catalogue: Catalogue): string | undefined {
  const rules = {
    variableMeasure: catalogue.variableMeasure,
    tokenPattern: /^QR-/,
    currencyDecimals: 2,
    todayUtc: undefined,
    isListed: (gtin: string) => catalogue.byGtin.has(gtin),
  };
  const reading = {
    kind: 'scan',
    source: 'handle',
    atUs: 1,
    data: new TextEncoder().encode(text),
    symbology,
  } as const;
  return understandScan(reading, rules, catalogue).observation?.gtin;
}

test('An item number that begins like its prefix is taken from its place in the label', (t) => {
  const twin = `0${code('202020000000')}`;
  const right = `0${code('202020200000')}`;
  const label = code('202020200299');
  t.is(productOf(label, ']E0', listed([twin, right], [prefix20])), right);
  t.is(productOf(label, ']E0', listed([twin], [prefix20])), undefined, 'the wrong item is not sold instead');
});

test('A label with an add-on is read without it', (t) => {
  const listing = `0${code('201234500000')}`;
  const label = code('201234500299');
  for (const addOn of ['12', '51299']) {
    t.is(productOf(`${label}${addOn}`, ']E3', listed([listing], [prefix20])), listing, addOn);
  }
});

interface Label {
  readonly layout: VariableMeasureLayout;
  readonly item: string;
  readonly value: string;
}

const digits = (length: number) =>
  fc
    .array(fc.integer({ min: 0, max: 9 }), { minLength: length, maxLength: length })
    .map((all) => all.join(''));

/** Any layout that fits 12 digits: the item before or after the value, the verifier between or after them, or none. */
const labels: fc.Arbitrary<Label> = fc
  .record({
    prefix: fc.constantFrom('02', '20', '22', '29', '202'),
    itemLength: fc.integer({ min: 3, max: 5 }),
    valueLength: fc.constantFrom(4, 5),
    gap: fc.integer({ min: 0, max: 1 }),
    valueFirst: fc.boolean(),
    verified: fc.boolean(),
  })
  .filter(
    ({ prefix, itemLength, valueLength, gap, verified }) =>
      prefix.length + itemLength + valueLength + gap + (verified ? 1 : 0) <= 12,
  )
  .chain(({ prefix, itemLength, valueLength, gap, valueFirst, verified }) => {
    const verifier = prefix.length + gap;
    const first = verifier + (verified ? 1 : 0);
    const layout: VariableMeasureLayout = {
      prefix,
      item: [valueFirst ? first + valueLength : first, itemLength],
      value: [valueFirst ? first : first + itemLength, valueLength],
      ...(verified ? { verifier } : {}),
      meaning: 'price',
      decimals: 2,
    };
    return fc.record({
      layout: fc.constant(layout),
      item: digits(itemLength),
      value: digits(valueLength),
    });
  });

test('Any item of any layout is found under its listing with the value zero, with or without an add-on', (t) => {
  fc.assert(
    fc.property(labels, fc.constantFrom('', '07', '51999'), ({ layout, item, value }, addOn) => {
      const own = [
        [0, layout.prefix],
        [layout.item[0], item],
      ] as const;
      const verifier =
        layout.verifier === undefined ? [] : [[layout.verifier, String(priceVerifier(value))] as const];
      const label = code(body(...own, [layout.value[0], value], ...verifier));
      const listing = `0${code(body(...own))}`;
      // Every neighbour that a search for the item number could have hit.
      const others = [0, 1, 2, 3, 4, 5, 6, 7].map(
        (start) => `0${code(body([0, layout.prefix], [start, item]))}`,
      );
      const everything = listed([...new Set([listing, ...others])], [layout]);
      t.is(productOf(`${label}${addOn}`, ']E3', everything), listing, `${label} ${JSON.stringify(layout)}`);
    }),
    { seed: 20261122, numRuns: 500 },
  );
});

test('A session token is taken from a reader of the cart, in whatever form, and never from a phone', (t) => {
  const rules = {
    variableMeasure: [],
    tokenPattern: /^QR-/u,
    currencyDecimals: 2,
    todayUtc: undefined,
    isListed: () => false,
  };
  const forms = [
    ['QR-7F3A-2C91', ']Q1'],
    ['QR-7F3A-2C91\r\n', ']Q1'],
    [']Q1QR-7F3A-2C91', ']X0'],
    ['QR-7F3A-2C91', ''],
  ] as const;
  for (const [text, symbology] of forms) {
    const scanned = (source: string) =>
      understandScan(
        { kind: 'scan', source, atUs: 1, data: new TextEncoder().encode(text), symbology },
        rules,
        shop,
      );
    t.is(scanned('handle').token, 'QR-7F3A-2C91', text);
    const { read, token } = scanned('phone');
    t.is(token, undefined, text);
    t.deepEqual(read, { source: 'phone', symbology, meaning: 'session' });
  }
});
