import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test from 'ava';
import { parse, stringify } from 'yaml';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { loadBoard } from '#config/load.ts';
import type { Device } from '#drivers/driver.ts';
import { openDevice } from '#drivers/registry.ts';
import type { WorldProgress } from '#drivers/virtual/live-world.ts';
import { PeerPorts } from '#drivers/virtual/peer-ports.ts';
import type { Reading } from '#readings/readings.ts';
import { loadScenarioFiles } from '#simulation/files.ts';
import { playScenario } from '#simulation/play.ts';
import { loadScenario } from '#simulation/scenario.ts';

const path = 'config/scenarios/scan-then-place.yaml';
const scenario = await loadScenario(path);
const files = await loadScenarioFiles(scenario);
const board = await loadBoard('test/fixtures/boards/light-cart.yaml');
const startUs = 7_000_000;
/** A world of its own: nothing of it is reached through ports. */
const noPorts = (clock: VirtualClock) => new PeerPorts(clock, {});

async function openAll(worldOptions: Record<string, unknown> = {}, fromUs = startUs) {
  const clock = new VirtualClock(fromUs);
  const buses = new Map<string, Device>();
  for (const entry of board.devices) {
    const options = entry.id === 'world' ? { scenario: path, ...worldOptions } : entry.options;
    const context = { id: entry.id, clock, log: silentLogger, buses, ports: noPorts(clock) };
    buses.set(entry.id, await openDevice({ ...entry, options }, context));
  }
  const readings: Reading[] = [];
  const device = (id: string): Device => {
    const found = buses.get(id);
    if (found === undefined) throw new Error(`no device ${id}`);
    return found;
  };
  const startAll = async () => {
    for (const each of buses.values()) await each.start((reading) => readings.push(reading));
  };
  const status = async (): Promise<WorldProgress> => {
    const answer = await device('world').call?.('status', {});
    if (answer === undefined) throw new Error('the world has no status');
    return answer as WorldProgress;
  };
  return { clock, readings, device, startAll, status };
}

/** What the devices of a scenario should deliver, on the clock of these tests. */
function expected(untilUs: number): unknown[] {
  return [...playScenario({ scenario, ...files })].flatMap((item) =>
    item.kind === 'input' && item.input.kind !== 'command' && item.input.atUs <= untilUs
      ? [{ ...item.input, atUs: item.input.atUs + startUs }]
      : [],
  );
}

test('virtual devices deliver exactly what the scenario plays', async (t) => {
  const { clock, readings, startAll } = await openAll();
  await startAll();
  clock.advance(10_000_000);
  t.deepEqual(readings as unknown[], expected(10_000_000));
  t.true(readings.some((reading) => reading.kind === 'scan'));
});

test('a timer that comes late loses nothing and keeps the true times', async (t) => {
  const { clock, readings, startAll } = await openAll({ tickMs: 1000 });
  await startAll();
  clock.advance(333_333);
  clock.advance(9_666_667);
  t.deepEqual(readings as unknown[], expected(10_000_000));
});

test('a process that slept catches up in pieces', async (t) => {
  const { clock, readings, startAll, status } = await openAll();
  await startAll();
  // All timers of the sleep come at once: the clock stands at its end when the first one runs.
  const late = clock.nowUs.bind(clock);
  clock.nowUs = () => Math.max(late(), startUs + 6_000_000);
  clock.advance(20_000);
  const { worldUs } = await status();
  t.is(worldUs, 6_000_000);
  t.deepEqual(readings as unknown[], expected(6_000_000));
});

test('after its scenario the world stands still and its cells go on reading', async (t) => {
  const { clock, readings, startAll, status } = await openAll();
  await startAll();
  clock.advance(30_000_000);
  const progress = await status();
  t.is(progress.state, 'finished');
  t.is(progress.stepsDone, scenario.steps.length);
  const last = readings.at(-1);
  t.true((last?.atUs ?? 0) > startUs + 29_900_000);
});

test('a scenario can wait for the call to play, with cells that read meanwhile', async (t) => {
  const { clock, readings, device, startAll, status } = await openAll({ startOn: 'call' });
  await startAll();
  clock.advance(5_000_000);
  t.is((await status()).state, 'waiting');
  t.true(readings.filter((reading) => reading.kind === 'cell').length > 1_500);
  t.false(readings.some((reading) => reading.kind === 'scan'));
  await device('world').call?.('play', {});
  clock.advance(10_000_000);
  t.true(readings.some((reading) => reading.kind === 'scan' && reading.atUs > startUs + 5_000_000));
});

test('a loop empties the basket and begins again with the next seed', async (t) => {
  const { clock, readings, startAll, status } = await openAll({ loop: true });
  await startAll();
  clock.advance(37_000_000);
  const progress = await status();
  t.is(progress.round, 1);
  t.is(progress.seed, scenario.seed + 1);
  t.true(readings.filter((reading) => reading.kind === 'scan').length > 3);
});

