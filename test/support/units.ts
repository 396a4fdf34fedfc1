import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { placesUnder } from '#updates/places.ts';
import { startNotifyPeer } from './service.ts';

/** What `systemctl` is to the updater: the polls are answered from files, all else is handed to `UnitsUnderTest`. */
const systemctl = `#!/bin/sh
cd "$(dirname "$0")" || exit 1
case $1 in
  is-failed) [ "$(cat "$3.state" 2>/dev/null)" = failed ]; exit ;;
  is-active) [ "$(cat "$3.state" 2>/dev/null)" = active ]; exit ;;
esac
echo "$*" >"part.$$" && mv "part.$$" "ask.$$"
while [ ! -e "done.$$" ]; do sleep 0.05; done
rm "done.$$"
`;

const gatewayUnit = 'cartwright.service';
const safeUnit = 'cartwright-safe.service';
const updaterUnit = 'cartwright-update.service';

/** The figures of systemd/cartwright.service. */
const watchdogMs = 30_000;
const startWithinMs = 180_000;
const restartMs = 2_000;
const mostStarts = 5;
const startsWithinMs = 9 * 60_000;
const stopWithinMs = 20_000;
/** Of systemd/cartwright-safe.service. */
const safeRestartMs = 30_000;
const lookEveryMs = 100;

type UnitState = 'inactive' | 'active' | 'failed';

/**
 * Stands in for systemd on a device whose folders lie below `root`: runs gateway, safe mode and updater of the releases
 * there as processes, by the rules of their unit files (watchdog, restarts, limit of starts, OnFailure=, OnSuccess=, the
 * path unit), and answers the updater's `systemctl`.
 */
export class UnitsUnderTest {
  /** What was started and how it ended, in words. */
  readonly happened: string[] = [];
  readonly #root: string;
  readonly #folder: string;
  readonly #bootId: string;
  readonly #running = new Map<string, ChildProcess>();
  readonly #environment: Readonly<Record<string, string>>;
  #starts: number[] = [];
  #fedMs: number | undefined;
  #startedMs = 0;
  #wasHung = false;
  /** Units that are to stay down once what runs of them has ended. */
  readonly #stopping = new Set<string>();
  #restart: NodeJS.Timeout | undefined;
  #requestMs = 0;
  #isOver = false;
  #loop: Promise<void> = Promise.resolve();
  #peer: ChildProcess | undefined;

  private constructor(root: string, environment: Readonly<Record<string, string>>) {
    this.#root = root;
    this.#folder = join(root, 'units');
    this.#bootId = `boot-${process.pid}-${Math.floor(performance.now())}`;
    this.#environment = environment;
  }

