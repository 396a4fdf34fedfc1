import test from 'ava';
import { figuresOf } from '#cli/vision-figures.ts';
import type { Judged } from '#cli/vision-judge.ts';

interface Answer {
  readonly is?: string;
  readonly known?: boolean;
  readonly bestPpm: number;
  readonly unknownPpm: number;
}

/** A picture of which `apple` was said. */
function judged({ is = 'apple', known = true, bestPpm, unknownPpm }: Answer): Judged {
  return {
    file: 'a.jpg',
    path: '/pictures/a.jpg',
    fine: 0,
    coarse: 0,
    is,
    known,
    said: ['apple', 'pear'],
    saidCoarse: 0,
    recognition: {
      candidates: [
        { look: 'apple', probabilityPpm: bestPpm },
        { look: 'pear', probabilityPpm: 1_000_000 - unknownPpm - bestPpm },
      ],
      unknownPpm,
      cosine: 0.5,
      ambiguous: false,
    },
    tookMs: { decode: 1, sample: 1, embed: 1, lookUp: 1 },
  };
}

const near = (value: number | undefined) => Math.round(1000 * (value ?? Number.NaN)) / 1000;

test('the calibration error of known pictures is of the probability among the gallery alone', (t) => {
  // 0.4 of the 0.5 that are left beside "unknown": 0.8, and four of five are right.
  const answer = { bestPpm: 400_000, unknownPpm: 500_000 };
  const pictures = ['apple', 'apple', 'apple', 'apple', 'pear'].map((is) => judged({ ...answer, is }));
  const figures = figuresOf(pictures);
  t.is(near(figures.calibrationErrorPercent), 0);
  t.is(near(figures.statedCalibrationErrorPercent), 40);
});

test('of an unknown picture no candidate is right, whatever it is called', (t) => {
  const known = judged({ bestPpm: 1_000_000, unknownPpm: 0 });
  const surely = judged({ is: 'apple', known: false, bestPpm: 1_000_000, unknownPpm: 0 });
  const rejected = judged({ is: 'fig', known: false, bestPpm: 0, unknownPpm: 1_000_000 });
  t.is(near(figuresOf([known, rejected]).statedCalibrationErrorPercent), 0);
  t.is(near(figuresOf([known, surely]).statedCalibrationErrorPercent), 50);
  t.is(near(figuresOf([known, surely]).calibrationErrorPercent), 0);
});

test('known pictures that are called unknown are counted, and stay in the accuracy', (t) => {
  const taken = judged({ bestPpm: 900_000, unknownPpm: 50_000 });
  const refused = judged({ bestPpm: 100_000, unknownPpm: 800_000 });
  const figures = figuresOf([taken, taken, taken, refused]);
  t.like(figures, { known: 4, rejectedKnown: 1, rejectedKnownPercent: 25, top1Percent: 100 });
  t.like(figuresOf([]), {
    rejectedKnown: 0,
    calibrationErrorPercent: undefined,
    statedCalibrationErrorPercent: undefined,
  });
});
