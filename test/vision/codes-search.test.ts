import test from 'ava';
import fc from 'fast-check';
import { gtinCheckDigit } from '#base/gtin.ts';
import { weigh } from '#vision/codes/evidence.ts';
import { type Luma, lumaOf } from '#vision/codes/luma.ts';
import { searchCodes } from '#vision/codes/search.ts';
import { loadZxing, type Read } from '#vision/codes/zxing.ts';
import type { Picture } from '#vision/pictures/picture.ts';
import { type Drawing, draw, drawModules } from './support/drawn-codes.ts';

const read = await loadZxing();
const live = { thorough: true, anyItf: false };
const size = { width: 320, height: 240, module: 2 };
const gtin = '04006381333931';
const weighed = `9400638133393${gtinCheckDigit('9400638133393')}`;

async function textsOf(luma: Luma, effort = live): Promise<string[]> {
  return (await searchCodes(read, luma, effort)).map(({ symbology, text }) => `${symbology}${text}`);
}

for (const [what, text, format, expected, options] of [
  ['an EAN-13', '4006381333931', 'EAN13', ']E04006381333931'],
  ['an EAN-8', '96385074', 'EAN8', ']E496385074'],
  ['a UPC-A, with thirteen digits', '036000291452', 'UPCA', ']E00036000291452'],
  ['a UPC-E, as the number that it stands for', '01234565', 'UPCE', ']E00012345000065'],
  ['an ITF-14', gtin, 'ITF', `]I1${gtin}`],
  ['a DataBar', `(01)${gtin}`, 'DataBarOmni', `]e001${gtin}`],
  ['a limited DataBar', `(01)${gtin}`, 'DataBarLtd', `]e001${gtin}`],
  ['an expanded DataBar', `(01)${weighed}(3103)001750`, 'DataBarExp', `]e001${weighed}3103001750`],
  ['a stacked expanded DataBar', `(01)${gtin}(10)LOT`, 'DataBarExpStk', `]e001${gtin}10LOT`],
  ['a GS1-128, with FNC1 as GS', `(01)${gtin}(10)A1(21)7`, 'Code128', `]C101${gtin}10A1\x1d217`, 'gs1'],
  ['a Code 128', 'Locker 17', 'Code128', ']C0Locker 17'],
  ['a QR code', 'QR-shopper-1', 'QRCode', ']Q1QR-shopper-1'],
  ['a GS1 QR code', `(01)${gtin}(10)A`, 'QRCode', `]Q301${gtin}10A`, 'gs1'],
  ['a Data Matrix', 'plain', 'DataMatrix', ']d1plain'],
  ['a GS1 Data Matrix', `(01)${gtin}(10)A`, 'DataMatrix', `]d201${gtin}10A`, 'gs1'],
] as const) {
  test(`${what} says what a scanner would say of it, upright, on its side, upside down and tilted`, async (t) => {
    const modules = await drawModules(text, format, options);
    const edge = Math.ceil(Math.hypot(modules.width, modules.height) * 2) + 40;
    for (const degrees of [0, 8, 90, 180]) {
      const luma = draw(modules, { width: edge, height: edge, module: 2, degrees });
      t.deepEqual(await textsOf(luma), [expected], `${degrees}°`);
    }
  });
}

const hardships: readonly (readonly [string, Partial<Drawing>])[] = [
  ['out of focus', { blur: 2, module: 2.6 }],
  ['grey in grey', { dark: 110, light: 140, noise: 2 }],
  ['in the dark', { dark: 4, light: 22, noise: 1 }],
  ['noisy', { noise: 25 }],
  ['small', { module: 1.4 }],
  ['large', { module: 3.2 }],
];
for (const [what, hardship] of hardships) {
  test(`codes are read ${what}`, async (t) => {
    for (const [text, format] of [
      ['4006381333931', 'EAN13'],
      ['QR-shopper-1', 'QRCode'],
    ] as const) {
      const luma = draw(await drawModules(text, format), { ...size, ...hardship });
      const found = await searchCodes(read, luma, live);
      t.deepEqual(
        found.map((code) => code.text),
        [text],
        format,
      );
    }
  });
}

test('linear codes are read in any direction, and found where they are', async (t) => {
  const modules = await drawModules('4006381333931', 'EAN13');
  const at = { x: 190, y: 160 };
  for (const degrees of [30, 45, 60, 120, 135, 150, 215, 300]) {
    const luma = draw(modules, { width: 340, height: 300, module: 2, degrees, at });
    for (const thorough of [true, false]) {
      const [found, ...others] = await searchCodes(read, luma, { thorough, anyItf: false });
      t.is(found?.text, '4006381333931', `${degrees}°`);
      t.is(others.length, 0);
      const off = Math.hypot((found?.at.x ?? 0) - at.x, (found?.at.y ?? 0) - at.y);
      t.true(off < 16, `${degrees}°: ${off} pixels off`);
    }
  }
});

test('a sign-in code on a dark screen, light on dark, is read', async (t) => {
  const luma = draw(await drawModules('QR-shopper-1', 'QRCode'), {
    ...size,
    module: 4,
    dark: 230,
    light: 15,
  });
  t.deepEqual(await textsOf(luma), [']Q1QR-shopper-1']);
});

test('a part of an ITF-14 that is left early is no code of a thing', async (t) => {
  const luma = draw(await drawModules('1234567890', 'ITF'), size);
  t.deepEqual(await textsOf(luma), []);
  t.deepEqual(await textsOf(luma, { thorough: true, anyItf: true }), [']I01234567890']);
});

