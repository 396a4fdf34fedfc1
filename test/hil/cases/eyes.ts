import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext, TestFn } from 'ava';
import { loadCatalogue } from '#catalogue/load.ts';
import type { CartEvent } from '#events/event.ts';
import { drawBasket } from '#simulation/pictures/backdrops.ts';
import type { PlacedThing } from '#simulation/pictures/compose.ts';
import { loadCutouts } from '#simulation/pictures/cutouts.ts';
import { repository } from '../machine/recipe.ts';
import { type Film, filmSize, playFilm } from '../rig/film.ts';
import { type GatewayUnderTest, startGateway } from '../rig/gateway.ts';
import { gatewayIds, type VirtualRig } from '../rig/virtual.ts';
import { type Context, limitMs } from './context.ts';
import { scanOf } from './gateway.ts';

const camera = 'basket-camera';
const scale = 'hid-scale';
const scanner = 'hid-scanner';
const look = 'Banana';
/** Of a bunch. */
const massMg = 939_000;
const code = 'test/fixtures/barcodes/qrcode-2/14';
const videoNode = '/dev/video0';
/** What an operator waits for at most between a camera's silence and its fault, ms. */
const toldWithinMs = 2_000;

interface Eyes {
  readonly gateway: GatewayUnderTest;
  readonly film: Film;
}

