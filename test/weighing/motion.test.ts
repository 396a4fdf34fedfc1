import test from 'ava';
import { createRandom } from '#base/random.ts';
import { MotionGate } from '#weighing/motion.ts';
import { type Load, plateOf, Rig, step, sumOf } from './bench-plate.ts';

const standing = [0, 0, 9_807] as const;

function feed(
  gate: MotionGate,
  fromUs: number,
  seconds: number,
  at: (s: number) => readonly [number, number, number],
) {
  for (let atUs = fromUs; atUs < fromUs + seconds * 1e6; atUs += 20_000) gate.accept(atUs, ...at(atUs / 1e6));
  return fromUs + seconds * 1e6;
}

test('rolling over tiles is motion, standing with the noise of the sensor is not', (t) => {
  const random = createRandom(4);
  const gate = new MotionGate(350, 50);
  let now = feed(gate, 0, 2, () => [
    30 * random.gaussian(),
    30 * random.gaussian(),
    9_807 + 30 * random.gaussian(),
  ]);
  t.false(gate.moving(now));
  now = feed(gate, now, 1, (s) => [200 * Math.sin(40 * s), 0, 9_807 + 800 * Math.sin(63 * s)]);
  t.true(gate.moving(now));
  now = feed(gate, now, 0.4, () => standing);
  t.false(gate.moving(now));
});

test('sideways shaking that leaves |a| alone is motion too', (t) => {
  const gate = new MotionGate(350, 50);
  const now = feed(gate, 0, 1, (s) => [700 * Math.sin(30 * s), 0, 9_800]);
  t.true(gate.moving(now));
});

test('a tilt above the limit holds, one below does not', (t) => {
  for (const [degrees, held] of [
    [2, false],
    [3, true],
    [-3, true],
    [180, true],
  ] as const) {
    const angle = (degrees * Math.PI) / 180;
    const gate = new MotionGate(350, 50);
    const now = feed(gate, 0, 1, () => [9_807 * Math.sin(angle), 0, 9_807 * Math.cos(angle)]);
    t.is(gate.moving(now), held, String(degrees));
  }
});

test('a sensor that falls silent says nothing any more, and rubbish from it is ignored', (t) => {
  const gate = new MotionGate(350, 50);
  const now = feed(gate, 0, 1, (s) => [0, 0, 9_807 + 900 * Math.sin(63 * s)]);
  gate.accept(now, Number.NaN, 0, 0);
  t.true(gate.moving(now));
  t.false(gate.knows(now + 2_000_000));
  t.false(gate.moving(now + 2_000_000));
});

test('a silent motion sensor is a fault of its own and the plate still weighs', (t) => {
  const rig = new Rig({ plate: plateOf(4, { motion: 'imu' }) });
  rig.run(6, step(4_000_000, 300_000));
  t.deepEqual(
    rig.faults.map(({ source, fault }) => [source, fault]),
    [['imu', 'missing']],
  );
  t.is(rig.movements.length, 1);
  rig.weigher.motion({ kind: 'motion', source: 'imu', atUs: rig.nowUs, accelerationMmS2: standing });
  t.true(rig.faults[1]?.cleared);
});

test('without a motion sensor a cart that rolls is moving, and leaves no movement of nothing', (t) => {
  const random = createRandom(9);
  let sway = 0;
  const rolling: Load = (atUs) => {
    if (atUs < 2_000_000 || atUs > 7_000_000) return 6_000_000;
    sway = 0.7 * sway + 40_000 * random.gaussian();
    return 6_000_000 + sway;
  };
  const rig = new Rig().run(6, rolling);
  t.true(rig.weigher.status('basket').moving);
  rig.run(3, rolling);
  t.deepEqual(rig.movements, []);
  t.true(rig.weigher.status('basket').stable);
});

test('with a motion sensor the jolts of a ride are no movement, what came in meanwhile is', (t) => {
  const random = createRandom(10);
  for (const mg of [0, 250_000]) {
    const rides = (atUs: number) => atUs > 2_000_000 && atUs < 6_000_000;
    const jolts: Load = (atUs) => (rides(atUs) ? 30_000 * random.gaussian() : 0);
    const rig = new Rig({ plate: plateOf(4, { motion: 'imu' }) });
    rig.run(
      9,
      sumOf(() => 6_000_000, jolts, step(4_000_000, mg)),
      {
        each: (atUs) => {
          // The sensor feels a jolt now and then; the basket swings on.
          const z =
            9_807 +
            (rides(atUs) && (atUs + 100_000) % 700_000 < 300_000
              ? 600 * random.gaussian()
              : 20 * random.gaussian());
          rig.weigher.motion({ kind: 'motion', source: 'imu', atUs, accelerationMmS2: [0, 0, z] });
        },
      },
    );
    t.is(rig.movements.length, mg === 0 ? 0 : 1);
    if (mg > 0) t.true(rig.movements[0]?.moving);
  }
});

test('a cart that slowly comes onto an incline and leaves it again has moved nothing', (t) => {
  const angleAt = (atUs: number) => 0.04 * Math.max(0, Math.min(1, atUs / 3e6 - 1, 5 - atUs / 3e6));
  const rig = new Rig({ plate: plateOf(4, { motion: 'imu', deadLoadMg: 4_000_000 }) });
  rig.run(20, (atUs) => 16_000_000 * Math.cos(angleAt(atUs)) - 4_000_000, {
    each: (atUs) => {
      const angle = angleAt(atUs);
      const accelerationMmS2 = [9_807 * Math.sin(angle), 0, 9_807 * Math.cos(angle)] as const;
      rig.weigher.motion({ kind: 'motion', source: 'imu', atUs, accelerationMmS2 });
    },
  });
  t.deepEqual(rig.movements, []);
  t.true(rig.weigher.status('basket').stable);
});

test('an incline below the limit makes the result less certain, not wrong', (t) => {
  const angle = (2.5 * Math.PI) / 180;
  const later = (atUs: number) => atUs > 4_000_000;
  const rig = new Rig({ plate: plateOf(4, { motion: 'imu' }) });
  rig.run(8, (atUs) => 25_000_000 * (later(atUs) ? Math.cos(angle) : 1), {
    each: (atUs) => {
      const accelerationMmS2: [number, number, number] = later(atUs)
        ? [9_807 * Math.sin(angle), 0, 9_807 * Math.cos(angle)]
        : [0, 0, 9_807];
      rig.weigher.motion({ kind: 'motion', source: 'imu', atUs, accelerationMmS2 });
    },
  });
  t.true(rig.movements.every(({ massMg, sigmaMg }) => Math.abs(massMg) < 2.5 * sigmaMg));
});
