import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import anyTest from 'ava';
import { needs } from '#test/tools.ts';
import type { OutageReport } from './support/outage-run.ts';

const test = needs(anyTest, 'mosquitto');

test('a broker that is away for ten seconds and for ten minutes costs no event, and its return is noticed within the longest delay', async (t) => {
  const program = 'test/uplink/support/outage-run.ts';
  const { stdout } = await promisify(execFile)(process.execPath, [program, '0.00278,0.1667', '5000']);
  const reports = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as OutageReport);
  t.is(reports.length, 2);
  for (const report of reports) {
    const { missing, unordered, dropped, stored } = report;
    t.deepEqual({ missing, unordered, dropped }, { missing: 0, unordered: 0, dropped: 0 });
    t.true(stored >= (report.hours * 3_600) / 5, `${stored} were stored meanwhile`);
    // Of the virtual clock: the time of a group of writes, whatever the broker does.
    t.true(report.slowestStoreMs <= 100, `storing took ${report.slowestStoreMs} ms`);
    t.true(report.longestPauseMs <= 30_000, `${report.longestPauseMs} ms without an attempt`);
    t.deepEqual(report.faults, ['CW-UPL-020'], 'said once');
    t.log(
      `${report.hours * 3_600} s: ${stored} stored, ${report.attempts} attempts, back after ${Math.round(report.backMs)} ms`,
    );
  }
});
