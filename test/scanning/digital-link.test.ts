import test from 'ava';
import fc from 'fast-check';
import { cset82 } from '#scanning/gs1/characters.ts';
import { parseDigitalLink } from '#scanning/gs1/digital-link.ts';
import { checked, refused, scan } from './support.ts';

const gtin = '09506000134352';

test('a link on any domain names the product, its qualifiers and its attributes', (t) => {
  for (const stem of ['https://id.gs1.org', 'http://example.com:8080/some/path', 'HTTPS://SHOP.EXAMPLE']) {
    t.deepEqual(
      scan(`${stem}/01/${gtin}/22/2A/10/AB%2FC/21/S1?17=261130&3103=000195&linkType=gs1:pip#top`, ']Q1'),
      {
        meaning: 'product',
        gtin,
        lot: 'AB/C',
        serial: 'S1',
        expiry: '2026-11-30',
        massMg: 195_000,
        elements: [
          { ai: '01', value: gtin },
          { ai: '22', value: '2A' },
          { ai: '10', value: 'AB/C' },
          { ai: '21', value: 'S1' },
          { ai: '17', value: '261130' },
          { ai: '3103', value: '000195' },
        ],
      },
    );
  }
  for (const symbology of [']d1', ']C0', ']z0', '']) {
    t.like(scan(`https://id.gs1.org/01/${gtin}`, symbology), { meaning: 'product', gtin });
  }
});

test('a shorter GTIN is padded, a trailing slash ignored', (t) => {
  t.deepEqual(parseDigitalLink('https://a.example/01/9506000134352/'), [{ ai: '01', value: gtin }]);
  t.deepEqual(parseDigitalLink('https://a.example/01/96385074'), [{ ai: '01', value: '00000096385074' }]);
});

test('qualifiers have their order, and belong to their key', (t) => {
  refused(t, () => scan(`https://a.example/01/${gtin}/21/S/10/L`, ']Q1'), 'CW-SCN-030');
  refused(t, () => scan(`https://a.example/01/${gtin}/10/L/235/X`, ']Q1'), 'CW-SCN-030');
  refused(t, () => scan(`https://a.example/01/${gtin}/17/261130`, ']Q1'), 'CW-SCN-030');
  refused(t, () => scan(`https://a.example/01/${gtin}/10`, ']Q1'), 'CW-SCN-030');
  t.truthy(parseDigitalLink(`https://a.example/01/${gtin}/235/X`));
  t.truthy(parseDigitalLink(`https://a.example/01/${gtin}/22/X/21/S`));
});

test('attributes must be assigned, permitted in the query, valid and consistent', (t) => {
  const link = `https://a.example/01/${gtin}`;
  refused(t, () => scan(`${link}?3107=000195`, ']Q1'), 'CW-SCN-020');
  refused(t, () => scan(`${link}?21=S`, ']Q1'), 'CW-SCN-030');
  refused(t, () => scan(`${link}?17`, ']Q1'), 'CW-SCN-030');
  refused(t, () => scan(`${link}?17=261301`, ']Q1'), 'CW-SCN-024');
  refused(t, () => scan(`${link}?17=`, ']Q1'), 'CW-SCN-021');
  refused(t, () => scan(`${link}/10/A?10=B`, ']Q1'), 'CW-SCN-027');
  refused(t, () => scan(`${link}?37=5`, ']Q1'), 'CW-SCN-026');
  refused(t, () => scan(`${link}?3922=100`, ']Q1'), 'CW-SCN-025');
});

test('percent-encoding must be that of UTF-8, and what it hides must be allowed', (t) => {
  refused(t, () => scan(`https://a.example/01/${gtin}/10/%zz`, ']Q1'), 'CW-SCN-032');
  refused(t, () => scan(`https://a.example/01/${gtin}/10/%ff`, ']Q1'), 'CW-SCN-032');
  refused(t, () => scan(`https://a.example/01/${gtin}/10/%20`, ']Q1'), 'CW-SCN-023');
});

test('a wrong check digit is refused, a path that only looks like a key is not a link', (t) => {
  refused(t, () => scan('https://a.example/01/09506000134353', ']Q1'), 'CW-SCN-001');
  for (const text of [
    'https://example.com/blog/2024/01/15/title',
    'https://example.com/8004/chair',
    'https://example.com/',
    'https://example.com',
    'https://example.com/01/',
    'ftp://example.com/01/09506000134352',
    'https://t.example/ARHKVAdpQg',
  ]) {
    t.deepEqual(scan(text, ']Q1'), { meaning: 'unknown', text });
  }
});

test('keys in the path of the domain’s owner do not hide the real one', (t) => {
  t.deepEqual(parseDigitalLink(`https://a.example/8004/9999abc/01/${gtin}`), [{ ai: '01', value: gtin }]);
  t.deepEqual(parseDigitalLink(`https://a.example/01/${gtin}/10/253`)?.[1], { ai: '10', value: '253' });
});

test('keys other than a GTIN are understood, and coupons told', (t) => {
  const gln = checked('950600013435');
  t.deepEqual(scan(`https://id.gs1.org/414/${gln}/254/A`, ']Q1'), {
    meaning: 'element-string',
    elements: [
      { ai: '414', value: gln },
      { ai: '254', value: 'A' },
    ],
  });
  t.is(scan(`https://id.gs1.org/255/${gln}`, ']Q1').meaning, 'coupon');
});

test('compressed links are refused by name', (t) => {
  refused(t, () => scan('https://id.gs1.org/ARHKVAdpQg', ']Q1'), 'CW-SCN-031');
  refused(t, () => scan(`https://brand.example/01/${gtin}/BBIo0KwAi5`, ']Q1'), 'CW-SCN-031');
});

test('any lot and serial number survive the link', (t) => {
  const value = fc
    .array(fc.constantFrom(...cset82), { minLength: 1, maxLength: 20 })
    .map((all) => all.join(''));
  fc.assert(
    fc.property(value, value, (lot, serial) => {
      const link = `https://a.example/01/${gtin}/10/${encodeURIComponent(lot)}/21/${encodeURIComponent(serial)}`;
      const meaning = scan(link, ']Q1');
      return meaning.meaning === 'product' && meaning.lot === lot && meaning.serial === serial;
    }),
    { seed: 20261122 },
  );
  t.pass();
});
