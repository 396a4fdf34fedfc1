import type { Figures } from './figures.ts';
import type { Estimate } from './intervals.ts';

/** A figure that should keep a bound, and whether it did. */
interface Goal {
  readonly tier: string;
  readonly what: string;
  readonly bound: string;
  readonly measured: string;
  readonly kept: boolean;
}

const percent = (value: number, digits = 2) => `${(100 * value).toFixed(digits)} %`;

/** Least F1 in each tier, and in the tiers of carts most wrong charges. */
const leastF1: Readonly<Record<string, number>> = {
  cooperative: 0.995,
  careless: 0.985,
  adversarial: 0.96,
  shelf: 0.97,
};
const mostWrong: Readonly<Record<string, number>> = { cooperative: 0.001, adversarial: 0.005 };
const mostAskedCooperative = 0.03;
const leastExactCooperative = 0.998;
const mostReleaseMs = 1_500;
const mostSettleMs = 300;
/** Ours against the naive baseline's errors; above this F1 of the baseline the adversarial tier is too easy. */
const mostErrorShare = 1 / 3;
const mostNaiveF1 = 0.9;

/** What the figures should be, beside what they are. */
export function goalsOf(figures: readonly Figures[]): Goal[] {
  return figures
    .filter(({ engine }) => engine === 'ours')
    .flatMap((ours) => {
      const naive = figures.find(({ tier, engine }) => tier === ours.tier && engine === 'naive');
      return [...ownGoals(ours), ...(naive === undefined ? [] : comparison(ours, naive))];
    });
}

function ownGoals(one: Figures): Goal[] {
  const { tier } = one;
  const least = leastF1[tier] ?? 0;
  const goals: Goal[] = [goal(tier, 'F1', `≥ ${least}`, one.f1.value.toFixed(4), one.f1.value >= least)];
  const most = mostWrong[tier];
  const share = (what: string, { value }: Estimate, limit: number, atLeast = false) =>
    goals.push(
      goal(
        tier,
        what,
        `${atLeast ? '≥' : '≤'} ${percent(limit, 1)}`,
        percent(value),
        atLeast ? value >= limit : value <= limit,
      ),
    );
  if (most !== undefined) share('wrong charges', one.wrongCharges, most);
  if (tier === 'cooperative') {
    share('asked about', one.asked, mostAskedCooperative);
    const lower = { ...one.exactBaskets, value: one.exactBaskets.low };
    share('baskets exactly right, lower bound', lower, leastExactCooperative, true);
  }
  const time = (what: string, { value }: Estimate, limit: number) =>
    goals.push(goal(tier, what, `≤ ${limit} ms`, `${value.toFixed(0)} ms`, value <= limit));
  time('release → decision p99', one.decidedReleaseP99, mostReleaseMs);
  time('settling → decision p99', one.decidedSettleP99, mostSettleMs);
  return goals;
}

function comparison(ours: Figures, naive: Figures): Goal[] {
  const { tier } = ours;
  const part = ours.errors.value / naive.errors.value;
  const goals = [
    goal(tier, "errors, of the naive baseline's", '≤ 1/3', part.toFixed(3), part <= mostErrorShare),
  ];
  if (tier === 'adversarial') {
    const f1 = naive.f1.value;
    goals.push(
      goal(
        tier,
        'F1 of the naive baseline (difficulty)',
        `≤ ${mostNaiveF1}`,
        f1.toFixed(4),
        f1 <= mostNaiveF1,
      ),
    );
  }
  return goals;
}

function goal(tier: string, what: string, bound: string, measured: string, kept: boolean): Goal {
  return { tier, what, bound, measured, kept };
}
