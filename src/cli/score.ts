import type { Command } from 'commander';
import type { CartEvent } from '#events/event.ts';
import { TraceError } from '#traces/errors.ts';
import { type Score, score } from '#traces/score.ts';
import type { ReplayFiles } from '#traces/setup.ts';
import { exitCodes } from './exit.ts';
import { replayTrace, withReplayFiles } from './replay.ts';
import { printJson } from './terminal.ts';

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
Exit code 1 where any item event is wrong or anything that moved was missed.

Examples:
  cartwright score /tmp/trip
  cartwright score traces/* --verbose
  cartwright score traces/* --json | jq .f1`,
    )
    .action(async (traces: string[], options: ScoreOptions) => {
      let bad = false;
      const width = Math.max(20, ...traces.map((trace) => trace.length));
      const scores: Score[] = [];
      for (const trace of traces) {
        const result = await scoreTrace(trace, options);
        bad ||= result.wrong > 0 || result.missed > 0 || result.unlistedAsked < result.unlisted;
        if (options.json) printJson({ trace, ...result });
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

/** Replays one trace and scores it. Rejects with CW-TRC-007 where it has no truth lines. */
export async function scoreTrace(trace: string, files: ReplayFiles): Promise<Score> {
  const events: CartEvent[] = [];
  const { truths, error } = await replayTrace(trace, files, (event) => events.push(event));
  if (error !== undefined) throw error;
  if (truths.length === 0) {
    throw new TraceError('CW-TRC-007', `${trace} has no truth lines, so there is nothing to score against`);
  }
  return score(truths, events);
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

/** What stands above the lines of `formatScore`; `width` is that of the names. */
export function scoreHeader(width: number): string {
  return `${'trace'.padEnd(width)}  units decided asked+decided asked missed wrong  unlisted asked      F1`;
}

/** One line of figures, then one for each wrong event and each unit that was missed (`verbose`: for every unit). */
export function formatScore(trace: string, result: Score, verbose: boolean): string {
  const cells = [
    String(result.truths).padStart(5),
    String(result.decided).padStart(7),
    String(result.decidedAfterAsking).padStart(13),
    String(result.asked).padStart(5),
    String(result.missed).padStart(6),
    String(result.wrong).padStart(5),
    `${result.unlisted}`.padStart(9),
    `${result.unlistedAsked}`.padStart(5),
    result.f1.toFixed(4).padStart(7),
  ];
  const lines = [`${trace}  ${cells.join(' ')}`];
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
