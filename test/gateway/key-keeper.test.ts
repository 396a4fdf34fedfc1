import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { KeyKeeper } from '#gateway/key-keeper.ts';
import type { StateChanges } from '#gateway/state.ts';
import type { AuditFacts } from '#identity/audit-chain.ts';
import { sealKeyList, writeKeyFile } from '#identity/key-list.ts';
import { publicPem } from '#identity/keys.ts';
import { entryOf, fixedKey, listOf } from '#test/identity/support.ts';
import { pass } from './support.ts';

const root = fixedKey('root');
const staff = fixedKey('staff');
const till = fixedKey('till');
const topic = 'cw/1/test-store/_store/keys';

/** A keeper on a folder, with a broker of one topic. */
class Bench {
  readonly clock = new VirtualClock(1_000_000);
  readonly folder: string;
  readonly facts: AuditFacts[] = [];
  state: Record<string, string> = {};
  #handler: ((topic: string, payload: Uint8Array, info: never) => void | Promise<void>) | undefined;

  static async make(): Promise<Bench> {
    const folder = await mkdtemp(join(tmpdir(), 'keys-'));
    await writeFile(join(folder, 'root.pem'), publicPem(root.publicKey));
    return new Bench(folder);
  }

  private constructor(folder: string) {
    this.folder = folder;
  }

  async open(files: { readonly keys?: boolean; readonly root?: boolean }): Promise<KeyKeeper> {
    const keeper = await KeyKeeper.open({
      store: 'test-store',
      dataFolder: this.folder,
      keysFile: files.keys === true ? join(this.folder, 'keys.json') : undefined,
      rootKeyFile: files.root === true ? join(this.folder, 'root.pem') : undefined,
      stored: { ...this.state },
      clock: this.clock,
      log: silentLogger,
      uplink: {
        subscribe: (filter, handler) => {
          if (filter === '_store/keys') this.#handler = handler;
          return () => {};
        },
      },
      record: (facts: AuditFacts, state: StateChanges) => {
        this.facts.push(facts);
        for (const [key, value] of Object.entries(state)) if (value !== null) this.state[key] = value;
        return Promise.resolve();
      },
    });
    keeper.start();
    return keeper;
  }

  /** The broker delivers what the store published. */
  async hear(payload: Uint8Array): Promise<void> {
    await this.#handler?.('_store/keys', payload, undefined as never);
  }

  told(): string[] {
    return this.facts.map(({ what, code }) => `${String(what)} ${String(code ?? '')}`.trim());
  }
}

const test = anyTest as TestFn<{ bench: Bench }>;
test.beforeEach(async (t) => {
  t.context.bench = await Bench.make();
});
test.afterEach.always((t) => rm(t.context.bench.folder, { recursive: true, force: true }));

const signed = (version: number, revoked = false) =>
  sealKeyList(listOf([entryOf(staff, 'staff', revoked ? { revoked } : {})], { version }), topic, root);

test('A key that is revoked in the file counts no more within a quarter of a minute', async (t) => {
  const { bench } = t.context;
  const path = join(bench.folder, 'keys.json');
  await writeFile(path, writeKeyFile(listOf([entryOf(staff, 'staff'), entryOf(till, 'till')])));
  const keeper = await bench.open({ keys: true });
  t.is(keeper.ring.size, 2);
  const revoked = listOf([entryOf(staff, 'staff', { revoked: true }), entryOf(till, 'till')], { version: 2 });
  await writeFile(path, writeKeyFile(revoked));
  await waitFor(bench, () => keeper.ring.size === 1);
  t.deepEqual(bench.told(), ['keys.changed', 'keys.changed']);
  t.deepEqual(bench.facts[1]?.revoked, [staff.publicKey.id]);
  t.is(bench.facts[1]?.before, 1);
  await keeper.stop();
});

