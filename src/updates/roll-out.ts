import { createHash } from 'node:crypto';
import type { Infer } from '#events/fields.ts';
import type { releaseNotice } from '#events/mqtt-payloads.ts';

/** What the store says of a release. */
export type ReleaseNotice = Infer<typeof releaseNotice>;
export type ReleaseGroup = NonNullable<ReleaseNotice['groups']>[number];

/** A device as a roll-out sees it. */
export interface RolledDevice {
  readonly device: string;
  /** Its configuration's `updates.group`. */
  readonly group: string;
}

/** Where a device comes in the order of a roll-out by hash, 0 … 9,999: the same every time, another one with every version. */
export function placeOf(device: string, version: string): number {
  return createHash('sha256').update(`${device}\0${version}`).digest().readUInt32BE() % 10_000;
}

/** The first group of a notice that a device takes part in, from 0; undefined where it is in none. */
export function groupOf(
  notice: Pick<ReleaseNotice, 'groups' | 'version'>,
  device: RolledDevice,
): number | undefined {
  const { groups, version } = notice;
  if (groups === undefined) return 0;
  const place = placeOf(device.device, version);
  const found = groups.findIndex((group) => isIn(group, device) && place < (group.percent ?? 100) * 100);
  return found < 0 ? undefined : found;
}

function isIn({ name, devices = [] }: ReleaseGroup, { device, group }: RolledDevice): boolean {
  return name === '*' || devices.includes(device) || (devices.length === 0 && name === group);
}

/** Why a device does not begin with what the store offers, in words; undefined where it may. `nowMs` is undefined without a clock. */
export function holdOf(
  notice: ReleaseNotice,
  device: RolledDevice,
  nowMs: number | undefined,
): string | undefined {
  const { groups, open, paused, stopAt, failed = 0, notBefore } = notice;
  if (paused === true) return 'the roll-out is paused';
  if (stopAt !== undefined && failed >= stopAt)
    return `the roll-out has stopped: ${failed} devices have failed`;
  const group = groupOf(notice, device);
  if (group === undefined) return 'this device is in no group of the roll-out';
  if (group >= (open ?? Number.POSITIVE_INFINITY))
    return `its group (${groups?.[group]?.name ?? ''}) is not due yet`;
  if (notBefore !== undefined && (nowMs === undefined || nowMs < notBefore)) {
    return nowMs === undefined
      ? 'the clock is not set'
      : `the roll-out begins at ${new Date(notBefore).toISOString()}`;
  }
  return undefined;
}

/** What a device has told of itself, and of its updates. */
export interface DeviceUpdates {
  readonly device: string;
  readonly group?: string | undefined;
  /** In service. */
  readonly version?: string | undefined;
  /** The release that was taken back there last. */
  readonly failed?: string | undefined;
}

/** How far a roll-out has come. */
export interface RollOutCount {
  readonly group: string;
  readonly devices: number;
  readonly good: number;
  readonly failed: number;
}

/** Devices of each group: those that have the release, and those that took it back. */
export function countRollOut(
  notice: ReleaseNotice,
  devices: readonly DeviceUpdates[],
): readonly RollOutCount[] {
  const groups = notice.groups ?? [{ name: '*' }];
  return groups.map(({ name }, index) => {
    const members = devices.filter(
      ({ device, group = 'default' }) => groupOf(notice, { device, group }) === index,
    );
    return {
      group: name,
      devices: members.length,
      good: members.filter(({ version }) => version === notice.version).length,
      failed: members.filter(({ version, failed }) => version !== notice.version && failed === notice.version)
        .length,
    };
  });
}

/**
 * The notice as it goes on: with the failures that are known, and the next group open once every device of those before
 * has the release. The same notice where nothing changes.
 */
export function nextNotice(notice: ReleaseNotice, devices: readonly DeviceUpdates[]): ReleaseNotice {
  const counts = countRollOut(notice, devices);
  const failed = Math.max(
    notice.failed ?? 0,
    counts.reduce((sum, one) => sum + one.failed, 0),
  );
  const isStopped = notice.paused === true || (notice.stopAt !== undefined && failed >= notice.stopAt);
  const { open } = notice;
  const isDone = counts.slice(0, open ?? 0).every(({ devices: all, good }) => good === all);
  const hasSome = counts.slice(0, open ?? 0).some(({ good }) => good > 0);
  const opens = open !== undefined && open < counts.length && isDone && hasSome && !isStopped;
  if (failed === (notice.failed ?? 0) && !opens) return notice;
  return { ...notice, failed, ...(opens ? { open: open + 1 } : {}) };
}

/** Whether a roll-out is over: every device has the release; or it goes no further by itself; or it is under way. */
export type RollOutStand = 'done' | 'stopped' | 'on';

/** How a roll-out stands. Pure. */
export function standOf(notice: ReleaseNotice, devices: readonly DeviceUpdates[]): RollOutStand {
  const { stopAt, failed = 0, open, paused } = notice;
  const counts = countRollOut(notice, devices);
  if (open === undefined || open >= counts.length) {
    // Who took it back does not try again: there is nothing more to wait for.
    const isOver = counts.every((one) => one.good + one.failed === one.devices);
    if (isOver && counts.some(({ good }) => good > 0))
      return counts.every((one) => one.failed === 0) ? 'done' : 'stopped';
  }
  if (stopAt !== undefined && failed >= stopAt) return 'stopped';
  // The next group opens when all of those before have it, which one that failed never does.
  const opened = counts.slice(0, open ?? counts.length);
  const isStuck =
    opened.some((one) => one.failed > 0) && opened.every((one) => one.good + one.failed === one.devices);
  return paused === true || isStuck ? 'stopped' : 'on';
}
