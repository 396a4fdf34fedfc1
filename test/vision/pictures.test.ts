import { readFile } from 'node:fs/promises';
import test from 'ava';
import fc from 'fast-check';
import { assertPicture, bytesOf, middleSquare } from '#vision/pictures/layout.ts';
import type { Picture, Region } from '#vision/pictures/picture.ts';
import { Sampler } from '#vision/pictures/sample.ts';
import { compileWat, wasmModule } from '../../scripts/lib/wasm.ts';
import { pillowSamples } from './pillow-samples.ts';

const runs = Math.min(Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 20_000), 2_000);

function empty(format: Picture['format'], width: number, height: number, padding = 0): Picture {
  const stride = (format === 'rgb24' ? width * 3 : width) + padding;
  const shape = { format, width, height, stride };
  return { ...shape, data: new Uint8Array(bytesOf(shape)) };
}

/** A picture with something different everywhere; `padding` bytes behind each row that must never be seen. */
function pattern(width: number, height: number, padding = 0): Picture {
  const picture = empty('rgb24', width, height, padding);
  picture.data.fill(255);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        picture.data[y * picture.stride + x * 3 + c] = (x * 7 + y * 13 + c * 50 + ((x * y) % 31)) % 256;
      }
    }
  }
  return picture;
}

function sampled(picture: Picture, region: Region, side: number): Uint8Array {
  const into = new Uint8Array(side * side * 3);
  new Sampler(side).sample(picture, region, into);
  return into;
}

const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));
const worst = (a: Uint8Array, b: Uint8Array) =>
  a.reduce((most, value, at) => Math.max(most, Math.abs(value - (b[at] ?? 1000))), 0);

test('a region of a picture looks as in training, reduced, enlarged and cut between pixels', (t) => {
  for (const { region, rgb } of pillowSamples) {
    t.true(worst(sampled(pattern(97, 61), region, 16), bytes(rgb)) <= 1);
  }
});

/** The triangle filter as its definition says it, in floats: weights of source values for one of `count` values. */
function triangle(
  value: number,
  count: number,
  origin: number,
  extent: number,
  size: number,
): Map<number, number> {
  const scale = extent / count;
  const support = Math.max(1, scale);
  const centre = origin + (value + 0.5) * scale;
  const weights = new Map<number, number>();
  let sum = 0;
  for (let at = Math.floor(centre - support) - 1; at <= Math.ceil(centre + support); at++) {
    const weight = Math.max(0, 1 - Math.abs(at + 0.5 - centre) / support);
    if (at >= 0 && at < size && weight > 0) {
      weights.set(at, weight);
      sum += weight;
    }
  }
  if (sum === 0) return new Map([[centre < 0 ? 0 : size - 1, 1]]);
  return new Map([...weights].map(([at, weight]) => [at, weight / sum]));
}

/** The same as `sampled` for `grey` and `rgb24`, slowly. */
function reference({ width, height, format, stride, data }: Picture, region: Region, side: number): number[] {
  const channels = format === 'rgb24' ? 3 : 1;
  const columns = Array.from({ length: side }, (_, x) => triangle(x, side, region.left, region.width, width));
  const rows = Array.from({ length: side }, (_, y) => triangle(y, side, region.top, region.height, height));
  return rows.flatMap((row) =>
    columns.flatMap((column) =>
      [0, 1, 2].map((channel) => {
        let sum = 0;
        for (const [y, down] of row) {
          for (const [x, across] of column) {
            sum += down * across * (data[y * stride + x * channels + (channel % channels)] ?? 0);
          }
        }
        return sum;
      }),
    ),
  );
}

function farthest(a: Uint8Array, b: readonly number[]): number {
  return a.reduce((most, value, at) => Math.max(most, Math.abs(value - (b[at] ?? 1000))), 0);
}

function noise(picture: Picture, seed: number): Picture {
  let state = seed;
  for (let at = 0; at < picture.data.length; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    picture.data[at] = state >>> 24;
  }
  return picture;
}

test('any region of any picture is what the definition of the filter gives', (t) => {
  const samplers = [new Sampler(3), new Sampler(8), new Sampler(13)];
  const real = (min: number, max: number) => fc.double({ min, max, noNaN: true });
  fc.assert(
    fc.property(
      fc.record({ width: fc.integer({ min: 1, max: 90 }), height: fc.integer({ min: 1, max: 60 }) }),
      fc.constantFrom<Picture['format']>('rgb24', 'grey'),
      fc.nat({ max: 40 }),
      fc.tuple(real(-0.5, 0.99), real(-0.5, 0.99), real(0.51, 1.5), real(0.51, 1.5)),
      fc.nat(),
      fc.constantFrom(...samplers),
      ({ width, height }, format, padding, [x, y, w, h], seed, sampler) => {
        const picture = noise(empty(format, width, height, padding), seed);
        const region = { left: x * width, top: y * height, width: w * width, height: h * height };
        const into = new Uint8Array(sampler.side ** 2 * 3);
        sampler.sample(picture, region, into);
        const off = farthest(into, reference(picture, region, sampler.side));
        // Half a unit of rounding, and 14 bits of weights.
        if (off > 0.75) throw new Error(`${off} off`);
      },
    ),
    { seed: 9, numRuns: Math.min(runs, 600) },
  );
  t.pass();
});

