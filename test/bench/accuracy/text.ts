import type { Bin, CaseFigures, Figures, Timing } from './figures.ts';
import { goalsOf } from './goals.ts';
import type { Estimate } from './intervals.ts';
import type { Outcome } from './outcome.ts';
import { confusing } from './tiers.ts';

const share = (value: number, digits = 2) =>
  Number.isFinite(value) ? `${(100 * value).toFixed(digits)} %` : '–';
const shares = ({ value, low, high }: Estimate) => `${share(value)} (${share(low)}–${share(high)})`;
const plain = (value: number, digits: number) => (Number.isFinite(value) ? value.toFixed(digits) : '–');
const number = ({ value, low, high }: Estimate, digits: number) =>
  `${plain(value, digits)} (${plain(low, digits)}–${plain(high, digits)})`;

/** Rows as a Markdown table. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
  return line(head) + line(head.map(() => '---')) + rows.map(line).join('');
}

/** All figures as a Markdown document; estimates with their 95 % confidence intervals. */
export function markdown(
  facts: string,
  figures: readonly Figures[],
  bins: readonly Bin[],
  timing: readonly Timing[],
): string {
  const main = figures.filter(({ engine }) => engine === 'ours' || engine === 'naive');
  const rest = figures.filter((one) => !main.includes(one));
  return [
    `# Accuracy\n\n${facts}\n`,
    `## Tiers\n\n${tierTable(main)}`,
    `## Goals\n\n${goalTable(figures)}`,
    `## Latency and money\n\n${costTable(main)}`,
    rest.length === 0 ? '' : `## Ablations\n\n${tierTable(rest)}`,
    timing.length === 0 ? '' : `## CPU time of decisions, ms\n\n${timingTable(timing)}`,
    `## Reliability\n\n${reliabilityTable(bins)}`,
    ...main
      .filter(({ engine }) => engine === 'ours')
      .map((one) => `## Cases: ${one.tier}\n\n${caseTable(one.cases)}`),
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function tierTable(figures: readonly Figures[]): string {
  return table(
    [
      'tier',
      'engine',
      'trips',
      'units',
      'F1',
      'F1 at the first word',
      'precision',
      'recall',
      'wrong charges',
      'asked about',
      'baskets exactly right',
      'before answers',
    ],
    figures.map((one) => [
      one.tier,
      one.engine,
      `${one.trips}`,
      `${one.counts.units}`,
      number(one.f1, 4),
      number(one.firstF1, 4),
      shares(one.precision),
      shares(one.recall),
      shares(one.wrongCharges),
      shares(one.asked),
      shares(one.exactBaskets),
      shares(one.exactUnasked),
    ]),
  );
}

function goalTable(figures: readonly Figures[]): string {
  return table(
    ['tier', 'what', 'goal', 'measured', ''],
    goalsOf(figures).map(({ tier, what, bound, measured, kept }) => {
      return [tier, what, bound, measured, kept ? 'pass' : '**miss**'];
    }),
  );
}

function costTable(figures: readonly Figures[]): string {
  return table(
    [
      'tier',
      'engine',
      'release → word p50, ms',
      'p99',
      'settling → word p50, ms',
      'p99',
      'release → decision p99, ms',
      'settling → decision p99, ms',
      'loss of the store per 1,000',
      'loss of shoppers per 1,000',
      'questions a trip',
      'idle',
    ],
    figures.map((one) => [
      one.tier,
      one.engine,
      number(one.releaseP50, 0),
      number(one.releaseP99, 0),
      number(one.settleP50, 0),
      number(one.settleP99, 0),
      number(one.decidedReleaseP99, 0),
      number(one.decidedSettleP99, 0),
      number(one.storeLoss, 2),
      number(one.shopperLoss, 2),
      plain(one.questionsPerTrip, 2),
      plain(one.idleQuestionsPerTrip, 2),
    ]),
  );
}

function timingTable(timing: readonly Timing[]): string {
  return table(
    ['tier', 'products', 'trips', 'p50', 'p99'],
    timing.map(({ tier, products, trips, decisionP50, decisionP99 }) => [
      tier,
      products,
      `${trips}`,
      number(decisionP50, 2),
      number(decisionP99, 2),
    ]),
  );
}

function caseTable(cases: readonly CaseFigures[]): string {
  return table(
    [
      'case',
      'units',
      'right',
      'right later',
      'undone',
      'only asked',
      'missed',
      'wrong',
      'F1',
      'release → word p99, ms',
      'precision',
      'recall',
      'unlisted asked',
    ],
    cases.map(({ label, counts, f1, releaseP99, precision, recall }) => [
      confusing.has(label) ? `*${label}*` : label,
      `${counts.units}`,
      `${counts.right}`,
      `${counts.rightLater}`,
      `${counts.undone}`,
      `${counts.asked}`,
      `${counts.missed}`,
      `${counts.wrong}`,
      plain(f1, 4),
      plain(releaseP99, 0),
      shares(precision),
      shares(recall),
      counts.unlisted === 0 ? '' : `${counts.unlistedAsked} of ${counts.unlisted}`,
    ]),
  );
}

function reliabilityTable(bins: readonly Bin[]): string {
  return table(
    ['given', 'decisions', 'mean given', 'right'],
    bins.map(({ from, to, decisions, meanGiven, right }) => [
      `${from}–${to}`,
      `${decisions}`,
      plain(meanGiven, 4),
      shares(right),
    ]),
  );
}

/** The trips that went worst, with what went wrong and how to look at them; by what was wrong first. */
export function worstTrips(outcomes: readonly Outcome[], most: number): string {
  const weight = ({ faults }: Outcome) =>
    faults.reduce((sum, { what }) => sum + (what === 'wrong' ? 3 : what === 'missed' ? 2 : 1), 0);
  const bad = outcomes.filter(({ faults }) => faults.length > 0).sort((a, b) => weight(b) - weight(a));
  const groups = new Map<string, number>();
  for (const { tier, faults } of bad) {
    for (const { what, label, said } of faults) {
      const cause = `${tier}: ${what}, ${label}${what === 'asked' ? `, ${said}` : ''}`;
      groups.set(cause, (groups.get(cause) ?? 0) + 1);
    }
  }
  const causes = [...groups].sort((a, b) => b[1] - a[1]);
  const lines = bad
    .slice(0, most)
    .flatMap(({ tier, seed, faults }) => [
      `\n${tier} ${seed}    (npm run bench:accuracy -- --only ${tier}:${seed})`,
      ...faults.map(
        ({ what, label, product, sign, atUs, said }) =>
          `  ${(atUs / 1e6).toFixed(3).padStart(9)} s  ${what.padEnd(6)} ${sign > 0 ? '+' : '-'}${product}  [${label}] ${said}`,
      ),
    ]);
  const summary = causes.map(([cause, count]) => `${String(count).padStart(5)}  ${cause}`);
  return `Units by what became of them, the most frequent first\n\n${summary.join('\n')}\n\nThe worst trips\n${lines.join('\n')}\n`;
}
