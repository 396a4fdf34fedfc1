import { ppm } from '#base/units.ts';
import type { Judged } from './vision-judge.ts';
import { auroc, calibrationError, mean, percentile } from './vision-metrics.ts';

/** What a recognizer is worth on labelled pictures. Undefined where there is nothing to measure it on. */
export interface Figures {
  /** Pictures whose class the gallery has, and others. */
  readonly known: number;
  readonly unknown: number;
  /** Of the known ones, %. */
  readonly top1Percent: number | undefined;
  readonly top5Percent: number | undefined;
  readonly coarseTop1Percent: number | undefined;
  /**
   * Expected calibration error, %, of the best candidate's probability given that the thing is one of the gallery: of
   * known pictures, and without the share that the model gives to "unknown". How well the candidates are told apart.
   */
  readonly calibrationErrorPercent: number | undefined;
  /**
   * The same of the probability as it is stated, over all pictures: what a sighting carries. Of an unknown picture every
   * candidate is wrong, so that this includes how well "unknown" is told.
   */
  readonly statedCalibrationErrorPercent: number | undefined;
  /** Probability that a known thing's best cosine is above an unknown one's. */
  readonly auroc: number | undefined;
  /** Rather unknown than known by the model's own decision: how many known pictures, and of the known and the unknown, %. */
  readonly rejectedKnown: number;
  readonly rejectedKnownPercent: number | undefined;
  readonly rejectedUnknownPercent: number | undefined;
  /** Known ones of which it was said that the best two are too close to tell, %. */
  readonly ambiguousPercent: number | undefined;
  readonly latencyMs: Readonly<
    Record<keyof Judged['tookMs'], { readonly p50: number; readonly p95: number }>
  >;
}

function percent(judged: readonly Judged[], holds: (one: Judged) => boolean): number | undefined {
  return judged.length === 0 ? undefined : mean(judged.map((one) => (holds(one) ? 100 : 0)));
}

const isRight = ({ is, said }: Judged) => said[0] === is;

/** The best candidate's probability, 0 … 1, if it is one of the gallery. */
function confidence({ recognition: { candidates, unknownPpm } }: Judged): number {
  const [best] = candidates;
  return best === undefined || unknownPpm === ppm ? 0 : best.probabilityPpm / (ppm - unknownPpm);
}

/** The best candidate's probability as it is stated, 0 … 1. */
const stated = ({ recognition }: Judged) => (recognition.candidates[0]?.probabilityPpm ?? 0) / ppm;

/** Expected calibration error of some pictures, %. An unknown one has no right answer among the gallery's. */
function errorPercent(judged: readonly Judged[], sure: (one: Judged) => number): number | undefined {
  const error = calibrationError(
    judged.map((one) => ({ confidence: sure(one), right: one.known && isRight(one) })),
  );
  return error === undefined ? undefined : error * 100;
}

/** The figures of pictures that were judged. */
export function figuresOf(judged: readonly Judged[]): Figures {
  const known = judged.filter((one) => one.known);
  const unknown = judged.filter((one) => !one.known);
  const rejected = ({ recognition }: Judged) => recognition.unknownPpm > ppm / 2;
  const cosine = ({ recognition }: Judged) => recognition.cosine;
  const latency = (step: keyof Judged['tookMs']) => {
    const values = judged.map(({ tookMs }) => tookMs[step]);
    return { p50: percentile(values, 0.5), p95: percentile(values, 0.95) };
  };
  return {
    known: known.length,
    unknown: unknown.length,
    top1Percent: percent(known, isRight),
    top5Percent: percent(known, ({ is, said }) => said.slice(0, 5).includes(is)),
    coarseTop1Percent: percent(known, ({ coarse, saidCoarse }) => coarse === saidCoarse),
    calibrationErrorPercent: errorPercent(known, confidence),
    statedCalibrationErrorPercent: errorPercent(judged, stated),
    auroc: auroc(known.map(cosine), unknown.map(cosine)),
    rejectedKnown: known.filter(rejected).length,
    rejectedKnownPercent: percent(known, rejected),
    rejectedUnknownPercent: percent(unknown, rejected),
    ambiguousPercent: percent(known, ({ recognition }) => recognition.ambiguous),
    latencyMs: {
      decode: latency('decode'),
      sample: latency('sample'),
      embed: latency('embed'),
      lookUp: latency('lookUp'),
    },
  };
}

/**
 * Known pictures that something else was said of, the surest mistake first; then unknown ones that were taken for
 * something, likewise.
 */
export function worstMistakes(judged: readonly Judged[]): Judged[] {
  const surely = ({ recognition }: Judged) => recognition.candidates[0]?.probabilityPpm ?? 0;
  return judged
    .filter((one) => (one.known ? !isRight(one) : one.recognition.unknownPpm <= ppm / 2))
    .sort((a, b) => Number(b.known) - Number(a.known) || surely(b) - surely(a));
}
