import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { ReleaseFacts } from './facts.ts';
import { run } from './services.ts';
import type { Flashed } from './state.ts';

/** Writing and asking takes half a minute a board. */
const withinMs = 600_000;

/** What scripts/firmware/main.ts says of each board, one JSON object a line (`--all --json`). */
const boardLine = z.object({
  port: z.string(),
  before: z.string().optional(),
  after: z.string().optional(),
  failed: z.string().optional(),
});

/** Whether two releases bring other firmware. */
export function firmwareDiffers(a: ReleaseFacts['firmware'], b: ReleaseFacts['firmware']): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].some((name) => a[name] !== b[name]);
}

/**
 * Brings the attached boards to the firmware of a release, by the release's own program, which checks each before and
 * after. `again`: boards that are to be written whatever runs on them, as those that a failed trial has changed. Answers
 * the boards that were written, or should have been. Never rejects: whether weighing works is for health to say.
 */
export async function flashBoards(
  release: string,
  {
    again = [],
    node = join(release, 'node_modules/.bin/node'),
  }: { readonly again?: readonly string[]; readonly node?: string } = {},
): Promise<readonly Flashed[]> {
  const program = join(release, 'scripts/firmware/main.ts');
  if (!existsSync(program)) return [];
  const { said } = await run(
    node,
    [program, '--all', '--json', ...again.flatMap((port) => ['--again', port])],
    { withinMs },
  );
  return said.split('\n').flatMap((line) => {
    const board = parsed(line);
    if (board === undefined) return [];
    const { port, before, after, failed } = board;
    if (failed === undefined && before === after) return [];
    return [{ port, ok: failed === undefined, ...(before === undefined ? {} : { before }) }];
  });
}

function parsed(line: string): z.infer<typeof boardLine> | undefined {
  try {
    return boardLine.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
