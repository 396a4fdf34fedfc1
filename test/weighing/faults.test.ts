import test from 'ava';
import type { WeighingFault } from '#weighing/outputs.ts';
import { Weigher } from '#weighing/weigher.ts';
import { calibrationOf, defaults, type Load, plateOf, Rig, step, sumOf } from './bench-plate.ts';

const goods: Load = () => 2_000_000;
const told = (rig: Rig) =>
  rig.faults.map(({ source, fault, code, cleared }) => [source, fault, code, cleared]);

test('a cell that falls silent is missing after its time, at that time, once; and again when it returns', (t) => {
  const rig = new Rig().run(2, goods);
  rig.run(3, goods, { tamper: (cell, _at, counts) => (cell === 0 ? undefined : counts) });
  t.deepEqual(told(rig), [['cell-0', 'missing', 'CW-WGH-004', false]]);
  t.is(rig.faults[0]?.atUs, 2_500_000);
  t.is(rig.weigher.status('basket').grossMg, undefined);
  rig.run(2, goods);
  t.deepEqual(told(rig)[1], ['cell-0', 'missing', 'CW-WGH-004', true]);
  t.deepEqual(rig.movements, []);
  t.true(rig.weigher.status('basket').stable);
});

test('silence fires by time alone, in order, and the deadline says when', (t) => {
  const rig = new Rig().run(2, goods);
  let guard = 0;
  for (let due = rig.weigher.nextDeadlineUs(); due !== undefined && due <= 60_000_000; ) {
    rig.weigher.advance(due);
    const next = rig.weigher.nextDeadlineUs();
    t.true(next === undefined || next > due);
    due = next;
    if (++guard > 1_000) break;
  }
  t.true(guard < 1_000);
  t.deepEqual(
    rig.faults.map(({ source, atUs }) => [source, atUs]),
    [0, 1, 2, 3].map((i) => [`cell-${i}`, 2_500_000]),
  );
});

test('a device whose sensors are all missing waits for a reading, not for a time', (t) => {
  const rig = new Rig().run(2, goods);
  rig.weigher.advance(10_000_000);
  t.is(rig.weigher.nextDeadlineUs(), undefined);
  rig.weigher.advance(Number.MAX_SAFE_INTEGER);
  t.is(rig.faults.length, 4);
});

test('cells that came back are missing again when they fall silent again', (t) => {
  const rig = new Rig().run(2, goods);
  rig.run(5, goods, { tamper: () => undefined });
  rig.run(2, goods);
  t.deepEqual(rig.faults.filter(({ cleared }) => cleared).length, 4);
  rig.weigher.advance(20_000_000);
  const again = rig.faults.slice(8);
  t.deepEqual(
    again.map(({ source, cleared }) => [source, cleared]),
    [0, 1, 2, 3].map((i) => [`cell-${i}`, false]),
  );
  t.deepEqual(new Set(again.map(({ atUs }) => atUs)).size, 1);
  t.true((again[0]?.atUs ?? 0) < 10_000_000);
});

test('a cell that comes back is not forgiven its silence because a scale is given more time', (t) => {
  const faults: WeighingFault[] = [];
  const weigher = new Weigher({
    plates: [plateOf(1), plateOf(1, { id: 'rack', cells: undefined, scale: 'scale' })],
    calibration: calibrationOf(plateOf(1)),
    config: defaults,
    sink: (output) => {
      if (output.kind === 'fault' && output.fault === 'missing') faults.push(output);
    },
  });
  const indicate = (atUs: number) =>
    weigher.scale({ kind: 'scale', source: 'scale', atUs, massMg: 0, stable: true });
  let sequence = 0;
  const convert = (fromUs: number) => {
    for (let i = 0; i < 8; i++) weigher.cell('cell-0', fromUs + i * 12_500, 80_000 + (i % 2), sequence++);
  };
  convert(1_000_000);
  for (let atUs = 1_200_000; atUs < 5_250_000; atUs += 200_000) indicate(atUs);
  convert(5_250_000);
  for (let atUs = 5_400_000; atUs < 8_000_000; atUs += 200_000) indicate(atUs);
  t.deepEqual(
    faults.map(({ source, cleared, atUs }) => [source, cleared, atUs >= 5_750_000 && atUs <= 5_900_000]),
    [
      ['cell-0', false, false],
      ['cell-0', true, false],
      ['cell-0', false, true],
    ],
  );
});