test('codes beside each other are all read, and say where they are', async (t) => {
  const left = draw(await drawModules('4006381333931', 'EAN13'), { ...size, at: { x: 110, y: 60 } });
  const right = draw(await drawModules('96385074', 'EAN8'), { ...size, at: { x: 200, y: 180 } });
  const both = { ...left, data: left.data.map((value, index) => Math.min(value, right.data[index] ?? 255)) };
  const found = await searchCodes(read, both, live);
  t.deepEqual(found.map(({ text }) => text).sort(), ['4006381333931', '96385074']);
  for (const { text, at, sure } of found) {
    const expected = text.length === 8 ? { x: 200, y: 180 } : { x: 110, y: 60 };
    t.true(Math.hypot(at.x - expected.x, at.y - expected.y) < 8, `${text} at ${at.x}, ${at.y}`);
    t.true(sure);
  }
});

test('a picture larger than is ever searched is shrunk, and places in it stay true', async (t) => {
  const at = { x: 2600, y: 1700 };
  const code = draw(await drawModules('QR-shopper-1', 'QRCode'), { width: 400, height: 400, module: 8 });
  const data = new Uint8Array(3200 * 2400).fill(235);
  for (let row = 0; row < 400; row++) {
    data.set(code.data.subarray(row * 400, row * 400 + 400), (at.y - 200 + row) * 3200 + at.x - 200);
  }
  const [found] = await searchCodes(read, { width: 3200, height: 2400, data }, { ...live, thorough: false });
  t.is(found?.text, 'QR-shopper-1');
  t.true(Math.hypot((found?.at.x ?? 0) - at.x, (found?.at.y ?? 0) - at.y) < 12);
});

test('the same picture gives the same codes', async (t) => {
  const luma = draw(await drawModules('4006381333931', 'EAN13'), { ...size, blur: 1, noise: 12 });
  const once = await searchCodes(read, luma, live);
  t.deepEqual(await searchCodes(read, luma, live), once);
  t.deepEqual(await searchCodes(await loadZxing(), luma, live), once);
});

test('whatever bytes a picture has, nothing breaks', async (t) => {
  let searched = 0;
  const runs = Math.min(400, Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 400));
  const plane = fc
    .record({ width: fc.integer({ min: 1, max: 90 }), height: fc.integer({ min: 1, max: 60 }) })
    .chain(({ width, height }) =>
      fc.record({
        width: fc.constant(width),
        height: fc.constant(height),
        data: fc.uint8Array({ minLength: width * height, maxLength: width * height }),
      }),
    );
  await fc.assert(
    fc.asyncProperty(plane, fc.boolean(), async (luma, thorough) => {
      searched++;
      for (const { box, sure, data } of await searchCodes(read, luma, { thorough, anyItf: true })) {
        t.true(data.length > 0 && typeof sure === 'boolean');
        t.true(box.left > -luma.width && box.left < luma.width && box.top < luma.height);
      }
    }),
    { seed: 7, numRuns: runs },
  );
  t.is(searched, runs);
});

const reading = (text: string, lines: number, top: number): Read => ({
  format: 'EAN13',
  data: new TextEncoder().encode(text),
  symbology: ']E0',
  text,
  lines,
  box: { left: 20, top, width: 190, height: lines },
});
const pass = (reads: readonly Read[]) => ({ reads, across: 1, down: 1, left: 0, top: 0, turned: false });

test('one line of a linear code is no evidence, two are some, many are proof', (t) => {
  const believed = (lines: number) => weigh([pass([reading('4006381333931', lines, 10)])], 100);
  t.deepEqual(believed(1), []);
  t.deepEqual(
    believed(2).map(({ sure }) => sure),
    [false],
  );
  t.deepEqual(
    believed(40).map(({ sure }) => sure),
    [true],
  );
});

test('where lines of the same bars contradict each other, neither is believed until one is far ahead', (t) => {
  const texts = (right: number, wrong: number) =>
    weigh([pass([reading('0023942431015', right, 60), reading('9074932437075', wrong, 20)])], 200).map(
      ({ text, sure }) => `${text} ${sure}`,
    );
  t.deepEqual(texts(9, 7), []);
  t.deepEqual(texts(9, 4), ['0023942431015 false']);
  t.deepEqual(texts(60, 4), ['0023942431015 true']);
});

test('codes of other things above each other do not contradict each other', (t) => {
  const found = weigh([pass([reading('4006381333931', 30, 10), reading('0023942431015', 30, 300)])], 400);
  t.deepEqual(
    found.map(({ sure }) => sure),
    [true, true],
  );
});

test('a region is taken out of every layout of pictures, cut where it leaves them', (t) => {
  const grey = Uint8Array.from({ length: 7 * 5 }, (_, index) => index);
  const picture: Picture = { width: 6, height: 5, format: 'grey', stride: 7, data: grey };
  const part = lumaOf(picture, { left: 3.4, top: 2.5, width: 9, height: 2 });
  t.deepEqual(part, { width: 3, height: 3, data: Uint8Array.of(17, 18, 19, 24, 25, 26, 31, 32, 33) });
  const rgb: Picture = {
    width: 2,
    height: 1,
    format: 'rgb24',
    stride: 6,
    data: Uint8Array.of(255, 255, 255, 255, 0, 0),
  };
  t.deepEqual([...lumaOf(rgb, { left: 0, top: 0, width: 2, height: 1 }).data], [255, 76]);
  t.throws(() => lumaOf(picture, { left: 6, top: 0, width: 4, height: 4 }), { code: 'CW-VIS-008' });
  t.throws(() => lumaOf({ ...picture, data: grey.subarray(9) }, { left: 0, top: 0, width: 2, height: 2 }), {
    code: 'CW-VIS-008',
  });
});
