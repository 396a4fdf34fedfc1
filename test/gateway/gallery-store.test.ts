import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { createRandom } from '#base/random.ts';
import { encodeRecord } from '#events/codec.ts';
import { manifest as manifestShape } from '#events/mqtt-payloads.ts';
import { GalleryKeeper } from '#gateway/gallery.ts';
import { StoreGallery } from '#gateway/gallery-store.ts';
import { doGalleryJob } from '#gateway/gallery-work.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { MessageHandler } from '#uplink/uplink.ts';
import { decodeGallery, encodeGallery, readGallery, writeGallery } from '#vision/gallery/file.ts';
import type { Gallery } from '#vision/gallery/gallery.ts';
import { type GalleryOffer, offerGallery } from '#vision/gallery/offer.ts';
import { bytes, randomDirection, randomGallery, space, view } from '../vision/embeddings.ts';
import { modelManifest } from './model.ts';

/** A broker that holds retained messages of the store and delivers each when it is subscribed to. */
class Shelf {
  readonly retained = new Map<string, Uint8Array>();
  readonly asked: string[] = [];
  readonly subscribed = new Map<string, MessageHandler>();
  connected = true;

  readonly subscribe = (filter: string, handler: MessageHandler) => {
    this.asked.push(filter);
    this.subscribed.set(filter, handler);
    const payload = this.retained.get(filter);
    if (payload !== undefined) setImmediate(() => this.#deliver(filter, payload, true));
    return () => void this.subscribed.delete(filter);
  };

  readonly status = () => ({ connected: this.connected });

  publish(topic: string, payload: Uint8Array): void {
    this.retained.set(topic, payload);
    this.#deliver(topic, payload, false);
  }

  #deliver(topic: string, payload: Uint8Array, retain: boolean): void {
    void this.subscribed.get(topic)?.(topic, payload, { retain, properties: {} });
  }
}

class Bench {
  readonly clock = new VirtualClock(0);
  readonly shelf = new Shelf();
  readonly faults: DeviceFault[] = [];
  readonly changed: string[] = [];
  readonly path: string;
  readonly folder: string;
  readonly keeper: GalleryKeeper;
  follower: StoreGallery;

  constructor(folder: string) {
    this.folder = folder;
    this.path = join(folder, 'gallery.cwg');
    this.keeper = new GalleryKeeper({
      place: {
        path: this.path,
        storePath: join(folder, 'store-gallery.cwg'),
        modelFolder: join(folder, 'model'),
      },
      catalogue: () => ({ version: '1', byGtin: new Map(), byPlu: new Map() }),
      capture: () => Promise.resolve(new Int8Array(64)),
      changed: (path) => this.changed.push(path),
      work: doGalleryJob,
    });
    this.follower = this.start();
  }

  /** As at the start of a gateway. */
  start(): StoreGallery {
    this.follower = new StoreGallery({
      uplink: this.shelf,
      keeper: this.keeper,
      folder: this.folder,
      clock: this.clock,
      log: silentLogger,
      push: ({ fault }) => this.faults.push(fault),
    });
    this.follower.start();
    return this.follower;
  }

  /** Publishes a gallery as an integrator does, without the parts that `without` names. */
  async publish(gallery: Gallery, changes: Partial<GalleryOffer> = {}, without: readonly number[] = []) {
    const file = await encodeGallery(gallery);
    const { manifest, parts } = await offerGallery(file, await decodeGallery(file));
    for (const [index, { name }] of manifest.parts.entries()) {
      const part = parts.get(name);
      if (part !== undefined && !without.includes(index)) this.shelf.publish(`_store/gallery/${name}`, part);
    }
    this.shelf.publish('_store/gallery', encodeRecord(manifestShape, { ...manifest, ...changes }));
    return { manifest, parts };
  }

  async until(condition: () => boolean): Promise<void> {
    for (let tries = 0; !condition(); tries++) {
      if (tries > 2_000) throw new Error(`it did not come: ${JSON.stringify(this.faults)}`);
      await sleep(5);
    }
  }

  readonly looks = async () => (await readGallery(this.path)).gallery.looks.map(({ look }) => look);
}

async function benchOf(t: ExecutionContext): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-store-gallery-'));
  await mkdir(join(folder, 'model'));
  await writeFile(join(folder, 'model', 'manifest.json'), JSON.stringify(modelManifest));
  await writeGallery(join(folder, 'model', 'gallery.cwg'), randomGallery(1, 64, [3, 3]));
  const bench = new Bench(folder);
  t.teardown(async () => {
    await bench.follower.stop();
    await rm(folder, { recursive: true, force: true });
  });
  return bench;
}

