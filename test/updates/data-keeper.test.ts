import { chownSync, existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type ExecutionContext } from 'ava';
import { foundFormats, keep, restore } from '#updates/backup.ts';
import { ownFormats } from '#updates/data-keeper.ts';
import { Outbox } from '#uplink/outbox.ts';
import { lowerOutbox, outboxFormatAt } from '#uplink/outbox-file.ts';
import { makeRelease, UpdateDevice } from './device.ts';

const limits = { maxBytes: 10_000_000, ledgerShare: 0.8 };

/** A device with a ledger, some state, and a calibration. */
async function sellingDevice(t: ExecutionContext): Promise<UpdateDevice> {
  const device = await UpdateDevice.make();
  t.teardown(() => device.remove());
  const { data } = device.places;
  const outbox = new Outbox(join(data, 'outbox.sqlite'), limits);
  outbox.close();
  const database = new DatabaseSync(join(data, 'outbox.sqlite'));
  database.exec("INSERT INTO state VALUES ('basket', '{}')");
  database.close();
  await mkdir(join(data, 'calibrations'));
  await writeFile(join(data, 'calibrations/calibration-00000001.json'), '{"record":1,"revision":1}');
  return device;
}

/** What a newer release does to the data when it starts. */
async function migrate({ places: { data, config } }: UpdateDevice): Promise<void> {
  const database = new DatabaseSync(join(data, 'outbox.sqlite'));
  database.exec('ALTER TABLE event ADD COLUMN lane INTEGER; PRAGMA user_version = 9');
  database.close();
  await writeFile(join(data, 'calibrations/calibration-00000002.json'), '{"record":2,"revision":2}');
  await writeFile(config, 'cartwright: 2\n');
}

const ledgerOf = ({ places }: UpdateDevice) => new Outbox(join(places.data, 'outbox.sqlite'), limits);

test('data of a format that the older release reads stays untouched, ledger and all', async (t) => {
  const cart = await sellingDevice(t);
  const before = ledgerOf(cart);
  const { ledger } = before.start;
  before.close();
  await keep(cart.places, 2);
  t.deepEqual(await restore(cart.places, { number: 2, from: '1.1.0', formats: ownFormats }), []);
  const after = ledgerOf(cart);
  t.is(after.start.ledger, ledger);
  after.close();
});

test('what a failed release has migrated is put back; nothing is thrown away, and no number is given twice', async (t) => {
  const cart = await sellingDevice(t);
  const { places } = cart;
  const before = ledgerOf(cart);
  const { ledger } = before.start;
  before.close();
  await keep(places, 2);
  await migrate(cart);
  t.deepEqual(await foundFormats(places), { configuration: 2, outbox: 9, calibration: 2 });
  const notes = await restore(places, { number: 2, from: '1.1.0', formats: ownFormats });
  t.is(notes.length, 3);
  t.like(await foundFormats(places), { configuration: 1, outbox: ownFormats.outbox, calibration: 1 });
  const after = ledgerOf(cart);
  t.not(after.start.ledger, ledger);
  t.is(after.start.state.basket, '{}');
  after.close();
  const left = await readdir(places.data);
  t.true(left.includes('outbox.sqlite.newer-1') && left.includes('calibrations.newer-1'));
  t.true(existsSync(`${places.config}.newer`));
  t.regex(await readFile(places.config, 'utf8'), /cartwright: 1/);
  t.deepEqual(
    await restore(places, { number: 2, from: '1.1.0', formats: ownFormats }),
    [],
    'once more, after a power cut',
  );
});

test('an outbox goes back to an older format with its ledger where the release knows how', async (t) => {
  const cart = await sellingDevice(t);
  const path = join(cart.places.data, 'outbox.sqlite');
  const before = ledgerOf(cart);
  before.close();
  const database = new DatabaseSync(path);
  database.exec('ALTER TABLE event ADD COLUMN lane INTEGER; PRAGMA user_version = 2');
  database.close();
  t.throws(() => lowerOutbox(path, 1), { code: 'CW-UPL-003' });
  t.is(outboxFormatAt(path), 2);
  lowerOutbox(path, 1, [{ up: '' }, { up: '', down: 'ALTER TABLE event DROP COLUMN lane' }]);
  t.is(outboxFormatAt(path), 1);
  const after = ledgerOf(cart);
  t.is(after.start.ledger, before.start.ledger);
  after.close();
});

test('a downgrade to a release that can not read the data is refused, and the gateway goes on', async (t) => {
  const cart = await sellingDevice(t);
  cart.behaviours.set('1.1.0', 'well');
  await cart.update(makeRelease('1.1.0'));
  await migrate(cart);
  await writeFile(cart.places.config, 'cartwright: 1\nstore: s\ndevice: d\n');
  await cart.update(makeRelease('0.9.0'), { downgrade: true });
  t.like((await cart.state()).happenings.at(-1), { what: 'refused', code: 'CW-UPD-027' });
  t.is(cart.runs, '1.1.0');
});

const asRoot = process.getuid?.() === 0 ? test : test.skip;
asRoot('what lies in the folder of the gateway is touched as its user alone', async (t) => {
  const cart = await sellingDevice(t);
  const { data } = cart.places;
  for (const name of ['', 'calibrations', 'outbox.sqlite', 'calibrations/calibration-00000001.json'])
    chownSync(join(data, name), 65_534, 65_534);
  chownSync(cart.root, 65_534, 65_534);
  await writeFile(join(cart.root, 'secret'), 'of root', { mode: 0o600 });
  await t.notThrowsAsync(keep(cart.places, 2));
  const kept = join(cart.places.own, 'backups/2/data');
  t.deepEqual((await readdir(kept)).sort(), ['calibrations', 'outbox.sqlite']);
});
