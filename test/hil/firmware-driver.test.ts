import test from 'ava';
import { mpu6050Address } from '#drivers/virtual/chips/mpu6050.ts';
import type { McuFault } from '#drivers/virtual/microcontroller/faults.ts';
import { VirtualFirmwareBridge } from './firmware/virtual-bridge.ts';

const second = 1_000_000;
const four = ['a', 'b', 'c', 'd'];
const eight = [...four, 'e', 'f', 'g', 'h'];

test('what the converters latch becomes readings, each once and with its own time', async (t) => {
  t.timeout(240_000);
  const rig = new VirtualFirmwareBridge(8, 4_000);
  const device = await rig.open(eight);
  await rig.pass(15 * second);
  const { readings, latched, faults } = rig;
  await device.stop();
  t.deepEqual(faults, []);
  for (const [channel, cell] of eight.entries()) {
    const own = readings.filter(({ source }) => source === cell);
    const first = latched.findIndex((one) => one.channel === channel && one.counts === own[0]?.counts);
    const sent = latched.slice(first).filter((one) => one.channel === channel);
    t.true(own.length > 15 * 75, `${own.length} of ${cell}`);
    t.deepEqual(
      own.map(({ counts }) => counts),
      sent.slice(0, own.length).map(({ counts }) => counts),
    );
    t.true(own.every(({ sequence }, index) => sequence === index));
    const late = own.slice(-300);
    const errors = late.map(({ atUs, counts }) =>
      Math.abs(VirtualFirmwareBridge.toMcuUs(atUs) - (sent.find((one) => one.counts === counts)?.atUs ?? 0)),
    );
    // Age in units of 128 µs, when the loop looks, and the adapter's millisecond.
    t.true(Math.max(...errors) < 2_000, `${Math.max(...errors)} µs`);
  }
});

const troubles: readonly {
  readonly what: McuFault;
  readonly lastsUs: number;
  readonly told: string;
}[] = [
  { what: { fault: 'absent', channel: 2 }, lastsUs: second, told: 'c missing CW-DRV-008' },
  { what: { fault: 'stuck', channel: 1, level: 'low' }, lastsUs: second, told: 'b stuck CW-DRV-015' },
  { what: { fault: 'stuck', channel: 1, level: 'high' }, lastsUs: second, told: 'b missing CW-DRV-008' },
  {
    what: { fault: 'line-errors', direction: 'to-host', share: 0.002 },
    lastsUs: second,
    told: 'bridge integrity CW-DRV-017',
  },
  {
    what: { fault: 'lost-bytes', direction: 'to-host', share: 0.002 },
    lastsUs: second,
    told: 'bridge integrity CW-DRV-017',
  },
  { what: { fault: 'reset' }, lastsUs: second, told: 'bridge missing CW-DRV-018' },
  { what: { fault: 'hang' }, lastsUs: second, told: 'bridge missing CW-DRV-018' },
  { what: { fault: 'baud', baudRate: 57_600 }, lastsUs: second, told: 'bridge missing CW-DRV-008' },
];

test('each trouble is told by its code within a second, and over when it has ended, without reopening', async (t) => {
  t.timeout(240_000);
  const rig = new VirtualFirmwareBridge(4);
  const device = await rig.open(four);
  await rig.pass(2 * second);
  const named = ({ channel, fault, code }: (typeof rig.faults)[number]) =>
    `${channel ?? 'bridge'} ${fault} ${code}`;
  for (const { what, lastsUs, told } of troubles) {
    const beganUs = rig.clock.nowUs();
    rig.faults.length = 0;
    await rig.fault(what, lastsUs);
    await rig.pass(2 * second);
    const first = rig.faults.find((fault) => named(fault) === told && fault.cleared !== true);
    const name = JSON.stringify(what);
    t.truthy(first, `${name}: ${rig.faults.map(named).join(', ')}`);
    t.true((first?.atUs ?? Number.POSITIVE_INFINITY) - beganUs <= second, `${name} is told in time`);
    const standing = new Set<string>();
    for (const fault of rig.faults) {
      if (fault.cleared === true) standing.delete(named(fault));
      else standing.add(named(fault));
    }
    t.deepEqual([...standing], [], `${name} is over`);
    t.false(
      rig.faults.some(({ fault }) => fault === 'disconnected'),
      `${name} needs no reopening`,
    );
    const before = rig.readings.length;
    await rig.pass(second / 2);
    t.true(rig.readings.length - before > 4 * 35, `${name}: all cells read again`);
  }
  t.is(rig.ports.open, 1);
  await device.stop();
});

