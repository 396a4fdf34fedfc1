import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';

interface Answer {
  readonly id: number;
  readonly event: 'ready' | 'result' | 'failed' | 'spawned' | 'stdout' | 'stderr' | 'exit' | 'stray';
  readonly value?: unknown;
  readonly message?: string;
  readonly data?: string;
  readonly pid?: number;
  readonly code?: number | null;
  readonly signal?: string | null;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** As whom; root where left out. */
  readonly uid?: number;
  readonly gid?: number;
}

export interface Finished {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process in the guest. */
export interface GuestProcess {
  readonly pid: number;
  readonly finished: Promise<Finished>;
  onLine(listener: (line: string) => void): void;
  write(text: string): Promise<void>;
  end(): Promise<void>;
  signal(signal: NodeJS.Signals): Promise<void>;
}

/** Commands to the agent in the guest. */
export class GuestAgent {
  readonly #stream: Duplex;
  readonly #handlers = new Map<number, (answer: Answer) => void>();
  readonly #stray: string[] = [];
  #id = 0;
  #ended: Error | undefined;
  #ready: () => void = () => {};
  /** Resolves when a freshly booted guest's agent has started. */
  readonly booted: Promise<void>;

  constructor(stream: Duplex) {
    this.#stream = stream;
    this.booted = new Promise<void>((resolve) => {
      this.#ready = resolve;
    });
    stream.on('error', () => {});
    const lines = createInterface({ input: stream });
    lines.on('line', (line) => this.#take(line));
    lines.once('close', () => {
      this.#ended = new Error('the machine has ended');
      for (const [id, handler] of this.#handlers) {
        handler({ id, event: 'failed', message: this.#ended.message });
      }
    });
  }

  /** Exceptions in the guest's agent that belong to no request. */
  get stray(): readonly string[] {
    return this.#stray;
  }

  async ping(): Promise<void> {
    await this.#request({ op: 'ping' });
  }

  /** Calls an exported function of a module in the guest; arguments and result travel as JSON. */
  async call(module: string, name: string, ...args: readonly unknown[]): Promise<unknown> {
    return this.#request({ op: 'call', module, name, args });
  }

  /** Runs a program to its end. */
  async run(argv: readonly string[], options: RunOptions = {}): Promise<Finished> {
    return (await this.start(argv, options)).finished;
  }

  /** As `run`; rejects with what it printed where it fails. Resolves with its output. */
  async sh(script: string, options: RunOptions = {}): Promise<string> {
    const { code, signal, stdout, stderr } = await this.run(['/bin/sh', '-c', script], options);
    if (code !== 0) throw new Error(`in the machine: ${script}: ${code ?? signal}: ${stderr}${stdout}`);
    return stdout;
  }

  /** Starts a program; rejects where it can't be started. */
  start(argv: readonly string[], options: RunOptions = {}): Promise<GuestProcess> {
    return new Promise<GuestProcess>((started, failed) => {
      const id = this.#nextId();
      const process = new Running(id, (request) => this.#request(request));
      this.#handlers.set(id, (answer) => {
        if (answer.event === 'spawned') {
          process.pid = answer.pid ?? 0;
          started(process);
        } else if (answer.event === 'failed') {
          failed(new Error(`in the machine: ${argv.join(' ')}: ${answer.message}`));
          process.take({ id, event: 'exit', code: null, signal: 'machine' });
          this.#handlers.delete(id);
        } else {
          process.take(answer);
          if (answer.event === 'exit') this.#handlers.delete(id);
        }
      });
      this.#send({ id, op: 'run', argv, ...options });
    });
  }

  #nextId(): number {
    this.#id += 1;
    return this.#id;
  }

  #take(line: string): void {
    const answer = JSON.parse(line) as Answer;
    if (answer.event === 'ready') this.#ready();
    else if (answer.event === 'stray') this.#stray.push(answer.message ?? '');
    else this.#handlers.get(answer.id)?.(answer);
  }

  #request(request: Readonly<Record<string, unknown>>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = this.#nextId();
      this.#handlers.set(id, (answer) => {
        this.#handlers.delete(id);
        if (answer.event === 'result') resolve(answer.value);
        else reject(new Error(`in the machine: ${answer.message ?? answer.event}`));
      });
      this.#send({ id, ...request });
    });
  }

  #send(request: Readonly<Record<string, unknown>> & { readonly id: number }): void {
    if (this.#ended !== undefined) {
      this.#handlers.get(request.id)?.({ id: request.id, event: 'failed', message: this.#ended.message });
    } else this.#stream.write(`${JSON.stringify(request)}\n`);
  }
}

class Running implements GuestProcess {
  pid = 0;
  readonly finished: Promise<Finished>;
  readonly #id: number;
  readonly #request: (request: Readonly<Record<string, unknown>>) => Promise<unknown>;
  readonly #listeners: ((line: string) => void)[] = [];
  #finish: (finished: Finished) => void = () => {};
  #stdout = '';
  #stderr = '';
  #partial = '';

  constructor(id: number, request: (request: Readonly<Record<string, unknown>>) => Promise<unknown>) {
    this.#id = id;
    this.#request = request;
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  take(answer: Answer): void {
    if (answer.event === 'stderr') this.#stderr += answer.data ?? '';
    if (answer.event === 'stdout') {
      this.#stdout += answer.data ?? '';
      const lines = (this.#partial + (answer.data ?? '')).split('\n');
      this.#partial = lines.pop() ?? '';
      for (const line of lines) for (const listener of this.#listeners) listener(line);
    }
    if (answer.event === 'exit') {
      const { code = null, signal = null } = answer;
      this.#finish({ code, signal, stdout: this.#stdout, stderr: this.#stderr });
    }
  }

  /** Hears also the lines that came before. */
  onLine(listener: (line: string) => void): void {
    for (const line of this.#stdout.split('\n').slice(0, -1)) listener(line);
    this.#listeners.push(listener);
  }

  async write(text: string): Promise<void> {
    await this.#request({ op: 'input', target: this.#id, data: text });
  }

  async end(): Promise<void> {
    await this.#request({ op: 'input', target: this.#id, end: true });
  }

  async signal(signal: NodeJS.Signals): Promise<void> {
    await this.#request({ op: 'signal', target: this.#id, signal });
  }
}
