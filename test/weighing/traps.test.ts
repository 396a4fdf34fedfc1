import test from 'ava';
import { calibrationOf, type Load, mgPerCount, plateOf, Rig, step, sumOf } from './bench-plate.ts';

// Numbers are those of the list of traps in metrology: each test fails when the behaviour it names is taken out.

test('3: samples that are not settled after a restart of the converter are discarded', (t) => {
  const rig = new Rig().run(3, () => 1_000_000);
  const restarted = new Set<number>();
  let after = 0;
  rig.run(4, () => 1_000_000, {
    tamper: (cell, atUs, counts) => {
      if (atUs < 4_000_000) return undefined;
      restarted.add(cell);
      after = atUs - 4_000_000;
      return after < 4 * 12_500 ? counts - 400_000 : counts;
    },
  });
  t.is(restarted.size, 4);
  t.deepEqual(rig.movements, []);
  t.deepEqual(
    rig.faults.map(({ fault, cleared }) => `${fault} ${cleared}`),
    [...Array(4).fill('missing false'), ...Array(4).fill('missing true')],
  );
});

test('4: a frozen converter is a fault and not a plateau', (t) => {
  const rig = new Rig().run(2, () => 1_000_000);
  let frozen: number | undefined;
  rig.run(4, step(2_500_000, 500_000), {
    tamper: (cell, atUs, counts) => {
      if (cell !== 1 || atUs < 2_200_000) return counts;
      frozen ??= counts;
      return frozen;
    },
  });
  t.deepEqual(
    rig.faults.map(({ source, fault }) => [source, fault]),
    [['cell-1', 'stuck']],
  );
  t.is(rig.weigher.status('basket').grossMg, undefined);
  rig.run(4, () => 1_500_000);
  t.true(rig.faults[1]?.cleared);
  t.true(Math.abs((rig.weigher.status('basket').grossMg ?? 0) - 1_500_000) < 1_500);
});

test('4: a saturated converter is a fault at either end and gives no mass', (t) => {
  for (const code of [0x7fffff, -0x800000]) {
    const rig = new Rig().run(2, () => 1_000_000);
    rig.run(2, () => 1_000_000, { tamper: (cell, _at, counts) => (cell === 3 ? code : counts) });
    t.deepEqual(
      rig.faults.map(({ source, fault, cleared }) => [source, fault, cleared]),
      [['cell-3', 'saturated', false]],
    );
    t.deepEqual(rig.movements, []);
    t.is(rig.weigher.status('basket').grossMg, undefined);
    rig.run(2, () => 1_000_000);
    t.is(rig.faults.length, 2);
    t.true(rig.faults[1]?.cleared);
    t.deepEqual(rig.movements, []);
  }
});

test('5: a cell that is wired the other way round weighs the same', (t) => {
  const plate = plateOf(4);
  const swapped = calibrationOf(plate, [{}, { milligramsPerCount: -mgPerCount }]);
  const rig = new Rig({ plate, calibration: swapped }).run(5, step(2_000_000, 800_000));
  t.is(rig.movements.length, 1);
  t.true(Math.abs((rig.movements[0]?.massMg ?? 0) - 800_000) < 2_500);
});

test('6: a plate with one cell uncalibrated gives no mass at all', (t) => {
  const plate = plateOf(4);
  const calibration = calibrationOf(plate);
  const { 'cell-2': _left, ...cells } = calibration.plates.basket?.cells ?? {};
  const rig = new Rig({ plate, calibration: { ...calibration, plates: { basket: { cells } } } });
  rig.run(5, step(2_000_000, 800_000));
  t.deepEqual(rig.movements, []);
  t.is(rig.weigher.status('basket').grossMg, undefined);
  t.deepEqual(
    rig.faults.map(({ source, fault, code }) => [source, fault, code]),
    [['basket', 'configuration', 'CW-WGH-001']],
  );
  t.true(rig.faults[0]?.message.includes('cell-2'));
  t.throws(() => rig.weigher.tare('basket', rig.nowUs), { code: 'CW-WGH-021' });
});