test('a picture larger than what is worked on at a time is seen as a whole', (t) => {
  const picture = noise(empty('rgb24', 2400, 1900, 5), 1);
  const region = { left: 10.5, top: 3, width: 2370, height: 1890 };
  t.true(farthest(sampled(picture, region, 7), reference(picture, region, 7)) <= 0.75);
  const part = { left: 1000, top: 3, width: 900, height: 1890 };
  t.true(farthest(sampled(picture, part, 21), reference(picture, part, 21)) <= 0.75);
});

test('what runs is compiled from the text that is there', async (t) => {
  const room = new URL('../../src/vision/pictures/', import.meta.url);
  const compiled = await compileWat('sampling.wat', await readFile(new URL('sampling.wat', room), 'utf8'));
  const expected = wasmModule('sampling.wat', compiled);
  t.is(await readFile(new URL('generated/sampling.ts', room), 'utf8'), expected);
});

test('what pads rows is never seen', (t) => {
  const region = middleSquare({ width: 97, height: 61 });
  t.deepEqual(sampled(pattern(97, 61, 13), region, 16), sampled(pattern(97, 61), region, 16));
});

test('a square of the size asked for comes out as it is', (t) => {
  const picture = pattern(24, 24);
  t.deepEqual(sampled(picture, middleSquare(picture), 24), picture.data);
});

test('an even colour stays itself whatever the region, inside or over the edge', (t) => {
  const sampler = new Sampler(17);
  const into = new Uint8Array(17 * 17 * 3);
  const real = (min: number, max: number) => fc.double({ min, max, noNaN: true });
  fc.assert(
    fc.property(
      fc.record({ width: fc.integer({ min: 1, max: 70 }), height: fc.integer({ min: 1, max: 70 }) }),
      fc.constantFrom<Picture['format']>('rgb24', 'grey', 'yuv420'),
      fc.nat({ max: 9 }),
      fc.tuple(real(-0.99, 0.99), real(-0.99, 0.99), real(0.05, 2), real(0.05, 2)),
      fc.nat({ max: 255 }),
      ({ width, height }, format, padding, [x, y, w, h], value) => {
        const picture = { ...empty(format, width, height, padding), range: 'full' as const };
        picture.data.fill(value);
        if (format === 'yuv420') picture.data.fill(128, picture.stride * height);
        const region = { left: x * width, top: y * height, width: w * width, height: h * height };
        const shows = region.left + region.width > 0 && region.top + region.height > 0;
        if (!shows) return;
        sampler.sample(picture, region, into);
        for (const one of into) if (one !== value) throw new Error(`${one} in place of ${value}`);
      },
    ),
    { seed: 4, numRuns: runs },
  );
  t.pass();
});

test('beyond the edge of a picture its last pixels go on', (t) => {
  const picture = empty('grey', 4, 4);
  picture.data.set([10, 20, 30, 40, 10, 20, 30, 40, 10, 20, 30, 40, 10, 20, 30, 40]);
  const rgb = sampled(picture, { left: -4, top: -4, width: 12, height: 12 }, 12);
  const greys = Array.from({ length: 12 }, (_, x) => rgb[x * 3]);
  t.deepEqual(greys, [10, 10, 10, 10, 10, 20, 30, 40, 40, 40, 40, 40]);
});

test('grey and colour are sampled alike', (t) => {
  const grey = empty('grey', 41, 33);
  const colour = empty('rgb24', 41, 33);
  for (let at = 0; at < grey.data.length; at++) {
    grey.data[at] = (at * 97) % 251;
    colour.data.fill((at * 97) % 251, at * 3, at * 3 + 3);
  }
  const region = { left: 3.5, top: 1, width: 30, height: 29 };
  t.deepEqual(sampled(grey, region, 19), sampled(colour, region, 19));
});

/** One colour in a yuv420 picture. */
function yuv(y: number, u: number, v: number, range?: 'limited' | 'full'): Picture {
  const picture = { ...empty('yuv420', 5, 3), range };
  picture.data.fill(y, 0, 15);
  picture.data.fill(u, 15, 21);
  picture.data.fill(v, 21, 27);
  return picture;
}

