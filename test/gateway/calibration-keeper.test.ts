import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import type { Board, Calibration } from '#config/board.ts';
import { loadBoard } from '#config/load.ts';
import type { SiteConfig } from '#config/schema.ts';
import type { Draft } from '#events/event.ts';
import { CalibrationKeeper, type KeeperHost, type WriteChange } from '#gateway/calibration-keeper.ts';
import { GatewayError } from '#gateway/errors.ts';
import type { StateChanges } from '#gateway/state.ts';
import type { PipelineInput } from '#pipeline/inputs.ts';

const board = await loadBoard('cart-pi5');
const ids = ['cell-fl', 'cell-fr', 'cell-rl', 'cell-rr'];
const calibration = (revision: number, zeroCounts = 1_000): Calibration => ({
  calibration: 1,
  revision,
  hardware: { bridge: 'CW000042', gain: 128 },
  plates: {
    basket: { cells: Object.fromEntries(ids.map((id) => [id, { zeroCounts, milligramsPerCount: 2 }])) },
  },
});

/** A device whose outbox is a plain object: what one write holds is there together, or not at all. */
class Device {
  readonly folder: string;
  readonly state: Record<string, string> = {};
  /** Writes so far: their events and the keys of their state. */
  readonly writes: { readonly types: string[]; readonly keys: string[] }[] = [];
  readonly events: Draft[] = [];
  readonly pushed: PipelineInput[] = [];
  readonly notes: Record<string, unknown>[] = [];
  inSession = false;
  stopping = false;
  serial = 'CW000042';
  announced = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  store(drafts: readonly Draft[], state: StateChanges): Promise<void> {
    if (this.stopping) return Promise.reject(new GatewayError('CW-GWY-007', 'the gateway is stopping'));
    for (const [key, value] of Object.entries(state)) {
      if (value === null) delete this.state[key];
      else this.state[key] = value;
    }
    this.events.push(...drafts);
    this.writes.push({ types: drafts.map(({ type }) => type), keys: Object.keys(state).sort() });
    return Promise.resolve();
  }

  open(
    configured?: Calibration,
    options: { board?: Board; site?: SiteConfig } = {},
  ): Promise<CalibrationKeeper> {
    return CalibrationKeeper.open({
      setup: {
        dataFolder: this.folder,
        board: options.board ?? board,
        calibration: configured,
        config: { site: options.site, calibrationRevisions: 50 },
      },
      stored: this.state,
      clock: new VirtualClock(5_000_000),
      log: silentLogger,
    });
  }

  host(): KeeperHost {
    return {
      loop: {
        append: (draft, state = {}) => this.store([draft], state),
        saveState: (state = {}) => this.store([], state),
        push: (input) => this.pushed.push(input),
      },
      auditor: {
        note: (facts) => {
          this.notes.push({ ...facts });
          return { [`audit/pending/${this.notes.length}`]: JSON.stringify(facts) };
        },
        flush: () => Promise.resolve(),
      },
      timeQuality: () => 'synced',
      inSession: () => this.inSession,
      opened: () => [
        {
          entry: { id: 'bridge', driver: 'firmata-hx711', options: { cells: ids } },
          options: { cells: ids, gain: 128, samplesPerSecond: 80 },
          identity: { serial: this.serial },
        },
      ],
      onInForce: () => {
        this.announced += 1;
      },
    };
  }

  async running(
    configured?: Calibration,
    options: { board?: Board; site?: SiteConfig } = {},
  ): Promise<CalibrationKeeper> {
    const keeper = await this.open(configured, options);
    await keeper.start(this.host());
    return keeper;
  }

  get files(): Promise<string[]> {
    return readdir(join(this.folder, 'calibrations'));
  }
}