  /** Switches the machine on. */
  static async boot(
    root: string,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<UnitsUnderTest> {
    const units = new UnitsUnderTest(root, environment);
    await mkdir(units.#folder, { recursive: true });
    await writeFile(join(units.#folder, 'systemctl'), systemctl, { mode: 0o755 });
    const peer = await startNotifyPeer(units.#address);
    units.#peer = peer.child;
    void units.#listen(peer.lines);
    await units.#runUpdater('boot');
    await units.#start(gatewayUnit);
    units.#loop = units.#watch();
    return units;
  }

  get gatewayPid(): number | undefined {
    return this.#running.get(gatewayUnit)?.pid;
  }

  /** Ends all of it at once, as a power cut would. */
  async cut(): Promise<void> {
    this.#isOver = true;
    clearTimeout(this.#restart);
    for (const child of this.#running.values()) child.kill('SIGKILL');
    await this.#loop;
    while (this.#running.size > 0) await sleep(20);
    if (this.#peer !== undefined && this.#peer.exitCode === null) {
      const gone = once(this.#peer, 'exit');
      this.#peer.kill();
      await gone;
    }
  }

  get #address(): string {
    return `@${this.#root}/notify`;
  }

  async #listen(lines: AsyncIterator<string>): Promise<void> {
    for (;;) {
      const { value, done } = await lines.next();
      if (done === true) return;
      const told = JSON.parse(value) as string;
      if (told === 'READY=1' || told === 'WATCHDOG=1') this.#fedMs = performance.now();
      if (told === 'STOPPING=1') this.#fedMs = undefined;
    }
  }

  async #watch(): Promise<void> {
    while (!this.#isOver) {
      await sleep(lookEveryMs);
      this.#feedOrKill();
      for (const name of await readdir(this.#folder)) {
        if (!name.startsWith('ask.')) continue;
        const path = join(this.#folder, name);
        const words = (await readFile(path, 'utf8')).trim().split(' ');
        await rm(path);
        void this.#ask(words).then(() => writeFile(join(this.#folder, `done.${name.slice(4)}`), ''));
      }
      const request = join(placesUnder(this.#root).data, 'updates/request.json');
      const { mtimeMs } = await stat(request).catch(() => ({ mtimeMs: 0 }));
      // As PathChanged=: what comes while the updater runs starts it no second time.
      if (mtimeMs !== this.#requestMs) void this.#start(updaterUnit);
      this.#requestMs = mtimeMs;
    }
  }

  #feedOrKill(): void {
    const child = this.#running.get(gatewayUnit);
    if (child === undefined) return;
    const sinceMs = performance.now() - (this.#fedMs ?? this.#startedMs);
    if (sinceMs < (this.#fedMs === undefined ? startWithinMs : watchdogMs)) return;
    this.#fedMs = undefined;
    this.#startedMs = performance.now();
    this.#wasHung = true;
    this.happened.push('watchdog');
    child.kill('SIGKILL');
  }

  async #ask([verb = '', ...words]: readonly string[]): Promise<void> {
    const units = words.filter((word) => !word.startsWith('--'));
    for (const unit of units) {
      if (verb === 'stop') await this.#stop(unit);
      else if (verb === 'start') await this.#start(unit);
      else if (verb === 'reset-failed') {
        if (unit === gatewayUnit) this.#starts = [];
        await this.#become(unit, 'inactive');
      }
    }
  }

  async #become(unit: string, state: UnitState): Promise<void> {
    const path = join(this.#folder, `${unit}.state`);
    await writeFile(`${path}.part`, state);
    await rename(`${path}.part`, path);
  }

  async #start(unit: string): Promise<void> {
    if (this.#running.has(unit) || this.#isOver) return;
    this.#stopping.delete(unit);
    if (unit === updaterUnit) return void this.#runUpdater('run');
    const other = unit === gatewayUnit ? safeUnit : gatewayUnit;
    if (this.#running.has(other)) await this.#stop(other);
    const { current, good, config, data } = placesUnder(this.#root);
    const runtime = join(this.#root, 'run/cartwright');
    await mkdir(runtime, { recursive: true });
    const program = unit === gatewayUnit ? join(current, 'src/main.ts') : join(good, 'src/safe-mode.ts');
    const child = this.#spawn(unit, [program, config], {
      RUNTIME_DIRECTORY: runtime,
      STATE_DIRECTORY: data,
      ...(unit === gatewayUnit
        ? { NOTIFY_SOCKET: this.#address, WATCHDOG_USEC: String(watchdogMs * 1_000) }
        : {}),
    });
    await this.#become(unit, 'active');
    if (unit === gatewayUnit) {
      this.#starts.push(performance.now());
      [this.#startedMs, this.#fedMs, this.#wasHung] = [performance.now(), undefined, false];
    }
    child.once('exit', (code, signal) => void this.#ended(unit, code, signal));
  }

  async #stop(unit: string): Promise<void> {
    if (unit === gatewayUnit) clearTimeout(this.#restart);
    this.#stopping.add(unit);
    const child = this.#running.get(unit);
    if (child === undefined) return;
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), stopWithinMs);
    while (this.#running.get(unit) === child) await sleep(20);
    clearTimeout(late);
  }

  async #ended(unit: string, code: number | null, signal: string | null): Promise<void> {
    this.#running.delete(unit);
    this.happened.push(`${unit.split('.')[0]} ended ${code ?? signal}`);
    if (this.#isOver) return;
    const isStopped = this.#stopping.has(unit);
    if (unit === safeUnit) {
      await this.#become(unit, 'inactive');
      if (code === 0) await this.#start(gatewayUnit);
      else if (!isStopped) setTimeout(() => void this.#start(safeUnit), safeRestartMs).unref();
      return;
    }
    const result = this.#wasHung
      ? 'watchdog'
      : signal !== null
        ? 'signal'
        : code === 0
          ? 'success'
          : 'exit-code';
    const how = signal === null ? `exited ${code}` : `killed ${signal.slice(3)}`;
    await writeFile(join(placesUnder(this.#root).data, 'last-end'), `${result} ${how}\n`);
    if (isStopped || code === 0) return await this.#become(unit, 'inactive');
    const now = performance.now();
    this.#starts = this.#starts.filter((atMs) => now - atMs < startsWithinMs);
    if (code !== 78 && this.#starts.length < mostStarts) {
      this.#restart = setTimeout(() => void this.#start(gatewayUnit), restartMs);
      return;
    }
    await this.#become(unit, 'failed');
    await Promise.all([this.#start(safeUnit), this.#start(updaterUnit)]);
  }

  async #runUpdater(action: 'boot' | 'run'): Promise<void> {
    const { good } = placesUnder(this.#root);
    const child = this.#spawn(updaterUnit, [
      ...[join(good, 'src/updates/main.ts'), action, '--root', this.#root],
      ...['--systemctl', join(this.#folder, 'systemctl'), '--boot-id', this.#bootId],
    ]);
    await once(child, 'exit');
    this.#running.delete(updaterUnit);
    this.happened.push(`updater ${action} ended ${child.exitCode ?? child.signalCode}`);
  }

  #spawn(
    unit: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): ChildProcess {
    const child = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...this.#environment, ...environment },
    });
    this.#running.set(unit, child);
    const log = join(this.#folder, `${unit}.log`);
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (data: Buffer) => void appendFile(log, data).catch(() => undefined));
    return child;
  }
}
