import { z } from 'zod';
import { UpdateError } from './errors.ts';
import { releaseFacts, versionPattern } from './facts.ts';
import { compareVersions } from './versions.ts';

/**
 * What the updater knows, and every way in which that changes. Pure: the program makes the new state durable first, then
 * makes links, services and data follow it, so that whatever a power cut leaves undone follows from the state alone.
 */

/** A trial that was booted more often than this without a verdict has failed. */
export const mostBoots = 3;
const mostFailures = 16;
const mostHappenings = 64;
const mostAnswered = 16;
const mostOrders = 64;

const version = z.string().regex(versionPattern);
const count = z.number().int().min(0);
const text = z.string().max(1_000);
/** What a release needs and brings, as its signed description says. */
const { firmware, formats } = releaseFacts.shape;
const staged = z.object({ version, firmware, formats });
/** A board whose firmware was written, or where that failed. */
const flashed = z.object({ port: z.string().max(512), before: text.optional(), ok: z.boolean() });
const trial = staged.extend({
  /** Of the happening that began it; its backup bears this name. */
  number: count,
  back: version,
  boots: count,
  bootId: z.string().max(64).optional(),
  sinceMs: count,
  /** The broker was away before it began: that it still is says nothing against the release. */
  brokerAway: z.boolean(),
  /** Devices and cells that were not well before: that they still are not is no fault of the release. */
  faulty: z.array(z.string().max(128)).max(256).optional(),
  /** Asked for by a command, to the release before. */
  rollback: text.optional(),
  flashed: z.array(flashed).max(64).optional(),
});
/** What is still to be brought back after a trial that failed. */
const undo = z.object({ number: count, from: version, flashed: z.array(flashed).max(64).optional() });
const failure = z.object({ version, code: z.string().max(16), why: text, atMs: count });
const happening = z.object({
  number: count,
  what: z.enum(['staged', 'began', 'good', 'rolled-back', 'refused']),
  atMs: count,
  version: version.optional(),
  /** The release in service before; after a roll-back the one that is in service again. */
  back: version.optional(),
  code: z.string().max(16).optional(),
  why: text.optional(),
});

export const updaterState = z.object({
  /** Version of this format. Unknown keys are left out: an older updater reads what a newer one wrote. */
  updater: z.literal(1),
  /** When this state began, UTC ms: one that was lost begins another row of happenings. */
  sinceMs: count.default(0),
  good: version,
  before: version.optional(),
  staged: staged.optional(),
  trial: trial.optional(),
  undo: undo.optional(),
  failed: z.array(failure).max(mostFailures),
  /** Numbered upwards without a gap; the gateway tells each of them in its ledger, once. */
  happenings: z.array(happening).max(mostHappenings),
  next: count,
  /** Ids of requests that were answered, the newest last. */
  answered: z.array(z.string().max(64)).max(mostAnswered),
  /** Transactions of signed orders that were carried out: none serves twice. */
  orders: z.array(z.string().max(256)).max(mostOrders),
});

export type UpdaterState = z.infer<typeof updaterState>;
export type Happening = z.infer<typeof happening>;
export type Staged = z.infer<typeof staged>;
export type Trial = z.infer<typeof trial>;
export type Flashed = z.infer<typeof flashed>;

/** How the device was before a release is tried. */
export interface HealthBefore {
  readonly brokerAway: boolean;
  readonly faulty: readonly string[];
}

/** How a release is begun with. */
export interface Beginning extends HealthBefore {
  readonly version: string;
  /** A signed request says that an older release is meant. */
  readonly downgrade: boolean;
  /** One that failed before is tried again. */
  readonly force: boolean;
}

/** The state of a device that was never updated: this release is in service. */
export function freshState(good: string, sinceMs = 0): UpdaterState {
  return { updater: 1, sinceMs, good, failed: [], happenings: [], next: 1, answered: [], orders: [] };
}

/** Version that has to be in service. */
export function wanted({ good, trial: tried }: UpdaterState): string {
  return tried?.version ?? good;
}

