import { access, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describeError } from '#base/errors.ts';
import { againstAudit, toldRevision } from '#calibration/store/against-audit.ts';
import { type CalibrationHead, calibrationHeadKey, parseHead } from '#calibration/store/record.ts';
import { verifyFolder } from '#calibration/store/store.ts';
import { auditPendingPrefix } from '#gateway/audit.ts';
import type { AuditRecord } from '#identity/audit-chain.ts';
import { readStoredStates } from '#uplink/read-state.ts';
import { notice } from './terminal.ts';

/** What a check of the calibrations found. */
export interface CalibrationCheck {
  readonly revisions: number;
  /** The newest one that was committed, as far as that is known. */
  readonly head: CalibrationHead | undefined;
  readonly problems: readonly string[];
}

/** Whether a path is a folder of calibrations itself. */
export async function isCalibrations(path: string): Promise<boolean> {
  return basename(path) === 'calibrations' && (await isFolder(path));
}

/**
 * Checks the calibrations of a data folder: their own chain, its end against what the gateway keeps beside its events, and
 * both against what the audit log tells of commits. Undefined where a device has none. Rejects with the system's error.
 */
export async function checkCalibrations(
  dataFolder: string,
  audit: readonly AuditRecord[],
): Promise<CalibrationCheck | undefined> {
  const folder = join(dataFolder, 'calibrations');
  const state = await stateIn(dataFolder);
  const text = state[calibrationHeadKey];
  if (text === undefined && !(await isFolder(folder))) return undefined;
  const head = text === undefined ? undefined : parseHead(text);
  const { records, findings } = await verifyFolder(folder, head);
  // What is on its way to the log counts as told: power may have been cut between the two.
  const pending = Object.entries(state).flatMap(([key, value]) =>
    key.startsWith(auditPendingPrefix) ? [JSON.parse(value) as AuditRecord['facts']] : [],
  );
  const told = [...audit.map(({ facts }) => facts), ...pending].flatMap((facts) => toldRevision(facts) ?? []);
  const disagreements = head === undefined && told.length === 0 ? [] : againstAudit(records, told, head);
  return {
    revisions: records.length,
    head,
    problems: [...findings, ...disagreements].map(({ code, message }) => `${code} ${message}`),
  };
}

/** Checks a folder of calibrations alone: its chain, held against nothing else. Rejects with the system's error. */
export async function checkCalibrationFolder(folder: string): Promise<CalibrationCheck> {
  const { records, findings } = await verifyFolder(folder, undefined);
  const problems = findings.map(({ code, message }) => `${code} ${message}`);
  return { revisions: records.length, head: undefined, problems };
}

/** Of a folder that a gateway is writing to the state may not be readable just now. */
async function stateIn(dataFolder: string): Promise<Readonly<Record<string, string>>> {
  const isData = await access(join(dataFolder, 'outbox.sqlite')).then(
    () => true,
    () => false,
  );
  if (!isData) return {};
  try {
    return await readStoredStates(dataFolder, [calibrationHeadKey, auditPendingPrefix]);
  } catch (error) {
    notice(
      `what the gateway keeps in ${dataFolder} of its calibrations can't be read (${describeError(error)}): stop it, or try again`,
    );
    return {};
  }
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