/** The whole product, with a camera: what it sees arrives at the store, and what goes wrong with its eyes does too. */
export function eyesCases(test: TestFn<Context>, share: (part: Partial<Context>) => void): void {
  let eyes: Eyes | undefined;
  const opened = (): Eyes => {
    if (eyes === undefined) throw new Error('the gateway with a camera did not start');
    return eyes;
  };

  test.serial('the gateway opens its camera in the vision process, with a model', async (t) => {
    t.timeout(limitMs);
    const { machine: rig, brokerUrl } = t.context;
    await rig.gadget('setLoad', scale, 0);
    const film = await playFilm(rig, drawBasket(filmSize.width, filmSize.height, 5), await scenes());
    const gateway = await startGateway(rig, brokerUrl, {
      board: await writeBoard(rig),
      // Where the processor is emulated, one look takes what a Raspberry Pi does in half a minute.
      config: {
        vision: {
          model: 'groceries',
          backend: 'onnx-int8',
          ...(rig.patience > 2 ? { silentMs: 300_000 } : {}),
        },
      },
      // Three starts of the network where the processor is emulated.
      slower: 2.5,
      // The camera of a mainboard is the group video's, which systemd gives the gateway.
      through: [
        ...['setpriv', `--reuid=${gatewayIds.uid}`, `--regid=${gatewayIds.gid}`],
        `--groups=${gatewayIds.gid},${(await rig.sh('getent group video | cut -d: -f3')).trim()}`,
      ],
    });
    eyes = { gateway, film };
    share({ gateway });
    await gateway.until('the vision process runs', () =>
      gateway.log.some((line) => line.includes('"vision running"')),
    );
    const running = gateway.log.find((line) => line.includes('"vision running"')) ?? '{}';
    t.like(JSON.parse(running), { backend: 'onnx-int8' });
    await gateway.until('the camera sees', () => !gateway.faults().includes(camera));
    const [, child] = await memoryOf(rig, gateway);
    t.log(`resident memory of the vision process: ${child} kB`);
  });

  test.serial(
    'what is put before the camera while the mass changes is seen, named, and charged or asked about',
    async (t) => {
      t.timeout(limitMs);
      const { machine: rig } = t.context;
      const { gateway, film } = opened();
      const catalogue = await loadCatalogue(join(repository, 'config/catalogues/demo.json'));
      const product = catalogue.byLook.get(look)?.[0];
      await rig.gadget('scan', scanner, 'QR-7F3A-2C91', ']Q1');
      await gateway.event('the trip', ({ type }) => type === 'basket.opened');
      // Frames at rest, before and after.
      await sleep(3_000);
      const since = gateway.store.events.length;
      await rig.gadget('setLoad', scale, massMg / 3);
      await film.show('thing');
      // A hand is on it until the picture has changed.
      for (let step = 1; step <= 10; step++) {
        await sleep(150);
        await rig.gadget('setLoad', scale, Math.round((massMg * (20 + step)) / 30));
      }
      const seen = await gateway.event(
        'the look',
        ({ type, data }) => type === 'look.seen' && data.outcome === 'seen',
        since,
      );
      if (seen.type !== 'look.seen') return t.fail();
      t.like(seen.data, { source: camera, plate: 'basket' });
      const [thing] = seen.data.things;
      t.is(thing?.change, 'came');
      const [best] = thing?.candidates ?? [];
      t.is(best?.name, product?.name, JSON.stringify(seen.data));
      const decided = await gateway.event(
        'the item',
        ({ type }) => type === 'item.added' || type === 'item.unresolved',
        since,
      );
      // An emulated processor is not done with its look when the second is over in which the gateway decides or asks.
      if (rig.patience > 2 && decided.type === 'item.unresolved') t.like(decided.data, { plate: 'basket' });
      else t.like(decided, { type: 'item.added', data: { plu: product?.plu, massMg, plate: 'basket' } });
      t.log(
        `${best?.name}: ${best?.probabilityPpm} ppm, told ${seen.time - decided.time} ms before the item`,
      );
    },
  );

  test.serial('a code that is shown to the camera is a scan with the camera as its source', async (t) => {
    t.timeout(limitMs);
    await codeArrives(t, opened());
  });

  for (const [signal, fault, told] of [
    ['KILL', 'CW-VIS-012', 'is killed'],
    ['STOP', 'CW-VIS-013', 'hangs'],
  ] as const) {
    test.serial(
      `a vision process that ${told} is told and replaced while the gateway goes on, and the new one reads codes`,
      async (t) => {
        t.timeout(limitMs);
        const { machine: rig } = t.context;
        const { gateway, film } = opened();
        await film.show('empty');
        const before = await childOf(rig, gateway);
        const since = gateway.store.events.length;
        await rig.sh(`kill -${signal} ${before}`);
        // On an emulated processor it may also seem to hang before.
        await gateway.event(
          'the fault',
          (event) =>
            isOf('device.fault', 'vision')(event) && 'code' in event.data && event.data.code === fault,
          since,
        );
        await gateway.event('the recovery', isOf('device.recovered', 'vision'), since);
        await rig.sh(
          `for try in $(seq 600); do kill -0 ${before} 2>/dev/null || exit 0; sleep 0.1; done; exit 1`,
        );
        const after = await childOf(rig, gateway);
        t.not(after, before);
        await codeArrives(t, opened());
        t.is(gateway.store.ledger().filter(({ type }) => type === 'gateway.born').length, 1);
      },
    );
  }

  test.serial('a stream that breaks off is told as a fault of the camera, and comes back', async (t) => {
    t.timeout(limitMs);
    const { machine: rig } = t.context;
    const { gateway } = opened();
    const since = gateway.store.events.length;
    const brokenAt = await utcMs(rig);
    await rig.sh(`v4l2-ctl -d ${videoNode} -c inject_fatal_streaming_error=1`);
    const lost = await gateway.event('the fault', isOf('device.fault', camera), since);
    t.like(lost.data, { fault: 'disconnected', code: 'CW-DRV-005' });
    t.log(`told ${lost.time - brokenAt} ms after`);
    t.true(lost.time - brokenAt <= toldWithinMs * rig.patience);
    await gateway.event('the recovery', isOf('device.recovered', camera), since);
  });

  test.serial('a camera that is taken away and put back is told, and the gateway goes on', async (t) => {
    t.timeout(limitMs);
    const { machine: rig } = t.context;
    const { gateway, film } = opened();
    await film.stop();
    const since = gateway.store.events.length;
    const pulledAt = await utcMs(rig);
    await rig.sh('echo vivid.0 >/sys/bus/platform/drivers/vivid/unbind');
    const lost = await gateway.event('the fault', isOf('device.fault', camera), since);
    t.like(lost.data, { fault: 'disconnected' });
    t.true(lost.time - pulledAt <= toldWithinMs * rig.patience);
    await rig.sh('echo vivid.0 >/sys/bus/platform/drivers/vivid/bind');
    await gateway.event('the recovery', isOf('device.recovered', camera), since);
    t.is(gateway.store.ledger().filter(({ type }) => type === 'gateway.born').length, 1);
    t.deepEqual(gateway.store.unreported(), []);
    const child = await childOf(rig, gateway);
    await gateway.stop();
    await rig.sh(`! kill -0 ${child} 2>/dev/null`);
  });
}

