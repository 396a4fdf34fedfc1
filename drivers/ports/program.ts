import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import type { Clock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import { DriverError } from '../errors.ts';
import type { PortListener, ProgramPort, ProgramRequest } from './ports.ts';
import type { System } from './root.ts';

/** What of this process's surroundings a child gets: it needs no secrets of the gateway. */
const passedOn = [
  ...['PATH', 'HOME', 'TMPDIR', 'XDG_RUNTIME_DIR', 'LD_LIBRARY_PATH'],
  ...['LIBCAMERA_IPA_MODULE_PATH', 'LIBCAMERA_IPA_CONFIG_PATH', 'LIBCAMERA_RPI_CONFIG_FILE'],
];
/** How long a child may take to end when asked to, µs. A stopped one (SIGSTOP) does not hear it at all. */
const graceUs = 500_000;
/** One that hangs in the kernel doesn't even end when killed; it is left behind, µs. */
const killedUs = 2_000_000;
/** After its end its last output is waited for; somebody else may hold the pipe open, µs. */
const drainUs = 300_000;

/**
 * Starts a program, never through a shell. Its output waits until somebody listens. Rejects with CW-DRV-004 where it is
 * not installed, with CW-DRV-012 where it may not be run.
 */
export async function openProgram(request: ProgramRequest, { clock }: System): Promise<ProgramPort> {
  const { program, install } = request;
  const env = Object.fromEntries(
    passedOn.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
  );
  const child = spawn(program, [...request.arguments], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...env, LC_ALL: 'C' },
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') {
        reject(new DriverError('CW-DRV-004', `${program} is not installed; ${install}`, { cause }));
      } else if (cause.code === 'EACCES') {
        reject(new DriverError('CW-DRV-012', `${program} may not be run by this user`, { cause }));
      } else {
        reject(
          new DriverError('CW-DRV-004', `${program} can not be started: ${describeError(cause)}`, { cause }),
        );
      }
    });
  });
  return new RunningProgram(program, child, clock);
}

class RunningProgram implements ProgramPort {
  readonly identity;
  readonly #program: string;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #clock: Clock;
  readonly #lines = new LatestLines();
  #listener: PortListener<Uint8Array> | undefined;
  #ending: DriverError | undefined;
  #exited = false;
  #closing: Promise<void> | undefined;
  #cancelDrain: (() => void) | undefined;

  constructor(program: string, child: ChildProcessByStdio<null, Readable, Readable>, clock: Clock) {
    this.identity = { model: program };
    this.#program = program;
    this.#child = child;
    this.#clock = clock;
    const decoder = new StringDecoder('utf8');
    child.stderr.on('data', (bytes: Buffer) => this.#lines.add(decoder.write(bytes)));
    // A pipe that breaks is followed by the child's end.
    child.stdout.on('error', () => {});
    child.stderr.on('error', () => {});
    child.on('error', () => {});
    child.once('exit', (code, signal) => {
      this.#exited = true;
      this.#cancelDrain = clock.after(drainUs, () => this.#ended(code, signal));
    });
    child.once('close', (code, signal) => this.#ended(code, signal));
  }

  listen(listener: PortListener<Uint8Array>): void {
    if (this.#closing !== undefined || this.#listener !== undefined) return;
    this.#listener = listener;
    this.#child.stdout.on('data', (bytes: Buffer) => {
      if (this.#closing === undefined) listener.data(bytes, this.#clock.nowUs());
    });
    if (this.#ending !== undefined) listener.lost(this.#ending);
  }

  messages(): readonly string[] {
    return this.#lines.all();
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  /** Asks the child to end, then kills it. */
  #end(): Promise<void> {
    this.#cancelDrain?.();
    this.#child.stdout.destroy();
    this.#child.stderr.destroy();
    if (this.#exited) return Promise.resolve();
    return new Promise((resolve) => {
      let cancel = () => {};
      this.#child.once('exit', () => {
        cancel();
        this.#cancelDrain?.();
        resolve();
      });
      this.#child.kill('SIGTERM');
      cancel = this.#clock.after(graceUs, () => {
        this.#child.kill('SIGKILL');
        cancel = this.#clock.after(killedUs, resolve);
      });
    });
  }

  #ended(exitCode: number | null, signal: NodeJS.Signals | null): void {
    this.#cancelDrain?.();
    if (this.#closing !== undefined || this.#ending !== undefined) return;
    const how = signal === null ? `with ${exitCode}` : `by ${signal}`;
    const said = this.messages().slice(-3).join(' | ');
    const message = `${this.#program} ended ${how}${said === '' ? '' : `; it said: ${said}`}`;
    this.#ending = new DriverError('CW-DRV-005', message, { details: { exitCode, signal } });
    this.#listener?.lost(this.#ending);
  }
}

const mostLines = 40;
const longestLine = 400;

/** The latest lines of a text that comes in pieces; bounded, whatever is written. */
class LatestLines {
  readonly #lines: string[] = [];
  #unfinished = '';

  add(text: string): void {
    const lines = (this.#unfinished + text).split(/\r?\n|\r/);
    this.#unfinished = (lines.pop() ?? '').slice(0, longestLine);
    for (const line of lines) if (line.trim() !== '') this.#lines.push(line.slice(0, longestLine));
    this.#lines.splice(0, this.#lines.length - mostLines);
  }

  all(): readonly string[] {
    return this.#unfinished.trim() === '' ? [...this.#lines] : [...this.#lines, this.#unfinished];
  }
}