/** Of `count` products named by `seed`, several parts large where there are many. */
const galleryOf = (seed: number, count: number): Gallery => {
  const made = randomGallery(seed, 64, Array(count).fill(5));
  return { ...made, looks: made.looks.map((entry, at) => ({ ...entry, look: `s${seed}-${at}` })) };
};

test('A gallery that the store offers is fetched part by part, put in force and told', async (t) => {
  const bench = await benchOf(t);
  const { manifest, parts } = await bench.publish(galleryOf(7, 900));
  t.is(parts.size, 3);
  await bench.until(() => bench.changed.length === 1);
  await bench.until(() => bench.follower.status.version === manifest.version);
  t.is((await readGallery(bench.path)).version, manifest.version);
  t.deepEqual(
    bench.shelf.asked,
    ['_store/gallery', ...manifest.parts.map(({ name }) => `_store/gallery/${name}`)],
    'each part is asked for, one after the other',
  );
  t.deepEqual([...bench.shelf.subscribed.keys()], ['_store/gallery'], 'and no longer once it is there');
  t.deepEqual(bench.faults, []);
});

test('What is in force is not fetched again, neither when the broker comes back nor at the next start', async (t) => {
  const bench = await benchOf(t);
  const { manifest } = await bench.publish(galleryOf(7, 2));
  await bench.until(() => bench.changed.length === 1);
  const offered = bench.shelf.retained.get('_store/gallery') ?? new Uint8Array();
  bench.shelf.publish('_store/gallery', offered);
  await bench.follower.stop();
  bench.shelf.asked.length = 0;
  bench.start();
  await bench.until(() => bench.follower.status.version === manifest.version);
  t.deepEqual(bench.shelf.asked, ['_store/gallery']);
  t.is(bench.changed.length, 1);
  // Whoever deletes the device's file wants the store's.
  await bench.follower.stop();
  await rm(bench.path);
  bench.start();
  await bench.until(() => bench.changed.length === 2);
  t.is((await readGallery(bench.path)).version, manifest.version);
});

test('What was enrolled on the device stays when the store brings another version', async (t) => {
  const bench = await benchOf(t);
  const random = createRandom(3);
  const embedding = bytes(view(random, randomDirection(random, 64), 0.1));
  await bench.keeper.enroll({ look: 'mine', embeddings: [new Uint8Array(embedding.buffer)] });
  t.deepEqual(await bench.looks(), ['look-0', 'look-1', 'mine']);
  await bench.publish(galleryOf(7, 2));
  await bench.until(() => bench.changed.length === 2);
  t.deepEqual(await bench.looks(), ['s7-0', 's7-1', 'mine'], 'what came with the model makes room');
  await bench.keeper.remove({ look: 's7-1' });
  const next = galleryOf(8, 1);
  const first = galleryOf(7, 2);
  await bench.publish({
    ...first,
    looks: [...first.looks, ...next.looks],
    matrix: Int8Array.from([...first.matrix, ...next.matrix]),
  });
  await bench.until(() => bench.changed.length === 4);
  t.deepEqual(await bench.looks(), ['s7-0', 's8-0', 'mine']);
});

test('A gallery of another model is not fetched: a fault says so, and the old one stays until a fitting one comes', async (t) => {
  const bench = await benchOf(t);
  await bench.publish(galleryOf(7, 2));
  await bench.until(() => bench.changed.length === 1);
  const before = await readFile(bench.path);
  bench.shelf.asked.length = 0;
  await bench.publish({ ...galleryOf(8, 2), space: 'cd'.repeat(32) });
  await bench.until(() => bench.faults.length === 1);
  t.like(bench.faults[0], { code: 'CW-VIS-010', fault: 'configuration' });
  t.is(bench.follower.status.fault, 'CW-VIS-010');
  t.deepEqual(bench.shelf.asked, []);
  t.deepEqual(await readFile(bench.path), before);
  await bench.publish(galleryOf(9, 2));
  await bench.until(() => bench.faults.length === 2);
  t.like(bench.faults[1], { code: 'CW-VIS-010', cleared: true });
  t.is(bench.follower.status.fault, undefined);
  t.deepEqual(await bench.looks(), ['s9-0', 's9-1']);
});

