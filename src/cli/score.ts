import type { Command } from 'commander';
import { describeError } from '#base/errors.ts';
import type { CartEvent } from '#events/event.ts';
import { TraceError } from '#traces/errors.ts';
import { type Score, score } from '#traces/score.ts';
import type { ReplayFiles } from '#traces/setup.ts';
import { exitCodes } from './exit.ts';
import { replayTrace, withReplayFiles } from './replay.ts';
import { notice, printJson } from './terminal.ts';

interface ScoreOptions extends ReplayFiles {
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/** `cartwright score`: what was decided against what really happened. */
export function registerScore(program: Command): void {
  withReplayFiles(
    program
      .command('score')
      .description('replay traces and hold the decisions against their truth lines')
      .argument('<traces...>', 'traces with truth lines, or their folders'),
  )
    .option('-v, --verbose', 'list every unit with its verdict')
    .option('--json', 'print the scores as JSON, one a line')
    .addHelpText(
      'after',
      `
Columns (units = right + ask+right + ask-only + missed):
${columnHelp}

Exit code 1 where any item event is wrong, anything that moved was missed, or a trace is cut: that one is scored as
far as it goes, and its code is on standard error.

Examples:
  scripts/cartwright simulate config/scenarios/demo-trip.yaml --trace /tmp/trip
  scripts/cartwright score /tmp/trip
  scripts/cartwright score /tmp/trip --verbose
  scripts/cartwright score /tmp/trip --json | jq .f1`,
    )
    .action(async (traces: string[], options: ScoreOptions) => {
      let bad = false;
      const width = Math.max(8, ...traces.map((trace) => trace.length));
      const scores: Score[] = [];
      for (const trace of traces) {
        const { score: result, error } = await scoreTrace(trace, options);
        bad ||= result.wrong > 0 || result.missed > 0 || result.unlistedAsked < result.unlisted;
        bad ||= error !== undefined;
        if (error !== undefined) notice(`${trace}: ${describeError(error)}`);
        const failure = error === undefined ? {} : { error: { code: error.code, message: error.message } };
        if (options.json) printJson({ trace, ...result, ...failure });
        else {
          if (scores.length === 0) process.stdout.write(`${scoreHeader(width)}\n`);
          process.stdout.write(`${formatScore(trace.padEnd(width), result, options.verbose === true)}\n`);
        }
        scores.push(result);
      }
      if (!options.json && scores.length > 1) {
        process.stdout.write(`${formatScore('all'.padEnd(width), addScores(scores), false)}\n`);
      }
      if (bad) process.exitCode = exitCodes.findings;
    });
}

/**
 * Replays one trace and scores it; one that is cut as far as it goes, with the error that ended it. Rejects with
 * CW-TRC-007 where there are no truth lines.
 */
export async function scoreTrace(
  trace: string,
  files: ReplayFiles,
): Promise<{ readonly score: Score; readonly error?: TraceError }> {
  const events: CartEvent[] = [];
  const { truths, error } = await replayTrace(trace, files, (event) => events.push(event));
  if (truths.length === 0) {
    if (error !== undefined) throw error;
    throw new TraceError('CW-TRC-007', `${trace} has no truth lines, so there is nothing to score against`);
  }
  return { score: score(truths, events), ...(error === undefined ? {} : { error }) };
}

/** The sums over several traces, without the units themselves. */
export function addScores(scores: readonly Score[]): Score {
  const sum = (pick: (score: Score) => number) => scores.reduce((total, score) => total + pick(score), 0);
  const right = sum(({ decided, decidedAfterAsking }) => decided + decidedAfterAsking);
  const truths = sum((score) => score.truths);
  const wrong = sum((score) => score.wrong);
  const precision = right + wrong === 0 ? 1 : right / (right + wrong);
  const recall = truths === 0 ? 1 : right / truths;
  return {
    truths,
    wrong,
    precision,
    recall,
    f1: precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall),
    decided: sum((score) => score.decided),
    decidedAfterAsking: sum((score) => score.decidedAfterAsking),
    asked: sum((score) => score.asked),
    missed: sum((score) => score.missed),
    unlisted: sum((score) => score.unlisted),
    unlistedAsked: sum((score) => score.unlistedAsked),
    questions: sum((score) => score.questions),
    idleQuestions: sum((score) => score.idleQuestions),
    wrongEvents: [],
    verdicts: [],
  };
}

interface ScoreColumn {
  readonly name: string;
  /** For the help and docs/scenarios.md. */
  readonly meaning: string;
  readonly cell: (score: Score) => string;
}

/** The figures of a score, as they stand in its table. */
export const scoreColumns: readonly ScoreColumn[] = [
  {
    name: 'units',
    meaning: 'units that really moved, of products in the catalogue',
    cell: (one) => `${one.truths}`,
  },
  { name: 'right', meaning: 'decided right at once', cell: (one) => `${one.decided}` },
  {
    name: 'ask+right',
    meaning: 'decided right after a question to the shopper',
    cell: (one) => `${one.decidedAfterAsking}`,
  },
  { name: 'ask-only', meaning: 'asked about, and never decided', cell: (one) => `${one.asked}` },
  { name: 'missed', meaning: 'neither decided nor asked about', cell: (one) => `${one.missed}` },
  {
    name: 'wrong',
    meaning: 'units of item events that nothing real stands behind (product, direction or count)',
    cell: (one) => `${one.wrong}`,
  },
  {
    name: 'unlisted',
    meaning: 'units that moved of goods that no catalogue has',
    cell: (one) => `${one.unlisted}`,
  },
  {
    name: 'unl-ask',
    meaning: 'unlisted units that were asked about, as all should be',
    cell: (one) => `${one.unlistedAsked}`,
  },
  {
    name: 'F1',
    meaning:
      'harmonic mean of precision (right of all decided) and recall (right of all units); 1 is perfect',
    cell: (one) => one.f1.toFixed(4),
  },
];

const columnWidth = (name: string) => Math.max(name.length, name === 'F1' ? 6 : 4);
const row = (first: string, cells: readonly string[]) =>
  `${first}  ${cells.map((cell, at) => cell.padStart(columnWidth(scoreColumns[at]?.name ?? ''))).join(' ')}`;

const columnHelp = scoreColumns.map(({ name, meaning }) => `  ${name.padEnd(10)} ${meaning}`).join('\n');

/** What stands above the lines of `formatScore`; `width` is that of the names. */
export function scoreHeader(width: number): string {
  return row(
    'trace'.padEnd(width),
    scoreColumns.map(({ name }) => name),
  );
}

/** One line of figures, then one for each wrong event and each unit that was missed (`verbose`: for every unit). */
export function formatScore(trace: string, result: Score, verbose: boolean): string {
  const lines = [
    row(
      trace,
      scoreColumns.map(({ cell }) => cell(result)),
    ),
  ];
  for (const wrong of result.wrongEvents) {
    lines.push(`  WRONG ${wrong.type} ${wrong.product} at ${(wrong.atUs / 1e6).toFixed(3)} s (${wrong.id})`);
  }
  for (const one of result.verdicts) {
    if (!verbose && one.verdict !== 'missed') continue;
    const latency = one.latencyUs === undefined ? '' : ` ${(one.latencyUs / 1e6).toFixed(2)} s after`;
    lines.push(
      `  ${one.verdict.padEnd(20)} ${one.kind} ${one.product} at ${(one.atUs / 1e6).toFixed(3)} s${latency}${one.listed ? '' : ' (not in the catalogue)'}`,
    );
  }
  return lines.join('\n');
}
