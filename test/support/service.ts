import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayFolder } from './gateway.ts';
import { inspectorUrl } from './inspector.ts';

/** A bound datagram socket, as systemd has one: says `bound`, then one line of JSON for each datagram. */
const peerProgram = `
import json, socket, sys
peer = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
name = sys.argv[1]
peer.bind('\\0' + name[1:] if name.startswith('@') else name)
print('bound', flush=True)
while True:
    print(json.dumps(peer.recv(4096).decode()), flush=True)
`;

export interface NotifyPeer {
  readonly child: ChildProcess;
  /** The next line: `bound` first, then what was sent. */
  readonly lines: AsyncIterator<string>;
}

/** Starts the other end of NOTIFY_SOCKET at `address`: a path, or `@name`. Resolves when it listens. */
export async function startNotifyPeer(address: string): Promise<NotifyPeer> {
  const child = spawn('python3', ['-c', peerProgram, address], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const { value } = await lines.next();
  if (value !== 'bound') throw new Error(`the notify socket ${address} could not be bound`);
  return { child, lines };
}

interface Happening {
  readonly atMs: number;
  /** `start`, `end CODE SIGNAL`, or what the program told: `READY=1`. */
  readonly what: string;
}

/**
 * Stands in for systemd: runs the daemon as a service with a notify socket, a watchdog and a runtime folder, starts it
 * again where it failed, and notes how each run ended as ExecStopPost of the unit does.
 */
export class ServiceUnderTest {
  readonly happenings: Happening[] = [];
  readonly log: string[] = [];
  readonly runtimeFolder: string;
  /** Of the run that is on, where it was started with one. */
  inspector: string | undefined;
  readonly #folder: Pick<GatewayFolder, 'path' | 'configPath'>;
  readonly #peer: NotifyPeer;
  readonly #address: string;
  readonly #options: ServiceOptions;
  #child: ChildProcess | undefined;
  #fedMs: number | undefined;
  #stopping = false;
  #ended: Promise<void> = Promise.resolve();
  readonly #watch: NodeJS.Timeout;
  #wasHung = false;

  static async start(
    folder: Pick<GatewayFolder, 'path' | 'configPath'>,
    options: ServiceOptions,
  ): Promise<ServiceUnderTest> {
    const address = `@${folder.path}/notify`;
    const service = new ServiceUnderTest(folder, await startNotifyPeer(address), address, options);
    await mkdir(service.runtimeFolder, { recursive: true });
    await mkdir(join(folder.path, 'data'), { recursive: true });
    service.#spawn();
    return service;
  }

  private constructor(
    folder: Pick<GatewayFolder, 'path' | 'configPath'>,
    peer: NotifyPeer,
    address: string,
    options: ServiceOptions,
  ) {
    this.#folder = folder;
    this.#peer = peer;
    this.#address = address;
    this.#options = options;
    this.runtimeFolder = join(folder.path, 'run');
    this.#watch = setInterval(() => this.#look(), 50);
    void this.#listen();
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Waits for something that happens from the `from`th happening on; resolves with its number. Throws after `withinMs`. */
  async until(what: string | RegExp, from = 0, withinMs = 30_000): Promise<number> {
    for (const deadline = performance.now() + withinMs; performance.now() < deadline; await sleep(20)) {
      const found = this.happenings.findIndex(
        (one, index) => index >= from && (typeof what === 'string' ? one.what === what : what.test(one.what)),
      );
      if (found >= 0) return found;
    }
    throw new Error(
      `${what} did not happen; ${this.happenings.map((one) => one.what).join(', ')}\n${this.log.slice(-8).join('\n')}`,
    );
  }

  /** Ms from one happening to another. */
  between(first: number, second: number): number {
    return Math.round((this.happenings[second]?.atMs ?? 0) - (this.happenings[first]?.atMs ?? 0));
  }

  /** Ends it in good order and starts it anew; resolves when it is ready. */
  async restart(): Promise<void> {
    const from = this.happenings.length;
    this.#child?.kill('SIGTERM');
    await this.until(/^end/, from);
    this.#spawn();
    await this.until('READY=1', from);
  }

  /** Ends it for good; resolves when nothing of it runs. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearInterval(this.#watch);
    this.#child?.kill('SIGTERM');
    const late = setTimeout(() => this.#child?.kill('SIGKILL'), 15_000);
    await this.#ended;
    clearTimeout(late);
    const gone = once(this.#peer.child, 'exit');
    this.#peer.child.kill();
    await gone;
  }

  #note(what: string): void {
    this.happenings.push({ atMs: performance.now(), what });
  }

  async #listen(): Promise<void> {
    for (;;) {
      const { value, done } = await this.#peer.lines.next();
      if (done === true) return;
      const told = JSON.parse(value) as string;
      this.#note(told);
      if (told === 'READY=1' || told === 'WATCHDOG=1') this.#fedMs = performance.now();
      if (told === 'STOPPING=1') this.#fedMs = undefined;
    }
  }

  #look(): void {
    if (this.#fedMs === undefined || performance.now() - this.#fedMs < this.#options.watchdogMs) return;
    this.#fedMs = undefined;
    this.#wasHung = true;
    this.#note('watchdog');
    this.#child?.kill('SIGABRT');
  }

  #spawn(): void {
    const { environment, arguments: before = [], watchdogMs, mount } = this.#options;
    const command = [process.execPath, ...before, 'src/main.ts', this.#folder.configPath];
    const line =
      mount === undefined ? command : ['unshare', '-m', 'sh', '-ec', `${mount}; exec "$@"`, 'sh', ...command];
    const [program = '', ...rest] = line;
    const child = spawn(program, rest, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ...environment,
        NOTIFY_SOCKET: this.#address,
        WATCHDOG_USEC: String(watchdogMs * 1000),
        RUNTIME_DIRECTORY: this.runtimeFolder,
      },
    });
    this.#child = child;
    this.inspector = undefined;
    this.#wasHung = false;
    this.#note('start');
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        this.log.push(line);
        this.inspector ??= inspectorUrl(line);
      });
    }
    this.#ended = once(child, 'exit').then(([code, signal]) => this.#over(code, signal));
  }

  async #over(code: number | null, signal: string | null): Promise<void> {
    this.#fedMs = undefined;
    this.#note(`end ${code ?? ''} ${signal ?? ''}`.trim());
    const result = this.#wasHung
      ? 'watchdog'
      : signal === null
        ? code === 0
          ? 'success'
          : 'exit-code'
        : 'signal';
    const words = `${result} ${signal === null ? 'exited' : 'killed'} ${signal?.slice(3) ?? code}\n`;
    await writeFile(join(this.#folder.path, 'data', 'last-end'), words).catch(() => {});
    if (this.#stopping || code === 0 || code === 78) return;
    await sleep(this.#options.restartMs ?? 100);
    if (!this.#stopping) this.#spawn();
  }
}

interface ServiceOptions {
  readonly watchdogMs: number;
  /** Pause before a new start; systemd's unit has 2 s. */
  readonly restartMs?: number;
  /** A line of shell that mounts something, in a namespace of the program's own; needs root. */
  readonly mount?: string;
  /** Of Node, before the program. */
  readonly arguments?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}