test('twice the speed brings the same counts in half the time', async (t) => {
  const { clock, readings, startAll } = await openAll({ speed: 2 });
  await startAll();
  clock.advance(5_000_000);
  const counts = (all: readonly unknown[]) =>
    all.flatMap((reading) =>
      (reading as Reading).kind === 'cell' ? [(reading as { counts: number }).counts] : [],
    );
  t.deepEqual(counts(readings), counts(expected(10_000_000)));
  t.true((readings.at(-1)?.atUs ?? 0) <= startUs + 5_000_000);
});

test('an unplugged device is a fault and reads again once it is opened anew', async (t) => {
  const { clock, readings, device, startAll } = await openAll();
  await startAll();
  clock.advance(1_000_000);
  const faults: string[] = [];
  device('bridge').faults.subscribe((fault) => faults.push(fault.code));
  await device('bridge').call?.('disconnect', {});
  t.deepEqual(faults, ['CW-DRV-005']);
  const before = readings.filter((reading) => reading.kind === 'cell').length;
  clock.advance(1_000_000);
  t.is(readings.filter((reading) => reading.kind === 'cell').length, before);
  const entry = board.devices.find((other) => other.id === 'bridge');
  if (entry === undefined) throw new Error('the board has no bridge');
  const buses = new Map([['world', device('world')]]);
  const again = await openDevice(entry, {
    id: 'bridge',
    clock,
    log: silentLogger,
    buses,
    ports: noPorts(clock),
  });
  await again.start((reading) => readings.push(reading));
  clock.advance(1_000_000);
  t.is(readings.filter((reading) => reading.kind === 'cell').length - before, 4 * 80);
});

test('a gateway that restarts finds the world going on, with what happened meanwhile', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'world-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const anchor = join(folder, 'world.json');
  const first = await openAll({ anchor });
  await first.startAll();
  first.clock.advance(4_000_000);
  const second = await openAll({ anchor }, startUs + 9_000_000);
  await second.startAll();
  second.clock.advance(3_000_000);
  const all = expected(12_000_000) as Reading[];
  t.deepEqual(
    second.readings,
    all.filter((reading) => reading.atUs > startUs + 9_000_000),
  );
  const other = await openAll({ anchor, seed: 5 }, startUs + 9_000_000);
  t.is((await other.status()).state, 'waiting');
});

test('stopping is idempotent and silences a device', async (t) => {
  const { clock, readings, device, startAll } = await openAll();
  await startAll();
  clock.advance(500_000);
  await device('imu').stop();
  await device('imu').stop();
  const before = readings.filter((reading) => reading.kind === 'motion').length;
  clock.advance(500_000);
  t.is(readings.filter((reading) => reading.kind === 'motion').length, before);
  await device('world').stop();
  await device('world').stop();
  const all = readings.length;
  clock.advance(500_000);
  t.is(readings.length, all);
});

test('a virtual device without its world says how to list it', async (t) => {
  const clock = new VirtualClock();
  const buses = new Map<string, Device>();
  const context = { id: 'imu', clock, log: silentLogger, buses, ports: noPorts(clock) };
  await t.throwsAsync(
    openDevice({ id: 'imu', driver: 'virtual-motion', options: { world: 'world' } }, context),
    {
      code: 'CW-DRV-004',
      message: /before imu in the profile/,
    },
  );
});

test('a plate that names a thermometer has one in its world', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'warm-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const own = parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  const plates = board.plates.map((plate) => ({ ...plate, temperature: 'warm' }));
  const warm = { id: 'warm', driver: 'virtual-temperature', options: { world: 'world' } };
  await writeFile(
    join(folder, 'board.yaml'),
    stringify({ ...board, plates, devices: [...board.devices, warm] }),
  );
  const climate = { startKelvin: 5, kelvinPerHour: 0 };
  const catalogue = resolve(scenario.catalogue);
  const file = join(folder, 'scenario.yaml');
  await writeFile(file, stringify({ ...own, board: join(folder, 'board.yaml'), catalogue, climate }));
  const clock = new VirtualClock(startUs);
  const buses = new Map<string, Device>();
  const context = (id: string) => ({ id, clock, log: silentLogger, buses, ports: noPorts(clock) });
  buses.set(
    'world',
    await openDevice({ id: 'world', driver: 'virtual-world', options: { scenario: file } }, context('world')),
  );
  const sensor = await openDevice(warm, context('warm'));
  const readings: Reading[] = [];
  await buses.get('world')?.start(() => {});
  await sensor.start((reading) => readings.push(reading));
  clock.advance(3_500_000);
  const told = readings.map((reading) =>
    reading.kind === 'temperature' ? reading.milliCelsius : Number.NaN,
  );
  t.true(told.length >= 3);
  t.true(
    told.every((milliCelsius) => Math.abs(milliCelsius - 25_000) < 300),
    told.join(),
  );
});
