import test from 'ava';
import fc from 'fast-check';
import type { Calibration } from '#config/board.ts';
import type { WeighingOutput } from '#weighing/outputs.ts';
import { Weigher } from '#weighing/weigher.ts';
import { calibrationOf, defaults, mgPerCount, plateOf, Rig, step, sumOf } from './bench-plate.ts';

const seed = 20_261_123;

/** Runs a recorded run of samples (source, time, counts, number) and returns what came out. */
function outputsOf(
  samples: readonly (readonly [string, number, number, number])[],
  calibration: Calibration,
): WeighingOutput[] {
  const outputs: WeighingOutput[] = [];
  const weigher = new Weigher({
    plates: [plateOf(4)],
    calibration,
    config: defaults,
    sink: (output) => outputs.push(output),
  });
  for (const [source, atUs, counts, sequence] of samples) weigher.cell(source, atUs, counts, sequence);
  return outputs;
}

/** Two things put down and one taken, with glitches and losses, as the samples of four cells. */
function record(runSeed: number): [string, number, number, number][] {
  const samples: [string, number, number, number][] = [];
  const numbers = [0, 0, 0, 0];
  const rig = new Rig({ seed: runSeed });
  const load = sumOf(
    () => 1_000_000,
    step(1_500_000, 412_000),
    step(3_500_000, 90_000),
    step(5_500_000, -412_000),
  );
  rig.run(7.5, load, {
    tamper: (cell, atUs, counts) => {
      const sequence = numbers[cell] ?? 0;
      numbers[cell] = sequence + 1;
      if ((atUs / 12_500 + cell * 31) % 97 === 0) return undefined;
      const seen = (atUs / 12_500 + cell * 17) % 211 === 0 ? counts + 900_000 : counts;
      samples.push([`cell-${cell}`, atUs, seen, sequence]);
      return seen;
    },
  });
  return samples;
}

test('the order in which the cells of an instant arrive changes nothing', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000 }),
      fc.array(fc.nat(23), { minLength: 40, maxLength: 40 }),
      (run, turns) => {
        const samples = record(run);
        const calibration = calibrationOf(plateOf(4));
        const shuffled = samples
          .map((sample, i) => ({ sample, key: ((turns[i % 40] ?? 0) * 31 + i * 7) % 23 }))
          .sort((a, b) => a.sample[1] - b.sample[1] || a.key - b.key)
          .map(({ sample }) => sample);
        const straight = outputsOf(samples, calibration);
        t.true(straight.length >= 9);
        t.deepEqual(outputsOf(shuffled, calibration), straight);
      },
    ),
    { seed, numRuns: 8 },
  );
});

test('the same samples give the same outputs, bit for bit', (t) => {
  const calibration = calibrationOf(plateOf(4));
  t.is(JSON.stringify(outputsOf(record(4), calibration)), JSON.stringify(outputsOf(record(4), calibration)));
});

test('mirrored wiring with a negative slope weighs exactly the same', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000 }), fc.nat(3), (run, cell) => {
      const samples = record(run);
      const plate = plateOf(4);
      const zero = 80_000 + 1_000 * cell;
      const mirrored = samples.map(([source, atUs, counts, sequence]): [string, number, number, number] =>
        source === `cell-${cell}`
          ? [source, atUs, 2 * zero - counts, sequence]
          : [source, atUs, counts, sequence],
      );
      const traits = [{}, {}, {}, {}].map((none, i) =>
        i === cell ? { milligramsPerCount: -mgPerCount } : none,
      );
      t.deepEqual(
        outputsOf(mirrored, calibrationOf(plate, traits)),
        outputsOf(samples, calibrationOf(plate)),
      );
    }),
    { seed, numRuns: 8 },
  );
});

test('arbitrary samples never throw and never give anything but integers', (t) => {
  const time = fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 0, max: 40_000 }) },
    { weight: 1, arbitrary: fc.constantFrom(-5e6, 3e6, 0) },
  );
  const counts = fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: 900_000, max: 900_100 }) },
    { weight: 2, arbitrary: fc.integer({ min: -0x800000, max: 0x7fffff }) },
    { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Infinity, -Infinity, 0.5, 2 ** 53, 1e300, -0) },
  );
  const sequence = fc.oneof(
    { weight: 8, arbitrary: fc.constant(-1) },
    { weight: 1, arbitrary: fc.nat(0xffffffff) },
  );
  const sample = fc.tuple(fc.constantFrom('cell-0', 'cell-1', 'nobody'), time, counts, sequence);
  fc.assert(
    fc.property(fc.array(sample, { maxLength: 800 }), (samples) => {
      const outputs: WeighingOutput[] = [];
      const plate = plateOf(2);
      const weigher = new Weigher({
        plates: [plate],
        calibration: calibrationOf(plate),
        config: { ...defaults, missingMs: 50 },
        sink: (output) => outputs.push(output),
      });
      let at = 0;
      samples.forEach(([source, step_, value, number], i) => {
        at += step_;
        weigher.cell(source, at, value, number === -1 ? i : number);
      });
      weigher.cell('cell-0', Number.NaN, 1, 1);
      weigher.advance(at + 1e6);
      const status = weigher.status('basket');
      for (const output of [...outputs, status, ...Object.values(weigher.saveState().plates)]) {
        for (const [key, value] of Object.entries(output)) {
          if (typeof value === 'number') t.true(Number.isSafeInteger(value), `${key} ${value}`);
        }
      }
      t.deepEqual(JSON.parse(JSON.stringify(weigher.saveState())), weigher.saveState());
    }),
    { seed, numRuns: 60 },
  );
});

test('faults of a source are raised once and cleared once, in turn', (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat(7), { minLength: 20, maxLength: 60 }), (spells) => {
      const rig = new Rig({ plate: plateOf(2) });
      for (const spell of spells) {
        rig.run(0.3, () => 500_000, {
          tamper: (cell, _at, counts) => {
            if (cell === 0 && spell === 1) return undefined;
            if (cell === 0 && spell === 2) return 0x7fffff;
            if (cell === 1 && spell === 3) return 900_000;
            if (cell === 1 && spell === 4) return -8_000_000;
            return counts;
          },
        });
      }
      const on = new Set<string>();
      for (const { source, fault, cleared } of rig.faults) {
        const key = `${source} ${fault}`;
        t.is(on.has(key), cleared);
        if (cleared) on.delete(key);
        else on.add(key);
      }
      rig.run(8, () => 500_000);
      t.is(rig.faults.filter(({ cleared }) => cleared).length * 2, rig.faults.length);
      t.true(rig.weigher.status('basket').stable);
    }),
    { seed, numRuns: 25 },
  );
});
