import test from 'ava';
import fc from 'fast-check';
import { CatalogueError } from '#catalogue/errors.ts';
import { parseCatalogue, parsePlanogram } from '#catalogue/parse.ts';

const milk = {
  gtin: '04006381333931',
  name: 'Milk',
  sale: 'each',
  priceMinor: 149,
  grossMg: { mean: 1_060_000, sd: 7_900 },
};
const bananas = { plu: '4011', name: 'Bananas', sale: 'weight', priceMinorPerKg: 179, look: 'Banana' };

function catalogueWith(products: readonly object[], more: object = {}): object {
  return { catalogue: 1, version: 'v1', currency: 'EUR', products, ...more };
}

/** Code, path and both halves of the first finding. */
function firstFinding(document: unknown): { code: string; path: string; found: string; expected: string } {
  try {
    parseCatalogue(document, 'c.json');
  } catch (error) {
    if (error instanceof CatalogueError && error.findings[0] !== undefined) return error.findings[0];
    throw error;
  }
  throw new Error('the catalogue was accepted');
}

test('a catalogue is indexed by key, GTIN, PLU and look', (t) => {
  const catalogue = parseCatalogue(catalogueWith([milk, bananas]));
  t.is(catalogue.byKey.get('gtin:04006381333931')?.name, 'Milk');
  t.is(catalogue.byGtin.get('04006381333931')?.key, 'gtin:04006381333931');
  t.is(catalogue.byPlu.get('4011')?.key, 'plu:4011');
  t.deepEqual(
    catalogue.byLook.get('Banana')?.map((product) => product.key),
    ['plu:4011'],
  );
});

test('look is the GTIN or the PLU where it is left out', (t) => {
  const { look, ...plain } = bananas;
  t.is(look, 'Banana');
  const catalogue = parseCatalogue(catalogueWith([milk, plain]));
  t.is(catalogue.byGtin.get('04006381333931')?.look, '04006381333931');
  t.is(catalogue.byPlu.get('4011')?.look, '4011');
});

test('keys that this release does not know are ignored', (t) => {
  const catalogue = parseCatalogue(
    catalogueWith([{ ...milk, colour: 'white' }], {
      leaflets: [{ odd: 1 }],
      promotions: [
        { id: 'p', name: 'P', kind: 'amount', amountMinor: 10, products: [{ gtin: milk.gtin }], odd: 1 },
      ],
    }),
  );
  t.is(catalogue.products.length, 1);
  t.false('colour' in (catalogue.products[0] ?? {}));
  t.false('leaflets' in catalogue);
  t.is(catalogue.promotions?.length, 1);
  t.false('odd' in (catalogue.promotions?.[0] ?? {}));
});

test('products with the same look share it', (t) => {
  const other = { ...milk, gtin: '03017620422003', look: 'Milk' };
  const catalogue = parseCatalogue(catalogueWith([{ ...milk, look: 'Milk' }, other]));
  t.is(catalogue.byLook.get('Milk')?.length, 2);
});

const refused: readonly (readonly [
  title: string,
  product: object,
  code: string,
  path: string,
  expected: RegExp,
])[] = [
  [
    'a wrong check digit',
    { ...milk, gtin: '04006381333932' },
    'CW-CAT-007',
    'products[0].gtin',
    /check digit 1\b/,
  ],
  [
    'a 13-digit GTIN',
    { ...milk, gtin: '4006381333931' },
    'CW-CAT-006',
    'products[0].gtin',
    /"04006381333931"/,
  ],
  ['letters in a GTIN', { ...milk, gtin: '0400638133393X' }, 'CW-CAT-006', 'products[0].gtin', /14 digits/],
  ['both GTIN and PLU', { ...milk, plu: '4011' }, 'CW-CAT-009', 'products[0]', /exactly one/],
  ['neither GTIN nor PLU', { ...milk, gtin: undefined }, 'CW-CAT-009', 'products[0]', /exactly one/],
  ['a PLU out of range', { ...bananas, plu: '2999' }, 'CW-CAT-008', 'products[0].plu', /3000 to 4999/],
  ['a negative price', { ...milk, priceMinor: -1 }, 'CW-CAT-011', 'products[0].priceMinor', /0 or more/],
  ['a price with decimals', { ...milk, priceMinor: 1.49 }, 'CW-CAT-011', 'products[0].priceMinor', /integer/],
  ['no price', { ...milk, priceMinor: undefined }, 'CW-CAT-011', 'products[0].priceMinor', /sale is "each"/],
  [
    'no price of a kilogram',
    { ...bananas, priceMinorPerKg: undefined },
    'CW-CAT-011',
    'products[0].priceMinorPerKg',
    /sale is "weight"/,
  ],
  [
    'the price of the other way of sale',
    { ...milk, priceMinorPerKg: 99 },
    'CW-CAT-011',
    'products[0].priceMinorPerKg',
    /nothing/,
  ],
  [
    'a mass without spread',
    { ...milk, grossMg: { mean: 1000, sd: 0 } },
    'CW-CAT-012',
    'products[0].grossMg.sd',
    /above 0/,
  ],
  [
    'a mass with its spread missing',
    { ...milk, grossMg: { mean: 1000 } },
    'CW-CAT-004',
    'products[0].grossMg.sd',
    /number/,
  ],
  [
    'a day that does not exist',
    { ...milk, validFrom: '2026-02-30' },
    'CW-CAT-015',
    'products[0].validFrom',
    /calendar/,
  ],
  [
    'a period that ends before it starts',
    { ...milk, validFrom: '2026-03-02', validTo: '2026-03-01' },
    'CW-CAT-015',
    'products[0].validTo',
    /2026-03-02/,
  ],
  [
    'a control character in a name',
    { ...milk, name: 'Milk\u001b[2J' },
    'CW-CAT-016',
    'products[0].name',
    /printable/,
  ],
  ['another way of sale', { ...milk, sale: 'gift' }, 'CW-CAT-004', 'products[0].sale', /"each" or "weight"/],
  ['a popularity below 0', { ...milk, popularity: -1 }, 'CW-CAT-004', 'products[0].popularity', /0 or more/],
  ['an age of 300', { ...milk, minimumAge: 300 }, 'CW-CAT-004', 'products[0].minimumAge', /0 to 120/],
];

