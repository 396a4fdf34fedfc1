import test from 'ava';
import { createRandom } from '#base/random.ts';
import type { McuFault } from '#drivers/virtual/microcontroller/faults.ts';
import { VirtualGateway } from './microcontroller/gateway.ts';
import { scrambled } from './microcontroller/stream.ts';

const second = 1_000_000;

interface Case {
  readonly what: string;
  readonly fault: McuFault;
  /** Who tells of it, and how. */
  readonly source: string;
  readonly code: string;
  /** Where a second is too short to be sure: what weighing waits for by default, and half a second. */
  readonly withinUs?: number;
}

const channel = 1;
const cases: readonly Case[] = [
  { what: 'an absent converter', fault: { fault: 'absent', channel }, source: 'cell-1', code: 'CW-DRV-008' },
  {
    what: 'a data line stuck low',
    fault: { fault: 'stuck', channel, level: 'low' },
    source: 'cell-1',
    code: 'CW-DRV-015',
  },
  {
    what: 'a data line stuck high',
    fault: { fault: 'stuck', channel, level: 'high' },
    source: 'cell-1',
    code: 'CW-DRV-008',
  },
  {
    what: 'bit errors on a data line',
    fault: { fault: 'bit-errors', channel, share: 0.1 },
    source: 'cell-1',
    code: 'CW-DRV-017',
  },
  {
    what: 'a converter at half its rate',
    fault: { fault: 'skew', channel, share: -0.5 },
    source: 'cell-1',
    code: 'CW-DRV-017',
  },
  {
    what: 'a cell beyond full scale',
    fault: { fault: 'saturated', channel, sign: -1 },
    source: 'cell-1',
    code: 'CW-WGH-002',
  },
  {
    what: 'a cell that gives one value only',
    fault: { fault: 'frozen', channel },
    source: 'cell-1',
    code: 'CW-WGH-003',
    withinUs: 2_500_000,
  },
  { what: 'a reset', fault: { fault: 'reset' }, source: 'bridge', code: 'CW-DRV-018' },
  { what: 'a firmware that hangs', fault: { fault: 'hang' }, source: 'bridge', code: 'CW-DRV-018' },
  {
    what: 'bit errors on the line to the host',
    fault: { fault: 'line-errors', direction: 'to-host', share: 0.005 },
    source: 'bridge',
    code: 'CW-DRV-017',
  },
  {
    what: 'bytes lost on the line to the host',
    fault: { fault: 'lost-bytes', direction: 'to-host', share: 0.005 },
    source: 'bridge',
    code: 'CW-DRV-017',
  },
  {
    what: 'a wrong baud rate',
    fault: { fault: 'baud', baudRate: 57_600 },
    source: 'bridge',
    code: 'CW-DRV-008',
  },
  {
    what: 'an I²C chip that does not answer',
    fault: { fault: 'chip-absent', address: 0x68 },
    source: 'imu',
    code: 'CW-DRV-013',
  },
  { what: 'an I²C bus that is held', fault: { fault: 'bus-held' }, source: 'imu', code: 'CW-DRV-013' },
  { what: 'a board that is unplugged', fault: { fault: 'unplugged' }, source: 'bridge', code: 'CW-DRV-005' },
];

test('each fault is told by its code within a second, and all is well again without a restart', async (t) => {
  t.timeout(240_000);
  const noise = createRandom(9);
  const counts = (of: number) => 82_000 + 1_000 * of + Math.round(8 * noise.gaussian());
  const gateway = new VirtualGateway({ channels: 4, seed: 3, counts });
  await gateway.start();
  await gateway.pass(2 * second);
  t.deepEqual(gateway.standing(), []);
  for (const { what, fault, source, code, withinUs = second } of cases) {
    const before = gateway.faults.length;
    const end = gateway.begin(fault);
    const told = () =>
      gateway.faults.slice(before).some((one) => one.source === source && one.code === code && !one.cleared);
    const toldUs = await gateway.until(told, withinUs);
    t.not(toldUs, undefined, `${what}: ${JSON.stringify(gateway.faults.slice(before))}`);
    await gateway.pass(second / 2);
    end();
    const wellUs = await gateway.until(() => gateway.standing().length === 0, 12 * second);
    t.not(wellUs, undefined, `${what}: ${gateway.standing()} stand`);
    t.log(`${what}: ${code} after ${(toldUs ?? 0) / 1_000} ms, well again after ${(wellUs ?? 0) / 1_000} ms`);
    const cells = gateway.readings.length;
    const motions = gateway.motions.length;
    await gateway.pass(second);
    t.true(gateway.readings.length - cells > 290, `${what}: ${gateway.readings.length - cells} readings`);
    t.true(gateway.motions.length - motions > 80, `${what}: ${gateway.motions.length - motions} motions`);
    t.deepEqual(gateway.standing(), [], what);
  }
  await gateway.stop();
});

test('the driver delivers the very conversions of eight cells, in order, at their times', async (t) => {
  t.timeout(120_000);
  const gateway = new VirtualGateway({ channels: 8, seed: 4, counts: scrambled, crystalPpm: 150 });
  await gateway.start();
  await gateway.pass(10 * second);
  await gateway.stop();
  let worstUs = 0;
  for (const [index, latched] of gateway.latched.entries()) {
    const read = gateway.readings.filter(({ source }) => source === `cell-${index}`);
    t.true(read.length > 740, `${read.length} readings`);
    const first = latched.findIndex(({ counts }) => counts === read[0]?.counts);
    t.true(first >= 0);
    t.deepEqual(
      read.map((reading) => reading.counts),
      latched.slice(first, first + read.length).map((conversion) => conversion.counts),
    );
    for (const [at, { atUs }] of read.entries()) {
      const trueUs = (latched[first + at]?.atUs ?? 0) + 1_000_000_000;
      if (at > 160) worstUs = Math.max(worstUs, Math.abs(atUs - trueUs));
    }
  }
  t.log(`times are at most ${Math.round(worstUs)} µs off`);
  t.true(worstUs < 15_000);
});