/** From `fromS` on, `mgPerS` for `seconds`. */
const ramp =
  (fromS: number, mgPerS: number, seconds: number): Load =>
  (atUs) =>
    mgPerS * Math.min(seconds, Math.max(0, atUs / 1e6 - fromS));

test('7: what is added at 0.2 d a second survives', (t) => {
  for (const active of [true, false]) {
    const rig = new Rig();
    rig.weigher.setSession(active);
    rig.run(60, ramp(5, 1_000, 40));
    const sum = rig.movements.reduce((total, { massMg }) => total + massMg, 0);
    t.true(sum > 37_000 && sum < 41_000, String(sum));
    t.true(rig.movements.length <= 3);
    const started = rig.movements[0]?.startedAtUs ?? 0;
    t.true(started > 4_500_000 && started < 7_000_000, 'it began when the ramp began');
  }
});

test('7: in a session the zero is not tracked, outside it is, slowly and not beyond 4 % of Max', (t) => {
  const drift = ramp(5, 20, 100);
  const inside = new Rig();
  inside.weigher.setSession(true);
  inside.run(130, drift);
  t.true(Math.abs((inside.weigher.status('basket').grossMg ?? 0) - 2_000) < 300);
  const outside = new Rig().run(130, drift);
  t.true(Math.abs(outside.weigher.status('basket').grossMg ?? 9_999) < 300);
  t.deepEqual(outside.movements, []);

  const plate = plateOf(4, { maxMg: 100_000 });
  const far = new Rig({ plate, config: { creepMgPerS: 60 } }).run(400, ramp(5, 50, 300));
  t.true((far.weigher.saveState().plates.basket?.zeroMg ?? 0) <= 4_000);
  t.true((far.weigher.saveState().plates.basket?.zeroMg ?? 0) > 3_500);
  t.true((far.weigher.status('basket').grossMg ?? 0) > 10_000);
});

test('8: a start with goods in the basket takes no tare and moves nothing', (t) => {
  const rig = new Rig().run(3, () => 5_000_000);
  const status = rig.weigher.status('basket');
  t.true(Math.abs((status.grossMg ?? 0) - 5_000_000) < 1_500);
  t.is(status.tareMg, 0);
  t.false(status.zeroVerified);
  t.deepEqual(rig.outputs, []);
  t.true(new Rig().run(3, () => 0).weigher.status('basket').zeroVerified);
});

test('8: the zero that was stored counts at a start with goods on, and is said to be unverified until the plate is empty', (t) => {
  const state = { revision: 7, plates: { basket: { tareMg: 0, zeroMg: 6_000, baselineMg: 5_006_000 } } };
  const rig = new Rig({ state }).run(3, () => 5_006_000);
  const loaded = rig.weigher.status('basket');
  t.true(Math.abs((loaded.grossMg ?? 0) - 5_000_000) < 1_500);
  t.false(loaded.zeroVerified);
  t.deepEqual(rig.outputs, []);
  rig.run(
    3,
    sumOf(() => 5_006_000, step(4_000_000, -5_000_000)),
  );
  const empty = rig.weigher.status('basket');
  t.true(Math.abs(empty.grossMg ?? 9_999) < 1_500);
  t.true(empty.zeroVerified);
});

test('9: ten grams of drift in half an hour are no item', (t) => {
  const plate = plateOf(4);
  const rig = new Rig({ plate, samplesPerSecond: 20, noiseMg: 60 });
  rig.weigher.setSession(true);
  rig.run(
    1_900,
    sumOf(() => 4_000_000, ramp(50, 10_000 / 1_800, 1_800)),
  );
  t.deepEqual(rig.movements, []);
  t.true(Math.abs((rig.weigher.status('basket').grossMg ?? 0) - 4_010_000) < 500);
});

