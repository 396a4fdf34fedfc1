import test from 'ava';
import { currencyOf } from '#base/currency.ts';
import {
  encodeElementString,
  formatElementString,
  parseBracketed,
  parseElementString,
} from '#scanning/gs1/element-string.ts';
import { checked, gs, refused, scan } from './support.ts';

const gtin = '09506000134352';
const product = { meaning: 'product', gtin } as const;
/** What the elements say beyond the GTIN, as scanned from GS1-128. */
const said = (rest: string, changes = {}) => {
  const { elements, ...meaning } = scan(`01${gtin}${rest}`, ']C1', changes) as Record<string, unknown>;
  return meaning;
};

test('lot, serial number, expiry and count come with the product', (t) => {
  t.deepEqual(scan(`01${gtin}1726110010ABC${gs}21S-1${gs}3012`, ']d2'), {
    ...product,
    lot: 'ABC',
    serial: 'S-1',
    expiry: '2026-11-30',
    count: 12,
    elements: [
      { ai: '01', value: gtin },
      { ai: '17', value: '261100' },
      { ai: '10', value: 'ABC' },
      { ai: '21', value: 'S-1' },
      { ai: '30', value: '12' },
    ],
  });
  t.deepEqual(scan(`01${gtin}10ABC`, ']Q3'), scan(`${gs}01${gtin}10ABC`, ']e0'));
  t.deepEqual(scan(`01${gtin}10ABC`), scan(`01${gtin}10ABC`, ']C1'));
  t.deepEqual(scan(`(01)${gtin}(10)ABC`), scan(`01${gtin}10ABC`, ']C1'));
});

test('use by goes before best before; a date without a day is the end of its month', (t) => {
  t.deepEqual(said('15261231'), { ...product, expiry: '2026-12-31' });
  t.deepEqual(said('1526123117270228'), { ...product, expiry: '2027-02-28' });
  t.deepEqual(said(`70032611051430${gs}15261231`), { ...product, expiry: '2026-11-05' });
  t.deepEqual(said('17280200'), { ...product, expiry: '2028-02-29' });
  t.deepEqual(said('17991231'), { ...product, expiry: '1999-12-31' });
  t.deepEqual(said('17991231', { todayUtc: { year: 2060, month: 1, day: 1 } }), {
    ...product,
    expiry: '2099-12-31',
  });
  t.deepEqual(said('17761231', { todayUtc: undefined }), { ...product, expiry: '2076-12-31' });
  refused(t, () => said('17261301'), 'CW-SCN-024');
});

test('net mass is exact in milligrams, from kilograms and from pounds', (t) => {
  for (const [ai, value, massMg] of [
    ['3100', '000012', 12_000_000],
    ['3102', '001750', 17_500_000],
    ['3103', '001750', 1_750_000],
    ['3105', '999999', 9_999_990],
    ['3200', '000001', 453_592],
    ['3200', '999999', 453_591_916_408],
    ['3201', '000100', 4_535_924],
    ['3203', '000005', 2268],
    ['3205', '100000', 453_592],
  ] as const) {
    t.deepEqual(said(`${ai}${value}`), { ...product, massMg }, ai);
  }
  t.deepEqual(said('3103000000'), product, 'zero says nothing');
});

test('other measures are carried as elements and not taken for the mass', (t) => {
  for (const ai of ['3110', '3123', '3140', '3153', '3160', '3300', '3400', '3502', '3570']) {
    t.deepEqual(said(`${ai}001750`), product, ai);
  }
});

test('a price is in minor units of the catalogue’s currency, exact or refused', (t) => {
  const weighed = '3103001750';
  t.like(said(`${weighed}3922795`), { priceMinor: 795 });
  t.like(said(`${weighed}39207`), { priceMinor: 700 });
  t.like(said(`${weighed}39237950`), { priceMinor: 795 });
  t.like(said(`${weighed}3920795`, { currencyDecimals: 0 }), { priceMinor: 795 });
  t.like(said(`${weighed}3922795`, { currencyDecimals: 3 }), { priceMinor: 7950 });
  refused(t, () => said(`${weighed}39237951`), 'CW-SCN-012');
  refused(t, () => said(`${weighed}3920999999999999999`), 'CW-SCN-012');
  t.is(said(`${weighed}3922000`).priceMinor, undefined);
});

test('a price in a currency of its own counts only where that is the catalogue’s', (t) => {
  const weighed = '3103001750';
  t.like(said(`${weighed}3932978795`), { priceMinor: 795, massMg: 1_750_000 });
  t.is(said(`${weighed}3932840795`).priceMinor, undefined);
  t.is(said(`${weighed}3932978795`, { currencyNumber: currencyOf('SEK')?.number }).priceMinor, undefined);
  t.like(said(`${weighed}3932392795`, { currencyNumber: currencyOf('JPY')?.number, currencyDecimals: 2 }), {
    priceMinor: 795,
  });
  refused(t, () => said(`${weighed}3932000795`), 'CW-SCN-024');
});

