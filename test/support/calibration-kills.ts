import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom, type Random } from '#base/random.ts';
import { CalibrationDevice, type Promised } from './calibration-device.ts';

/** What came of a device that was killed while it was calibrated. */
interface CalibrationKills {
  readonly kills: number;
  /** Kills after which a revision was committed that nobody had been promised yet: they came right behind its write. */
  readonly midway: number;
  /** The newest revision in the end. */
  readonly revision: number;
  readonly faults: readonly string[];
}

/**
 * Lets a device be calibrated without end while it is killed (SIGKILL) at moments by chance, and opens what is left after
 * each: every promise has to hold, and nothing may be half done. `say` prints a line of progress.
 */
export async function killCalibrations(options: {
  readonly kills: number;
  readonly seed: number;
  readonly say?: (line: string) => void;
}): Promise<CalibrationKills> {
  const { kills, seed, say } = options;
  const random = createRandom(seed);
  const folder = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'calibration-kills-'));
  const faults: string[] = [];
  let promised: Promised = { revision: 0, calibration: 0, configuration: 0 };
  let midway = 0;
  try {
    for (let kill = 1; kill <= kills; kill++) {
      const heard = await runAndKill(folder, random);
      promised = heard ?? promised;
      const device = await CalibrationDevice.open(folder, kill);
      try {
        const found = await device.problems(folder, promised);
        faults.push(...found.map((problem) => `kill ${kill}: ${problem}`));
        if (device.promised.revision > promised.revision + 1) midway++;
        promised = device.promised;
      } finally {
        await device.close();
      }
      if (kill % 20 === 0)
        say?.(`calibration ${kill}: revision ${promised.revision}, ${faults.length} faults`);
    }
    return { kills, midway, revision: promised.revision, faults };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs the device until some promises were heard and a moment by chance has passed; the last promise it made. */
async function runAndKill(folder: string, random: Random): Promise<Promised | undefined> {
  const script = new URL('calibration-run.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [script, folder, 'endless'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  let said = '';
  child.stderr.on('data', (data: Buffer) => {
    said += data.toString();
  });
  let promised: Promised | undefined;
  const lines = createInterface({ input: child.stdout });
  const ended = once(lines, 'close');
  const wanted = random.integer(6);
  const { promise: enough, resolve } = Promise.withResolvers<void>();
  let count = 0;
  lines.on('line', (line) => {
    if (!line.startsWith('PROMISE ')) return;
    promised = JSON.parse(line.slice('PROMISE '.length)) as Promised;
    if (++count >= wanted) resolve();
  });
  try {
    // Before the first promise as well: a start that commits something may be cut short, too.
    await (wanted === 0 ? sleep(100 + random.integer(800)) : Promise.race([enough, exited]));
    await sleep(random.integer(25));
    if (child.exitCode !== null) {
      throw new Error(`the device ended with ${child.exitCode}: ${said.slice(-2_000)}`);
    }
  } finally {
    child.kill('SIGKILL');
  }
  await Promise.all([exited, ended]);
  return promised;
}
