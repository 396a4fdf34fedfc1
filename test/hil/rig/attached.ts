import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { systemClock } from '#base/clock.ts';
import { isCoded } from '#base/errors.ts';
import { silentLogger } from '#base/log.ts';
import { loadBoard } from '#config/load.ts';
import type { Device } from '#drivers/driver.ts';
import { createSystemPorts, openDevice } from '#drivers/registry.ts';
import type { Finished, GuestProcess, RunOptions } from '../machine/agent.ts';
import { repository } from '../machine/recipe.ts';
import type { Hands, Rig, RigDevice } from './rig.ts';

/** Whether somebody is there who scans, loads and pulls when asked to. */
export const someoneIsThere = process.env.HIL_HANDS === '1';

/** Ids of the board's devices that are not attached to this computer: opening them says so (CW-DRV-004). */
export async function notAttached(board: string): Promise<Set<string>> {
  const { devices } = await loadBoard(board);
  const missing = new Set<string>();
  const buses = new Map<string, Device>();
  const ports = createSystemPorts({ clock: systemClock, log: silentLogger, buses });
  for (const entry of devices) {
    try {
      const device = await openDevice(entry, {
        id: entry.id,
        clock: systemClock,
        log: silentLogger,
        buses,
        ports,
      });
      buses.set(entry.id, device);
    } catch (error) {
      // Whatever else is wrong with a device is for the tests to find.
      if (isCoded(error) && error.code === 'CW-DRV-004') missing.add(entry.id);
    }
  }
  for (const device of [...buses.values()].reverse()) await device.stop();
  return missing;
}

/** Hardware that is attached to this computer, described by a board profile: a name under boards/, or a path. */
export async function startAttachedRig(
  board: string,
  brokerUrl: string,
  say: (line: string) => void,
): Promise<Rig> {
  const { devices } = await loadBoard(board);
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-hil-'));
  return {
    name: `hardware of board ${board}`,
    devices: devices as readonly RigDevice[],
    board,
    project: repository,
    program: (name) => join(repository, name === 'main' ? 'src/main.ts' : `test/hil/inside/${name}.ts`),
    brokerUrl,
    folder,
    gatewayUser: {},
    hands: handsOfSomeone(say),
    patience: someoneIsThere ? 10 : 2,
    start,
    run: async (argv, options) => (await start(argv, options)).finished,
    async sh(script, options) {
      const { code, stdout, stderr } = await (await start(['sh', '-c', script], options)).finished;
      if (code !== 0) throw new Error(`${script}: ${code}: ${stderr}${stdout}`);
      return stdout;
    },
    stop: () => rm(folder, { recursive: true, force: true }),
  };
}

function handsOfSomeone(say: (line: string) => void): Hands {
  const ask = (what: string) => {
    say(`>>> ${what}`);
    return Promise.resolve(undefined);
  };
  return {
    scan: (id) => ask(`Please scan any code with ${id}.`),
    load: (id) => ask(`Please put something else on ${id} than lies there, or take it off.`),
    pull: (id) => ask(`Please unplug ${id}.`),
    putBack: (id) => ask(`Please plug ${id} in again where it was.`),
    putBackElsewhere: (id) => ask(`Please plug ${id} in at another port.`),
  };
}

/** A process on this computer, in the words of one in the machine. */
async function start(argv: readonly string[], options: RunOptions = {}): Promise<GuestProcess> {
  const [program = '', ...args] = argv;
  const { uid, gid, cwd = repository, env } = options;
  const child = spawn(program === 'node' ? process.execPath : program, args, {
    cwd,
    env: { ...process.env, ...env },
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const listeners: ((line: string) => void)[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    stdout += `${line}\n`;
    for (const listener of listeners) listener(line);
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  child.stdin.on('error', () => {});
  const finished = new Promise<Finished>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  return {
    pid: child.pid ?? 0,
    finished,
    onLine(listener) {
      for (const line of stdout.split('\n').slice(0, -1)) listener(line);
      listeners.push(listener);
    },
    write: async (text) => void child.stdin.write(text),
    end: async () => void child.stdin.end(),
    signal: async (signal) => void child.kill(signal),
  };
}