test('A file that is damaged while the gateway runs changes nothing and is told once', async (t) => {
  const { bench } = t.context;
  const path = join(bench.folder, 'keys.json');
  await writeFile(path, writeKeyFile(listOf([entryOf(staff, 'staff')])));
  const keeper = await bench.open({ keys: true });
  await writeFile(path, '{ half');
  await waitFor(bench, () => keeper.fault !== undefined);
  await pass(bench.clock, 60, 5_000_000);
  t.is(keeper.fault, 'CW-IDN-008');
  t.is(keeper.ring.size, 1);
  t.deepEqual(bench.told(), ['keys.changed', 'keys.refused CW-IDN-008']);
  await writeFile(path, writeKeyFile(listOf([], { version: 2 })));
  await waitFor(bench, () => keeper.fault === undefined);
  t.is(keeper.ring.size, 0);
  await keeper.stop();
});

test('A gateway does not start with a key file or root key that it cannot use', async (t) => {
  const { bench } = t.context;
  await t.throwsAsync(bench.open({ keys: true }), { code: 'CW-IDN-008', message: /no such file/ });
  await writeFile(join(bench.folder, 'keys.json'), '[]');
  await t.throwsAsync(bench.open({ keys: true }), { code: 'CW-IDN-008' });
  await writeFile(join(bench.folder, 'root.pem'), 'x');
  await t.throwsAsync(bench.open({ root: true }), { code: 'CW-IDN-007' });
});

test("The store's list is in force when it arrives, and its version never goes back, also after a restart", async (t) => {
  const { bench } = t.context;
  let keeper = await bench.open({ root: true });
  await bench.hear(signed(4));
  t.is(keeper.ring.size, 1);
  await bench.hear(signed(5, true));
  t.is(keeper.ring.size, 0);
  for (const old of [signed(4), signed(5, false)]) {
    await bench.hear(old);
    t.is(keeper.fault, 'CW-IDN-009');
    t.is(keeper.ring.size, 0);
  }
  await keeper.stop();
  keeper = await bench.open({ root: true });
  t.is(keeper.ring.list('store')?.version, 5);
  await bench.hear(signed(4));
  t.is(keeper.fault, 'CW-IDN-009');
  await bench.hear(signed(6));
  t.is(keeper.fault, undefined);
  t.is(keeper.ring.size, 1);
  await keeper.stop();
});

test('An old list put back into the data folder is not believed', async (t) => {
  const { bench } = t.context;
  let keeper = await bench.open({ root: true });
  await bench.hear(signed(4));
  const kept = await readFile(join(bench.folder, 'store-keys.cose'));
  await bench.hear(signed(5, true));
  await keeper.stop();
  await writeFile(join(bench.folder, 'store-keys.cose'), kept);
  keeper = await bench.open({ root: true });
  t.is(keeper.ring.size, 0);
  t.is(keeper.fault, 'CW-IDN-009');
  await bench.hear(signed(5, true));
  t.is(keeper.ring.list('store')?.version, 5);
  await keeper.stop();
});

for (const [what, bytes] of [
  ['lost', undefined],
  ['damaged', 'half a list'],
] as const) {
  test(`What the store revoked stays revoked when its list is ${what}, until the store publishes again`, async (t) => {
    const { bench } = t.context;
    await writeFile(join(bench.folder, 'keys.json'), writeKeyFile(listOf([entryOf(staff, 'staff')])));
    let keeper = await bench.open({ root: true, keys: true });
    t.is(keeper.ring.size, 1);
    await bench.hear(signed(4, true));
    t.is(keeper.ring.size, 0);
    await keeper.stop();
    const kept = join(bench.folder, 'store-keys.cose');
    if (bytes === undefined) await rm(kept);
    else await writeFile(kept, bytes);
    for (let starts = 0; starts < 2; starts++) {
      keeper = await bench.open({ root: true, keys: true });
      t.is(keeper.ring.size, 0);
      t.not(keeper.fault, undefined);
      await keeper.stop();
    }
    keeper = await bench.open({ root: true, keys: true });
    await bench.hear(signed(4, true));
    t.is(keeper.ring.size, 0);
    t.is(keeper.fault, undefined);
    await bench.hear(signed(5));
    t.is(keeper.ring.size, 1);
    await keeper.stop();
  });
}

