import { readFileSync } from 'node:fs';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { type Clock, systemClock, VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { createRandom } from '#base/random.ts';
import { loadBoard } from '#config/load.ts';
import type { Device } from '#drivers/driver.ts';
import type { BytePort, PortBus } from '#drivers/ports/ports.ts';
import { findDriver, openDevice } from '#drivers/registry.ts';
import type { LiveWorld } from '#drivers/virtual/live-world.ts';
import type { MicrocontrollerStatistics } from '#drivers/virtual/microcontroller/microcontroller.ts';
import { pace } from '#drivers/virtual/microcontroller/pace.ts';
import { Simulator } from '#drivers/virtual/microcontroller/simulator.ts';
import { PeerPorts } from '#drivers/virtual/peer-ports.ts';
import { findWorld } from '#drivers/virtual/world.ts';
import { DeviceSupervisor } from '#gateway/devices.ts';
import type { CellReading, MotionReading, Reading } from '#readings/readings.ts';

const second = 1_000_000;
const scenario = 'config/scenarios/scan-then-place.yaml';

async function passTime(clock: VirtualClock, us: number): Promise<void> {
  for (const untilUs = clock.nowUs() + us; clock.nowUs() < untilUs; ) {
    clock.advance(1_000);
    await setImmediate();
  }
}

/** A world and a simulated bridge in it, opened without a supervisor. */
async function openBridge(clock: Clock, options: Record<string, unknown> = {}) {
  const buses = new Map<string, Device>();
  const open = async (id: string, driver: string, more: Record<string, unknown>) => {
    const context = { id, clock, log: silentLogger, buses, ports: new PeerPorts(clock, {}) };
    const device = await openDevice({ id, driver, options: more }, context);
    buses.set(id, device);
    return { device, context };
  };
  const { context } = await open('world', 'virtual-world', { scenario });
  const world: LiveWorld = findWorld('world', context).world;
  const { device } = await open('mcu', 'virtual-microcontroller', {
    world: 'world',
    channels: ['cell-fl', '-', 'cell-rr'],
    ...options,
  });
  const call = async (action: string, args: unknown = {}) => device.call?.(action, args);
  const bytes = async (): Promise<BytePort> => {
    const port = await (device as Device & PortBus).openBytes?.();
    if (port === undefined) throw new Error('it has no line');
    return port;
  };
  return { world, device, call, bytes };
}

/** What a port delivers, and how it ended. */
function listenTo(port: BytePort) {
  const heard = { bytes: [] as number[], lost: undefined as string | undefined };
  port.listen({
    data: (bytes) => heard.bytes.push(...bytes),
    lost: ({ code }) => {
      heard.lost = code;
    },
  });
  return heard;
}

const greeting = [0xf9, 2];

test('the demo cart reads through the firmware what its world holds', async (t) => {
  t.timeout(60_000);
  const board = await loadBoard('demo-cart');
  const clock = new VirtualClock(50 * second);
  const readings: Reading[] = [];
  const faults: string[] = [];
  const supervisor = new DeviceSupervisor({
    entries: board.devices.map((entry) =>
      entry.id === 'world' ? { ...entry, options: { scenario, startOn: 'first-start' } } : entry,
    ),
    clock,
    log: silentLogger,
    random: createRandom(1),
    findDriver,
    onReading: (reading) => readings.push(reading),
    onFault: (source, fault) => faults.push(`${source} ${fault.code} ${fault.message}`),
  });
  let done = false;
  const starting = supervisor.start().finally(() => {
    done = true;
  });
  while (!done) {
    await passTime(clock, 1_000);
    await sleep(1);
  }
  await starting;
  const { world } = supervisor.device('world') as unknown as { world: LiveWorld };
  const truth: Reading[] = [];
  for (const source of ['cell-fl', 'cell-rr', 'imu']) world.listen(source, (reading) => truth.push(reading));
  await passTime(clock, 4 * second);
  const fromUs = clock.nowUs();
  await passTime(clock, 8 * second);
  const untilUs = clock.nowUs() - 100_000;
  await supervisor.stop();
  t.deepEqual(faults, []);

  const isWithin = ({ atUs }: Reading) => atUs > fromUs && atUs < untilUs;
  const cells = (list: readonly Reading[], source: string) =>
    list.filter((one): one is CellReading => one.kind === 'cell' && one.source === source);
  for (const source of ['cell-fl', 'cell-rr']) {
    const read = cells(readings, source).filter(isWithin);
    const held = cells(truth, source);
    t.true(read.length > 7.9 * 74, `${read.length} readings of ${source}`);
    const strange = read.filter(
      ({ atUs, counts }) => !held.some((one) => one.counts === counts && Math.abs(one.atUs - atUs) < 30_000),
    );
    t.deepEqual(strange, []);
  }
  const motions = readings.filter((one): one is MotionReading => one.kind === 'motion' && isWithin(one));
  const felt = truth.filter((one): one is MotionReading => one.kind === 'motion');
  t.true(motions.length > 8 * 90, `${motions.length} motions`);
  // The chip resolves 1/16,384 g.
  const far = motions.filter(
    ({ accelerationMmS2: [x, , z], atUs }) =>
      !felt.some(
        (one) =>
          Math.abs(one.atUs - atUs) < 60_000 &&
          Math.abs(one.accelerationMmS2[0] - x) <= 2 &&
          Math.abs(one.accelerationMmS2[2] - z) <= 2,
      ),
  );
  t.true(far.length < motions.length / 100, `${far.length} of ${motions.length} motions were never felt`);
});

test('a simulated bridge greets whoever opens its line, is unplugged and plugged in again', async (t) => {
  const clock = new VirtualClock(second);
  const { device, call, bytes } = await openBridge(clock);
  await device.start(() => {});
  const port = await bytes();
  const heard = listenTo(port);
  await passTime(clock, 50_000);
  t.deepEqual(heard.bytes.slice(0, 2), greeting);
  await t.throwsAsync(bytes(), { code: 'CW-DRV-003' });

  const { id } = (await call('inject', { fault: 'unplugged' })) as { id: number };
  t.is(heard.lost, 'CW-DRV-005');
  await t.throwsAsync(bytes(), { code: 'CW-DRV-005' });
  await passTime(clock, 100_000);
  await call('heal', { id });
  const again = listenTo(await bytes());
  await passTime(clock, 50_000);
  t.deepEqual(again.bytes.slice(0, 2), greeting);

  const { resets } = (await call('statistics')) as MicrocontrollerStatistics;
  t.is(resets.power, 2);
  t.is(resets.pin, 2, 'each opening pulls DTR');
  await t.throwsAsync(call('inject', { fault: 'absent', channel: 1 }), { code: 'CW-DRV-004' });
  await t.throwsAsync(call('inject', { fault: 'gremlins' }), { code: 'CW-DRV-020' });
  await t.throwsAsync(call('explode'), { code: 'CW-DRV-009' });
  await device.stop();
  await device.stop();
  t.is(again.lost, 'CW-DRV-005');
});

test('faults begin and end when the profile plans them', async (t) => {
  const clock = new VirtualClock(second);
  const { device, call, bytes } = await openBridge(clock, {
    faults: [{ what: { fault: 'lost-bytes', direction: 'to-host', share: 1 }, fromS: 0.5, untilS: 1 }],
  });
  await device.start(() => {});
  const heard = listenTo(await bytes());
  const restarts = async (ms: number) => {
    heard.bytes.length = 0;
    await call('inject', { fault: 'reset' });
    await passTime(clock, ms * 1_000);
    return heard.bytes.length;
  };
  t.true((await restarts(200)) > 50);
  await passTime(clock, 400_000);
  t.is(await restarts(200), 0);
  await passTime(clock, 400_000);
  t.true((await restarts(200)) > 50);
  await device.stop();
});

test('a firmware that is missing or is none is refused', async (t) => {
  const clock = new VirtualClock(second);
  await t.throwsAsync(openBridge(clock, { firmware: 'no/such.hex' }), { code: 'CW-DRV-016' });
  await t.throwsAsync(openBridge(clock, { firmware: 'package.json' }), { code: 'CW-DRV-016' });
  await t.throwsAsync(openBridge(systemClock, { firmware: 'package.json' }), { code: 'CW-DRV-016' });
});

test('by the machine’s own clock it runs in a thread, which ends with it', async (t) => {
  t.timeout(60_000);
  const { device, call, bytes } = await openBridge(systemClock, { resetOnOpen: false });
  const heard = listenTo(await bytes());
  const { id } = (await call('inject', { fault: 'reset' })) as { id: number };
  for (let turn = 0; turn < 2_000 && heard.bytes.length < 50; turn++) await sleep(10);
  const at = heard.bytes.indexOf(0xf9);
  t.deepEqual(heard.bytes.slice(at, at + 2), greeting);
  await call('heal', { id });
  await t.throwsAsync(call('inject', { fault: 'chip-absent', address: 0x50 }), { code: 'CW-DRV-004' });
  const { resets } = (await call('statistics')) as MicrocontrollerStatistics;
  t.is(resets.pin, 1);
  await device.stop();
  await t.throwsAsync(bytes(), { code: 'CW-DRV-005' });
});

test('a simulator that is late catches up piece by piece, and gives up what is too much', (t) => {
  const simulator = new Simulator(
    {
      hex: readFileSync('boards/firmware/load-cell-bridge/load-cell-bridge.hex', 'utf8'),
      channels: ['a'],
      chips: [],
      seed: 1,
      crystalPpm: 0,
      strappedRate: 80,
      baudRate: 115_200,
    },
    0,
  );
  let turns = 0;
  for (let behind = true; behind; turns++) {
    const before = simulator.mcu.nowUs;
    const paced = pace(simulator, 200_000);
    t.true(simulator.mcu.nowUs - before < 21_000);
    t.is(paced.slippedUs, 0);
    behind = paced.behind;
  }
  t.is(turns, 10);
  t.true(Math.abs(simulator.behindUs(200_000)) < 100);
  const { slippedUs } = pace(simulator, 10_000_000);
  t.true(slippedUs > 9_700_000);
  t.true(Math.abs(simulator.behindUs(10_000_000)) < 100);
});

test('who listens ahead hears before all others what they will hear', async (t) => {
  const clock = new VirtualClock(second);
  const { world, device } = await openBridge(clock);
  const told: Reading[] = [];
  const foretold: Reading[] = [];
  let knownUntilUs = 0;
  world.listenAhead((foresight) => {
    foretold.push(...foresight.readings);
    knownUntilUs = foresight.knownUntilUs;
  });
  for (const source of ['cell-fl', 'cell-fr', 'cell-rl', 'cell-rr', 'imu', 'handle-scanner']) {
    world.listen(source, (reading) => {
      told.push(reading);
      t.true(reading.atUs <= clock.nowUs());
    });
  }
  await device.start(() => {});
  for (let step = 0; step < 300; step++) {
    clock.advance(20_000);
    t.true(knownUntilUs >= clock.nowUs() + 99_000);
  }
  t.true(told.length > 1_900);
  t.deepEqual(told, foretold.slice(0, told.length));
  t.is(world.progress().worldUs, 6_000_000);
  await device.stop();
});