async function device(t: ExecutionContext): Promise<Device> {
  const folder = await mkdtemp(join(tmpdir(), 'keeper-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return new Device(folder);
}

test("the configuration's calibration is the first revision, told and put on record in one write", async (t) => {
  const cart = await device(t);
  const keeper = await cart.running(calibration(7));
  t.is(keeper.calibration?.revision, 7);
  t.is(keeper.record?.cause, 'import');
  t.deepEqual(cart.writes, [
    { types: ['calibration.committed'], keys: ['audit/pending/1', 'calibration/head'] },
  ]);
  t.deepEqual(cart.pushed, [], 'it is weighed with already');
  // Another file in the configuration changes nothing any more.
  const again = await cart.running(calibration(9, 5));
  t.is(again.calibration?.plates.basket?.cells['cell-fl']?.zeroCounts, 1_000);
  t.is(cart.writes.length, 1);
});

test('a device without any calibration has none, and gets its first one from a technician', async (t) => {
  const cart = await device(t);
  const keeper = await cart.running();
  t.is(keeper.calibration, undefined);
  const record = await keeper.commit({ cause: 'calibrate', calibration: calibration(0), expected: 0 });
  t.is(record.revision, 1);
  t.deepEqual(
    cart.pushed.map(({ kind }) => kind),
    ['calibration'],
  );
});

test('a commit is one write with what the one who asked needs, and is weighed with after it', async (t) => {
  const cart = await device(t);
  const keeper = await cart.running(calibration(7));
  cart.serial = 'CW000099';
  const write: WriteChange = async ({ state = {}, drafts = [], facts }) => {
    t.deepEqual(cart.pushed, []);
    await cart.store([...drafts, { type: 'command.done', data: { command: 'c', transaction: 't' } }], {
      ...state,
      'transaction/t': '{}',
    });
    t.like(facts, { calibration: { revision: 8, cause: 'calibrate', plates: ['basket'] } });
    t.like(facts?.before, { revision: 7 });
  };
  const record = await keeper.commit(
    {
      cause: 'calibrate',
      calibration: calibration(7, 2_000),
      expected: 7,
      by: { key: 'ab', role: 'technician' },
    },
    write,
  );
  t.deepEqual(cart.writes[1], {
    types: ['calibration.committed', 'command.done'],
    keys: ['calibration/head', 'transaction/t'],
  });
  t.like(cart.events[1], {
    data: {
      revision: 8,
      previous: 7,
      plates: ['basket'],
      calibrationCounter: 2,
      actor: 'ab',
      hash: record.hash,
    },
  });
  t.like(cart.pushed, [{ kind: 'calibration', calibration: { revision: 8 } }]);
  t.is(cart.announced, 2);
  // It was made on the bridge that is attached, not on the one before.
  t.deepEqual(keeper.calibration?.hardware, {
    bridge: { bridge: 'CW000099' },
    gain: 128,
    samplesPerSecond: 80,
  });
  t.deepEqual(await keeper.revisions.verify(), []);
});

test('what is refused changes nothing: another revision than expected, a shopping session, a gateway that stops', async (t) => {
  const cart = await device(t);
  const keeper = await cart.running(calibration(7));
  const asked = { cause: 'calibrate', calibration: calibration(7, 2_000) } as const;
  await t.throwsAsync(keeper.commit({ ...asked, expected: 6 }), {
    code: 'CW-CAL-113',
    message: /7 is the newest/,
  });
  cart.inSession = true;
  await t.throwsAsync(keeper.commit(asked), { code: 'CW-CAL-112' });
  cart.inSession = false;
  cart.stopping = true;
  await t.throwsAsync(keeper.commit(asked), { code: 'CW-GWY-007' });
  t.is(keeper.calibration?.revision, 7);
  t.deepEqual(await cart.files, ['calibration-00000007.json', 'last-good.json']);
  cart.stopping = false;
  t.is((await keeper.commit(asked)).revision, 8);
});

test('an earlier revision comes back as a new one, on the hardware that it was made on', async (t) => {
  const cart = await device(t);
  const keeper = await cart.running(calibration(7));
  cart.serial = 'CW000099';
  await keeper.commit({ cause: 'calibrate', calibration: calibration(7, 2_000) });
  await t.throwsAsync(keeper.rollback({ revision: 3 }), { code: 'CW-CAL-110', message: /kept are 7 to 8/ });
  const record = await keeper.rollback({ revision: 7, expected: 8 });
  t.like(record, { revision: 9, cause: 'rollback', from: 7, counters: { calibration: 3, configuration: 0 } });
  t.deepEqual(keeper.calibration, { ...calibration(7), revision: 9 });
  t.like(cart.events.at(-1), { data: { revision: 9, previous: 8, from: 7, cause: 'rollback' } });
});

test('a configuration that changed what weighing depends on counts once, with what changed', async (t) => {
  const cart = await device(t);
  await cart.running(calibration(7));
  const stiffer: Board = {
    ...board,
    plates: board.plates.map((plate) => (plate.id === 'basket' ? { ...plate, intervalMg: 10_000 } : plate)),
    // How it is reached, and what cameras there are, is no matter of weighing.
    devices: board.devices.map((entry) =>
      entry.id === 'bridge'
        ? { ...entry, options: { ...entry.options, port: { path: '/dev/ttyAMA0' } } }
        : entry,
    ),
  };
  const site = { latitudeMicroDegrees: 48_137_000, heightM: 519 };
  const keeper = await cart.running(calibration(7), { board: stiffer, site });
  t.like(keeper.record, {
    revision: 8,
    cause: 'configuration',
    plates: [],
    counters: { calibration: 1, configuration: 1 },
    changes: [
      { path: 'plates.basket.intervalMg', before: 5_000, after: 10_000 },
      { path: 'site.heightM', after: 519 },
      { path: 'site.latitudeMicroDegrees', after: 48_137_000 },
    ],
  });
  t.like(cart.events.at(-1), { data: { cause: 'configuration', configurationCounter: 1 } });
  const again = await cart.running(calibration(7), { board: stiffer, site });
  t.is(again.record?.revision, 8);
  t.is(cart.events.length, 2);
});

test('damage is a loud fault, on record, and falls back to the last good revision, which nothing covers up', async (t) => {
  const cart = await device(t);
  const keeper = await cart.running(calibration(7));
  await keeper.commit({ cause: 'zero', calibration: calibration(7, 1_100) });
  for (const name of ['calibration-00000008.json', 'last-good.json']) {
    const path = join(cart.folder, 'calibrations', name);
    const bytes = await readFile(path);
    bytes[200] = (bytes[200] ?? 0) ^ 4;
    await writeFile(path, bytes);
  }
  cart.pushed.length = 0;
  // Not even a change of the configuration makes a revision of it, nor the configuration's own file.
  const fallen = await cart.running(calibration(12, 9), { site: { latitudeMicroDegrees: 1, heightM: 0 } });
  t.is(fallen.calibration?.revision, 7);
  t.is(fallen.head?.revision, 8);
  t.deepEqual(
    cart.pushed.map((input) =>
      input.kind === 'device-fault' ? [input.source, input.fault.code, input.fault.channel] : [],
    ),
    [
      ['calibration', 'CW-CAL-100', 'revision-8'],
      ['calibration', 'CW-CAL-103', 'last-good'],
      ['calibration', 'CW-CAL-104', 'cw-cal-104'],
    ],
  );
  t.is(cart.notes.at(-1)?.what, 'calibration.found');
  await fallen.rollback({ revision: 7, expected: 8 });
  t.like(fallen.head, { revision: 9, counters: { calibration: 2, configuration: 1 } });
});

test('a lost outbox hears again what is in force, once', async (t) => {
  const cart = await device(t);
  await cart.running(calibration(7));
  for (const key of Object.keys(cart.state)) delete cart.state[key];
  const keeper = await cart.running();
  t.is(keeper.calibration?.revision, 7);
  t.like(cart.events.at(-1), { type: 'calibration.committed', data: { revision: 7, calibrationCounter: 1 } });
  const count = cart.events.length;
  await cart.running();
  t.is(cart.events.length, count);
});

test("without a head and without a whole revision nothing is in force, not even the configuration's file", async (t) => {
  const cart = await device(t);
  await cart.running(calibration(7));
  for (const key of Object.keys(cart.state)) delete cart.state[key];
  for (const name of ['calibration-00000007.json', 'last-good.json']) {
    await writeFile(join(cart.folder, 'calibrations', name), 'not what it was');
  }
  const keeper = await cart.running(calibration(7));
  t.is(keeper.calibration, undefined);
  t.true(cart.pushed.some((input) => input.kind === 'device-fault' && input.fault.code === 'CW-CAL-105'));
  t.is((await keeper.commit({ cause: 'calibrate', calibration: calibration(7) })).revision, 8);
});

test('a first revision that power kept from being told is told before the change of the configuration that follows', async (t) => {
  const cart = await device(t);
  await cart.open(calibration(7));
  const keeper = await cart.running(calibration(7), { site: { latitudeMicroDegrees: 1, heightM: 0 } });
  t.is(keeper.record?.revision, 8);
  t.like(cart.events, [
    { data: { revision: 7, cause: 'import' } },
    { data: { revision: 8, cause: 'configuration' } },
  ]);
});

test('a first revision that power kept from being committed is committed at the next start', async (t) => {
  const cart = await device(t);
  await cart.open(calibration(7));
  t.deepEqual(cart.writes, []);
  const keeper = await cart.running(calibration(7));
  t.is(keeper.record?.revision, 7);
  t.deepEqual(
    cart.pushed.map(({ kind }) => kind),
    [],
  );
  t.like(cart.events, [{ type: 'calibration.committed' }]);
  t.is((await cart.running()).record?.revision, 7);
});