test('A mark of an earlier version learns what is revoked from the list that was kept', async (t) => {
  const { bench } = t.context;
  await writeFile(join(bench.folder, 'keys.json'), writeKeyFile(listOf([entryOf(staff, 'staff')])));
  let keeper = await bench.open({ root: true, keys: true });
  await bench.hear(signed(4, true));
  await keeper.stop();
  const { version, sha256 } = JSON.parse(bench.state['keys/store'] ?? '') as Record<string, unknown>;
  bench.state['keys/store'] = JSON.stringify({ version, sha256 });
  keeper = await bench.open({ root: true, keys: true });
  await keeper.stop();
  await rm(join(bench.folder, 'store-keys.cose'));
  keeper = await bench.open({ root: true, keys: true });
  t.is(keeper.ring.size, 0);
  await keeper.stop();
});

test('The same list delivered again changes nothing, and an empty message takes no key back', async (t) => {
  const { bench } = t.context;
  const keeper = await bench.open({ root: true });
  await bench.hear(signed(4));
  await bench.hear(signed(4));
  await bench.hear(new Uint8Array(0));
  t.is(keeper.ring.size, 1);
  t.deepEqual(bench.told(), ['keys.changed']);
  await keeper.stop();
});

test('A list that the root key did not sign, or that is for another store, is refused and on record', async (t) => {
  const { bench } = t.context;
  const keeper = await bench.open({ root: true });
  const list = listOf([entryOf(staff, 'staff')], { version: 9 });
  for (const foreign of [
    sealKeyList(list, topic, staff),
    sealKeyList(list, 'cw/1/other-store/_store/keys', root),
  ]) {
    await bench.hear(foreign);
    t.is(keeper.fault, 'CW-IDN-010');
  }
  await bench.hear(Buffer.from('no list'));
  t.is(keeper.fault, 'CW-IDN-001');
  t.is(keeper.ring.size, 0);
  t.true(bench.told().includes('keys.refused CW-IDN-010'));
  await keeper.stop();
});

test('A flood of forged lists, each by another key, puts no flood on record, and how many were left out is told', async (t) => {
  const { bench } = t.context;
  await writeFile(join(bench.folder, 'keys.json'), writeKeyFile(listOf([])));
  const keeper = await bench.open({ root: true, keys: true });
  const list = listOf([entryOf(staff, 'staff')], { version: 9 });
  const other = sealKeyList(list, 'cw/1/other-store/_store/keys', root);
  const refused = () => bench.facts.filter(({ what }) => what === 'keys.refused');
  for (let sent = 0; sent < 20; sent++)
    await bench.hear(sealKeyList(list, topic, fixedKey(`forger ${sent}`)));
  t.is(refused().length, 1);
  for (let sent = 0; sent < 200; sent++) {
    await bench.hear(other);
    await bench.hear(Buffer.from('no list'));
  }
  t.is(refused().length, 30);
  // What happens to the device's own file is on record all the same.
  await writeFile(join(bench.folder, 'keys.json'), '{ half');
  await waitFor(bench, () => refused().some(({ code }) => code === 'CW-IDN-008'));
  await pass(bench.clock, 120, 1_000_000);
  await bench.hear(other);
  const last = refused().at(-1);
  t.is(last?.code, 'CW-IDN-010');
  t.true(Number(last?.unrecordedBefore) >= 369);
  t.is(keeper.ring.size, 0);
  await keeper.stop();
});

test('A list that cannot be kept is not in force', async (t) => {
  const { bench } = t.context;
  const keeper = await bench.open({ root: true });
  await rm(bench.folder, { recursive: true });
  await writeFile(bench.folder, 'a file in its place');
  await bench.hear(signed(4));
  t.is(keeper.ring.size, 0);
  t.not(keeper.fault, undefined);
  await rm(bench.folder);
  await bench.hear(signed(4));
  t.is(keeper.ring.size, 1);
  await keeper.stop();
});

/** Lets virtual time pass until it is so: files are read on real threads. */
async function waitFor(bench: Bench, isSo: () => boolean): Promise<void> {
  for (let turns = 0; turns < 10_000 && !isSo(); turns++) await pass(bench.clock, 1, 1_000_000);
}
