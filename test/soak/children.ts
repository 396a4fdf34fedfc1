import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type AvaEvent, judge, type Verdict } from '../../scripts/lib/counts.ts';

/** The repository's root. */
export const root = fileURLToPath(new URL('../..', import.meta.url));
const linesKept = 5_000;

/** What a program did. */
export interface Ended {
  readonly code: number | null;
  /** The last lines of its output, errors included. */
  readonly lines: readonly string[];
  /** What it told on the file descriptor 3, a line each. */
  readonly told: readonly string[];
}

/** Runs a program in the repository to its end, with the pinned tools on its path. A program that is missing has code null. */
export async function runProgram(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  folder = '.',
): Promise<Ended> {
  const child = spawn(command, args, {
    cwd: join(root, folder),
    env: {
      ...process.env,
      ...env,
      PATH: `${join(root, 'node_modules/.bin')}${delimiter}${process.env.PATH ?? ''}`,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const told: string[] = [];
  const drained = [
    collect(child.stdout as Readable, lines, linesKept),
    collect(child.stderr as Readable, lines, linesKept),
    collect(child.stdio[3] as Readable, told),
  ];
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      lines.push(error.message);
      resolve(null);
    });
    child.once('exit', (status) => resolve(status));
  });
  await Promise.all(drained);
  return { code, lines, told };
}

function collect(stream: Readable, into: string[], most = Number.POSITIVE_INFINITY): Promise<void> {
  const reader = createInterface({ input: stream });
  reader.on('line', (line) => {
    into.push(line);
    if (into.length > most) into.shift();
  });
  return new Promise((resolve) => reader.once('close', resolve));
}

/** Runs test files through AVA, which gives them half a day instead of two minutes. */
export async function runTests(
  config: string,
  files: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ verdict: Verdict; lines: readonly string[] }> {
  const args = [`--config=${config}`, '--timeout=12h', ...files];
  const { code, lines, told } = await runProgram('ava', args, { ...env, CARTWRIGHT_TEST_EVENTS: '3' });
  const events = told.map((line) => JSON.parse(line) as AvaEvent);
  return { verdict: judge(events, code), lines };
}
