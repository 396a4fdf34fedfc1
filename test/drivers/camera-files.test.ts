import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import sharp from 'sharp';
import { silentLogger } from '#base/log.ts';
import { files } from '#drivers/camera/files.ts';
import type { Driver } from '#drivers/driver.ts';
import { createSystemPorts } from '#drivers/ports/system.ts';
import { parseDriverOptions } from '#drivers/registry.ts';
import { PeerPorts, type ProgramWire } from '#drivers/virtual/peer-ports.ts';
import { jpegMarkers } from '#drivers/virtual/peers/test-picture.ts';
import { SensorTrial } from './sensor-support.ts';

const test = anyTest as TestFn<{ folder: string }>;
const driver = files as Driver;
const second = 1_000_000;

test.beforeEach(async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-pictures-'));
  t.context = { folder };
  // Widths tell which picture it is; names sort as people count.
  for (const number of [1, 2, 10]) await writeFile(join(folder, `${number}.jpg`), jpegMarkers(number, 8, 0));
  await writeFile(join(folder, 'notes.txt'), 'no picture');
});
test.afterEach.always((t) => rm(t.context.folder, { recursive: true, force: true }));

async function running(options: object): Promise<SensorTrial> {
  const trial = new SensorTrial();
  const ports = createSystemPorts({ clock: trial.clock, log: silentLogger, buses: new Map() });
  return trial.running(driver, { framesPerSecond: 10, ...options }, ports, 'basket-camera');
}
const widths = (trial: SensorTrial) => trial.of('frame').map(({ width }) => width);

test('pictures of a folder follow each other as people count, again and again', async (t) => {
  const trial = await running({ folder: t.context.folder });
  await trial.pass(0.65 * second);
  t.deepEqual(widths(trial), [1, 2, 10, 1, 2, 10, 1]);
  const [first] = trial.readings;
  t.deepEqual(
    trial.readings.map(({ atUs }) => atUs - (first?.atUs ?? 0)),
    [0, 100_000, 200_000, 300_000, 400_000, 500_000, 600_000],
  );
  await trial.device.stop();
  t.is(trial.clock.nextDueUs, undefined);
});

test('timers that come a little early, as real ones do, show each picture all the same', async (t) => {
  const trial = new SensorTrial();
  const { clock } = trial;
  const early = {
    nowUs: () => clock.nowUs(),
    utcMs: () => clock.utcMs(),
    after: (delayUs: number, action: () => void) => clock.after(Math.max(0, delayUs - 70), action),
  };
  const ports = createSystemPorts({ clock: early, log: silentLogger, buses: new Map() });
  const options = parseDriverOptions(driver, { folder: t.context.folder, framesPerSecond: 2 }, 'camera');
  const context = { id: 'camera', clock: early, log: silentLogger, buses: new Map(), ports };
  const device = await trial.settle(driver.open(options, context));
  await trial.settle(device.start((reading) => trial.readings.push(reading)));
  await trial.pass(2.8 * second);
  t.deepEqual(widths(trial), [1, 2, 10, 1, 2, 10]);
  t.true(trial.readings.every(({ atUs }) => atUs <= clock.nowUs()));
  await device.stop();
});

test('each picture may stay, and the last one for good', async (t) => {
  const { folder } = t.context;
  const list = ['10.jpg', '2.jpg'].map((name) => join(folder, name));
  const trial = await running({ files: list, everyMs: 300, loop: false });
  await trial.pass(0.95 * second);
  t.deepEqual(widths(trial), [10, 10, 10, 2, 2, 2, 2, 2, 2, 2]);
  await trial.device.stop();
});

test('scheduled pictures are shown from their time on', async (t) => {
  const { folder } = t.context;
  const trial = await running({
    schedule: [
      { atMs: 100, file: join(folder, '1.jpg') },
      { atMs: 250, file: join(folder, '2.jpg') },
      { atMs: 500, file: join(folder, '10.jpg') },
    ],
  });
  await trial.pass(0.75 * second);
  t.deepEqual(widths(trial), [1, 1, 1, 2, 2, 10, 10, 10]);
  await trial.device.stop();
});

test('a picture can be chosen by a call', async (t) => {
  const trial = await running({ folder: t.context.folder });
  await trial.pass(0.05 * second);
  await trial.settle(trial.device.call?.('show', { picture: 2 }) ?? Promise.reject());
  await trial.pass(0.3 * second);
  t.deepEqual(widths(trial), [1, 10, 10, 10]);
  for (const args of [{ picture: 3 }, { picture: -1 }, {}, undefined]) {
    await t.throwsAsync(trial.settle(trial.device.call?.('show', args) ?? Promise.reject()), {
      code: 'CW-DRV-020',
    });
  }
  await trial.device.stop();
});