/** Versions that have to stay on the disk. */
export function kept(state: UpdaterState): ReadonlySet<string> {
  const { good, before, staged: next, trial: tried, undo: undone } = state;
  const all = [good, before, next?.version, tried?.version, tried?.back, undone?.from];
  return new Set(all.filter((one) => one !== undefined));
}

/** A release is complete on the disk. Throws CW-UPD-021, -022. */
export function stage(state: UpdaterState, release: Staged, atMs: number): UpdaterState {
  requireIdle(state);
  if (release.version === state.good) throw inService(release.version);
  if (state.staged?.version === release.version) return { ...state, staged: release };
  const { version: staging } = release;
  return happened(
    { ...state, staged: release },
    { what: 'staged', atMs, version: staging, back: state.good },
  );
}

/** A staged release is tried. Throws CW-UPD-021 to -025. */
export function begin(state: UpdaterState, beginning: Beginning, atMs: number): UpdaterState {
  requireIdle(state);
  const { staged: release, good } = state;
  const { version: asked, downgrade, force } = beginning;
  if (asked === good) throw inService(asked);
  if (release?.version !== asked) {
    throw new UpdateError('CW-UPD-023', `release ${asked} is not on this device; have it fetched first`);
  }
  if (!downgrade && compareVersions(asked, good) < 0) {
    throw new UpdateError(
      'CW-UPD-024',
      `release ${asked} is older than ${good}, which is in service; only a signed update.begin with downgrade: true goes back`,
    );
  }
  const failed = failureOf(state, asked);
  if (failed !== undefined && !force) {
    throw new UpdateError(
      'CW-UPD-025',
      `release ${asked} failed on this device (${failed.code} ${failed.why}) and is not tried again by itself; a signed update.begin with force: true does`,
    );
  }
  const { staged: _, ...others } = state;
  const started = trialOf(state, release, beginning, atMs);
  return happened({ ...others, trial: started }, { what: 'began', atMs, version: asked, back: good });
}

/** Goes back to the release before, as a trial of its own. Throws CW-UPD-021, -026. */
export function goBack(
  state: UpdaterState,
  { release, why, before }: { readonly release: Staged; readonly why: string; readonly before: HealthBefore },
  atMs: number,
): UpdaterState {
  requireIdle(state);
  if (state.before === undefined || state.before !== release.version) {
    throw new UpdateError('CW-UPD-026', 'there is no release before this one on the device to go back to');
  }
  const { staged: _, ...others } = state;
  const started = trialOf(state, release, before, atMs);
  return happened(
    { ...others, trial: { ...started, rollback: why.slice(0, 500) } },
    { what: 'began', atMs, version: release.version, back: state.good },
  );
}

/** The machine has started; `bootId` tells one start from another. */
export function booted(state: UpdaterState, bootId: string, atMs: number): UpdaterState {
  const { trial: tried } = state;
  if (tried === undefined || tried.bootId === bootId) return state;
  const boots = tried.boots + 1;
  if (boots > mostBoots) {
    const why = `the machine started ${boots} times before the release was found to be good`;
    return takeBack(state, { code: 'CW-UPD-042', why }, atMs);
  }
  return { ...state, trial: { ...tried, boots, bootId } };
}

/** What became of the boards' firmware in this trial. */
export function flashedIn(state: UpdaterState, boards: readonly Flashed[]): UpdaterState {
  const { trial: tried } = state;
  return tried === undefined ? state : { ...state, trial: { ...tried, flashed: [...boards] } };
}

/** The release on trial works. */
export function confirm(state: UpdaterState, atMs: number): UpdaterState {
  const { trial: tried, ...others } = state;
  if (tried === undefined) return state;
  const { version: good, back, rollback } = tried;
  // Who was sent back by hand is not brought again by the same notice; who is good now has not failed.
  const left = { version: back, code: 'CW-UPD-043', why: `taken back by a command: ${rollback}`, atMs };
  const failed = others.failed.filter((one) => one.version !== good && one.version !== back);
  const next = { ...others, good, before: back, failed: rollback === undefined ? failed : [...failed, left] };
  const told = { atMs, version: good, back };
  if (rollback === undefined) return happened(next, { what: 'good', ...told });
  return happened(next, {
    ...told,
    what: 'rolled-back',
    version: back,
    back: good,
    code: left.code,
    why: left.why,
  });
}

