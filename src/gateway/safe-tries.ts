import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '#base/atomic-file.ts';
import { describeError } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';

/** The gateway is tried again after this long, s, each time in a row after twice as long, up to an hour. */
const firstRetryS = 600;
const longestRetryS = 3_600;
const triesName = 'safe-mode.json';

/** How long to wait after so many tries in a row that came to nothing, s. Pure. */
export function retryAfterS(tries: number): number {
  return Math.min(longestRetryS, firstRetryS * 2 ** Math.max(0, Math.min(tries, 16) - 1));
}

/** The gateway does well: the next time that it doesn't is the first one. */
export async function forgetTries(dataFolder: string): Promise<void> {
  await writeFileAtomic(join(dataFolder, triesName), '{"tries":0}\n', 0o640);
}

/** Counts one more try in a row, on disk; resolves with their number. Never rejects. */
export async function countTry(dataFolder: string, log: Logger): Promise<number> {
  const path = join(dataFolder, triesName);
  let tries = 1;
  try {
    const { tries: before } = JSON.parse(await readFile(path, 'utf8')) as { tries?: unknown };
    if (Number.isSafeInteger(before)) tries += Math.max(0, Number(before));
  } catch {
    // None before, or not readable: it counts from one.
  }
  await writeFileAtomic(path, `${JSON.stringify({ tries })}\n`, 0o640).catch((error: unknown) =>
    log.warn({ err: describeError(error) }, 'how often the gateway failed can not be noted'),
  );
  return tries;
}
