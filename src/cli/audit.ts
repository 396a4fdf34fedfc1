import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describeError } from '#base/errors.ts';
import { plainCause } from '#base/system-error.ts';
import { auditHeadKey } from '#gateway/audit.ts';
import type { AuditHead, AuditRecord } from '#identity/audit-chain.ts';
import { type AuditReport, verifyAudit } from '#identity/audit-log.ts';
import { readStoredState } from '#uplink/read-state.ts';
import {
  type CalibrationCheck,
  checkCalibrationFolder,
  checkCalibrations,
  isCalibrations,
} from './audit-calibrations.ts';
import { CliError } from './errors.ts';
import { exitCodes } from './exit.ts';
import { notice, printable, printJson } from './terminal.ts';

interface AuditOptions {
  readonly head?: AuditHead;
  readonly json?: boolean;
}

/** `cartwright audit …`: the audit log of a device, off line. */
export function registerAudit(program: Command): void {
  const audit = program
    .command('audit')
    .description(
      'read the audit log of a device, and check that nothing in it or in its calibrations was changed or taken away',
    )
    .usage('[options] <show|verify>')
    .addHelpText(
      'after',
      `
Examples:
  scripts/cartwright audit verify /var/lib/cartwright
  scripts/cartwright audit show /var/lib/cartwright --json`,
    );
  const path = 'data folder of a device (a copy will do), its folder audit, or one file of that';
  withHead(
    audit
      .command('verify')
      .description("follow the chain through all records, and through the calibrations' revisions")
      .argument('<path>', `${path}; or a folder calibrations`),
  )
    .addHelpText(
      'after',
      `
In a data folder the end of the chain is held against the counter that the gateway keeps beside its events. Whoever controls the
device can change both; the store's own ledger has number and hash of every record in its audit.recorded events: give the last
with --head. The calibrations of a data folder are checked as well: every revision follows from the one before, the newest is the
one that the gateway keeps, and each is the one that the audit log tells of. Exit code 1 where something is wrong.`,
    )
    .action(verify);
  withHead(audit.command('show').description('print the records').argument('<path>', path)).action(show);
  for (const command of audit.commands) command.exitOverride();
}

function withHead(command: Command): Command {
  return command
    .option(
      '--head <number:hash>',
      'a record that must be there, as an audit.recorded event names it',
      headFrom,
    )
    .option('--json', 'print as JSON');
}

function headFrom(text: string): AuditHead {
  const [, number, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (number !== undefined && hash !== undefined) return { number: Number(number), hash };
  throw new CliError(
    'CW-CLI-001',
    `--head ${JSON.stringify(text)}: must be NUMBER:HASH, with 64 hexadecimal digits`,
  );
}

async function verify(path: string, options: AuditOptions): Promise<void> {
  if (await isCalibrations(path)) {
    tellCalibrations(await readable(path, () => checkCalibrationFolder(path)), options);
    return;
  }
  const { report, compared } = await check(path, options);
  const calibrations = await readable(path, () => checkCalibrations(path, report.records));
  const { records, head, problems } = report;
  if (options.json) {
    const also = calibrations === undefined ? {} : { calibrations };
    printJson({ records: records.length, head, compared, problems, ...also });
  } else {
    for (const problem of problems) process.stdout.write(`${printable(problem)}\n`);
    const state = problems.length === 0 ? 'the chain is whole' : 'the log is not what was written';
    const last = records.length === 0 ? '' : `, the last ${head.number}:${head.hash}`;
    process.stdout.write(`${state}: ${records.length} records${last}\n`);
    if (!compared) notice('the end of the log was held against nothing: give its data folder, or --head');
  }
  if (calibrations !== undefined && options.json !== true) tellCalibrations(calibrations, options);
  if (problems.length + (calibrations?.problems.length ?? 0) > 0) process.exitCode = exitCodes.findings;
}

function tellCalibrations(check: CalibrationCheck, { json }: AuditOptions): void {
  const { revisions, head, problems } = check;
  if (json === true) printJson({ calibrations: check });
  else {
    for (const problem of problems) process.stdout.write(`${printable(problem)}\n`);
    const state = problems.length === 0 ? 'the chain is whole' : 'they are not what was written';
    const { calibration = 0, configuration = 0 } = head?.counters ?? {};
    const last =
      head === undefined
        ? ''
        : `, the last ${head.revision}; counters: ${calibration} calibrations, ${configuration} changes of the configuration`;
    process.stdout.write(`calibrations: ${state}: ${revisions} revisions${last}\n`);
  }
  if (problems.length > 0) process.exitCode = exitCodes.findings;
}

async function readable<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new CliError('CW-CLI-004', `${path} can't be read: ${plainCause(cause)}`, { cause });
  }
}

async function show(path: string, options: AuditOptions): Promise<void> {
  const { report } = await check(path, options);
  for (const record of report.records) {
    if (options.json) printJson(record);
    else process.stdout.write(`${line(record)}\n`);
  }
  if (report.problems.length === 0) return;
  for (const problem of report.problems) process.stderr.write(`CW-IDN-012 ${printable(problem)}\n`);
  process.exitCode = exitCodes.findings;
}

async function check(
  path: string,
  { head }: AuditOptions,
): Promise<{ readonly report: AuditReport; readonly compared: boolean }> {
  try {
    const folder = join(path, 'audit');
    const isData = await stat(join(path, 'outbox.sqlite')).then(
      () => true,
      () => false,
    );
    const hasFolder = await stat(folder).then(
      () => true,
      () => false,
    );
    const stored = isData ? await storedHeadIn(path) : undefined;
    if (isData && !hasFolder && (stored ?? head) === undefined) {
      return {
        report: { records: [], head: { number: 0, hash: '' }, files: [], problems: [] },
        compared: true,
      };
    }
    const report = await verifyAudit(isData || hasFolder ? folder : path, stored);
    if (head === undefined) return { report, compared: stored !== undefined };
    const { problems } = await verifyAudit(isData || hasFolder ? folder : path, head);
    const all = [...new Set([...report.problems, ...problems])];
    return { report: { ...report, problems: all }, compared: true };
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError('CW-CLI-004', `${path} can't be read: ${plainCause(cause)}`, { cause });
  }
}

/** The counter of a data folder; of one that a gateway is writing to it may not be readable just now. */
async function storedHeadIn(dataFolder: string): Promise<AuditHead | undefined> {
  let text: string | undefined;
  try {
    text = await readStoredState(dataFolder, auditHeadKey);
  } catch (error) {
    notice(
      `the counter in ${dataFolder} can't be read (${describeError(error)}): stop the gateway, or try again`,
    );
    return undefined;
  }
  return text === undefined ? undefined : (JSON.parse(text) as AuditHead);
}

/** `12  2026-11-22T10:20:12.000Z  line.void  key 5f0c… staff 17  damaged` */
function line({ number, facts }: AuditRecord): string {
  const { atMs, timeQuality, what, key, role, who, from, command, code, cause } = facts;
  const time =
    typeof atMs === 'number' && timeQuality !== 'unset' ? new Date(atMs).toISOString() : 'clock unset';
  const by = key === undefined ? from : `key ${key} ${role}${who === undefined ? '' : ` ${who}`}`;
  const parts = [number, time, what, command, by, code, cause].filter((part) => part !== undefined);
  return printable(parts.join('  '));
}
