import { readFile } from 'node:fs/promises';
import test from 'ava';
import { createRandom } from '#base/random.ts';
import { standardGravityMmS2 } from '#base/units.ts';
import type { Device } from '#drivers/driver.ts';
import { openBusI2c } from '#drivers/ports/bus.ts';
import { findDriver } from '#drivers/registry.ts';
import { runInline } from '#drivers/virtual/microcontroller/inline.ts';
import type { Running } from '#drivers/virtual/microcontroller/running.ts';
import { type BytePeer, PeerPorts, type PeerWire } from '#drivers/virtual/peer-ports.ts';
import { SensorTrial } from '../drivers/sensor-support.ts';

const second = 1_000_000;
const seconds = 6;
const firmware = 'boards/firmware/load-cell-bridge/load-cell-bridge.hex';

/** The real firmware on the simulated microcontroller, at the other end of a line. */
class FirmwarePeer implements BytePeer {
  readonly identity = { model: 'simulated microcontroller' };
  readonly running: Running;
  #wire: PeerWire<Uint8Array> | undefined;

  constructor(hex: string, trial: SensorTrial) {
    this.running = runInline(
      {
        hex,
        channels: ['left', 'right'],
        chips: [
          { chip: 'mpu6050', source: 'imu' },
          { chip: 'nau7802', source: 'shelf' },
        ],
        seed: 1,
        crystalPpm: 800,
        strappedRate: 80,
        baudRate: 115_200,
      },
      trial.clock,
      {
        bytes: (bytes) => this.#wire?.send(bytes),
        slipped: () => {},
        failed: (error) => {
          throw error;
        },
      },
    );
  }

  opened(wire: PeerWire<Uint8Array>): void {
    this.#wire = wire;
  }

  received(bytes: Uint8Array): void {
    this.running.send(bytes);
  }

  closed(): void {
    this.#wire = undefined;
  }
}

/** What the world is like for a while from `fromUs` on: cells that ripple, a cart that tilts by and by. */
function feed(running: Running, fromUs: number): void {
  const random = createRandom(4);
  const timesUs = Array.from({ length: (seconds + 4) * 100 }, (_, index) => fromUs + index * 10_000);
  const cell = (base: number) => timesUs.map(() => Math.round(base + random.gaussian() * 30));
  running.feed({
    sources: [
      { source: 'left', timesUs, values: cell(120_000) },
      { source: 'right', timesUs, values: cell(-80_000) },
      { source: 'shelf', timesUs, values: cell(400_000) },
      {
        source: 'imu',
        timesUs,
        values: timesUs.flatMap((atUs) => [
          Math.round((atUs - fromUs) / 10_000),
          Math.round(random.gaussian() * 15),
          Math.round(standardGravityMmS2 + random.gaussian() * 15),
        ]),
      },
    ],
    knownUntilUs: timesUs.at(-1) ?? fromUs,
  });
}

test('the firmware’s I²C brings a motion sensor and a converter whole, beside the load cells', async (t) => {
  t.timeout(240_000);
  const cells = new SensorTrial();
  const { clock } = cells;
  const fromUs = clock.nowUs();
  const peer = new FirmwarePeer(await readFile(firmware, 'utf8'), cells);
  feed(peer.running, fromUs);
  const wire = new PeerPorts(clock, { bytes: peer });
  const port = { path: '/dev/serial/by-id/simulated' };
  const options = { port, cells: ['left', 'right'], samplesPerSecond: 80 };
  const bridge = await cells.open(await findDriver('firmata-hx711'), options, wire, 'bridge');
  await cells.start();
  const buses = new Map<string, Device>([['bridge', bridge]]);
  const ports = Object.assign(Object.create(wire) as PeerPorts, {
    i2c: ({ bus }: { bus: string }) => openBusI2c(buses, bus),
  });
  const imu = new SensorTrial(clock);
  const adc = new SensorTrial(clock);
  await imu.running(await findDriver('mpu6050'), { bus: 'bridge' }, ports, 'imu');
  const shelf = { bus: 'bridge', cells: ['shelf'], samplesPerSecond: 40 };
  await adc.running(await findDriver('nau7802'), shelf, ports, 'adc');
  await cells.pass(second);
  const before = { imu: imu.readings.length, adc: adc.readings.length, cells: cells.readings.length };
  await cells.pass(seconds * second - (clock.nowUs() - fromUs) + second);
  const tookS = (seconds * second + second - (imu.of('motion')[before.imu]?.atUs ?? 0) + fromUs) / second;

  const motion = imu.of('motion').slice(before.imu);
  t.true(Math.abs(motion.length / tookS - 100) < 3, `${motion.length} samples in ${tookS} s`);
  // The tilt grows by 1 mm/s² each 10 ms: it tells when a sample was taken.
  const errors = motion.map(({ atUs, accelerationMmS2 }) => atUs - fromUs - accelerationMmS2[0] * 10_000);
  const worst = Math.max(...errors.map(Math.abs));
  t.log(`times of the motion sensor are within ${worst} µs`);
  t.true(worst < 25_000);
  const weighed = adc.of('cell').slice(before.adc);
  t.true(Math.abs(weighed.length / tookS - 40) < 2, `${weighed.length} conversions in ${tookS} s`);
  t.is((weighed.at(-1)?.sequence ?? 0) - (weighed[0]?.sequence ?? 0), weighed.length - 1, 'none was missed');
  t.true(weighed.every(({ counts }) => Math.abs(counts - 400_000) < 300));
  t.true((cells.readings.length - before.cells) / tookS > 2 * 77);
  t.deepEqual([...cells.said(), ...imu.said(), ...adc.said()], []);
  await imu.device.stop();
  await adc.device.stop();
  await cells.settle(cells.device.stop());
  await peer.running.stop();
  t.is(wire.open, 0);
});
