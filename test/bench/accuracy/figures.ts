import { bootstrap, type Estimate, quantile, wilson } from './intervals.ts';
import { type Counts, noCounts, type Outcome } from './outcome.ts';

/** The figures of one engine on the trips of one tier. Latencies and costs in ms, losses in minor units per 1,000. */
export interface Figures {
  readonly tier: string;
  readonly engine: string;
  readonly trips: number;
  readonly hours: number;
  readonly counts: Counts;
  /** After answers and corrections. */
  readonly precision: Estimate;
  readonly recall: Estimate;
  readonly f1: Estimate;
  /** Of what was said first: what was only asked about counts as not found. */
  readonly firstPrecision: Estimate;
  readonly firstRecall: Estimate;
  readonly firstF1: Estimate;
  readonly wrongCharges: Estimate;
  readonly asked: Estimate;
  readonly questionsPerTrip: number;
  readonly idleQuestionsPerTrip: number;
  /** Baskets exactly right with all answers, and by what was said unasked. */
  readonly exactBaskets: Estimate;
  readonly exactUnasked: Estimate;
  readonly storeLoss: Estimate;
  readonly shopperLoss: Estimate;
  /** Units not named in the end and units wrongly claimed, of all that was due. */
  readonly errors: Estimate;
  readonly releaseP50: Estimate;
  readonly releaseP99: Estimate;
  readonly settleP50: Estimate;
  readonly settleP99: Estimate;
  /** Of decisions alone, not of questions. */
  readonly decidedReleaseP99: Estimate;
  readonly decidedSettleP99: Estimate;
  /** CPU time of a decision, where it was measured. */
  readonly decisionP50: Estimate;
  readonly decisionP99: Estimate;
  readonly cases: readonly CaseFigures[];
}

export interface CaseFigures {
  readonly label: string;
  readonly counts: Counts;
  readonly precision: Estimate;
  readonly recall: Estimate;
  readonly f1: number;
  /** From letting go to the first word, ms. */
  readonly releaseP99: number;
}

/** What decisions cost with a catalogue of a size. */
export interface Timing extends Pick<Figures, 'tier' | 'trips' | 'decisionP50' | 'decisionP99'> {
  readonly products: string;
}

/** A bin of the reliability diagram: of so many decisions given about that probability, the share that was right. */
export interface Bin {
  readonly from: number;
  readonly to: number;
  readonly decisions: number;
  readonly meanGiven: number;
  readonly right: Estimate;
}

const binEdges = [0, 0.5, 0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9999, 1.000001] as const;

/** Sums of counts. */
function addCounts(all: readonly Counts[]): Counts {
  const sum = noCounts();
  for (const one of all) {
    for (const key of Object.keys(sum) as (keyof Counts)[]) sum[key] += one[key];
  }
  return sum;
}

const countsOf = (outcomes: readonly Outcome[]): Counts =>
  addCounts(outcomes.flatMap(({ cases }) => Object.values(cases)));

const rightOf = ({ right, rightLater }: Counts) => right + rightLater;
/** What should have been named in the end. */
const dueOf = ({ units, undone }: Counts) => units - undone;

/** F1 in the end, the harmonic mean of precision and recall: 2 right / (claimed + due). */
function finalF1(counts: Counts): number {
  const right = rightOf(counts);
  const all = right + counts.wrong + dueOf(counts);
  return all === 0 ? Number.NaN : (2 * right) / all;
}

function firstF1(counts: Counts): number {
  const all = counts.rightFirst + counts.wrongFirst + dueOf(counts);
  return all === 0 ? Number.NaN : (2 * counts.rightFirst) / all;
}

function errorsOf(counts: Counts): number {
  const due = dueOf(counts);
  return due === 0 ? Number.NaN : (counts.wrong + due - rightOf(counts)) / due;
}

const waits =
  (of: 'releaseMs' | 'settleMs', questions = true) =>
  (one: Outcome): number[] =>
    one.waits.filter(({ question }) => questions || !question).map((wait) => wait[of]);