test('a scale that came back is missing again when it falls silent again', (t) => {
  const faults: WeighingFault[] = [];
  const weigher = new Weigher({
    plates: [plateOf(1, { cells: undefined, scale: 'scale' })],
    calibration: undefined,
    config: defaults,
    sink: (output) => {
      if (output.kind === 'fault') faults.push(output);
    },
  });
  const indicate = (atUs: number) =>
    weigher.scale({ kind: 'scale', source: 'scale', atUs, massMg: 0, stable: true });
  indicate(1_000_000);
  weigher.advance(60_000_000);
  t.is(weigher.nextDeadlineUs(), undefined);
  indicate(60_000_001);
  t.true((weigher.nextDeadlineUs() ?? Infinity) <= 63_000_001);
  weigher.advance(120_000_000);
  t.deepEqual(
    faults.map(({ cleared }) => cleared),
    [false, true, false],
  );
});

test('cells that never speak are missing after the time that devices get to start', (t) => {
  const rig = new Rig();
  rig.weigher.advance(1_000_000);
  t.deepEqual(rig.faults, []);
  rig.weigher.advance(5_000_000);
  t.deepEqual([...new Set(rig.faults.map(({ atUs }) => atUs))], [4_000_000]);
  t.is(rig.faults.length, 4);
});

test('what is put down while a cell is missing is a movement when it is back', (t) => {
  const rig = new Rig().run(2, goods);
  rig.run(2, sumOf(goods, step(3_000_000, 300_000)), {
    tamper: (cell, _at, counts) => (cell === 0 ? undefined : counts),
  });
  rig.run(2, sumOf(goods, step(3_000_000, 300_000)));
  t.is(rig.movements.length, 1);
  t.true(Math.abs((rig.movements[0]?.massMg ?? 0) - 300_000) < 2_500);
  t.true((rig.movements[0]?.startedAtUs ?? Infinity) < 3_000_000);
  t.false(rig.movements[0]?.whileAway);
  const long = new Rig().run(2, goods);
  long.run(8, goods, { tamper: (cell, _at, counts) => (cell === 0 ? undefined : counts) });
  long.run(2, () => 2_300_000);
  t.true(long.movements[0]?.whileAway);
});

test('what is open when a cell fails does not stay open for fusion', (t) => {
  const rig = new Rig().run(2, goods);
  rig.run(3, (atUs) => 2_000_000 + 300_000 * Math.sin(atUs / 5e4), {
    tamper: (cell, atUs, counts) => (cell === 0 && atUs > 2_500_000 ? undefined : counts),
  });
  t.deepEqual(
    rig.activities.map(({ open }) => open),
    [true, false],
  );
});

test('repeated and reordered readings are dropped and reported once', (t) => {
  const rig = new Rig().run(1, goods);
  const { weigher } = rig;
  for (let i = 0; i < 5; i++) weigher.cell('cell-0', rig.nowUs + i, 4_000_000, 79);
  weigher.cell('cell-0', rig.nowUs + 9, 4_000_000, 40);
  t.deepEqual(told(rig), [['cell-0', 'timing', 'CW-WGH-005', false]]);
  rig.run(2, goods);
  t.deepEqual(told(rig)[1], ['cell-0', 'timing', 'CW-WGH-005', true]);
  t.deepEqual(rig.movements, []);
  t.true(rig.weigher.status('basket').stable);
});

test('a running number that wraps is in order, one that starts again is taken up after settling', (t) => {
  for (const first of [0xffffffff - 300, 3_000]) {
    const outputs: unknown[] = [];
    const rig = new Rig({ plate: plateOf(1) });
    for (let n = 0; n < 1_600; n++) {
      const sequence = first === 3_000 ? (n < 800 ? first + n : n - 800) : (first + n) >>> 0;
      rig.weigher.cell('cell-0', 12_500 * (n + 1), 900_000 + ((n * 7) % 23), sequence);
    }
    t.deepEqual(outputs, []);
    t.deepEqual(
      rig.faults.map(({ fault, cleared }) => [fault, cleared]),
      first === 3_000
        ? [
            ['timing', false],
            ['timing', true],
          ]
        : [],
    );
    t.true(rig.weigher.status('basket').stable);
    t.deepEqual(rig.movements, []);
  }
});

test('many lost readings are a timing fault, a few are not', (t) => {
  const some = new Rig().run(20, goods, {
    tamper: (cell, atUs, counts) => (cell === 1 && (atUs / 12_500) % 40 === 0 ? undefined : counts),
  });
  t.deepEqual(told(some), []);
  const many = new Rig().run(20, goods, {
    tamper: (cell, atUs, counts) => (cell === 1 && (atUs / 12_500) % 3 === 0 ? undefined : counts),
  });
  t.deepEqual(told(many), [['cell-1', 'timing', 'CW-WGH-005', false]]);
});

