import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { type Luma, lumaOf, transposed } from '#vision/codes/luma.ts';
import { searchCodes } from '#vision/codes/search.ts';
import { loadZxing } from '#vision/codes/zxing.ts';
import { readPicture } from '#vision/pictures/decode.ts';

const samples = fileURLToPath(new URL('../fixtures/barcodes/', import.meta.url));
const files = globSync('*/*.{png,jpg,webp}', { cwd: samples }).sort();
const read = await loadZxing();

/**
 * What ZXing's own test demands of these very pictures, upright and in its slow mode (zxing-cpp, test/blackbox/
 * BlackboxTestRunner.cpp, as of commit c7ba62c, since when they are these). Of qrcode-2 two pictures came later.
 */
const demanded: Readonly<Record<string, number>> = {
  'code128-1': 6,
  'ean13-1': 14,
  'ean8-1': 9,
  'itf-1': 14,
  'qrcode-1': 8,
  'qrcode-2': 51,
  'rss14-1': 11,
  'rssexpanded-1': 37,
  'upca-1': 5,
  'upca-4': 9,
};
/** One picture shows a QR code within a QR code; its text names the inner one. */
const nested = 'qrcode-2/16.webp';

async function lumaOfFile(file: string): Promise<Luma> {
  const picture = await readPicture(join(samples, file));
  return lumaOf(picture, { left: 0, top: 0, width: picture.width, height: picture.height });
}

function besides(file: string, ending: string): string | undefined {
  try {
    return readFileSync(join(samples, file.replace(/\.[a-z]+$/, ending)), 'utf8');
  } catch {
    return undefined;
  }
}

const isAscii = (text: string) => [...text].every((character) => character < '\x80');

/** The picture's rows from the last to the first, and each backwards. */
function upsideDown({ width, height, data }: Luma): Luma {
  return { width, height, data: data.toReversed() };
}

for (const [folder, least] of Object.entries(demanded)) {
  const pictures = files.filter((file) => dirname(file) === folder);
  for (const [how, turned] of [['', (luma: Luma) => luma] as const, [', upside down', upsideDown] as const]) {
    // ZXing looks for matrix codes in every direction at once.
    if (turned === upsideDown && folder.startsWith('qrcode')) continue;
    test(`of ${folder}${how} no fewer codes are read than ZXing's own test demands, and none wrongly`, async (t) => {
      const missed: string[] = [];
      const wrong: string[] = [];
      for (const file of pictures) {
        const expected = besides(file, '.txt');
        const effort = { thorough: true, anyItf: true };
        const found = await searchCodes(read, turned(await lumaOfFile(file)), effort);
        const right = found.filter(({ text }) => text === expected);
        if (right.length === 0) missed.push(file);
        if (file !== nested && found.length > right.length) wrong.push(file);
        const result = besides(file, '.result.txt') ?? '';
        const symbology = /^symbologyIdentifier=(.*)$/m.exec(result)?.[1];
        for (const code of right) {
          if (symbology !== undefined) t.is(code.symbology, symbology, file);
          // Other characters come in the character set of the symbol, which may be any.
          if (isAscii(code.text)) t.is(Buffer.from(code.data).toString('latin1'), code.text, file);
        }
      }
      t.true(pictures.length > 4);
      t.deepEqual(wrong, []);
      t.true(pictures.length - missed.length >= least, `missed: ${missed.join(', ')}`);
    });
  }
}

test('nothing is read where nothing is, whichever way the camera hangs and however hard it looks', async (t) => {
  const pictures = files.filter((path) => dirname(path) === 'falsepositives-1');
  t.is(pictures.length, 21);
  for (const file of pictures) {
    const luma = await lumaOfFile(file);
    for (const [picture, thorough] of [
      [luma, true],
      [upsideDown(luma), false],
      [transposed(luma), false],
      [upsideDown(transposed(luma)), true],
    ] as const) {
      t.deepEqual(await searchCodes(read, picture, { thorough, anyItf: true }), [], file);
    }
  }
});
