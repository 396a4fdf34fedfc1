import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, read, write } from 'node:fs';
import { pathToFileURL } from 'node:url';

/**
 * Runs in the virtual machine and does what the tests outside ask for, over a serial port of the machine that both see
 * as lines of JSON. It is already running when the machine is restored, so that a command costs no start-up.
 */

/** How one call or process is asked for; `id` is in every answer to it. */
type Request =
  | { id: number; op: 'ping' }
  | {
      id: number;
      op: 'run';
      argv: string[];
      env?: Record<string, string>;
      cwd?: string;
      uid?: number;
      gid?: number;
    }
  | { id: number; op: 'input'; target: number; data?: string; end?: boolean }
  | { id: number; op: 'signal'; target: number; signal: NodeJS.Signals }
  | { id: number; op: 'call'; module: string; name: string; args: unknown[] };

const path = process.argv[2] ?? '/dev/virtio-ports/hil.agent';
const port = openSync(path, 'r+');
const processes = new Map<number, ChildProcess>();

const outgoing: Buffer[] = [];
let writing = false;

function answer(message: Record<string, unknown>): void {
  outgoing.push(Buffer.from(`${JSON.stringify(message)}\n`));
  if (!writing) writeNext();
}

/** Writes go one after the other: the port takes part of a large one. */
function writeNext(): void {
  const next = outgoing[0];
  writing = next !== undefined;
  if (next === undefined) return;
  write(port, next, 0, next.length, null, (error, count) => {
    if (error !== null) process.exit(1);
    if (count === next.length) outgoing.shift();
    else outgoing[0] = next.subarray(count);
    writeNext();
  });
}

function run(request: Extract<Request, { op: 'run' }>): void {
  const [program = '', ...args] = request.argv;
  const child = spawn(program, args, {
    cwd: request.cwd ?? '/',
    env: { ...process.env, ...request.env },
    ...(request.uid === undefined ? {} : { uid: request.uid }),
    ...(request.gid === undefined ? {} : { gid: request.gid }),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const { id } = request;
  processes.set(id, child);
  child.stdin.on('error', () => {});
  child.stdout.setEncoding('utf8').on('data', (data) => answer({ id, event: 'stdout', data }));
  child.stderr.setEncoding('utf8').on('data', (data) => answer({ id, event: 'stderr', data }));
  child.once('spawn', () => answer({ id, event: 'spawned', pid: child.pid }));
  child.once('error', (error) => {
    if (processes.delete(id)) answer({ id, event: 'failed', message: error.message });
  });
  child.once('close', (code, signal) => {
    if (processes.delete(id)) answer({ id, event: 'exit', code, signal });
  });
}

async function call(request: Extract<Request, { op: 'call' }>): Promise<unknown> {
  const module = (await import(pathToFileURL(request.module).href)) as Record<string, unknown>;
  const called = module[request.name];
  if (typeof called !== 'function') throw new Error(`${request.module} has no function ${request.name}`);
  return called(...request.args);
}

function handle(request: Request): void {
  const { id } = request;
  const result = (value: unknown) => answer({ id, event: 'result', value: value ?? null });
  switch (request.op) {
    case 'ping':
      result({ node: process.version, pid: process.pid });
      break;
    case 'run':
      run(request);
      break;
    case 'input':
      if (request.data !== undefined) processes.get(request.target)?.stdin?.write(request.data);
      if (request.end === true) processes.get(request.target)?.stdin?.end();
      result(null);
      break;
    case 'signal':
      result(processes.get(request.target)?.kill(request.signal) ?? false);
      break;
    case 'call':
      call(request).then(result, (error: unknown) =>
        answer({
          id,
          event: 'failed',
          message: error instanceof Error ? (error.stack ?? error.message) : String(error),
        }),
      );
  }
}

const incoming = Buffer.alloc(65_536);
let rest = '';

function readNext(): void {
  read(port, incoming, 0, incoming.length, null, (error, count) => {
    if (error !== null) {
      closeSync(port);
      process.exit(1);
    }
    // Nothing is connected outside: between the snapshot and the restored machine's first request.
    if (count === 0) {
      setTimeout(readNext, 50);
      return;
    }
    rest += incoming.toString('latin1', 0, count);
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) handle(JSON.parse(Buffer.from(line, 'latin1').toString('utf8')) as Request);
    readNext();
  });
}

// A fault in what a test asked for is that test's failure, never the end of the agent.
process.on('uncaughtException', (error) => answer({ id: 0, event: 'stray', message: error.stack ?? '' }));
process.on('unhandledRejection', (error) => answer({ id: 0, event: 'stray', message: String(error) }));
answer({ id: 0, event: 'ready' });
readNext();
