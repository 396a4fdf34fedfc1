import test from 'ava';
import { standardGravityMmS2 } from '#base/units.ts';
import type { Device, Driver } from '#drivers/driver.ts';
import { openBusI2c } from '#drivers/ports/bus.ts';
import { findDriver } from '#drivers/registry.ts';
import { Mpu6050, mpu6050Address } from '#drivers/virtual/chips/mpu6050.ts';
import { Nau7802, nau7802Address } from '#drivers/virtual/chips/nau7802.ts';
import { PeerPorts } from '#drivers/virtual/peer-ports.ts';
import { BridgePeer } from '#drivers/virtual/peers/bridge.ts';
import { createNoise } from '#drivers/virtual/peers/noise.ts';
import { SensorTrial } from './sensor-support.ts';

const second = 1_000_000;
/** What the gateway waits for inputs that are late (src/gateway/ingest.ts). */
const holdBackUs = 40_000;

/** A bridge with four cells, and a NAU7802 and an MPU-6050 on its I²C bus, over a line of 115,200 Bd. */
async function rig() {
  const cells = new SensorTrial();
  const { clock } = cells;
  const noise = createNoise(3, 30);
  const nau = new Nau7802({ nowUs: () => clock.nowUs(), counts: () => 100_000 + noise() });
  const motion = new Mpu6050({
    nowUs: () => clock.nowUs(),
    acceleration: () => [noise(), noise(), standardGravityMmS2 + noise()],
  });
  const peer = new BridgePeer({
    clock,
    counts: (channel) => 50_000 * channel + noise(),
    chips: new Map<number, Nau7802 | Mpu6050>([
      [nau7802Address, nau],
      [mpu6050Address, motion],
    ]),
  });
  const wire = new PeerPorts(clock, { bytes: peer });
  const bridge = await cells.open(
    await findDriver('firmata-hx711'),
    { port: { path: '/dev/serial/by-id/simulated' }, cells: ['fl', 'fr', 'rl', 'rr'], samplesPerSecond: 80 },
    wire,
    'bridge',
  );
  await cells.start();
  const buses = new Map<string, Device>([['bridge', bridge]]);
  const ports = Object.assign(Object.create(wire) as PeerPorts, {
    i2c: ({ bus }: { bus: string }) => openBusI2c(buses, bus),
  });
  const add = async (driver: Driver, options: object, id: string) => {
    const trial = new SensorTrial(clock);
    await trial.open(driver, { bus: 'bridge', ...options }, ports, id);
    return trial;
  };
  return { cells, nau, motion, peer, wire, add };
}

test('four cells, a converter and a motion sensor share one bridge and its line, and nothing is lost', async (t) => {
  t.timeout(120_000);
  const { cells, motion, add, wire } = await rig();
  const imu = await add(await findDriver('mpu6050'), {}, 'imu');
  const scale = await add(await findDriver('nau7802'), { cells: ['shelf'], samplesPerSecond: 40 }, 'adc');
  let latest = 0;
  await imu.settle(
    imu.device.start((reading) => {
      latest = Math.max(latest, imu.clock.nowUs() - reading.atUs);
      imu.readings.push(reading);
    }),
  );
  await scale.start();
  await cells.pass(2 * second);
  t.log(
    `while the converter was set up, a sample of the motion sensor came ${latest} µs after its time at most`,
  );
  latest = 0;
  const before = {
    cells: cells.readings.length,
    motion: imu.readings.length,
    samples: motion.statistics.samples,
  };
  const first = scale.of('cell').length;
  await cells.pass(10 * second);
  t.log(`afterwards ${latest} µs`);
  t.true(latest < holdBackUs, 'in time for its turn');
  t.true(Math.abs(imu.readings.length - before.motion - (motion.statistics.samples - before.samples)) <= 4);
  const shelf = scale.of('cell').slice(first);
  t.true(Math.abs(shelf.length - 400) < 8, `${shelf.length}`);
  t.is(
    (shelf.at(-1)?.sequence ?? 0) - (shelf[0]?.sequence ?? 0),
    shelf.length - 1,
    'no conversion was missed',
  );
  t.true(cells.readings.length - before.cells > 4 * 80 * 10 * 0.96);
  t.deepEqual([...cells.said(), ...imu.said(), ...scale.said()], []);
  await imu.device.stop();
  await scale.device.stop();
  await cells.settle(cells.device.stop());
  t.is(wire.open, 0);
});

test('a chip that is pulled from the bridge takes neither the cells nor the other chip with it', async (t) => {
  t.timeout(120_000);
  const { cells, motion, add } = await rig();
  const imu = await add(await findDriver('mpu6050'), {}, 'imu');
  const scale = await add(await findDriver('nau7802'), { cells: ['shelf'], samplesPerSecond: 10 }, 'adc');
  await imu.start();
  await scale.start();
  await cells.pass(second);
  const fromUs = cells.clock.nowUs();
  motion.absent = true;
  await cells.pass(3 * second);
  t.deepEqual(imu.said(), ['missing CW-DRV-013']);
  t.true((imu.faults[0]?.atUs ?? 0) - fromUs <= second, 'within a second');
  motion.powerOn();
  motion.absent = false;
  await cells.pass(2 * second);
  t.deepEqual(imu.said(), ['missing CW-DRV-013', 'missing CW-DRV-013 over']);
  t.deepEqual([...cells.said(), ...scale.said()], []);
  t.true(cells.clock.nowUs() - (scale.readings.at(-1)?.atUs ?? 0) < 150_000);
});

test('what is on the bridge is lost with it, once', async (t) => {
  t.timeout(120_000);
  const { cells, add, wire } = await rig();
  const imu = await add(await findDriver('mpu6050'), {}, 'imu');
  await imu.start();
  await cells.pass(second);
  wire.unplug();
  await cells.pass(2 * second);
  t.deepEqual(imu.said(), ['disconnected CW-DRV-005']);
  await imu.device.stop();
  await cells.settle(cells.device.stop());
  t.is(wire.open, 0);
});