test('a bridge without power is given up, and its firmware is greeted anew when it is back', async (t) => {
  const rig = new VirtualFirmwareBridge(4);
  const device = await rig.open(four);
  await rig.pass(second);
  rig.mcu.powerOff();
  await rig.pass(2 * second);
  t.is(rig.faults.filter(({ fault }) => fault === 'disconnected').length, 1);
  await device.stop();
  rig.mcu.powerOn();
  const again = await rig.open(four);
  const before = rig.readings.length;
  await rig.pass(second);
  t.true(rig.readings.length - before > 4 * 70);
  await again.stop();
});

test('a chip on the bridge’s I²C bus is written and read beside the load cells, and missed when it is gone', async (t) => {
  const rig = new VirtualFirmwareBridge(4);
  const device = await rig.open(four);
  await rig.pass(second);
  const port = await device.openI2c();
  const whoAmI = await rig.settle(port.transfer(mpu6050Address, Uint8Array.of(0x75), 1));
  t.deepEqual([...whoAmI.data], [0x68]);
  // PWR_MGMT_1: awake, clock from the gyroscope.
  await rig.settle(port.transfer(mpu6050Address, Uint8Array.of(0x6b, 1), 0));
  t.deepEqual([...(await rig.settle(port.transfer(mpu6050Address, Uint8Array.of(0x6b), 1))).data], [1]);
  await rig.pass(100_000);
  const { data } = await rig.settle(port.transfer(mpu6050Address, Uint8Array.of(0x3b), 6));
  const z = ((data[4] ?? 0) << 8) | (data[5] ?? 0);
  t.true(Math.abs(z - 16_384) < 500, `1 g along z reads ${z}`);
  const chip = rig.mcu.chips.get(mpu6050Address);
  if (chip === undefined) throw new Error('no chip');
  chip.absent = true;
  await t.throwsAsync(rig.settle(port.transfer(mpu6050Address, Uint8Array.of(0x75), 1)), {
    code: 'CW-DRV-013',
  });
  await t.throwsAsync(rig.settle(port.transfer(mpu6050Address, Uint8Array.of(0x6b, 1), 0)), {
    code: 'CW-DRV-013',
  });
  chip.absent = false;
  t.deepEqual([...(await rig.settle(port.transfer(mpu6050Address, Uint8Array.of(0x75), 1))).data], [0x68]);
  t.deepEqual(rig.faults, []);
  await device.stop();
});

test('a johnny-five accelerometer hung on the bridge’s board measures while the load cells are read', async (t) => {
  const rig = new VirtualFirmwareBridge(4);
  const device = await rig.open(four);
  const { five, board } = device;
  const accelerometer = new five.Accelerometer({ board, controller: 'MPU6050' } as { controller: string });
  const seen: number[] = [];
  accelerometer.on('data', () => seen.push(accelerometer.z));
  await rig.pass(2 * second);
  t.true(seen.length > 10, `${seen.length} measurements`);
  t.true(Math.abs((seen.at(-1) ?? 0) - 1) < 0.1, `${seen.at(-1)} g`);
  t.true(rig.readings.length > 4 * 120);
  t.deepEqual(rig.faults, []);
  await device.stop();
});
