import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { stringify } from 'yaml';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import type { CartEvent } from '#events/event.ts';
import { type GatewaySetup, loadSetup } from '#gateway/setup.ts';
import { GatewayVision } from '#gateway/vision.ts';
import { camerasOf, visionSetup } from '#gateway/vision-setup.ts';
import type { PipelineInput } from '#pipeline/inputs.ts';
import type { Movement } from '#weighing/outputs.ts';

const entry = resolve('test/vision/support/child.ts');

const movement: Movement = {
  kind: 'movement',
  plate: 'basket',
  massMg: -412_000,
  sigmaMg: 300,
  beforeMg: 412_000,
  afterMg: 0,
  startedAtUs: 2_000_000,
  settledAtUs: 3_000_000,
  moving: false,
  whileAway: false,
};

class Bench {
  readonly clock = new VirtualClock(5_000_000);
  readonly inputs: PipelineInput[] = [];
  readonly vision: GatewayVision;
  inSession = false;
  identities = 0;
  /** A product of the catalogue. */
  readonly look: string;

  constructor(setup: GatewaySetup, cameras: GatewaySetup['board']['devices']) {
    this.look = [...setup.catalogue.byLook.keys()][0] ?? '';
    this.vision = new GatewayVision({
      setup,
      cameras,
      clock: this.clock,
      log: silentLogger,
      push: (input) => this.inputs.push(input),
      inSession: () => this.inSession,
      catalogue: () => setup.catalogue,
      uplink: { subscribe: () => () => {}, status: () => ({ connected: true }) },
      onIdentity: () => {
        this.identities += 1;
      },
      entry,
    });
  }

  of<Kind extends PipelineInput['kind']>(kind: Kind): Extract<PipelineInput, { kind: Kind }>[] {
    return this.inputs.filter((one): one is Extract<PipelineInput, { kind: Kind }> => one.kind === kind);
  }

  /** `onlyWithout`: time passes only while no process runs, so that a slow start of one is never too late. */
  async until(condition: () => boolean, stepUs = 0, onlyWithout = false): Promise<void> {
    for (let tries = 0; !condition(); tries++) {
      if (tries > 8_000) throw new Error(`it did not come: ${JSON.stringify(this.inputs)}`);
      if (!onlyWithout || !this.vision.status.running) this.clock.advance(stepUs);
      await sleep(10);
    }
  }

  readonly isReady = () => this.vision.status.backend === 'test';
}

/** A configuration with two cameras, one of which is a scanner; the vision process behaves as `mode` says. */
async function setupWith(t: ExecutionContext, mode: string, vision: object = {}): Promise<GatewaySetup> {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-vision-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const region = [10, 20, 300, 200];
  await writeFile(
    join(folder, 'board.yaml'),
    stringify({
      profile: 1,
      name: 'seen',
      devices: [
        { id: 'till-scale', driver: 'mt-sics', options: { path: '/dev/serial/by-id/scale' } },
        { id: 'basket-camera', driver: 'files', options: { files: ['a.png'] } },
        { id: 'handle-camera', driver: 'files', options: { files: ['b.png'] } },
        { id: 'spare-camera', driver: 'files', options: { files: ['b.png'] } },
      ],
      plates: [
        {
          id: 'basket',
          kind: 'cart',
          maxMg: 30_000_000,
          scale: 'till-scale',
          cameras: [{ id: 'basket-camera', region }],
          scanners: ['handle-camera'],
        },
      ],
    }),
  );
  const config = {
    cartwright: 1,
    store: 's',
    device: 'd',
    board: 'board.yaml',
    catalogue: resolve('config/catalogues/demo.json'),
    vision: { model: './models', gallery: 'begun', ...vision },
  };
  await writeFile(join(folder, 'cartwright.yaml'), stringify(config));
  const setup = await loadSetup(join(folder, 'cartwright.yaml'), {});
  return { ...setup, modelFolder: mode };
}

async function bench(t: ExecutionContext, mode = 'well', vision: object = {}): Promise<Bench> {
  const setup = await setupWith(t, mode, vision);
  const made = new Bench(setup, await camerasOf(setup.board, []));
  t.teardown(() => made.vision.stop());
  made.vision.start();
  return made;
}

