import test from 'ava';
import fc from 'fast-check';
import { auroc, calibrationError, percentile } from '#cli/vision-metrics.ts';

const runs = Math.min(Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 20_000), 2000);
const scores = fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 1, maxLength: 12 });

test('AUROC is the share of pairs in which the known thing scores higher, ties counting half', (t) => {
  fc.assert(
    fc.property(scores, scores, (known, unknown) => {
      let wins = 0;
      for (const a of known) for (const b of unknown) wins += a > b ? 1 : a === b ? 0.5 : 0;
      return Math.abs((auroc(known, unknown) ?? -1) - wins / (known.length * unknown.length)) < 1e-12;
    }),
    { seed: 1, numRuns: runs },
  );
  t.is(auroc([0.9, 0.8], [0.1]), 1);
  t.is(auroc([], [0.1]), undefined);
  t.is(auroc([0.1], []), undefined);
});

test('who is as often right as sure has no calibration error, who is always sure and wrong all of it', (t) => {
  const answers = (confidence: number, right: number, wrong: number) => [
    ...Array.from({ length: right }, () => ({ confidence, right: true })),
    ...Array.from({ length: wrong }, () => ({ confidence, right: false })),
  ];
  const error = (...parts: ReturnType<typeof answers>[]) => calibrationError(parts.flat()) ?? -1;
  t.true(error(answers(0.8, 8, 2), answers(0.25, 1, 3)) < 1e-12);
  t.is(error(answers(1, 0, 5)), 1);
  t.true(Math.abs(error(answers(0.9, 5, 5)) - 0.4) < 1e-12);
  // Bins err in both directions, and errors of different bins do not cancel each other out.
  t.true(Math.abs(error(answers(0.9, 5, 5), answers(0.1, 5, 5)) - 0.4) < 1e-12);
  t.is(calibrationError([]), undefined);
});

test('a percentile is a value that was there', (t) => {
  t.is(percentile([5, 1, 3], 0.5), 3);
  t.is(percentile([5, 1, 3], 0.95), 5);
  t.is(percentile([4], 0), 4);
  t.is(percentile([], 0.5), 0);
});
