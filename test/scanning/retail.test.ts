import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import { expandUpcE } from '#scanning/upc-e.ts';
import { checked, refused, rules, scan } from './support.ts';

const product = (gtin: string) => ({ meaning: 'product', gtin }) as const;

test('EAN-13, UPC-A and EAN-8 name a product by fourteen digits', (t) => {
  t.deepEqual(scan('4006381333931', ']E0'), product('04006381333931'));
  t.deepEqual(scan('0036602301467', ']E0'), product('00036602301467'));
  t.deepEqual(scan('036602301467', ']E0'), product('00036602301467'));
  t.deepEqual(scan('59001270', ']E4'), product('00000059001270'));
  t.deepEqual(scan('4006381333931\r\n', ']E0'), product('04006381333931'));
});

test('books and periodicals are products, their add-on is left out', (t) => {
  t.deepEqual(scan('9783161484100', ']E0'), product('09783161484100'));
  for (const addOn of ['05', '51234']) {
    t.deepEqual(scan(`9770317847001${addOn}`, ']E3'), product('09770317847001'));
    t.deepEqual(scan(`9770317847001${addOn}`), product('09770317847001'));
    t.deepEqual(scan(`036602301467${addOn}`, ']E3'), product('00036602301467'));
    t.deepEqual(scan(`59001270${addOn}`, ']E4'), product('00000059001270'));
    t.deepEqual(scan(addOn, addOn.length === 2 ? ']E1' : ']E2'), { meaning: 'unknown', text: addOn });
  }
});

test('UPC-E stands for the UPC-A with its zeros back', (t) => {
  t.is(expandUpcE('04252614'), '042100005264');
  t.is(expandUpcE('06543217'), '065100004327');
  t.deepEqual(scan('04252614', ']E0'), product('00042100005264'));
  t.deepEqual(scan('04252614'), product('00042100005264'));
  refused(t, () => scan('04252615', ']E0'), 'CW-SCN-001');
  refused(t, () => scan('24252614', ']E0'), 'CW-SCN-008');
});

test('every UPC-E expands to the number that its rule of zero suppression came from', (t) => {
  const digit = fc.integer({ min: 0, max: 9 }).map(String);
  const compress = [
    (d: string[]) => [
      `${d[0]}${d[1]}${Number(d[2]) % 3}0000${d[3]}${d[4]}${d[5]}`,
      `${d[0]}${d[1]}${d[3]}${d[4]}${d[5]}${Number(d[2]) % 3}`,
    ],
    (d: string[]) => [`${d[0]}${d[1]}${d[2]}00000${d[3]}${d[4]}`, `${d[0]}${d[1]}${d[2]}${d[3]}${d[4]}3`],
    (d: string[]) => [`${d[0]}${d[1]}${d[2]}${d[3]}00000${d[4]}`, `${d[0]}${d[1]}${d[2]}${d[3]}${d[4]}4`],
    (d: string[]) => [`${d[0]}${d[1]}${d[2]}${d[3]}${d[4]}00005`, `${d[0]}${d[1]}${d[2]}${d[3]}${d[4]}5`],
  ];
  fc.assert(
    fc.property(
      fc.array(digit, { minLength: 6, maxLength: 6 }),
      fc.constantFrom('0', '1'),
      (digits, system) => {
        for (const rule of compress) {
          const [middle = '', six = ''] = rule(digits);
          const full = checked(system + middle);
          if (expandUpcE(`${system}${six}${full.slice(-1)}`) !== full) return false;
        }
        return true;
      },
    ),
    { seed: 20261122 },
  );
  t.pass();
});

test('a wrong check digit, another length or a letter is refused', (t) => {
  refused(t, () => scan('4006381333932', ']E0'), 'CW-SCN-001');
  refused(t, () => scan('59001271', ']E4'), 'CW-SCN-001');
  refused(t, () => scan('30712345000011', ']I1'), 'CW-SCN-001');
  refused(t, () => scan('4006381333932'), 'CW-SCN-001');
  refused(t, () => scan('400638133393', ']E4'), 'CW-SCN-006');
  refused(t, () => scan('425261', ']E0'), 'CW-SCN-006');
  refused(t, () => scan('40063813339AB', ']E0'), 'CW-SCN-005');
  refused(t, () => scan('４００６３８１３３３９３１', ']E0'), 'CW-SCN-005');
});

test('of Interleaved 2 of 5 only fourteen digits are a product, for a shorter number may be half a code', (t) => {
  t.deepEqual(scan('30712345000010', ']I1'), product('30712345000010'));
  t.deepEqual(scan('30712345000010', ']I0'), product('30712345000010'));
  t.deepEqual(scan('3071234500001', ']I2'), product('30712345000010'));
  for (const text of ['1515', '0053611912', '00123456', '042100005264', '3015']) {
    t.deepEqual(scan(text, ']I0'), { meaning: 'unknown', text });
  }
});

test('digits in a carrier of free text are never taken for a product', (t) => {
  for (const symbology of [']C0', ']Q1', ']d1', ']A0', ']z0']) {
    const text = '4006381333931';
    t.deepEqual(scan(text, symbology), { meaning: 'unknown', text });
  }
});

