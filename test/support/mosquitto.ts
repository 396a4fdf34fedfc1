import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findTool } from '#test/tools.ts';

export interface Mosquitto {
  readonly url: string;
  readonly port: number;
  /** Ends it in an orderly way (SIGTERM). */
  stop(): Promise<void>;
  /** Ends it at once (SIGKILL), as a power cut would. */
  kill(): Promise<void>;
  /** Stops the process without ending it: connections stay open and nothing answers (SIGSTOP). */
  freeze(): void;
  thaw(): void;
  /** Starts it again on the same port, with what it kept. */
  start(): Promise<void>;
  /** The process that runs now. */
  readonly pid: number;
  /** Ends it and removes its folder. */
  remove(): Promise<void>;
}

/** Below what Linux gives to outgoing connections (32768 and up), so that none of them takes a port before its server does. */
const firstPort = 10_000;
const lastPort = 32_767;

/** A port on loopback that is free, and that no connection going out will take. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(firstPort, lastPort + 1);
    const server = createServer();
    server.listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch {
      continue;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** Whether this very process listens on a port, and not another one that was quicker: proc(5), net/tcp. */
async function listens(pid: number, port: number): Promise<boolean> {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = (await readFile(`/proc/${pid}/net/tcp`, 'utf8'))
    .split('\n')
    .map((row) => row.trim().split(/\s+/));
  const inode = rows.find(([, address, , state]) => address?.endsWith(local) === true && state === '0A')?.[9];
  if (inode === undefined) return false;
  const descriptors = await readdir(`/proc/${pid}/fd`);
  const targets = descriptors.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => ''));
  return (await Promise.all(targets)).includes(`socket:[${inode}]`);
}

/**
 * Starts a real Mosquitto on loopback. `settings` are lines of its configuration file; `bare`: they say themselves who may
 * connect and how much is queued.
 */
export async function startMosquitto(
  options: { readonly port?: number; readonly settings?: readonly string[]; readonly bare?: boolean } = {},
): Promise<Mosquitto> {
  const program = findTool('mosquitto');
  if (program === undefined) throw new Error('mosquitto is not installed');
  const folder = await mkdtemp(join(tmpdir(), 'mosquitto-'));
  const port = options.port ?? (await freePort());
  const configuration = join(folder, 'mosquitto.conf');
  const lines = [
    `listener ${port} 127.0.0.1`,
    `persistence_location ${folder}/`,
    ...(options.bare === true ? [] : ['allow_anonymous true', 'max_queued_messages 0']),
    ...(process.getuid?.() === 0 ? ['user root'] : []),
    ...(options.settings ?? []),
  ];
  await writeFile(configuration, `${lines.join('\n')}\n`);
  let child: ChildProcess | undefined;

  const start = async () => {
    const started = spawn(program, ['-c', configuration], { stdio: ['ignore', 'ignore', 'pipe'] });
    child = started;
    let output = '';
    started.stderr?.on('data', (data: Buffer) => {
      output = (output + data.toString()).slice(-2_000);
    });
    for (let tries = 0; tries < 500; tries++) {
      if (started.exitCode !== null) throw new Error(`mosquitto ended: ${output}`);
      if (await listens(started.pid ?? 0, port).catch(() => false)) return;
      await sleep(10);
    }
    throw new Error(`mosquitto does not listen: ${output}`);
  };
  const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
    const ending = child;
    child = undefined;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const exited = once(ending, 'exit');
    ending.kill(signal);
    await exited;
  };
  await start();
  return {
    url: `mqtt://127.0.0.1:${port}`,
    port,
    get pid() {
      if (child?.pid === undefined) throw new Error('mosquitto does not run');
      return child.pid;
    },
    start,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    async remove() {
      child?.kill('SIGCONT');
      await end('SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}
