import test from 'ava';
import fc from 'fast-check';
import { gtinCheckDigit, hasValidCheckDigit } from '#base/gtin.ts';
import {
  labelPayload,
  priceVerifier,
  productPayload,
  tokenPayload,
  usualSymbology,
} from '#simulation/payloads.ts';
import { smallCatalogue } from './helpers.ts';

const seed = 20_261_122;
const text = (payload: { data: Uint8Array }) => new TextDecoder().decode(payload.data);
const layouts = smallCatalogue.variableMeasure;

test('a product is read as the symbology its GTIN has on the packet', (t) => {
  const jar = productPayload('04006381333931', usualSymbology('04006381333931', {}));
  t.deepEqual([text(jar), jar.symbology], ['4006381333931', ']E0']);
  const tin = productPayload('00000080019442', usualSymbology('00000080019442', {}));
  t.deepEqual([text(tin), tin.symbology], ['80019442', ']E4']);
  const american = productPayload('00121969151951', 'upc-a');
  t.deepEqual([text(american), american.symbology], ['121969151951', ']E0']);
  t.is(text(productPayload('00121969151951', 'ean-13')), '0121969151951');
  t.is(usualSymbology('04006381333931', { lot: 'A' }), 'databar-expanded');
});

test('element strings separate what has a variable length, and nothing else', (t) => {
  const payload = productPayload('04006381333931', 'gs1-128', {
    massMg: 742_000,
    expiry: '2026-12-03',
    lot: 'L1',
    serial: '7',
  });
  t.is(text(payload), '0104006381333931310300074217261203' + '10L1\x1d217');
  t.is(payload.symbology, ']C1');
  t.is(text(productPayload('04006381333931', 'databar', {})), '0104006381333931');
});

test('a Digital Link carries its qualifiers in the path and the rest in the query', (t) => {
  const payload = productPayload('04006381333931', 'digital-link', { lot: 'OL 26', expiry: '2026-12-03' });
  t.is(text(payload), 'https://id.gs1.org/01/04006381333931/10/OL%2026?17=261203');
  t.is(payload.symbology, ']Q1');
});

test('what a symbology cannot carry is refused', (t) => {
  for (const make of [
    () => productPayload('04006381333931', 'ean-8'),
    () => productPayload('04006381333931', 'ean-13', { lot: 'A' }),
    () => labelPayload({ prefix: '29', item: '1', massMg: 1 }, layouts),
    () => labelPayload({ prefix: '21', item: '1', priceMinor: 100 }, layouts),
    () => labelPayload({ prefix: '21', item: '123456', massMg: 1_000 }, layouts),
    () => labelPayload({ prefix: '20', item: '4011', priceMinor: 123_456 }, layouts),
  ]) {
    t.throws(make, { code: 'CW-SIM-007' });
  }
});

test('price verifiers are those of the GS1 General Specifications', (t) => {
  t.is(priceVerifier('2875'), 9);
  t.is(priceVerifier('14685'), 6);
});

test('labels follow the layout and have a right check digit', (t) => {
  const mass = labelPayload({ prefix: '21', item: '4011', massMg: 742_000 }, layouts);
  t.is(text(mass).slice(0, 12), '210401100742');
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 99_999 }),
      fc.integer({ min: 1, max: 9_999 }),
      (item, priceMinor) => {
        const code = text(labelPayload({ prefix: '20', item: String(item), priceMinor }, layouts));
        t.true(hasValidCheckDigit(code));
        t.is(code.length, 13);
        t.is(code.slice(0, 2), '20');
        t.is(Number(code.slice(2, 7)), item);
        t.is(Number(code.slice(8, 12)), priceMinor);
        t.is(Number(code[7]), priceVerifier(code.slice(8, 12)));
        t.is(Number(code[12]), gtinCheckDigit(code.slice(0, 12)));
      },
    ),
    { seed },
  );
});

test('a session token is a plain QR code', (t) => {
  const payload = tokenPayload('QR-7F3A');
  t.deepEqual([text(payload), payload.symbology], ['QR-7F3A', ']Q1']);
});
