import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';

/** Bytes that nothing else has: a row of pixels of a picture, and a colour of which it has an area. */
const row = Buffer.from('8f1ec37a55d2094bb6e81d70f3429cae0761d88b2c95e43f', 'hex');
const colour = Buffer.from('c71d93', 'hex');
/** In the comment of a JPEG, which a camera's compressed frame carries along. */
const comment = Buffer.from('cartwright-frame-4f1d7a93e2b8');

/** As they would be if somebody passed pixels on as they are, resized, as text, in hexadecimal or in base64. */
const disguises: readonly (readonly [name: string, bytes: Buffer])[] = [
  ['a row of pixels', row],
  ['an area of one colour', Buffer.concat(Array<Buffer>(8).fill(colour))],
  ['a compressed frame', comment],
].flatMap(([name, bytes]) => {
  const marker = bytes as Buffer;
  const told = (how: string, text: string): [string, Buffer] => [
    `${name as string}, ${how}`,
    Buffer.from(text),
  ];
  return [
    [name as string, marker],
    told('in hexadecimal', marker.toString('hex')),
    told('in upper-case hexadecimal', marker.toString('hex').toUpperCase()),
    told('as a list of numbers', [...marker].join(',')),
    told('as text', marker.toString('latin1')),
    told('as text in JSON', JSON.stringify(marker.toString('latin1')).slice(1, -1)),
    // At each of the three places within four letters; the letters at the ends depend on what is around.
    ...[0, 1, 2].map((shift) =>
      told(
        'in base64',
        Buffer.concat([Buffer.alloc(shift), marker])
          .toString('base64')
          .slice(4, -4),
      ),
    ),
  ] as [string, Buffer][];
});

/** Which traces of a marked frame are in some bytes. */
export function tracesIn(bytes: Uint8Array): string[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return disguises.filter(([, disguise]) => buffer.includes(disguise)).map(([name]) => name);
}

/** Files below a folder that hold traces of a marked frame: `path: what`. A file that vanishes meanwhile is skipped. */
export async function tracesBelow(folder: string, except: readonly string[] = []): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const found: string[] = [];
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || except.some((one) => path.startsWith(one))) continue;
    const bytes = await readFile(path).catch(() => Buffer.alloc(0));
    for (const what of tracesIn(bytes)) found.push(`${path}: ${what}`);
  }
  return found;
}

const width = 320;
const height = 240;

/**
 * Pictures of a basket without and with a marked thing: `empty.png`, `thing.png` and the same as JPEG with a marked
 * comment.
 */
export async function writeMarkedPictures(folder: string): Promise<void> {
  const pixels = Buffer.alloc(width * height * 3);
  for (let at = 0; at < width * height; at++) {
    const tile = (Math.floor((at % width) / 24) + Math.floor(at / width / 24)) % 2;
    pixels.fill(110 + 50 * tile + ((at * 7) % 5), at * 3, at * 3 + 3);
  }
  const raw = { raw: { width, height, channels: 3 as const } };
  const write = async (name: string) => {
    await sharp(pixels, raw)
      .png()
      .toFile(join(folder, `${name}.png`));
    const jpeg = await sharp(pixels, raw).jpeg().toBuffer();
    const length = Buffer.from([0xff, 0xfe, 0, comment.length + 2]);
    const marked = Buffer.concat([jpeg.subarray(0, 2), length, comment, jpeg.subarray(2)]);
    await writeFile(join(folder, `${name}.jpg`), marked);
  };
  await write('empty');
  for (let y = 80; y < 180; y++) {
    for (let x = 100; x < 230; x++) pixels.set(colour, (y * width + x) * 3);
    // Rows above and below the area of one colour.
    if (y < 100 || y > 160) for (let x = 110; x < 210; x += 8) pixels.set(row, (y * width + x) * 3);
  }
  await write('thing');
}