test('a cell that keeps jumping and returning is a fault until it stops', (t) => {
  const rig = new Rig().run(5, goods, {
    tamper: (cell, atUs, counts) =>
      cell === 1 && atUs > 2_000_000 && atUs < 4_000_000 && atUs % 500_000 === 0
        ? counts + 2_000_000
        : counts,
  });
  t.deepEqual(told(rig), [['cell-1', 'integrity', 'CW-WGH-006', false]]);
  rig.run(2, goods);
  t.deepEqual(told(rig)[1], ['cell-1', 'integrity', 'CW-WGH-006', true]);
  t.deepEqual(rig.movements, []);
});

test('a cell loaded beyond its capacity holds the plate; when the load goes, all is as before', (t) => {
  const plate = plateOf(4, { maxMg: 60_000_000, deadLoadMg: 8_000_000 });
  const rig = new Rig({ plate });
  const load: Load = (atUs) => 2_000_000 + (atUs > 3_000_000 && atUs < 6_000_000 ? 31_000_000 : 0);
  rig.run(5, load);
  t.deepEqual(
    told(rig),
    [0, 1, 2, 3].map((i) => [`cell-${i}`, 'saturated', 'CW-WGH-007', false]),
  );
  t.is(rig.weigher.status('basket').grossMg, undefined);
  rig.run(4, load);
  t.is(rig.faults.length, 8);
  t.true(Math.abs(rig.movements.reduce((sum, { massMg }) => sum + massMg, 0)) < 2_000);
  t.true(rig.weigher.status('basket').stable);
});

test('more than Max + 9 e on the plate is a fault of the plate', (t) => {
  const rig = new Rig({ plate: plateOf(4, { maxMg: 10_000_000 }) });
  rig.run(3, () => 10_040_000);
  t.deepEqual(rig.faults, []);
  rig.run(3, () => 10_060_000);
  t.deepEqual(told(rig), [['basket', 'saturated', 'CW-WGH-008', false]]);
  t.is(rig.weigher.status('basket').grossMg, undefined);
  rig.run(3, () => 9_000_000);
  t.true(rig.faults[1]?.cleared);
});

test('a thing that drops hard exceeds the range for a moment without a fault', (t) => {
  const rig = new Rig().run(
    5,
    sumOf(() => 10_000_000, step(2_000_000, 19_000_000, 5, 0.25)),
  );
  t.deepEqual(rig.faults, []);
  t.is(rig.movements.length, 1);
});

test('a plate far below zero says so, until it no longer is', (t) => {
  const rig = new Rig().run(2, () => 0);
  rig.run(3, () => -300_000);
  t.deepEqual(told(rig), [['basket', 'integrity', 'CW-WGH-009', false]]);
  t.throws(() => rig.weigher.tare('basket', rig.nowUs), { code: 'CW-WGH-024' });
  rig.run(3, () => 0);
  t.true(rig.faults[1]?.cleared);
});

test('a disconnected cell makes the plate unweighable until the device is back', (t) => {
  const rig = new Rig().run(2, goods);
  const fault = { fault: 'disconnected', code: 'CW-DRV-001', message: 'gone', channel: 'cell-2' } as const;
  rig.weigher.fault('bridge', fault, rig.nowUs);
  t.is(rig.weigher.status('basket').grossMg, undefined);
  rig.run(1, goods);
  t.is(rig.weigher.status('basket').grossMg, undefined);
  rig.weigher.fault('bridge', { ...fault, cleared: true }, rig.nowUs);
  rig.run(2, goods);
  t.true(rig.weigher.status('basket').stable);
  t.deepEqual(rig.movements, []);
  t.deepEqual(rig.faults, [], 'the device reports its own fault');
});

test('the live view shows counts, rate and fault of each cell', (t) => {
  const rig = new Rig().run(2, goods, {
    tamper: (cell, atUs, counts) => (cell === 3 && atUs > 1_000_000 ? undefined : counts),
  });
  const [first, , , last] = rig.weigher.cellStatus();
  t.is(first?.plate, 'basket');
  t.true(Math.abs((first?.ratePerS ?? 0) - 80) < 0.5);
  t.is(first?.fault, undefined);
  t.is(typeof first?.counts, 'number');
  t.is(last?.fault, 'missing');
  t.is(last?.atUs, 1_000_000);
});