/** The release on trial does not work: the one before is in service again, and this one is not tried again by itself. */
export function takeBack(
  state: UpdaterState,
  { code, why }: { readonly code: string; readonly why: string },
  atMs: number,
): UpdaterState {
  const { trial: tried, ...others } = state;
  if (tried === undefined) return state;
  const { version: from, number, back, flashed: boards } = tried;
  const cause = why.slice(0, 500);
  const failed = [
    ...others.failed.filter((one) => one.version !== from),
    { version: from, code, why: cause, atMs },
  ].slice(-mostFailures);
  const undone = { number, from, ...(boards === undefined ? {} : { flashed: boards }) };
  return happened(
    { ...others, failed, undo: undone },
    { what: 'rolled-back', atMs, version: from, back, code, why: cause },
  );
}

/** All that a failed trial had changed is as it was. */
export function undone(state: UpdaterState): UpdaterState {
  const { undo: _, ...others } = state;
  return others;
}

/** Something that was asked for is not done. The same again is not told again. */
export function refuse(
  state: UpdaterState,
  refused: { readonly version?: string | undefined; readonly code: string; readonly why: string },
  atMs: number,
): UpdaterState {
  const { version: asked, code } = refused;
  const last = state.happenings.at(-1);
  const why = refused.why.slice(0, 500);
  if (last?.what === 'refused' && last.version === asked && last.code === code && last.why === why)
    return state;
  return happened(state, {
    what: 'refused',
    atMs,
    ...(asked === undefined ? {} : { version: asked }),
    code,
    why,
  });
}

/** A request was answered: the same one is not looked at again. */
export function answered(state: UpdaterState, id: string): UpdaterState {
  return { ...state, answered: [...state.answered, id].slice(-mostAnswered) };
}

/** A signed order is used up. Throws CW-UPD-028 for one that was before. */
export function useOrder(state: UpdaterState, transaction: string): UpdaterState {
  if (state.orders.includes(transaction)) {
    throw new UpdateError('CW-UPD-028', `the order ${transaction} was carried out before; send a new one`);
  }
  return { ...state, orders: [...state.orders, transaction].slice(-mostOrders) };
}

/** Somebody has put another release into service by hand; the one before stays. */
export function adopt(state: UpdaterState, version: string, atMs: number): UpdaterState {
  const failed = state.failed.filter((one) => one.version !== version);
  const { staged: next, ...others } = state;
  const still = next === undefined || next.version === version ? {} : { staged: next };
  return happened(
    { ...others, ...still, good: version, before: state.good, failed },
    { what: 'good', atMs, version, back: state.good },
  );
}

/** Why a version is not tried again by itself. */
export function failureOf({ failed }: Pick<UpdaterState, 'failed'>, asked: string) {
  return failed.find((one) => one.version === asked);
}

function trialOf(state: UpdaterState, release: Staged, before: HealthBefore, sinceMs: number): Trial {
  const { brokerAway, faulty } = before;
  const { next: number, good: back } = state;
  return { ...release, number, back, boots: 0, sinceMs, brokerAway, faulty: [...faulty] };
}

function requireIdle({ trial: tried, undo: undone }: UpdaterState): void {
  if (tried === undefined && undone === undefined) return;
  const what = tried === undefined ? 'a release is being taken back' : `release ${tried.version} is on trial`;
  throw new UpdateError('CW-UPD-021', `${what}; ask again when that is over`);
}

function inService(asked: string): UpdateError {
  return new UpdateError('CW-UPD-022', `release ${asked} is in service already`);
}

function happened(state: UpdaterState, what: Omit<Happening, 'number'>): UpdaterState {
  const happenings = [...state.happenings, { number: state.next, ...what }].slice(-mostHappenings);
  return { ...state, happenings, next: state.next + 1 };
}
