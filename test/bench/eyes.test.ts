import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { FrameFile, takes } from './eyes/frames.ts';
import { readMemory, together } from './eyes/memory.ts';
import { Basket, placeIn, writeFrames } from './eyes/pictures.ts';
import { lies, movesOf, places, type Side, sides, windowAt } from './eyes/timeline.ts';

const timeline = { windowUs: 20_000_000, everyUs: 2_000_000 };

/** Instants at which something changes on a plate between two others. */
function changes(side: Side, place: number, fromUs: number, untilUs: number): number[] {
  const found: number[] = [];
  let lay = lies(timeline, side, place, fromUs);
  for (let atUs = fromUs; atUs < untilUs; atUs += 10_000) {
    const now = lies(timeline, side, place, atUs);
    if (now !== lay) found.push(atUs);
    lay = now;
  }
  return found;
}

test('plates that a camera sees and plates that none sees are used equally, in windows that take turns', (t) => {
  const from = 40 * timeline.windowUs;
  for (const [index, side] of sides.entries()) {
    for (let place = 0; place < places; place++) {
      const found = changes(side, place, from, from + 2 * timeline.windowUs);
      t.is(found.length, movesOf(timeline));
      t.deepEqual([...new Set(found.map((atUs) => windowAt(timeline, atUs) - 40))], [index]);
      t.false(lies(timeline, side, place, from + (index + 1) * timeline.windowUs - 1));
    }
  }
});

test('no two plates change at the same time', (t) => {
  const all = Array.from({ length: places }, (_, place) => changes('seen', place, 0, 40_000_000)).flat();
  t.is(new Set(all).size, all.length);
  const sorted = all.toSorted((a, b) => a - b);
  const gaps = sorted.slice(1).map((atUs, index) => atUs - (sorted[index] ?? 0));
  t.is(Math.min(...gaps), timeline.everyUs / places);
});

test('a frame of the benchmark differs where a thing lies, and by its noise elsewhere', async (t) => {
  const [width, height] = [320, 180];
  const basket = await Basket.draw(width, height);
  const before = Uint8Array.from(basket.take(() => false));
  const after = Uint8Array.from(basket.take((place) => place === 3));
  t.is(after.length, (width * height * 3) / 2);
  const largest = (place: number) => {
    const [left, top, wide, high] = placeIn({ width, height }, place);
    let most = 0;
    for (let y = top; y < top + high; y++) {
      for (let at = y * width + left; at < y * width + left + wide; at++) {
        most = Math.max(most, Math.abs((before[at] ?? 0) - (after[at] ?? 0)));
      }
    }
    return most;
  };
  for (const place of [0, 1, 2]) {
    t.true(largest(place) <= 4);
    t.true(largest(place) > 0);
  }
  t.true(largest(3) > 40);
});

test('frames come from the file as they were drawn, each way in which things lie by itself', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-frames-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const size = { width: 64, height: 48 };
  const path = join(folder, 'frames.yuv');
  await writeFrames(path, size);
  const [file, basket] = [new FrameFile(path, size), await Basket.draw(size.width, size.height)];
  t.teardown(() => file.close());
  for (const lying of [[], [0], [1, 3], [0, 1, 2, 3]]) {
    for (let take = 0; take < takes; take++) {
      const liesAt = (place: number) => lying.includes(place);
      t.deepEqual(Buffer.from(file.take(liesAt)), Buffer.from(basket.take(liesAt)));
    }
  }
});

test('pages of a file that two processes map count once for both, and what they wrote is their own', (t) => {
  const mapping = (path: string, rss: number, anonymous: number) =>
    `7f00-7f10 r-xp 00000000 fd:00 42 ${path}\nSize: 900 kB\nRss: ${rss} kB\nPss: 1 kB\nAnonymous: ${anonymous} kB\nVmFlags: rd ex`;
  const one = readMemory([mapping('/bin/node', 500, 20), mapping('', 100, 100)].join('\n'));
  const other = readMemory([mapping('/bin/node', 300, 0), mapping('/lib/onnx.so', 40, 4)].join('\n'));
  t.deepEqual([one.rss, one.own, other.rss, other.own], [614_400, 122_880, 348_160, 4_096]);
  t.is(together([one, other]), 1024 * (120 + 4 + 480 + 36));
});
