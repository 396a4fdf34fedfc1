import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import sharp from 'sharp';
import { isCoded } from '#base/errors.ts';
import type { FrameReading } from '#readings/readings.ts';
import { decodePicture, readPicture } from '#vision/pictures/decode.ts';
import { isRaw, pictureOf, pictureOfRaw } from '#vision/pictures/frame.ts';

/** 40 × 30 pixels, the left half red, the right half blue. */
const raw = Buffer.alloc(40 * 30 * 3);
for (let at = 0; at < 1200; at++) raw[at * 3 + (at % 40 < 20 ? 0 : 2)] = 255;
const source = () => sharp(raw, { raw: { width: 40, height: 30, channels: 3 } });
const jpeg = await source().jpeg({ quality: 95 }).toBuffer();
const upright = { upright: true };

for (const [name, encoded] of [
  ['JPEG', jpeg],
  ['PNG', await source().png().toBuffer()],
  ['PNG of 16 bits', await source().toColourspace('rgb16').png().toBuffer()],
  ['PNG with transparency', await source().ensureAlpha().png().toBuffer()],
  ['PNG with a palette', await source().png({ palette: true }).toBuffer()],
  ['WebP', await source().webp({ lossless: true }).toBuffer()],
] as const) {
  test(`${name} is decoded to RGB`, async (t) => {
    const { data, ...shape } = await decodePicture(encoded, upright);
    t.deepEqual(shape, { width: 40, height: 30, format: 'rgb24', stride: 120 });
    t.is(data.length, 3600);
    for (const [at, red, blue] of [
      [0, 255, 0],
      [117, 0, 255],
    ] as const) {
      t.true(Math.abs((data[at] ?? 0) - red) < 8 && Math.abs((data[at + 2] ?? 0) - blue) < 8);
    }
  });
}

test('a picture without colours stays grey', async (t) => {
  const { width, height, format, stride, data } = await decodePicture(
    await source().greyscale().jpeg().toBuffer(),
    upright,
  );
  t.deepEqual([width, height, stride], format === 'grey' ? [40, 30, 40] : [40, 30, 120]);
  t.is(data.length, stride * height);
});

test('a file is turned as its orientation says, a frame is not', async (t) => {
  const turned = await source().withMetadata({ orientation: 6 }).jpeg({ quality: 95 }).toBuffer();
  const file = await decodePicture(turned, upright);
  t.deepEqual([file.width, file.height], [30, 40]);
  t.true((file.data[0] ?? 0) > 200 && (file.data[file.data.length - 1] ?? 0) > 200);
  const frame = await decodePicture(turned, { upright: false });
  t.deepEqual([frame.width, frame.height], [40, 30]);
});

/** A JPEG as some webcams send it: without the Huffman tables, which are those of the standard. */
function withoutHuffmanTables(bytes: Buffer): Buffer {
  const parts = [bytes.subarray(0, 2)];
  let at = 2;
  while (bytes[at] === 0xff && bytes[at + 1] !== 0xda) {
    const end = at + 2 + bytes.readUInt16BE(at + 2);
    if (bytes[at + 1] !== 0xc4) parts.push(bytes.subarray(at, end));
    at = end;
  }
  parts.push(bytes.subarray(at));
  return Buffer.concat(parts);
}

test('frames of MJPEG without Huffman tables are decoded', async (t) => {
  const standard = await source().jpeg({ quality: 95, optimiseCoding: false }).toBuffer();
  const bare = withoutHuffmanTables(standard);
  t.true(bare.length < standard.length - 100);
  t.deepEqual(
    (await decodePicture(bare, { upright: false })).data,
    (await decodePicture(standard, { upright: false })).data,
  );
});