test('What lies about its model, its size or its hash is found when it is there, and nothing changes', async (t) => {
  const bench = await benchOf(t);
  await bench.publish(galleryOf(7, 2));
  await bench.until(() => bench.changed.length === 1);
  const before = await readFile(bench.path);
  const lies: readonly (readonly [Gallery, Partial<GalleryOffer>, string])[] = [
    [{ ...galleryOf(8, 2), space: 'cd'.repeat(32) }, { space }, 'CW-VIS-010'],
    [galleryOf(8, 3), { sha256: 'ab'.repeat(32) }, 'CW-VIS-009'],
    [randomGallery(8, 32, [2]), {}, 'CW-VIS-009'],
    [galleryOf(8, 4), { size: 99 }, 'CW-VIS-024'],
    [galleryOf(8, 5), { size: 16_000_001 }, 'CW-VIS-024'],
    [galleryOf(8, 6), { parts: [{ name: '../x', sha256: 'ab'.repeat(32), size: 9 }], size: 9 }, 'CW-VIS-024'],
    [galleryOf(8, 7), { parts: [{ name: 'x', sha256: 'ab'.repeat(32), size: 131_073 }] }, 'CW-VIS-024'],
  ];
  for (const [gallery, lie, code] of lies) {
    const told = bench.faults.length;
    await bench.publish(gallery, lie);
    await bench.until(() => bench.faults.slice(told).some(({ cleared }) => cleared !== true));
    t.like(bench.faults.at(-1), { code }, JSON.stringify(lie));
  }
  for (const payload of [Buffer.from('{'), Buffer.from([0xff, 0x00]), Buffer.from('{"version":1}')]) {
    const told = bench.faults.length;
    bench.shelf.publish('_store/gallery', payload);
    await bench.until(() => bench.faults.length > told);
    t.like(bench.faults.at(-1), { code: 'CW-VIS-024' });
  }
  t.deepEqual(await readFile(bench.path), before);
  t.is(bench.changed.length, 1);
  bench.shelf.publish('_store/gallery', new Uint8Array());
  t.is(bench.follower.status.fault, undefined, 'an offer that is withdrawn is no fault');
});

test('A part that is missing or damaged is told and waited for; while the broker is away nothing is told', async (t) => {
  const bench = await benchOf(t);
  const { manifest, parts } = await bench.publish(galleryOf(7, 900), {}, [1]);
  const name = manifest.parts[1]?.name ?? '';
  await bench.until(() => bench.shelf.subscribed.has(`_store/gallery/${name}`));
  bench.shelf.connected = false;
  bench.clock.advance(90_000_000);
  t.deepEqual(bench.faults, []);
  bench.shelf.connected = true;
  bench.clock.advance(60_000_000);
  t.like(bench.faults[0], { code: 'CW-VIS-024' });
  t.regex(bench.faults[0]?.message ?? '', /part 2 of 3 does not come/);
  bench.shelf.publish(`_store/gallery/${name}`, Buffer.from('rubbish'));
  await bench.until(() => /not what was announced/.test(bench.faults.at(-1)?.message ?? ''));
  bench.shelf.publish(`_store/gallery/${name}`, parts.get(name) ?? new Uint8Array());
  await bench.until(() => bench.changed.length === 1);
  await bench.until(() => bench.faults.at(-1)?.cleared === true);
  t.is((await readGallery(bench.path)).version, manifest.version);
});

test('A newer offer ends the fetching of the one before', async (t) => {
  const bench = await benchOf(t);
  const { manifest } = await bench.publish(galleryOf(7, 900), {}, [2]);
  const name = manifest.parts[2]?.name ?? '';
  await bench.until(() => bench.shelf.subscribed.has(`_store/gallery/${name}`));
  await bench.publish(galleryOf(8, 1));
  await bench.until(() => bench.changed.length === 1);
  t.deepEqual(await bench.looks(), ['s8-0']);
  t.false(bench.shelf.subscribed.has(`_store/gallery/${name}`));
  t.deepEqual(bench.faults, []);
});

test('What the disk refuses is told and tried again after a while', async (t) => {
  const bench = await benchOf(t);
  const part = join(bench.folder, 'store-gallery.part');
  await mkdir(part);
  await bench.publish(galleryOf(7, 2));
  await bench.until(() => bench.faults.length === 1);
  t.like(bench.faults[0], { code: 'CW-VIS-024', fault: 'integrity' });
  t.regex(bench.faults[0]?.message ?? '', /can't be kept: it is a folder/);
  await rm(part, { recursive: true });
  bench.clock.advance(600_000_000);
  await bench.until(() => bench.changed.length === 1);
  await bench.until(() => bench.faults.at(-1)?.cleared === true);
});

test('A device file that can not be read is put aside, not lost', async (t) => {
  const bench = await benchOf(t);
  await writeFile(bench.path, 'damaged');
  await bench.publish(galleryOf(7, 2));
  await bench.until(() => bench.changed.length === 1);
  t.deepEqual(await bench.looks(), ['s7-0', 's7-1']);
  t.is(await readFile(`${bench.path}.aside`, 'utf8'), 'damaged');
});
