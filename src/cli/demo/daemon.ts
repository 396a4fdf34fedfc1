import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { CliError } from '../errors.ts';

const mainFile = fileURLToPath(new URL('../../main.ts', import.meta.url));
const startWithinMs = 20_000;
const stopWithinMs = 12_000;

export interface DaemonProcess {
  readonly statusUrl: string;
  /** The shopper's display. */
  readonly displayUrl: string;
  readonly brokerUrl: string;
  readonly pid: number;
  /** Resolves with the exit code when the daemon has ended, by itself or by `stop`. */
  readonly exited: Promise<number>;
  stop(): Promise<void>;
}

/**
 * Starts the daemon as a process of its own, as on a cart, and resolves when it runs. Its log goes to `gateway.log` in
 * `folder`; errors are also passed on, and the broker's address as soon as it is there, which is before the devices are. Rejects with CW-CLI-005, with the last of the log.
 */
export async function startDaemon(
  configPath: string,
  environment: Readonly<Record<string, string>>,
  folder: string,
  on: { readonly error: (message: string) => void; readonly broker: (url: string) => void },
): Promise<DaemonProcess> {
  const child = spawn(process.execPath, [mainFile, configPath], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise<number>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? (signal === null ? 1 : 128)));
  });
  const log = createWriteStream(join(folder, 'gateway.log'));
  const tail: string[] = [];
  const running = new Promise<Addresses>((resolve) => {
    let statusUrl = '';
    let displayUrl = '';
    let brokerUrl = '';
    createInterface({ input: child.stdout }).on('line', (line) => {
      log.write(`${line}\n`);
      tail.push(line);
      if (tail.length > 5) tail.shift();
      const entry = readEntry(line);
      if (entry === undefined) return;
      if (entry.msg === 'status page' && entry.url !== undefined) statusUrl = entry.url;
      if (entry.msg === 'shopper display' && entry.url !== undefined) displayUrl = entry.url;
      if (entry.msg === 'embedded broker' && entry.url !== undefined) {
        brokerUrl = entry.url;
        on.broker(entry.url);
      }
      if (entry.msg === 'gateway running') resolve({ statusUrl, displayUrl, brokerUrl });
      if (entry.level >= 50) on.error(entry.msg);
    });
  });
  child.stderr.on('data', (chunk: Buffer) => {
    log.write(chunk);
    tail.push(chunk.toString().trim());
  });
  const addresses = await Promise.race([
    running,
    exited.then(() => undefined),
    new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), startWithinMs).unref()),
  ]);
  if (addresses === undefined) {
    child.kill('SIGKILL');
    throw new CliError(
      'CW-CLI-005',
      `the gateway did not start; the last it said:\n${tail.slice(-5).join('\n')}`,
    );
  }
  return { ...addresses, pid: child.pid ?? 0, exited, stop: () => stop(child, exited) };
}

type Addresses = Pick<DaemonProcess, 'statusUrl' | 'displayUrl' | 'brokerUrl'>;

interface LogEntry {
  readonly level: number;
  readonly msg: string;
  readonly url?: string;
}

function readEntry(line: string): LogEntry | undefined {
  try {
    const entry = JSON.parse(line) as Partial<LogEntry>;
    return typeof entry.level === 'number' && typeof entry.msg === 'string' ? (entry as LogEntry) : undefined;
  } catch {
    return undefined;
  }
}

async function stop(child: ChildProcess, exited: Promise<number>): Promise<void> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopWithinMs);
  await exited;
  clearTimeout(timer);
}
