import type { Command } from 'commander';
import type { CartEvent } from '#events/event.ts';
import { TraceError } from '#traces/errors.ts';
import { type Score, score } from '#traces/score.ts';
import type { ReplayFiles } from '#traces/setup.ts';
import { exitCodes } from './exit.ts';
import { replayTrace, withReplayFiles } from './replay.ts';

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
      .argument('<traces...>', 'traces with truth lines'),
  )
    .option('-v, --verbose', 'list every unit with its verdict')
    .option('--json', 'print the scores as JSON, one a line')
    .addHelpText(
      'after',
      `
Exit code 1 where any item event is wrong or anything that moved was missed.

Examples:
  cartwright score /tmp/trip/trace.ndjson
  cartwright score traces/*/trace.ndjson --json | jq .f1`,
    )
    .action(async (traces: string[], options: ScoreOptions) => {
      let bad = false;
      const width = Math.max(20, ...traces.map((trace) => trace.length));
      if (!options.json) {
        process.stdout.write(
          `${'trace'.padEnd(width)}  units decided asked+decided asked missed wrong  unlisted asked      F1\n`,
        );
      }
      for (const trace of traces) {
        const result = await scoreTrace(trace, options);
        bad ||= result.wrong > 0 || result.missed > 0 || result.unlistedAsked < result.unlisted;
        if (options.json) process.stdout.write(`${JSON.stringify({ trace, ...result })}\n`);
        else process.stdout.write(`${formatScore(trace.padEnd(width), result, options.verbose === true)}\n`);
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

function formatScore(trace: string, result: Score, verbose: boolean): string {
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