test('10: nothing is decided while the cart shakes, nor at a tilt of 3°', (t) => {
  const plate = plateOf(4, { motion: 'imu' });
  const shaken = new Rig({ plate });
  const load: Load = (atUs) => {
    const shaking = atUs > 2_000_000 && atUs < 6_000_000;
    return (
      8_000_000 +
      (atUs > 4_000_000 ? 600_000 : 0) +
      (shaking ? 2_500 * Math.sin((20 * Math.PI * atUs) / 1e6) : 0)
    );
  };
  const imu = (rig: Rig, at: (atUs: number) => [number, number, number]) => (atUs: number) => {
    rig.weigher.motion({ kind: 'motion', source: 'imu', atUs, accelerationMmS2: at(atUs) });
  };
  const shake = (atUs: number): [number, number, number] => [
    0,
    0,
    9_807 + (atUs > 2_000_000 && atUs < 6_000_000 ? 900 * Math.sin((20 * Math.PI * atUs) / 1e6) : 0),
  ];
  shaken.run(5.9, load, { each: imu(shaken, shake) });
  t.deepEqual(shaken.movements, []);
  t.true(shaken.weigher.status('basket').moving);
  shaken.run(2, load, { each: imu(shaken, shake) });
  t.is(shaken.movements.length, 1);
  t.true(shaken.movements[0]?.moving);
  t.true(Math.abs((shaken.movements[0]?.massMg ?? 0) - 600_000) < 2_500);

  const tilted = new Rig({ plate });
  const angle = (3 * Math.PI) / 180;
  const tilts = (atUs: number) => atUs > 2_000_000 && atUs < 5_000_000;
  const lean = (atUs: number): [number, number, number] =>
    tilts(atUs) ? [9_807 * Math.sin(angle), 0, 9_807 * Math.cos(angle)] : [0, 0, 9_807];
  const leaning: Load = (atUs) => 12_000_000 * (tilts(atUs) ? Math.cos(angle) : 1);
  tilted.run(4, leaning, { each: imu(tilted, lean) });
  t.true(tilted.weigher.status('basket').moving);
  t.throws(() => tilted.weigher.tare('basket', tilted.nowUs), { code: 'CW-WGH-022' });
  tilted.run(4, leaning, { each: imu(tilted, lean) });
  t.deepEqual(tilted.movements, []);
  t.true(Math.abs((tilted.weigher.status('basket').grossMg ?? 0) - 12_000_000) < 1_000);
});

test('11: two additions of 0.4 d sum, and no movement is rounded to d', (t) => {
  const rig = new Rig();
  const gentle = (at: number): Load => ramp(at, 10_000, 0.2);
  rig.run(
    12,
    sumOf(() => 2_000_000, gentle(3), gentle(6)),
  );
  t.is(rig.movements.length, 1);
  t.true(Math.abs((rig.movements[0]?.massMg ?? 0) - 4_000) < 700);
  // Put down in an instant, each opens the plate, and is still owed when it has settled.
  const sudden = (at: number): Load => ramp(at, 100_000, 0.02);
  const quick = new Rig().run(
    12,
    sumOf(() => 2_000_000, sudden(3), sudden(6)),
  );
  t.is(quick.activities.length, 4);
  t.is(quick.movements.length, 1);
  t.true(Math.abs((quick.movements[0]?.massMg ?? 0) - 4_000) < 700);
  const grams = new Rig().run(5, step(2_000_000, 12_300));
  t.true(Math.abs((grams.movements[0]?.massMg ?? 0) - 12_300) < 1_200);
  t.not((grams.movements[0]?.massMg ?? 0) % 5_000, 0);
});

test('20: a swap of 500 g for 502 g is seen although next to nothing is left of it', (t) => {
  const rig = new Rig();
  rig.run(
    8,
    sumOf(() => 2_000_000, step(3_000_000, -500_000), step(3_350_000, 502_000)),
  );
  t.is(rig.movements.length, 1);
  t.true(Math.abs((rig.movements[0]?.massMg ?? 0) - 2_000) < 1_500);
});