/** The figures of trips that one engine made in one tier. */
export function figuresOf(outcomes: readonly Outcome[]): Figures {
  const counts = countsOf(outcomes);
  const [first] = outcomes;
  const right = rightOf(counts);
  const sum = (pick: (one: Outcome) => number) => (all: readonly Outcome[]) =>
    all.reduce((total, one) => total + pick(one), 0);
  const sales = sum((one) => one.salesMinor);
  const per1000 = (pick: (one: Outcome) => number) =>
    bootstrap(outcomes, (all) => (1_000 * sum(pick)(all)) / Math.max(1, sales(all)));
  const part = (pick: (one: Outcome) => readonly number[], share: number) =>
    bootstrap(outcomes, (all) =>
      quantile(
        all.flatMap(pick).sort((a, b) => a - b),
        share,
      ),
    );
  return {
    tier: first?.tier ?? '',
    engine: first?.engine ?? '',
    trips: outcomes.length,
    hours: sum((one) => one.seconds)(outcomes) / 3_600,
    counts,
    precision: wilson(right, right + counts.wrong),
    recall: wilson(right, dueOf(counts)),
    f1: bootstrap(outcomes, (all) => finalF1(countsOf(all))),
    firstPrecision: wilson(counts.rightFirst, counts.rightFirst + counts.wrongFirst),
    firstRecall: wilson(counts.rightFirst, dueOf(counts)),
    firstF1: bootstrap(outcomes, (all) => firstF1(countsOf(all))),
    wrongCharges: wilson(counts.wrong, right + counts.wrong),
    asked: wilson(counts.questioned, counts.units),
    questionsPerTrip: sum((one) => one.questions)(outcomes) / outcomes.length,
    idleQuestionsPerTrip: sum((one) => one.idleQuestions)(outcomes) / outcomes.length,
    exactBaskets: wilson(outcomes.filter(({ exact }) => exact).length, outcomes.length),
    exactUnasked: wilson(outcomes.filter(({ exactUnasked }) => exactUnasked).length, outcomes.length),
    storeLoss: per1000((one) => one.storeLossMinor),
    shopperLoss: per1000((one) => one.shopperLossMinor),
    errors: bootstrap(outcomes, (all) => errorsOf(countsOf(all))),
    releaseP50: part(waits('releaseMs'), 0.5),
    releaseP99: part(waits('releaseMs'), 0.99),
    settleP50: part(waits('settleMs'), 0.5),
    settleP99: part(waits('settleMs'), 0.99),
    decidedReleaseP99: part(waits('releaseMs', false), 0.99),
    decidedSettleP99: part(waits('settleMs', false), 0.99),
    decisionP50: part((one) => one.decisionMs, 0.5),
    decisionP99: part((one) => one.decisionMs, 0.99),
    cases: casesOf(outcomes),
  };
}

function casesOf(outcomes: readonly Outcome[]): CaseFigures[] {
  const labels = new Set(outcomes.flatMap(({ cases }) => Object.keys(cases)));
  return [...labels]
    .map((label): CaseFigures => {
      const counts = addCounts(outcomes.flatMap(({ cases }) => cases[label] ?? []));
      const right = rightOf(counts);
      return {
        label,
        counts,
        precision: wilson(right, right + counts.wrong),
        recall: wilson(right, dueOf(counts)),
        f1: finalF1(counts),
        releaseP99: quantile(
          outcomes
            .flatMap((one) => one.waits)
            .filter((wait) => wait.label === label)
            .map(({ releaseMs }) => releaseMs)
            .sort((a, b) => a - b),
          0.99,
        ),
      };
    })
    .sort((a, b) => b.counts.units - a.counts.units || (a.label < b.label ? -1 : 1));
}

/** How far probabilities can be believed: decisions as first said, by the probability that was given. */
export function reliability(outcomes: readonly Outcome[]): Bin[] {
  const said = outcomes.flatMap((one) => one.said).map(({ ppm, right }) => ({ given: ppm / 1e6, right }));
  return binEdges.slice(0, -1).flatMap((from, index) => {
    const to = binEdges[index + 1] ?? 1;
    const inside = said.filter(({ given }) => given >= from && given < to);
    if (inside.length === 0) return [];
    const meanGiven = inside.reduce((sum, { given }) => sum + given, 0) / inside.length;
    const right = wilson(inside.filter((one) => one.right).length, inside.length);
    return [{ from, to: Math.min(1, to), decisions: inside.length, meanGiven, right }];
  });
}
