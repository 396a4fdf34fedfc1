import test from 'ava';
import { CodeReader } from '#vision/codes/reader.ts';
import { CodeWatch } from '#vision/codes/watch.ts';
import { Cart, token } from '../pipeline/support.ts';
import { draw, drawModules } from './support/drawn-codes.ts';

/** What a camera named `handle-camera` reads of a code that is held before it for a second, as readings. */
async function shown(text: string, format: 'QRCode' | 'EAN13', atUs: number, reader: CodeReader) {
  const watch = new CodeWatch({ camera: 'handle-camera', reader, purpose: 'codes' });
  const modules = await drawModules(text, format);
  const readings = [];
  for (let n = 0; n < 5; n++) {
    const luma = draw(modules, {
      width: 320,
      height: 240,
      module: 2.4,
      degrees: 4 * n,
      noise: 8,
      seed: n,
      at: { x: 150 + 6 * n, y: 118 },
    });
    const picture = { ...luma, format: 'grey', stride: luma.width } as const;
    const frame = { picture, atUs: atUs + n * 200_000, moved: [], expected: true };
    for (const { data, symbology } of await watch.see(frame)) {
      readings.push({ kind: 'scan', source: 'handle-camera', atUs: frame.atUs, data, symbology } as const);
    }
  }
  return readings;
}

test('a sign-in code and a thing held before the handle camera do what they do before the scanner', async (t) => {
  const reader = new CodeReader();
  const byCamera = new Cart().wait(2);
  const byScanner = new Cart().wait(2).scan(token, ']Q1').wait(1).scan('4006381333931', ']E0');
  for (const [text, format] of [
    [token, 'QRCode'],
    ['4006381333931', 'EAN13'],
  ] as const) {
    const readings = await shown(text, format, byCamera.nowUs + 1, reader);
    t.is(readings.length, 1, 'told once');
    for (const reading of readings) byCamera.give(reading).wait(1);
  }
  await reader.close();

  for (const cart of [byCamera, byScanner]) cart.put(412_300).wait(3);
  const [opened] = byCamera.of('basket.opened');
  t.is(opened?.data.by, 'token');
  t.is(byCamera.pipeline.session, opened?.session);
  const scans = byCamera.of('scan.read').map(({ data }) => data);
  t.deepEqual(
    scans.map(({ source, meaning }) => [source, meaning]),
    [
      ['handle-camera', 'session'],
      ['handle-camera', 'product'],
    ],
  );
  t.deepEqual(
    scans.map((data) => ({ ...data, source: 'handle' })),
    byScanner.of('scan.read').map(({ data }) => data),
  );
  t.deepEqual(
    byCamera.of('item.added').map(({ data }) => [data.gtin, data.count]),
    byScanner.of('item.added').map(({ data }) => [data.gtin, data.count]),
  );
  t.is(byCamera.of('item.added').length, 1);
});
