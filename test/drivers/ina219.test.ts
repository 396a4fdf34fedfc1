import test from 'ava';
import { ina219 } from '#drivers/power/ina219.ts';
import { Ina219, ina219Address } from '#drivers/virtual/chips/ina219.ts';
import { PeerPorts } from '#drivers/virtual/peer-ports.ts';
import { SensorTrial } from './sensor-support.ts';

const second = 1_000_000;
const table = [
  { millivolt: 11_000, ppm: 0 },
  { millivolt: 12_000, ppm: 500_000 },
  { millivolt: 12_600, ppm: 1_000_000 },
];

function rig(shuntMilliohm = 100) {
  const trial = new SensorTrial();
  const battery = { millivolt: 12_000, milliamp: 0 };
  const chip = new Ina219({
    nowUs: () => trial.clock.nowUs(),
    busMillivolt: () => battery.millivolt,
    milliamp: () => battery.milliamp,
    shuntMilliohm,
  });
  const ports = new PeerPorts(trial.clock, { i2c: new Map([[ina219Address, chip]]) });
  const run = (options: object = {}) =>
    trial.running(ina219, { adapter: 1, everyMs: 200, shuntMilliohm, ...options }, ports, 'battery');
  const latest = async () => {
    await trial.pass(8 * second);
    return trial.of('power').at(-1);
  };
  return { trial, battery, chip, ports, run, latest };
}

test('it measures averaged, over its widest ranges', async (t) => {
  const { chip, run } = rig();
  await run();
  t.deepEqual([...chip.transfer(Uint8Array.of(0), 2)], [0x3f, 0xff]);
});

test('what the current takes off the voltage is added back before the charge is read', async (t) => {
  const { battery, run, latest } = rig();
  battery.millivolt = 11_800;
  battery.milliamp = 2_000;
  await run({ table, batteryMilliohm: 100 });
  t.deepEqual(await latest().then((reading) => [reading?.externalPower, reading?.batteryPpm]), [
    false,
    500_000,
  ]);
  battery.milliamp = -1_000;
  battery.millivolt = 12_100;
  t.deepEqual(await latest().then((reading) => [reading?.externalPower, reading?.batteryPpm]), [
    true,
    500_000,
  ]);
});

test('a shunt the other way round, and a voltage that only a charger makes, tell external power', async (t) => {
  const { battery, run, latest } = rig(10);
  battery.milliamp = 500;
  await run({ chargesWhen: 'positive', externalAboveMillivolt: 13_000 });
  t.true((await latest())?.externalPower);
  battery.milliamp = -500;
  t.false((await latest())?.externalPower);
  battery.millivolt = 13_500;
  t.true((await latest())?.externalPower);
  t.is((await latest())?.batteryPpm, undefined, 'no curve, no charge');
});

test('a motor that starts does not make the charge jump', async (t) => {
  const { trial, battery, run, latest } = rig();
  await run({ table });
  await latest();
  const before = trial.of('power').length;
  battery.millivolt = 11_000;
  await trial.pass(200_000);
  battery.millivolt = 12_000;
  await trial.pass(4 * second);
  const seen = trial.of('power').slice(before);
  t.true(seen.every(({ batteryPpm = 0 }) => batteryPpm > 370_000));
  t.true((seen.at(-1)?.batteryPpm ?? 0) > 490_000);
});

test('another chip is refused by what it is configured after a reset', async (t) => {
  const { trial } = rig();
  const ina226 = {
    transfer: (_write: Uint8Array, bytes: number) => Uint8Array.of(0x41, 0x27).subarray(0, bytes),
  };
  const ports = new PeerPorts(trial.clock, { i2c: new Map([[ina219Address, ina226]]) });
  await t.throwsAsync(trial.open(ina219, { adapter: 1 }, ports), {
    code: 'CW-DRV-006',
    message: /0x4127 after a reset/,
  });
  t.is(ports.open, 0);
});

test('a curve that falls is refused', (t) => {
  const refused = (points: object[]) => !ina219.options.safeParse({ adapter: 1, table: points }).success;
  t.true(refused([...table].reverse()));
  t.true(
    refused([
      { millivolt: 11_000, ppm: 5 },
      { millivolt: 12_000, ppm: 4 },
    ]),
  );
  t.true(refused([{ millivolt: 11_000, ppm: 5 }]));
  t.false(refused(table));
});
