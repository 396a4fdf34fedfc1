import test from 'ava';
import fc from 'fast-check';
import type { FrameContent } from '#drivers/camera/camera-device.ts';
import { findStart, measureJpeg } from '#drivers/camera/jpeg.ts';
import { rawFormats, unpackerFor, yuv420Bytes } from '#drivers/camera/pixels.ts';
import { JpegSplitter, RawSplitter, type Splitter, type SplitterSink } from '#drivers/camera/splitters.ts';
import { findReadingFault } from '#drivers/virtual/conformance/reading-check.ts';
import { jpegMarkers } from '#drivers/virtual/peers/test-picture.ts';
import { fuzzRuns } from './sensor-support.ts';

function bytesOf(content: FrameContent): Buffer {
  if ('data' in content) return Buffer.from(content.data);
  const bytes = Buffer.alloc(content.assembly.bytes);
  content.assembly.copyTo(bytes);
  return bytes;
}

class Seen implements SplitterSink {
  readonly frames: { readonly data: string; readonly atUs: number; readonly size: string }[] = [];
  readonly damage: string[] = [];

  frame(
    content: FrameContent,
    atUs: number,
    { width, height }: { readonly width: number; readonly height: number },
  ) {
    this.frames.push({ data: bytesOf(content).toString('hex'), atUs, size: `${width}x${height}` });
  }

  damaged(why: string) {
    this.damage.push(why);
  }
}

/** Feeds bytes in pieces of these lengths, in turn; the time is the number of the piece. */
function feed(splitter: Splitter, bytes: Uint8Array, lengths: readonly number[]): void {
  let at = 0;
  for (let piece = 0; at < bytes.length; piece++) {
    const length = Math.max(1, lengths[piece % Math.max(1, lengths.length)] ?? 1);
    splitter.push(bytes.subarray(at, at + length), piece);
    at += length;
  }
}

const pieces = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 8 });
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

test('raw frames come out as they went in, however the stream is cut', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 300 }),
      fc.uint8Array({ maxLength: 2_000 }),
      pieces,
      (frameBytes, bytes, lengths) => {
        const seen = new Seen();
        const splitter = new RawSplitter({ width: 1, height: 1 }, frameBytes, seen);
        feed(splitter, bytes, lengths);
        const whole = Math.floor(bytes.length / frameBytes);
        const expected = Array.from({ length: whole }, (_, i) =>
          hex(bytes.subarray(i * frameBytes, (i + 1) * frameBytes)),
        );
        return (
          JSON.stringify(seen.frames.map(({ data }) => data)) === JSON.stringify(expected) &&
          splitter.isBetween === (bytes.length % frameBytes === 0)
        );
      },
    ),
    { numRuns: fuzzRuns / 4, seed: 1 },
  );
  t.pass();
});

test('a frame is stamped with the arrival of its first byte', (t) => {
  const seen = new Seen();
  const splitter = new RawSplitter({ width: 2, height: 2 }, 6, seen);
  splitter.push(new Uint8Array(4), 100);
  splitter.push(new Uint8Array(4), 200);
  splitter.push(new Uint8Array(4), 300);
  t.deepEqual(
    seen.frames.map(({ atUs }) => atUs),
    [100, 200],
  );
  t.throws(() => new RawSplitter({ width: 0, height: 0 }, 0, seen), { instanceOf: RangeError });
});

test('a raw frame is lent as the bytes that came, which nobody copies before it is taken', (t) => {
  const lent: FrameContent[] = [];
  const splitter = new RawSplitter({ width: 1, height: 1 }, 4, {
    frame: (content) => lent.push(content),
    damaged: () => {},
  });
  const piece = Uint8Array.of(1, 2, 3);
  splitter.push(piece, 0);
  splitter.push(Uint8Array.of(4, 5), 0);
  piece[0] = 9;
  t.deepEqual(
    lent.map((content) => [...bytesOf(content)]),
    [[9, 2, 3, 4]],
  );
});

