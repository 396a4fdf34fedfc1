/** The value below which a share of the values lies (nearest rank); 0 of no values. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = Math.max(1, Math.ceil(share * sorted.length));
  return sorted[rank - 1] ?? 0;
}

export function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** One answer: how sure it was (0 … 1), and whether it was right. */
interface Answer {
  readonly confidence: number;
  readonly right: boolean;
}

const calibrationBins = 15;

/**
 * Expected calibration error (Naeini et al. 2015; Guo et al. 2017): answers in fifteen bins of equal width by their
 * confidence; the mean distance between confidence and share of right answers in a bin, each answer counting alike.
 * 0 is perfect, 1 the worst; undefined without answers.
 */
export function calibrationError(answers: readonly Answer[]): number | undefined {
  if (answers.length === 0) return undefined;
  const bins = Map.groupBy(answers, ({ confidence }) =>
    Math.min(calibrationBins - 1, Math.floor(confidence * calibrationBins)),
  );
  let sum = 0;
  for (const bin of bins.values()) {
    sum += Math.abs(bin.reduce((gap, { confidence, right }) => gap + confidence - (right ? 1 : 0), 0));
  }
  return sum / answers.length;
}

/**
 * Probability that a known thing scores higher than an unknown one, of two equal ones a half: the area under the
 * receiver operating characteristic (Mann and Whitney's U). Undefined where either is missing.
 */
export function auroc(known: readonly number[], unknown: readonly number[]): number | undefined {
  if (known.length === 0 || unknown.length === 0) return undefined;
  const all = [
    ...known.map((score) => ({ score, isKnown: true })),
    ...unknown.map((score) => ({ score, isKnown: false })),
  ].sort((a, b) => a.score - b.score);
  let ranks = 0;
  for (let from = 0; from < all.length; ) {
    let to = from;
    while (to < all.length && all[to]?.score === all[from]?.score) to++;
    // Equal scores share the mean of their ranks from + 1 … to.
    const rank = (from + 1 + to) / 2;
    for (; from < to; from++) if (all[from]?.isKnown === true) ranks += rank;
  }
  const least = (known.length * (known.length + 1)) / 2;
  return (ranks - least) / (known.length * unknown.length);
}