// Computed from the definitions in ITU-R BT.601-7, 2.5.
for (const [name, picture, expected] of [
  ['black of video', yuv(16, 128, 128), [0, 0, 0]],
  ['white of video', yuv(235, 128, 128), [255, 255, 255]],
  ['red of video', yuv(81, 90, 240), [254, 0, 0]],
  ['green of video', yuv(145, 54, 34), [0, 255, 1]],
  ['blue of video', yuv(41, 240, 110), [0, 0, 255]],
  ['below black', yuv(0, 128, 128), [0, 0, 0]],
  ['black of JPEG', yuv(0, 128, 128, 'full'), [0, 0, 0]],
  ['white of JPEG', yuv(255, 128, 128, 'full'), [255, 255, 255]],
  ['red of JPEG', yuv(76, 85, 255, 'full'), [254, 0, 0]],
] as const) {
  test(`${name} has its colour`, (t) => {
    const rgb = sampled(picture, { left: 0, top: 0, width: 5, height: 3 }, 7);
    t.true(worst(rgb.subarray(0, 3), new Uint8Array(expected)) <= 1, `${rgb.subarray(0, 3)}`);
    t.deepEqual(rgb.subarray(144, 147), rgb.subarray(0, 3));
  });
}

test('a yuv420 picture is sampled where its colours lie, odd sizes and padded rows too', (t) => {
  // Left half red, right half blue, in every plane with its own geometry.
  for (const padding of [0, 1, 7]) {
    const width = 21;
    const height = 13;
    const picture = empty('yuv420', width, height, padding);
    const stride = Math.ceil(picture.stride / 2);
    const plane = picture.stride * height;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) picture.data[y * picture.stride + x] = x < 10 ? 81 : 41;
    }
    for (let y = 0; y < 7; y++) {
      for (let x = 0; x < 11; x++) {
        picture.data[plane + y * stride + x] = x < 5 ? 90 : 240;
        const at = plane + stride * 7 + y * stride + x;
        if (at < picture.data.length) picture.data[at] = x < 5 ? 240 : 110;
      }
    }
    const rgb = sampled(picture, { left: 0, top: 0, width: 20, height: 12 }, 10);
    t.true(worst(rgb.subarray(0, 3), new Uint8Array([254, 0, 0])) <= 1);
    t.true(worst(rgb.subarray(297, 300), new Uint8Array([0, 0, 255])) <= 1);
    t.true(worst(rgb.subarray(270, 273), new Uint8Array([254, 0, 0])) <= 1);
  }
});

test('a picture whose size, stride and bytes do not fit is refused, and nothing is read beyond it', (t) => {
  const fits = empty('yuv420', 5, 3);
  for (const change of [
    { width: 0 },
    { height: 0 },
    { width: -5 },
    { width: 2.5 },
    { width: Number.NaN },
    { height: Number.POSITIVE_INFINITY },
    { stride: 4 },
    { stride: 6 },
    { stride: Number.NaN },
    { height: 4 },
    { width: 60_000, height: 60_000, stride: 60_000 },
    { width: 1, height: 65_536, stride: 1, data: new Uint8Array(200_000) },
    { format: 'rgb24' as const },
    { data: fits.data.subarray(1) },
    { data: new Uint8Array() },
  ]) {
    t.throws(() => assertPicture({ ...fits, ...change }), { code: 'CW-VIS-008' }, JSON.stringify(change));
  }
  t.notThrows(() => assertPicture(fits));
});

test('a region that shows nothing of the picture is refused', (t) => {
  const picture = pattern(30, 20);
  for (const region of [
    { left: 30, top: 0, width: 5, height: 5 },
    { left: 0, top: -5, width: 5, height: 5 },
    { left: 0, top: 0, width: 0, height: 5 },
    { left: 0, top: 0, width: 5, height: -5 },
    { left: Number.NaN, top: 0, width: 5, height: 5 },
    { left: 0, top: 0, width: Number.POSITIVE_INFINITY, height: 5 },
  ]) {
    t.throws(() => sampled(picture, region, 8), { code: 'CW-VIS-008' });
  }
});

test('a sample that does not fit into the buffer is an error of the caller', (t) => {
  const sampler = new Sampler(8);
  const picture = pattern(30, 20);
  t.throws(() => sampler.sample(picture, middleSquare(picture), new Uint8Array(192), 1), {
    instanceOf: RangeError,
  });
});

test('samples follow each other in a buffer without touching the rest', (t) => {
  const sampler = new Sampler(8);
  const picture = pattern(30, 20);
  const into = new Uint8Array(192 * 3).fill(7);
  sampler.sample(picture, middleSquare(picture), into, 192);
  t.deepEqual(into.subarray(192, 384), sampled(picture, middleSquare(picture), 8));
  t.true(into.subarray(0, 192).every((one) => one === 7) && into.subarray(384).every((one) => one === 7));
});