test('without an identifier the form decides', (t) => {
  for (const symbology of ['', ']X0', ']?9', 'E0', '__proto__']) {
    t.deepEqual(scan('4006381333931', symbology), product('04006381333931'), symbology);
    t.deepEqual(scan('042100005264', symbology), product('00042100005264'), symbology);
    t.deepEqual(scan('30712345000010', symbology), product('30712345000010'), symbology);
    t.deepEqual(scan('59001270', symbology), product('00000059001270'), symbology);
  }
  t.deepEqual(scan('4 006381 333931'), product('04006381333931'));
  t.deepEqual(scan('978-3-16-148410-0'), product('09783161484100'));
  refused(t, () => scan('24252615'), 'CW-SCN-001');
  t.deepEqual(scan('123456789'), { meaning: 'unknown', text: '123456789' });
});

test('eight digits that are both EAN-8 and UPC-E are what the catalogue lists, and refused where it lists both or none', (t) => {
  const both = '12961641';
  const [ean8, upc] = [`000000${both}`, `00${expandUpcE(both)}`];
  refused(t, () => scan(both), 'CW-SCN-007');
  refused(t, () => scan(both, '', { isListed: () => true }), 'CW-SCN-007');
  t.deepEqual(scan(both, '', { isListed: (gtin) => gtin === ean8 }), product(ean8));
  t.deepEqual(scan(both, '', { isListed: (gtin) => gtin === upc }), product(upc));
  t.deepEqual(scan(both, ']E4'), product(ean8));
  t.deepEqual(scan(both, ']E0'), product(upc));
  t.deepEqual(
    scan('01000146'),
    product(`00${expandUpcE('01000146')}`),
    'an EAN-8 with 0 is a retailer’s own',
  );
  t.deepEqual(
    scan('01000146', '', { isListed: (gtin) => gtin === '00000001000146' }),
    product('00000001000146'),
  );
});

test('an identifier that a scanner put before the data is understood', (t) => {
  t.deepEqual(scan(']E04006381333931'), product('04006381333931'));
  t.deepEqual(scan(']C04006381333931'), { meaning: 'unknown', text: '4006381333931' });
  refused(t, () => scan(']E0'), 'CW-SCN-002');
});

test('coupon prefixes make a coupon, not a product', (t) => {
  for (const body of ['050123456789', '980123456789', '981123456789', '984123456789', '990123456789']) {
    t.deepEqual(scan(checked(body), ']E0'), { meaning: 'coupon', data: checked(body) });
  }
  t.deepEqual(scan(checked('51234567890'), ']E0'), { meaning: 'coupon', data: checked('051234567890') });
  t.is(scan(checked('985123456789'), ']E0').meaning, 'product');
});

test('produce look-up codes are understood where they are the whole text', (t) => {
  for (const plu of ['3000', '4011', '4999', '93000', '94011', '83000', '84999']) {
    t.deepEqual(scan(plu), { meaning: 'look-up', plu });
    t.deepEqual(scan(plu, ']C0'), { meaning: 'look-up', plu });
  }
  for (const text of ['2999', '5000', '92999', '95000', '82999', '85000', '40111', '401', '4011A', 'x4011']) {
    t.deepEqual(scan(text), { meaning: 'unknown', text });
  }
});

test('a session token is what the store says it is, in any carrier but those of products', (t) => {
  t.deepEqual(scan('QR-7F3A-21', ']Q1'), { meaning: 'session', token: 'QR-7F3A-21' });
  t.deepEqual(scan('QR-7F3A-21'), { meaning: 'session', token: 'QR-7F3A-21' });
  t.is(scan('QR-', ']Q1').meaning, 'unknown');
  const greedy = /^\d+$/g;
  t.deepEqual(scan('4006381333931', ']E0', { tokenPattern: greedy }), product('04006381333931'));
  for (let i = 0; i < 3; i++) {
    t.is(scan('12345678901', ']C0', { tokenPattern: greedy }).meaning, 'session', 'a pattern has no memory');
  }
});

test('every product of the demo catalogue is recognized by its own code', (t) => {
  const catalogue = JSON.parse(
    readFileSync(new URL('../../config/catalogues/demo.json', import.meta.url), 'utf8'),
  ) as { products: { gtin?: string; plu?: string }[] };
  let count = 0;
  for (const { gtin, plu } of catalogue.products) {
    count++;
    if (plu !== undefined) t.deepEqual(scan(plu), { meaning: 'look-up', plu });
    if (gtin === undefined) continue;
    const expected = product(gtin);
    if (gtin.startsWith('000000')) t.deepEqual(scan(gtin.slice(6), ']E4'), expected);
    else if (gtin.startsWith('0')) t.deepEqual(scan(gtin.slice(1), ']E0'), expected);
    else t.deepEqual(scan(gtin, ']I1'), expected);
    const element = { ai: '01', value: gtin };
    t.deepEqual(scan(`01${gtin}`, ']e0', rules), { ...expected, elements: [element] });
    t.deepEqual(scan(`https://shop.example/p/01/${gtin}`, ']Q1'), { ...expected, elements: [element] });
  }
  t.true(count >= 100, `${count}`);
});