/** The empty basket, a thing in it, and a code held before it. */
async function scenes(): Promise<Record<'empty' | 'thing' | 'code', PlacedThing | undefined>> {
  const { default: sharp } = await import('sharp');
  const middle = { x: filmSize.width / 2, y: filmSize.height / 2, angle: 0 };
  const cutout = (await loadCutouts()).get(look)?.cutout;
  if (cutout === undefined) throw new Error(`there is no cut-out of ${look}`);
  const { data, info } = await sharp(join(repository, `${code}.png`))
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const shown = { width, height, rgb: new Uint8Array(data), alpha: new Uint8Array(width * height).fill(255) };
  return {
    empty: undefined,
    thing: { cutout, ...middle, scale: (0.62 * filmSize.height) / Math.max(cutout.width, cutout.height) },
    code: { cutout: shown, ...middle, scale: (0.85 * filmSize.height) / Math.max(width, height) },
  };
}

async function writeBoard(rig: VirtualRig): Promise<string> {
  const path = `${rig.folder}/eyes.yaml`;
  const options = {
    match: { path: '/dev/v4l/by-path/platform-vivid.0-video-index0' },
    ...{ ...filmSize, framesPerSecond: 10, format: 'yuv420' },
  };
  const board = {
    profile: 1,
    name: 'eyes',
    devices: [
      ...rig.devices.filter(({ id }) => id === scale || id === scanner),
      { id: camera, driver: 'v4l2', options },
    ],
    plates: [
      {
        id: 'basket',
        kind: 'cart',
        scale,
        scanners: [scanner],
        cameras: [{ id: camera, region: [0, 0, filmSize.width, filmSize.height] }],
      },
    ],
  };
  // JSON is YAML.
  await rig.sh(`cat >${path} <<'END'\n${JSON.stringify(board)}\nEND\n`);
  return path;
}

async function codeArrives(t: ExecutionContext<Context>, { gateway, film }: Eyes): Promise<void> {
  const text = await readFile(join(repository, `${code}.txt`), 'latin1');
  await film.show('empty');
  await sleep(3_000);
  const since = gateway.store.events.length;
  await film.show('code');
  const scan = await gateway.event('the code', (event) => scanOf(event, camera) !== undefined, since);
  t.is(scanOf(scan, camera), text.trimEnd());
  t.is(scan.type === 'scan.read' ? scan.data.symbology.slice(0, 2) : '', ']Q');
  await film.show('empty');
}

const isOf =
  (type: 'device.fault' | 'device.recovered', source: string) =>
  (event: CartEvent): boolean =>
    event.type === type && 'source' in event.data && event.data.source === source;

async function childOf(rig: VirtualRig, { pid }: GatewayUnderTest): Promise<number> {
  return Number(await rig.sh(`pgrep -P ${pid} -f vision-child`));
}

/** Resident memory of the gateway and of its vision process, kB. */
async function memoryOf(rig: VirtualRig, gateway: GatewayUnderTest): Promise<number[]> {
  const pids = [gateway.pid, await childOf(rig, gateway)];
  const text = await rig.sh(pids.map((pid) => `grep VmRSS /proc/${pid}/status`).join('; '));
  return text.match(/\d+/g)?.map(Number) ?? [];
}

/** The machine's own time of day. */
async function utcMs(rig: VirtualRig): Promise<number> {
  return Number(await rig.sh('date +%s%3N'));
}