test('pictures that are no JPEG are decoded', async (t) => {
  const { folder } = t.context;
  const pixels = {
    create: { width: 3, height: 2, channels: 4, background: { r: 10, g: 20, b: 30, alpha: 1 } },
  } as const;
  await writeFile(join(folder, '1.png'), await sharp(pixels).png().toBuffer());
  const trial = await running({ files: [join(folder, '1.png')] });
  await trial.pass(0.05 * second);
  t.like(trial.readings[0], { width: 3, height: 2, format: 'rgb24' });
  const [frame] = trial.of('frame');
  t.deepEqual([...(frame?.data.subarray(0, 6) ?? [])], [10, 20, 30, 10, 20, 30]);
  await trial.device.stop();
  await writeFile(join(folder, '2.png'), 'not a picture');
  await t.throwsAsync(running({ files: [join(folder, '2.png')] }), { code: 'CW-DRV-004', message: /2\.png/ });
});

test('a damaged picture is told and passed over; a missing one is a camera that is gone', async (t) => {
  const { folder } = t.context;
  const trial = await running({ folder });
  await trial.pass(0.35 * second);
  await writeFile(join(folder, '2.jpg'), jpegMarkers(2, 8, 0).subarray(0, 60));
  await trial.pass(0.3 * second);
  t.deepEqual(trial.said(), ['integrity CW-DRV-017']);
  t.regex(trial.faults[0]?.message ?? '', /2\.jpg: it is cut off/);
  await unlink(join(folder, '10.jpg'));
  await trial.pass(0.5 * second);
  t.deepEqual(trial.said(), ['integrity CW-DRV-017', 'disconnected CW-DRV-005']);
  await trial.device.stop();
  t.is(trial.clock.nextDueUs, undefined);
});

test('what is not there is refused with a code, and two sources at once as well', async (t) => {
  const { folder } = t.context;
  await t.throwsAsync(running({ folder: join(folder, 'none') }), {
    code: 'CW-DRV-004',
    message: /check its name/,
  });
  await t.throwsAsync(running({ files: [join(folder, 'none.jpg')] }), { code: 'CW-DRV-004' });
  const parse = (options: object) => parseDriverOptions(driver, options, 'camera');
  t.throws(() => parse({}), {
    code: 'CW-DRV-002',
    message: /exactly one of folder, files, schedule and video/,
  });
  t.throws(() => parse({ folder, video: 'a.mp4' }), { code: 'CW-DRV-002' });
});

test('a gateway that slept shows the picture of now, not those of meanwhile', async (t) => {
  const trial = await running({ folder: t.context.folder });
  await trial.pass(0.05 * second);
  // One long step: a timer that comes late.
  trial.clock.advance(second);
  await trial.pass(0.05 * second);
  const stamps = trial.readings.map(({ atUs }) => atUs);
  t.deepEqual(
    stamps,
    [...stamps].sort((a, b) => a - b),
  );
  t.true(trial.readings.length >= 2);
  await trial.device.stop();
});

test('a video is played by ffmpeg, and its last picture stays', async (t) => {
  const trial = new SensorTrial();
  let wire: ProgramWire | undefined;
  let asked: readonly string[] = [];
  const ports = new PeerPorts(trial.clock, {
    program: {
      identity: { model: 'ffmpeg' },
      started: (request, opened) => {
        asked = [request.program, ...request.arguments];
        wire = opened;
      },
      closed: () => {},
      messages: () => [],
    },
  });
  const options = { video: '/tmp/trip.mp4', width: 16, height: 16, framesPerSecond: 10, loop: false };
  await trial.running(driver, options, ports);
  t.is(asked[0], 'ffmpeg');
  t.true(asked.includes('file:/tmp/trip.mp4'));
  t.true(asked.includes('fps=10,scale=16:16'));
  for (const value of [1, 2]) {
    wire?.send(new Uint8Array(384).fill(value));
    await trial.pass(second / 10);
  }
  wire?.exit(0);
  await trial.pass(3 * second);
  const seen = trial.of('frame').map(({ data }) => data[0]);
  t.is(seen[0], 1);
  t.true(seen.length > 25 && seen.slice(1).every((value) => value === 2), seen.join(' '));
  t.deepEqual(trial.faults, []);
  await trial.device.stop();
  t.is(trial.clock.nextDueUs, undefined);

  const failing = new SensorTrial();
  await failing.running(driver, options, ports);
  wire?.exit(1);
  await failing.pass(second / 10);
  t.deepEqual(failing.said(), ['disconnected CW-DRV-004']);
  await failing.device.stop();
});
