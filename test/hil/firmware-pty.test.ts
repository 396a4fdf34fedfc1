import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import anyTest from 'ava';
import { needs } from '../tools.ts';
import type { ReaderReport } from './firmware/reader.ts';
import { isCountOf, SimulatedPort } from './firmware/simulated-port.ts';

const test = needs(anyTest, 'socat').serial;
const cells = ['cell-fl', 'cell-fr', 'cell-rl', 'cell-rr'];
/** How long anything may take on a machine that is busy with everything else, ms. */
const patienceMs = 60_000;

/** The gateway's side, in a process of its own. */
class Reader {
  readonly #child: ChildProcess;
  latest: ReaderReport | undefined;

  constructor(path: string) {
    this.#child = spawn(process.execPath, ['test/hil/firmware/reader.ts', path, ...cells], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (this.#child.stdout === null) throw new Error('the reader has no output');
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.latest = JSON.parse(line) as ReaderReport;
    });
  }

  get readings(): number {
    return Object.values(this.latest?.cells ?? {}).reduce((sum, cell) => sum + cell.readings, 0);
  }

  async until(what: string, done: (report: ReaderReport) => boolean): Promise<ReaderReport> {
    const limit = Date.now() + patienceMs;
    for (;;) {
      const { latest } = this;
      if (latest !== undefined && done(latest)) return latest;
      if (Date.now() > limit || this.#child.exitCode !== null) {
        throw new Error(`${what} did not happen; last: ${JSON.stringify(latest)}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** So many readings of every cell more than now. */
  async more(count: number): Promise<ReaderReport> {
    const before = this.latest?.cells ?? {};
    return this.until(`${count} more readings of each cell`, (report) =>
      cells.every((cell) => (report.cells[cell]?.readings ?? 0) >= (before[cell]?.readings ?? 0) + count),
    );
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
    await exited;
    clearTimeout(kill);
  }
}

test('the real firmware is read over a serial port, and survives a reset and a pulled adapter', async (t) => {
  t.timeout(300_000);
  const folder = await mkdtemp(join(tmpdir(), 'bridge-'));
  const port = new SimulatedPort(join(folder, 'ttyUSB0'), cells.length);
  await port.start();
  const reader = new Reader(port.path);
  t.teardown(async () => {
    await reader.stop();
    await port.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const ready = await reader.until('johnny-five is ready', ({ boardReady }) => boardReady);
  t.is(ready.state, 'running');
  const streaming = await reader.more(200);
  for (const [channel, cell] of cells.entries()) {
    t.true(isCountOf(channel, streaming.cells[cell]?.counts ?? 0), `${cell} reads its own channel`);
  }

  await (await port.fault({ fault: 'reset' }))();
  const reset = await reader.until('the reset is over', ({ faults }) =>
    faults.includes('missing CW-DRV-018 over'),
  );
  t.false(
    reset.faults.some((fault) => fault.startsWith('disconnected')),
    'a reset needs no reopening',
  );
  const { openFiles } = await reader.more(100);

  for (let round = 1; round <= 2; round++) {
    await port.pull();
    await reader.until('it is missed', ({ state }) => state === 'waiting' || state === 'opening');
    await port.plugIn();
    await reader.until('it is back', ({ state, boardReady }) => state === 'running' && boardReady);
    await reader.more(100);
  }
  const last = await reader.more(50);
  t.true(last.openFiles <= openFiles, 'no file stays open');
  t.is(last.ahead, 0, 'no time stamp is ahead of the clock');
  for (const cell of cells) t.is(last.cells[cell]?.disorders, 0, `times of ${cell} never go back`);
  t.true(last.faults.filter((fault) => fault === 'disconnected CW-DRV-005').length >= 2);
});