for (const [name, bytes, message] of [
  ['nothing', Buffer.alloc(0), /is empty/],
  ['text', Buffer.from('a picture'), /neither JPEG/],
  ['an SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), /neither JPEG/],
  ['a cut JPEG', jpeg.subarray(0, jpeg.length >> 1), /could not be decoded/],
  ['the beginning of a JPEG', jpeg.subarray(0, 4), /could not be decoded/],
  ['a JPEG of no size', withSize(jpeg, 0, 0), /could not be decoded/],
  ['a JPEG that claims 65,000 × 65,000 pixels', withSize(jpeg, 65_000, 65_000), /exceeds pixel limit/],
] as const) {
  test(`${name} is refused with a code`, async (t) => {
    await t.throwsAsync(decodePicture(bytes, { upright: true, name: 'x.jpg' }), {
      code: 'CW-VIS-007',
      message,
    });
  });
}

/** A JPEG whose header claims another size. */
function withSize(bytes: Buffer, width: number, height: number): Buffer {
  const changed = Buffer.from(bytes);
  const at = changed.indexOf(Buffer.from([0xff, 0xc0]));
  changed.writeUInt16BE(height, at + 5);
  changed.writeUInt16BE(width, at + 7);
  return changed;
}

test('a picture damaged anywhere is decoded or refused with a code, never anything else', async (t) => {
  const runs = Math.min(Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 20_000), 500);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat({ max: jpeg.length - 1 }), fc.nat({ max: 255 })), { maxLength: 6 }),
      fc.nat({ max: jpeg.length }),
      async (changes, length) => {
        const damaged = Buffer.from(jpeg.subarray(0, Math.max(length, jpeg.length - 400)));
        for (const [at, value] of changes) if (at < damaged.length) damaged[at] = value;
        try {
          const { width, height, stride, data } = await decodePicture(damaged, { upright: false });
          if (data.length !== stride * height || stride < width) throw new Error('not the size it says');
        } catch (error) {
          if (!isCoded(error) || error.code !== 'CW-VIS-007') throw error;
        }
      },
    ),
    { seed: 7, numRuns: runs },
  );
  t.pass();
});

test('a file is read by its path, and errors name it', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-decode-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const path = join(folder, 'a.jpg');
  await writeFile(path, jpeg);
  t.is((await readPicture(path)).width, 40);
  await t.throwsAsync(readPicture(join(folder, 'b.jpg')), {
    code: 'CW-VIS-007',
    message: /b\.jpg could not be read: no such file/,
  });
  await t.throwsAsync(readPicture(folder), { code: 'CW-VIS-007' });
});

const frame = (changes: Partial<FrameReading>): FrameReading => ({
  kind: 'frame',
  source: 'basket-camera',
  atUs: 1,
  width: 5,
  height: 3,
  format: 'yuv420',
  data: new Uint8Array(27),
  ...changes,
});

test('an uncompressed frame becomes a picture without a copy', async (t) => {
  for (const one of [
    frame({ range: 'full' }),
    frame({ format: 'rgb24', data: new Uint8Array(45) }),
    frame({ format: 'grey', data: new Uint8Array(15) }),
  ]) {
    const picture = await pictureOf(one);
    t.is(picture.data, one.data);
    t.is(picture.range, one.range);
    t.is(picture.stride, one.format === 'rgb24' ? 15 : 5);
  }
});

test('a frame with more, fewer or no bytes, or of no size, is refused', async (t) => {
  for (const changes of [
    { data: new Uint8Array(26) },
    { data: new Uint8Array(28) },
    { data: new Uint8Array() },
    { width: 0 },
    { height: -3 },
    { width: 6 },
    { format: 'rgb24' },
  ] as const) {
    await t.throwsAsync(pictureOf(frame(changes)), { code: 'CW-VIS-008' }, JSON.stringify(changes));
    const raw = frame(changes);
    if (isRaw(raw)) t.throws(() => pictureOfRaw(raw), { code: 'CW-VIS-008' });
  }
});

test('a frame of MJPEG must have the size that the camera was set to', async (t) => {
  const right = frame({ format: 'mjpeg', width: 40, height: 30, data: jpeg });
  t.is((await pictureOf(right)).format, 'rgb24');
  await t.throwsAsync(pictureOf({ ...right, width: 80 }), {
    code: 'CW-VIS-008',
    message: /80 × 30.*40 × 30/,
  });
  await t.throwsAsync(pictureOf({ ...right, data: jpeg.subarray(0, 300) }), { code: 'CW-VIS-007' });
});
