import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { calibrationHeadKey } from '#calibration/store/record.ts';
import { type CalibrationDraft, CalibrationStore } from '#calibration/store/store.ts';
import { AuditLog } from '#identity/audit-log.ts';
import { runCli } from '#test/support/cli.ts';
import { Outbox } from '#uplink/outbox.ts';

const draft = (zeroCounts: number): CalibrationDraft => ({
  cause: 'calibrate',
  atMs: 1_790_000_000_000,
  timeQuality: 'synced',
  calibration: {
    calibration: 1,
    revision: 0,
    plates: { basket: { cells: { left: { zeroCounts, milligramsPerCount: 2 } } } },
  },
});

/** A data folder with some calibrations, as a stopped gateway leaves it. */
async function dataFolder(t: ExecutionContext, revisions = 3): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'audit-cli-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const outbox = new Outbox(join(folder, 'outbox.sqlite'), { maxBytes: 1e7, ledgerShare: 0.8 });
  const { log } = await AuditLog.open(join(folder, 'audit'));
  const { store } = await CalibrationStore.open({ folder: join(folder, 'calibrations'), head: undefined });
  for (let i = 1; i <= revisions; i++) {
    const prepared = await store.prepare(draft(100 * i));
    const { revision, hash } = prepared.record;
    const audit = await log.append({ what: 'calibration.commit', calibration: { revision, hash } });
    const state = {
      [calibrationHeadKey]: JSON.stringify(prepared.head),
      'audit/head': JSON.stringify(audit),
    };
    outbox.append([{ events: [], state, reported: [] }]);
    await store.committed(prepared);
  }
  outbox.close();
  return folder;
}

test('the calibrations of a data folder are held against their chain, their head and the audit log', async (t) => {
  t.timeout(300_000);
  const folder = await dataFolder(t);
  const whole = await runCli(['audit', 'verify', folder]);
  t.is(whole.code, 0, whole.stdout + whole.stderr);
  t.regex(
    whole.stdout,
    /calibrations: the chain is whole: 3 revisions, the last 3; counters: 3 calibrations, 0 changes of the configuration\n$/,
  );
  const file = join(folder, 'calibrations', 'calibration-00000002.json');
  const bytes = await readFile(file);
  const flipped = Buffer.from(bytes);
  flipped[50] = (flipped[50] ?? 0) ^ 1;
  await writeFile(file, flipped);
  const changed = await runCli(['audit', 'verify', folder, '--json']);
  t.is(changed.code, 1);
  const { problems, calibrations } = JSON.parse(changed.stdout) as {
    problems: string[];
    calibrations: { problems: string[] };
  };
  t.deepEqual(problems, []);
  t.regex(
    calibrations.problems.join('\n'),
    /^CW-CAL-100 calibration-00000002\.json, .* is not what its hash says$/,
  );
  const alone = await runCli(['audit', 'verify', join(folder, 'calibrations')]);
  t.is(alone.code, 1);
  t.regex(alone.stdout, /CW-CAL-100/);
  await rm(file);
  t.regex(
    (await runCli(['audit', 'verify', folder])).stdout,
    /CW-CAL-101 revision 2 of the calibration is missing/,
  );
});

test('a revision that somebody put in place of the newest, with a right hash and head, is not what the audit log tells of', async (t) => {
  t.timeout(300_000);
  const folder = await dataFolder(t, 2);
  const name = join(folder, 'calibrations', 'calibration-00000002.json');
  await rm(name);
  await rm(join(folder, 'calibrations', 'last-good.json'));
  const { store } = await CalibrationStore.open({ folder: join(folder, 'calibrations'), head: undefined });
  const forged = await store.prepare(draft(9_999));
  const outbox = new Outbox(join(folder, 'outbox.sqlite'), { maxBytes: 1e7, ledgerShare: 0.8 });
  outbox.append([{ events: [], state: { [calibrationHeadKey]: JSON.stringify(forged.head) }, reported: [] }]);
  outbox.close();
  const { code, stdout } = await runCli(['audit', 'verify', folder]);
  t.is(code, 1);
  t.regex(stdout, /CW-CAL-111 revision 2 of the calibration is not the one that the audit log tells of/);
});