test('a raw frame that comes in crumbs does not cost more memory than it has bytes', (t) => {
  const frameBytes = 20_000;
  const seen = new Seen();
  const splitter = new RawSplitter({ width: 1, height: 1 }, frameBytes, seen);
  const bytes = Uint8Array.from({ length: 2 * frameBytes }, (_, i) => i * 7);
  feed(splitter, bytes, [1, 2, 3]);
  t.deepEqual(
    seen.frames.map(({ data }) => data),
    [hex(bytes.subarray(0, frameBytes)), hex(bytes.subarray(frameBytes))],
  );
});

test('a JPEG that is lent stays as it is while the next one is filled', (t) => {
  const lent: FrameContent[] = [];
  const splitter = new JpegSplitter(1_000, { frame: (content) => lent.push(content), damaged: () => {} });
  const [first, second] = [jpegMarkers(64, 48, 1), jpegMarkers(64, 48, 2)];
  splitter.push(Buffer.concat([first, second.subarray(0, 50)]), 0);
  splitter.push(second.subarray(50, -1), 1);
  const [content] = lent;
  t.is(content === undefined ? '' : hex(bytesOf(content)), hex(first));
  splitter.push(second.subarray(-1), 2);
  t.is(lent[1] === undefined ? '' : hex(bytesOf(lent[1])), hex(second));
});

test('JPEGs come out as they went in, however the stream is cut', (t) => {
  const sizes = fc.record({
    width: fc.integer({ min: 1, max: 5_000 }),
    height: fc.integer({ min: 1, max: 5_000 }),
    scanBytes: fc.integer({ min: 0, max: 400 }),
  });
  fc.assert(
    fc.property(fc.array(sizes, { maxLength: 5 }), pieces, (pictures, lengths) => {
      const seen = new Seen();
      const all = pictures.map(({ width, height, scanBytes }, i) => jpegMarkers(width, height, i, scanBytes));
      feed(new JpegSplitter(1_000, seen), Buffer.concat(all), lengths);
      return (
        seen.damage.length === 0 &&
        JSON.stringify(seen.frames.map(({ data }) => data)) === JSON.stringify(all.map(hex)) &&
        seen.frames.every(({ size }, i) => size === `${pictures[i]?.width}x${pictures[i]?.height}`)
      );
    }),
    { numRuns: fuzzRuns / 4, seed: 2 },
  );
  t.pass();
});

test('after noise among JPEGs the next whole one is found, and the damage is told', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 500 }), pieces, (noise, lengths) => {
      const seen = new Seen();
      const [before, after] = [jpegMarkers(64, 48, 1), jpegMarkers(64, 48, 2)];
      // Noise may look like the beginning of a picture that swallows the next one, so there are more.
      const filler = Array.from({ length: 8 }, () => after);
      feed(new JpegSplitter(1_000, seen), Buffer.concat([before, noise, ...filler]), lengths);
      const found = seen.frames.map(({ data }) => data);
      return found[0] === hex(before) && found.includes(hex(after)) && seen.damage.length > 0;
    }),
    { numRuns: fuzzRuns, seed: 3 },
  );
  t.pass();
});

test('no bytes whatever make a splitter fail, or give frames that are no JPEG', (t) => {
  // Bytes that mean something are drawn more often.
  const byte = fc.oneof(
    fc.constantFrom(0xff, 0xff, 0xd8, 0xd9, 0xda, 0xc0, 0xe0, 0x00, 0x02),
    fc.integer({ min: 0, max: 255 }),
  );
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 600 }), pieces, (bytes, lengths) => {
      const seen = new Seen();
      feed(new JpegSplitter(300, seen), Uint8Array.from(bytes), lengths);
      return seen.frames.every(({ data, size }) => {
        const measured = measureJpeg(Buffer.from(data, 'hex'));
        return !('why' in measured) && `${measured.width}x${measured.height}` === size;
      });
    }),
    { numRuns: fuzzRuns, seed: 4 },
  );
  t.pass();
});