test('Cameras of a board see the plates that name them, things or codes', async (t) => {
  const setup = await setupWith(t, 'models');
  const cameras = await camerasOf(setup.board, []);
  const { devices, views, gallery } = visionSetup(setup, cameras, '/recordings');
  t.deepEqual(
    devices.map(({ id }) => id),
    ['basket-camera', 'handle-camera', 'spare-camera'],
  );
  t.deepEqual(views, [
    { plate: 'basket', camera: 'basket-camera', region: [10, 20, 300, 200], purpose: 'things' },
    { plate: 'basket', camera: 'handle-camera', purpose: 'codes' },
  ]);
  t.regex(gallery ?? '', /begun$/);
});

test('A movement is looked at, and what is seen becomes a sighting that says when it was told', async (t) => {
  const eyes = await bench(t);
  await eyes.until(eyes.isReady);
  eyes.vision.weighed(movement);
  await eyes.until(() => eyes.of('sighting').length > 0);
  t.deepEqual(eyes.of('sighting'), [
    {
      kind: 'sighting',
      source: 'basket-camera',
      atUs: eyes.clock.nowUs(),
      plate: 'basket',
      settledAtUs: movement.settledAtUs,
      outcome: 'seen',
      things: [
        {
          change: 'came',
          moved: false,
          box: [100, 200, 300, 400],
          candidates: [{ look: eyes.look, probabilityPpm: 900_000 }],
          unknownPpm: 100_000,
          ambiguous: false,
        },
      ],
    },
  ]);
  eyes.vision.weighed({ ...movement, whileAway: true });
  eyes.vision.weighed({ ...movement, plate: 'rack' });
  await sleep(100);
  t.is(eyes.of('sighting').length, 1, 'nobody saw the one, nobody sees the other');
  t.is(eyes.vision.health()?.looked, 1);
});

test('A code that a camera reads is a scan by that camera', async (t) => {
  const eyes = await bench(t);
  await eyes.until(eyes.isReady);
  eyes.vision.weighed({ kind: 'activity', plate: 'basket', open: true, atUs: 2_000_000 });
  await eyes.until(() => eyes.of('scan').length > 0);
  t.like(eyes.of('scan')[0], { source: 'basket-camera', symbology: ']Q1' });
  t.is(Buffer.from(eyes.of('scan')[0]?.data ?? []).toString(), 'QR-1234');
});

test('Cameras are reported like other devices, and count on when the process is a new one', async (t) => {
  const eyes = await bench(t, 'once');
  t.like(eyes.vision.reports()[0], { id: 'basket-camera', kind: 'camera', state: 'waiting', readings: 0 });
  await eyes.until(() => (eyes.vision.reports()[0]?.readings ?? 0) > 20);
  t.like(eyes.vision.reports()[0], { driver: 'files', state: 'running', identity: { model: 'pictures' } });
  const before = eyes.vision.reports()[0]?.readings ?? 0;
  process.kill(eyes.vision.status.pid ?? 0, 'SIGKILL');
  await eyes.until(() => eyes.of('device-fault').length > 0);
  t.like(eyes.of('device-fault')[0], { source: 'vision', fault: { code: 'CW-VIS-012' } });
  t.like(eyes.vision.reports()[0], { state: 'waiting', fault: { code: 'CW-VIS-012' } });
  await eyes.until(() => eyes.vision.status.model === 'again', 250_000, true);
  await eyes.until(() => eyes.vision.reports()[0]?.state === 'running');
  t.true((eyes.vision.reports()[0]?.readings ?? 0) >= before);
  t.is(eyes.vision.reports()[0]?.fault, undefined);
  t.like(eyes.vision.health(), { running: true, restarts: 1, backend: 'test' });
  t.is(eyes.identities, 3, 'each camera once');
});

test('A fault of a camera that a new process does not confirm has ended', async (t) => {
  const eyes = await bench(t, 'faulty+once');
  await eyes.until(() => eyes.of('device-fault').length === 3);
  t.like(eyes.of('device-fault')[0], { source: 'basket-camera', fault: { code: 'CW-VIS-007' } });
  process.kill(eyes.vision.status.pid ?? 0, 'SIGKILL');
  await eyes.until(() => eyes.vision.status.model === 'again', 250_000, true);
  const told = () =>
    eyes
      .of('device-fault')
      .flatMap(({ source, fault }) => (fault.cleared ? [`${source} ${fault.code}`] : []));
  await eyes.until(() => told().length === 4, 250_000);
  t.deepEqual(told().sort(), [
    'basket-camera CW-VIS-007',
    'handle-camera CW-VIS-007',
    'spare-camera CW-VIS-007',
    'vision CW-VIS-012',
  ]);
});

