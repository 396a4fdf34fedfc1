import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { OutageReport } from '#test/uplink/support/outage-run.ts';
import { root } from './children.ts';
import type { TripReport } from './network/trip.ts';
import type { Stage } from './stage.ts';

/** Runs a program and hands over each line that it prints; resolves with what was wrong at its end. */
async function lines(
  command: string,
  args: readonly string[],
  take: (line: string) => void,
): Promise<string[]> {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (data: Buffer) => {
    said = (said + data.toString()).slice(-1_500);
  });
  createInterface({ input: child.stdout }).on('line', take);
  const [code] = (await once(child, 'close')) as [number | null];
  return code === 0 ? [] : [`${command} ${args.join(' ')} ended with ${code}: ${said}`];
}

const outage = 'test/uplink/support/outage-run.ts';

/** A day without a broker, of the virtual clock. */
async function day(say: (line: string) => void): Promise<string[]> {
  const faults: string[] = [];
  const ended = await lines(process.execPath, ['--expose-gc', outage, '24'], (line) => {
    const report = JSON.parse(line) as OutageReport;
    const { missing, unordered, dropped, slowestStoreMs, longestPauseMs } = report;
    say(
      `a day without a broker (virtual clock): ${report.stored} events stored, ${report.attempts} attempts, ${Math.round(longestPauseMs / 1_000)} s the longest pause, back ${(report.backMs / 1_000).toFixed(1)} s after the broker, ${report.repeats} repeats, ${report.grownMiB} MiB more`,
    );
    if (missing + unordered + dropped > 0) faults.push(`a day: ${JSON.stringify(report)}`);
    if (slowestStoreMs > 100) faults.push(`a day: storing took ${slowestStoreMs} ms`);
    if (longestPauseMs > 30_000) faults.push(`a day: ${longestPauseMs} ms without an attempt`);
    if (report.grownMiB > 5) faults.push(`a day: memory grew by ${report.grownMiB} MiB`);
  });
  return [...faults, ...ended];
}

/** So late a busy machine may hand a sample over, and not later, ms. */
const longestGapMs = 1_000;

/** Shopping while the network fails: nothing lost, nothing twice, and sensing never waits. */
export const networkStage: Stage = {
  name: 'network',
  about: 'lost packets, flapping and half-open links, a broker away: nothing lost (root, /dev/net/tun)',
  async run(_options, say) {
    const faults: string[] = [];
    let runs = 1;
    const wire = ['-n', process.execPath, 'test/soak/network/on-the-wire.ts'];
    faults.push(
      ...(await day(say)),
      ...(await lines('unshare', wire, (line) => {
        const report = JSON.parse(line) as TripReport;
        runs++;
        say(
          `${report.what} (${report.happened}): ${report.events} events, ${report.repeats} repeats removed by id, ${Math.round(report.longestGapMs)} ms at most between two samples`,
        );
        faults.push(...report.problems.map((problem) => `${report.what}: ${problem}`));
        if (report.longestGapMs > longestGapMs)
          faults.push(`${report.what}: ${Math.round(report.longestGapMs)} ms without a sample`);
      })),
    );
    return { summary: `${runs} kinds of trouble`, faults };
  },
};