test('a picture that is cut off gives way to the next one, with the size of that', (t) => {
  const seen = new Seen();
  const splitter = new JpegSplitter(2_000, seen);
  splitter.push(jpegMarkers(640, 480, 1).subarray(0, 120), 1);
  splitter.push(jpegMarkers(320, 240, 2), 2);
  t.deepEqual(
    seen.frames.map(({ size, atUs }) => [size, atUs]),
    [['320x240', 2]],
  );
  t.deepEqual(seen.damage, ['it is cut off, and the next one follows']);
});

test('a picture that never ends is dropped at the limit, and those after it are seen', (t) => {
  const seen = new Seen();
  const splitter = new JpegSplitter(500, seen);
  splitter.push(jpegMarkers(64, 48, 1, 5_000), 1);
  for (let i = 0; i < 3; i++) splitter.push(jpegMarkers(64, 48, 2), 2 + i);
  t.is(seen.damage[0], 'it is bigger than any of this camera');
  t.is(seen.frames.length, 3);
});

test('a thumbnail within a picture is not taken for a picture', (t) => {
  const thumbnail = jpegMarkers(16, 16, 9, 20);
  const outer = jpegMarkers(640, 480, 1);
  const segment = Uint8Array.of(0xff, 0xe1, 0, thumbnail.length + 2, ...thumbnail);
  const picture = Buffer.concat([outer.subarray(0, 2), segment, outer.subarray(2)]);
  const seen = new Seen();
  feed(new JpegSplitter(2_000, seen), Buffer.concat([picture, picture]), [7]);
  t.deepEqual(
    seen.frames.map(({ size }) => size),
    ['640x480', '640x480'],
  );
  t.deepEqual(seen.damage, []);
});

test('what is wrong with a JPEG is said', (t) => {
  const good = jpegMarkers(64, 48, 1);
  const why = (bytes: Uint8Array) => {
    const measured = measureJpeg(bytes);
    return 'why' in measured ? measured.why : `${measured.width}x${measured.height}`;
  };
  t.is(why(good), '64x48');
  t.is(why(jpegMarkers(0, 48, 1)), 'its size is zero');
  t.is(why(new Uint8Array()), 'it does not begin as a JPEG');
  t.is(why(good.subarray(1)), 'it does not begin as a JPEG');
  t.is(why(good.subarray(0, -2)), 'it is cut off');
  t.is(why(Uint8Array.of(0xff, 0xd8, 0xff, 0xd9)), 'it ends before its picture');
  t.is(why(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 1)), 'it has a segment without a length');
  t.is(why(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 2, 7, 7)), 'it has bytes where a marker should be');
  t.is(why(Uint8Array.of(0xff, 0xd8, 0xff, 0xda, 0, 2)), 'its picture comes before its size');
  // What a camera pads its buffer with is left out.
  const padded = measureJpeg(Buffer.concat([good, new Uint8Array(50)]));
  t.is('why' in padded ? 0 : padded.data.length, good.length);
  t.is(findStart(Uint8Array.of(1, 0xff, 0xd8), 0), -1);
});

test('whatever the stride, a frame has its pixels and none of the padding', (t) => {
  const shape = fc.record({
    pixelFormat: fc.constantFrom(...rawFormats),
    width: fc.integer({ min: 1, max: 20 }).map((half) => half * 2),
    height: fc.integer({ min: 1, max: 12 }).map((half) => half * 2),
    padding: fc.constantFrom(0, 2, 32),
  });
  fc.assert(
    fc.property(shape, ({ pixelFormat, width, height, padding }) => {
      const pixelBytes = { YUYV: 2, RGB3: 3, YU12: 1, NV12: 1, GREY: 1 }[pixelFormat];
      const bytesPerLine = width * pixelBytes + padding;
      const unpacker = unpackerFor({ pixelFormat, width, height, bytesPerLine, range: 'limited' });
      if (unpacker === undefined) return false;
      const isPlanar = pixelFormat === 'YU12' || pixelFormat === 'NV12';
      const camera = new Uint8Array(bytesPerLine * height * (isPlanar ? 1.5 : 1)).fill(0xee);
      // Pixels are 1, padding is 0xee.
      const rows = isPlanar ? height * 1.5 : height;
      const chromaHalf = pixelFormat === 'YU12';
      for (let row = 0; row < rows; row++) {
        if (chromaHalf && row >= height) {
          const half = bytesPerLine / 2;
          for (let part = 0; part < 2; part++) {
            const from = bytesPerLine * height + ((row - height) * 2 + part) * half;
            camera.fill(1, from, from + width / 2);
          }
        } else camera.fill(1, row * bytesPerLine, row * bytesPerLine + width * pixelBytes);
      }
      const data = new Uint8Array(unpacker.bytes);
      unpacker.unpack(camera, data);
      const bytes = {
        grey: width * height,
        rgb24: 3 * width * height,
        yuv420: yuv420Bytes(width, height),
        mjpeg: -1,
      };
      if (data.length !== bytes[unpacker.shape.format] || unpacker.cameraBytes > camera.length) return false;
      t.throws(() => unpacker.unpack(camera.subarray(0, unpacker.cameraBytes - 1), data));
      return data.every((value) => value === 1);
    }),
    { numRuns: fuzzRuns / 10, seed: 5 },
  );
  t.pass();
});

