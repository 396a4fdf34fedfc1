import test from 'ava';
import { embedForEnrolment, mostViews, sampleViews } from '#vision/gallery/views.ts';
import type { Backend } from '#vision/models/backend.ts';
import type { Picture } from '#vision/pictures/picture.ts';
import { Sampler } from '#vision/pictures/sample.ts';

const side = 20;
const dimensions = 8;

/** A picture whose red grows from left to right, and whose green grows from top to bottom. */
function slope(width: number, height: number): Picture {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      data[(y * width + x) * 3] = Math.round((x / (width - 1)) * 250);
      data[(y * width + x) * 3 + 1] = Math.round((y / (height - 1)) * 250);
    }
  }
  return { width, height, format: 'rgb24', stride: width * 3, data };
}

/** Red and green of a view's four corners: left and right of the top row, of the bottom row. */
function corners(pixels: Uint8Array, view: number): number[] {
  const at = (x: number, y: number) => (view * side * side + y * side + x) * 3;
  const places = [at(0, 0), at(side - 1, 0), at(0, side - 1), at(side - 1, side - 1)];
  return places.flatMap((place) => [pixels[place] ?? 0, pixels[place + 1] ?? 0]);
}

/** Says of each picture how red and how green it is, and counts its calls. */
function fakeBackend(embeddingOf: (red: number, green: number) => number[]): Backend & { calls: number } {
  return {
    name: 'onnx-int8',
    side,
    dimensions,
    calls: 0,
    embed(pixels, count) {
      this.calls++;
      const each = side * side * 3;
      const mean = (view: number, channel: number) => {
        let sum = 0;
        for (let i = channel; i < each; i += 3) sum += pixels[view * each + i] ?? 0;
        return sum / (side * side);
      };
      const all = Array.from({ length: count }, (_, view) => embeddingOf(mean(view, 0), mean(view, 1)));
      return Promise.resolve(Float32Array.from(all.flat()));
    },
    close: () => Promise.resolve(),
  };
}

test('views are the region, smaller ones in its middle and corners, and the mirror of each', (t) => {
  const picture = slope(100, 100);
  const region = { left: 0, top: 0, width: 100, height: 100 };
  const pixels = sampleViews(new Sampler(side), picture, region, mostViews);
  t.is(pixels.length, mostViews * side * side * 3);
  for (let view = 0; view < mostViews; view += 2) {
    const [lr, lg, rr, rg, , bg] = corners(pixels, view);
    const [mlr, mlg, mrr, mrg, , mbg] = corners(pixels, view + 1);
    t.deepEqual([mlr, mlg, mrr, mrg, mbg], [rr, rg, lr, lg, bg], `view ${view} and its mirror`);
    t.true((lr ?? 0) < (rr ?? 0) && (lg ?? 0) < (bg ?? 0));
  }
  const [left = 0, , right = 0] = corners(pixels, 0);
  const [innerLeft = 0, , innerRight = 0] = corners(pixels, 2);
  t.true(innerLeft - left > 20 && right - innerRight > 20, 'the middle view leaves the edges out');
  const [, , topRight = 0, top = 0] = corners(pixels, 6);
  t.true(Math.abs(topRight - right) < 5 && top < 10, 'one lies in the upper right corner');
  t.deepEqual(sampleViews(new Sampler(side), picture, region, 1), pixels.slice(0, side * side * 3));
});

test('a picture is enrolled by the mean of its views, of its middle or of a region', async (t) => {
  const backend = fakeBackend((red, green) => [red, green, 0, 0, 0, 0, 0, 0]);
  const wide = slope(300, 100);
  const [red = 0, green = 0, ...rest] = await embedForEnrolment(backend, wide);
  t.is(backend.calls, 1);
  t.true(Math.abs(red - green) <= 2, 'the middle square is as red as it is green');
  t.true(rest.every((value) => value === 0));
  t.true(Math.abs(Math.hypot(red, green) - 127) < 2);
  const [edgeRed = 0, edgeGreen = 0] = await embedForEnrolment(backend, wide, {
    left: 200,
    top: 0,
    width: 100,
    height: 100,
  });
  t.true(edgeRed > edgeGreen + 20, 'the right end is redder');
});

test('a picture that the network sees nothing in is refused', async (t) => {
  const blind = fakeBackend(() => new Array(dimensions).fill(0));
  await t.throwsAsync(embedForEnrolment(blind, slope(50, 50)), { code: 'CW-VIS-017' });
});