test('the content of a logistic unit is a product with a count, a piece of a product is none', (t) => {
  t.like(scan(`00${checked('09506000134350000')}02${gtin}3724`, ']C1'), { ...product, count: 24 });
  t.is(scan(`8006${gtin}0103`, ']d2').meaning, 'element-string');
});

test('what names no product is an element string', (t) => {
  const sscc = checked('09506000134350000');
  t.deepEqual(scan(`00${sscc}`, ']C1'), { meaning: 'element-string', elements: [{ ai: '00', value: sscc }] });
  t.deepEqual(scan('99A', ']C1'), { meaning: 'element-string', elements: [{ ai: '99', value: 'A' }] });
});

test('coupons are told by their elements', (t) => {
  const gcn = checked('950600013435');
  t.deepEqual(scan(`255${gcn}${gs}3902150`, ']e0'), { meaning: 'coupon', data: `(255)${gcn}(3902)150` });
  t.deepEqual(scan('8110012345612345611110123', ']e0'), {
    meaning: 'coupon',
    data: '(8110)012345612345611110123',
  });
  t.is(scan('8112001234561234560123456', ']e0').meaning, 'coupon');
});

test('a separator that is missing, or one too many, is refused', (t) => {
  refused(t, () => said('422276233'), 'CW-SCN-022');
  refused(t, () => said('10ABCDEFGHIJKLMNOPQRSTUVWXYZ'), 'CW-SCN-022');
  refused(t, () => said(`10${gs}21A`), 'CW-SCN-021');
  refused(t, () => said(`10A${gs}${gs}21A`), 'CW-SCN-020');
  refused(t, () => scan(gs, ']C1'), 'CW-SCN-002');
  t.deepEqual(said(`10A${gs}`), { ...product, lot: 'A' });
});

test('unassigned identifiers and wrong check digits are refused', (t) => {
  refused(t, () => said('04123'), 'CW-SCN-020');
  refused(t, () => said('3107123456'), 'CW-SCN-020');
  refused(t, () => scan(`01${gtin.slice(0, 13)}3`, ']C1'), 'CW-SCN-001');
  refused(t, () => scan('ABC', ']C1'), 'CW-SCN-020');
  refused(t, () => said('10AÄ'), 'CW-SCN-023');
});

test('an element may be repeated with the same value only', (t) => {
  t.deepEqual(said(`10A${gs}10A`), { ...product, lot: 'A' });
  refused(t, () => said(`10A${gs}10B`), 'CW-SCN-027');
});

test('without an identifier, what merely starts like an element string is left alone', (t) => {
  for (const text of ['0195060001343529', '0109506000134352XX', '(212)5551234', '(note)', '(10)']) {
    t.deepEqual(scan(text), { meaning: 'unknown', text });
  }
  refused(t, () => scan('(01)09506000134353'), 'CW-SCN-001');
  refused(t, () => scan(`0109506000134353${gs}10A`), 'CW-SCN-001');
});

test('real symbols of the field read as printed beneath them', (t) => {
  // Expected texts of the test symbols of zxing-cpp (Apache License 2.0).
  t.like(scan('0104412345678909', ']e0'), { gtin: '04412345678909' });
  t.like(scan('01988987654321063103001750', ']e0'), { gtin: '98898765432106', massMg: 1_750_000 });
  t.like(scan('0190012345678908320200175011100312', ']e0'), {
    gtin: '90012345678908',
    massMg: 7_937_866,
  });
  t.like(scan('01906141410000153202000150', ']e0'), { gtin: '90614141000015', massMg: 680_389 });
  t.like(scan('30712345000010', ']I1'), { gtin: '30712345000010' });
  refused(t, () => scan('01900123456789083922795', ']e0'), 'CW-SCN-025');
  refused(t, () => scan('11100224171102243102000100', ']e0'), 'CW-SCN-025');
  refused(t, () => scan('168901', ']C1'), 'CW-SCN-021');
  refused(t, () => scan('0102001234567893', ']e0', { variableMeasure: [] }), 'CW-SCN-010');
  t.deepEqual(scan('Code 128', ']C0'), { meaning: 'unknown', text: 'Code 128' });
  t.is(scan('http://google.com/gwt/n?u=bluenile.com', ']Q1').meaning, 'unknown');
});

test('elements are written as they are read, and nothing is written that would be refused', (t) => {
  const elements = [
    { ai: '01', value: gtin },
    { ai: '10', value: 'A(1' },
    { ai: '17', value: '261100' },
    { ai: '21', value: '7' },
  ];
  const text = new TextDecoder().decode(encodeElementString(elements));
  t.is(text, `01${gtin}10A(1${gs}17261100217`);
  t.deepEqual(parseElementString(text), elements);
  t.is(formatElementString(elements), `(01)${gtin}(10)A(1(17)261100(21)7`);
  t.deepEqual(parseBracketed(formatElementString(elements)), elements);
  refused(t, () => encodeElementString([]), 'CW-SCN-002');
  refused(t, () => encodeElementString([{ ai: '10', value: 'A' }]), 'CW-SCN-025');
  refused(t, () => encodeElementString([{ ai: '01', value: '09506000134353' }]), 'CW-SCN-001');
  refused(t, () => parseBracketed('01(10)A'), 'CW-SCN-020');
});