for (const [title, product, code, path, expected] of refused) {
  test(`${title} is refused with ${code} at ${path}`, (t) => {
    const finding = firstFinding(catalogueWith([product]));
    t.is(finding.code, code);
    t.is(finding.path, path);
    t.regex(finding.expected, expected);
  });
}

test('two products with one key are refused, naming the first', (t) => {
  const finding = firstFinding(catalogueWith([milk, bananas, { ...milk, name: 'Milk again' }]));
  t.is(finding.code, 'CW-CAT-010');
  t.is(finding.path, 'products[2]');
  t.regex(finding.expected, /products\[0\]/);
});

test('every fault of a catalogue is found in one run, and the message counts them', (t) => {
  const error = t.throws(
    () =>
      parseCatalogue(
        catalogueWith([
          { ...milk, priceMinor: -1 },
          { ...bananas, plu: '1' },
        ]),
        'c.json',
      ),
    { instanceOf: CatalogueError },
  );
  t.deepEqual(
    error?.findings.map((finding) => finding.code),
    ['CW-CAT-011', 'CW-CAT-008'],
  );
  t.is(
    error?.message,
    'c.json: products[0].priceMinor: found -1; expected an integer of minor units, 0 or more (and 1 more)',
  );
});

test('another version of the format is refused as such', (t) => {
  t.is(firstFinding({ ...catalogueWith([]), catalogue: 2 }).code, 'CW-CAT-005');
});

const layout = { prefix: '20', item: [2, 5], value: [8, 4], meaning: 'price', decimals: 2 };

test('a layout whose verifier fills the gap is accepted', (t) => {
  const catalogue = parseCatalogue(catalogueWith([], { variableMeasure: [{ ...layout, verifier: 7 }] }));
  t.is(catalogue.variableMeasure[0]?.verifier, 7);
});

for (const [title, layouts, path] of [
  ['overlapping digits', [{ ...layout, value: [6, 5] }], 'variableMeasure[0].value'],
  ['digits beyond the body of the code', [{ ...layout, value: [8, 5] }], 'variableMeasure[0].value'],
  ['a prefix of ordinary products', [{ ...layout, prefix: '40' }], 'variableMeasure[0].prefix'],
  ['a prefix within another', [layout, { ...layout, prefix: '201' }], 'variableMeasure[1].prefix'],
  ['a verifier inside the value', [{ ...layout, verifier: 9 }], 'variableMeasure[0].verifier'],
] as const) {
  test(`a variable-measure layout with ${title} is refused`, (t) => {
    const finding = firstFinding(catalogueWith([], { variableMeasure: layouts }));
    t.is(finding.code, 'CW-CAT-013');
    t.is(finding.path, path);
  });
}

test('a planogram is indexed both ways, and a plate may hold several products', (t) => {
  const plates = [
    { plate: 'p1', gtin: '04006381333931' },
    { plate: 'p1', plu: '4011' },
    { plate: 'p2', plu: '4011' },
  ];
  const planogram = parsePlanogram(
    { planogram: 1, version: 'v1', plates },
    parseCatalogue(catalogueWith([milk, bananas])),
  );
  t.deepEqual(planogram.byPlate.get('p1'), ['gtin:04006381333931', 'plu:4011']);
  t.deepEqual(planogram.byProduct.get('plu:4011'), ['p1', 'p2']);
});

test('a planogram that names a product which the catalogue does not have is refused', (t) => {
  const document = { planogram: 1, version: 'v1', plates: [{ plate: 'p1', plu: '4012' }] };
  const error = t.throws(() => parsePlanogram(document, parseCatalogue(catalogueWith([bananas]))), {
    instanceOf: CatalogueError,
  });
  t.is(error?.code, 'CW-CAT-014');
  t.is(parsePlanogram(document).byPlate.size, 1, 'without a catalogue nobody can tell');
});

const settings = { seed: 20_261, numRuns: 400 };

test('arbitrary JSON is either a catalogue or a coded error', (t) => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      for (const parse of [parseCatalogue, parsePlanogram]) {
        try {
          parse(value);
        } catch (error) {
          if (!(error instanceof CatalogueError)) throw error;
        }
      }
    }),
    settings,
  );
  t.pass();
});

test('a catalogue with arbitrary values in its products is either accepted or refused with a code', (t) => {
  const keys = [
    ...['gtin', 'plu', 'name', 'sale', 'priceMinor', 'priceMinorPerKg', 'grossMg', 'look', '__proto__'],
    ...['minimumAge', 'validFrom', 'depositMinor', 'constructor'],
  ];
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom('each', 'weight', '04006381333931', '4011', 5),
  );
  const product = fc.dictionary(fc.constantFrom(...keys), value);
  fc.assert(
    fc.property(fc.array(product), (products) => {
      try {
        for (const item of parseCatalogue(catalogueWith(products)).products) {
          t.true(item.key === `gtin:${item.gtin}` || item.key === `plu:${item.plu}`);
        }
      } catch (error) {
        if (!(error instanceof CatalogueError)) throw error;
      }
    }),
    settings,
  );
  t.pass();
});