test('YUYV becomes planes, with the colour of two rows averaged', (t) => {
  const unpacked = (layout: Parameters<typeof unpackerFor>[0], ...camera: number[]) => {
    const unpacker = unpackerFor(layout);
    const data = new Uint8Array(unpacker?.bytes ?? 0);
    unpacker?.unpack(Uint8Array.from(camera), data);
    return [unpacker?.shape.range, ...data];
  };
  const yuyv = { pixelFormat: 'YUYV', width: 2, height: 2, bytesPerLine: 4, range: 'full' } as const;
  t.deepEqual(unpacked(yuyv, 10, 100, 20, 200, 30, 103, 40, 210), ['full', 10, 20, 30, 40, 102, 205]);
  t.deepEqual(
    unpacked({ ...yuyv, height: 3 }, 1, 10, 2, 20, 3, 12, 4, 22, 5, 14, 6, 24),
    ['full', 1, 2, 3, 4, 5, 6, 11, 14, 21, 24],
    'a last row alone has its own colour',
  );
  const nv12 = { pixelFormat: 'NV12', width: 2, height: 2, bytesPerLine: 2, range: 'limited' } as const;
  t.deepEqual(unpacked(nv12, 1, 2, 3, 4, 5, 6), ['limited', 1, 2, 3, 4, 5, 6]);
});

test('rows that are closer than they are long are refused', (t) => {
  for (const pixelFormat of rawFormats) {
    t.is(unpackerFor({ pixelFormat, width: 64, height: 4, bytesPerLine: 62, range: 'limited' }), undefined);
  }
  t.is(
    unpackerFor({ pixelFormat: 'H264', width: 64, height: 4, bytesPerLine: 64, range: 'limited' }),
    undefined,
  );
});

test('the conformance suite finds frames that have not the bytes of their size', (t) => {
  const frame = { kind: 'frame', source: 'camera', atUs: 1, width: 5, height: 3 } as const;
  const fault = (format: 'yuv420' | 'rgb24' | 'grey' | 'mjpeg', data: Uint8Array) =>
    findReadingFault({ ...frame, format, data });
  const sizes = { yuv420: 5 * 3 + 2 * 3 * 2, rgb24: 45, grey: 15 } as const;
  for (const format of ['yuv420', 'rgb24', 'grey'] as const) {
    t.is(fault(format, new Uint8Array(sizes[format])), undefined);
    t.regex(fault(format, new Uint8Array(sizes[format] + 1)) ?? '', /bytes; 5 × 3 pixels of/);
  }
  t.is(fault('mjpeg', jpegMarkers(5, 3, 1)), undefined);
  t.regex(fault('mjpeg', jpegMarkers(5, 3, 1).subarray(0, -1)) ?? '', /not one whole JPEG/);
  t.regex(fault('grey', new Uint8Array()) ?? '', /empty/);
  t.regex(findReadingFault({ ...frame, width: 0, format: 'grey', data: Uint8Array.of(1) }) ?? '', /width/);
});