test('A fault of a lens stands until a process has seen that it is over', async (t) => {
  const eyes = await bench(t, 'dirty+once');
  await eyes.until(() => eyes.of('device-fault').length === 1);
  process.kill(eyes.vision.status.pid ?? 0, 'SIGKILL');
  await eyes.until(() => eyes.vision.status.model === 'again', 250_000, true);
  // A busy machine may hold the process itself up in between, which is told as well.
  const told = () =>
    eyes
      .of('device-fault')
      .filter(({ fault }) => fault.code !== 'CW-VIS-013')
      .map(({ fault }) => `${fault.code} ${fault.cleared ?? false}`);
  const before = ['CW-VIS-015 false', 'CW-VIS-012 false', 'CW-VIS-012 true'];
  const startUs = eyes.clock.nowUs();
  await eyes.until(() => eyes.clock.nowUs() > startUs + 40_000_000, 500_000);
  t.deepEqual(told(), before, 'nobody has seen it gone');
  await eyes.until(() => eyes.vision.reports()[0]?.fault?.code === 'CW-VIS-015');
  eyes.vision.decided([{ type: 'basket.opened' } as CartEvent]);
  await eyes.until(() => told().length === 4);
  t.deepEqual(told(), [...before, 'CW-VIS-015 true']);
});

test('A fault that a new process confirms is not told twice', async (t) => {
  const eyes = await bench(t, 'faulty');
  await eyes.until(() => eyes.of('device-fault').length === 3);
  process.kill(eyes.vision.status.pid ?? 0, 'SIGKILL');
  await eyes.until(() => eyes.vision.status.restarts === 1 && eyes.isReady(), 250_000, true);
  await sleep(200);
  t.deepEqual(
    eyes.of('device-fault').map(({ source, fault }) => `${source} ${fault.code} ${fault.cleared ?? false}`),
    [
      'basket-camera CW-VIS-007 false',
      'handle-camera CW-VIS-007 false',
      'spare-camera CW-VIS-007 false',
      'vision CW-VIS-012 false',
      'vision CW-VIS-012 true',
    ],
  );
});

test('Where vision is switched off nothing is started, and old recordings are erased nevertheless', async (t) => {
  const setup = await setupWith(t, 'well', { enabled: false });
  const recordings = join(setup.dataFolder, 'recordings');
  await mkdir(recordings, { recursive: true });
  const eyes = new Bench(setup, await camerasOf(setup.board, []));
  const soon = eyes.clock.utcMs() + 90_000;
  for (const name of ['camera.erase-1700000000000.y4m', `camera.erase-${soon}.y4m`, 'stray.txt']) {
    await writeFile(join(recordings, name), 'frames');
  }
  // As a clock that was years ahead would have named it.
  await writeFile(join(recordings, `camera.erase-${soon + 400 * 86_400_000}.y4m`), 'frames');
  t.teardown(() => eyes.vision.stop());
  eyes.vision.start();
  const left = async () => (await readdir(recordings)).length;
  for (let tries = 0; (await left()) > 1 && tries < 200; tries++) await sleep(10);
  t.deepEqual(await readdir(recordings), [`camera.erase-${soon}.y4m`]);
  eyes.clock.advance(60_000_000);
  await sleep(100);
  t.is(await left(), 1);
  eyes.clock.advance(60_000_000);
  for (let tries = 0; (await left()) > 0 && tries < 200; tries++) await sleep(10);
  t.is(await left(), 0);
  t.false(eyes.vision.status.running);
  t.is(eyes.vision.reports()[0]?.state, 'closed');
});

test('Where the configuration says nothing of recordings, none is allowed', async (t) => {
  const eyes = await bench(t, 'crashes');
  t.is(eyes.vision.longestRecordingS, 0);
});

test('A recording is refused for a camera that the board does not have, and erasing works without the process', async (t) => {
  const eyes = await bench(t, 'crashes');
  await t.throwsAsync(eyes.vision.record('shelf-camera', 10), {
    message: /there is no camera shelf-camera; the board has basket-camera, handle-camera, spare-camera/,
  });
  t.is(await eyes.vision.erase(), 0);
});
