import { readFile, rm } from 'node:fs/promises';
import { linkedVersion } from '../links.ts';
import { run } from '../services.ts';
import { HealthWatch, reportAt, type Verdict } from '../watch.ts';
import { readEntryName } from './loader-entry.ts';
import type { Slot } from './slot.ts';
import { entriesOf, type SlotPlaces, slotInService } from './slot-places.ts';
import { readSlotState, type SlotState, withHappening, writeSlotState } from './slot-state.ts';
import { forget } from './write-slot.ts';

/** Marks the running entry as bad or good in the boot loader's folder; systemd's own program does it. */
type Bless = (verdict: 'good' | 'bad') => Promise<void>;

export const blessBySystemd: Bless = async (verdict) => {
  const { code, said } = await run('/usr/lib/systemd/systemd-bless-boot', [verdict]);
  if (code !== 0) throw new Error(`systemd-bless-boot ${verdict} ended with ${code}: ${said}`);
};

interface TrialTools {
  readonly bless: Bless;
  /** Monotonic, ms. */
  readonly now: () => number;
  readonly utcMs: () => number;
  readonly pause: (ms: number) => Promise<void>;
  readonly log: (line: string) => void;
}

const lookEveryMs = 1_000;
/** Without a gateway that could say how it is, a root is good when the machine has been up for so long, ms. */
const upForMs = 60_000;

/**
 * Waits until the root that runs on trial is found to be good or bad, by the gateway's health as the updater of releases
 * judges it. True: good; what follows marks it so in the boot loader (systemd-bless-boot.service). False: it is marked bad,
 * and the machine has to be started again, into the other slot.
 */
export async function judgeTrial(places: SlotPlaces, tools: TrialTools): Promise<boolean> {
  const running = await slotInService(places);
  const state = await readSlotState(places.state);
  const trial = state.trial?.slot === running ? state.trial : undefined;
  const verdict = await watch(places, trial ?? { brokerAway: false, gatewayAway: false }, tools);
  if (verdict.kind !== 'failed') {
    tools.log(`The root in slot ${running} is good`);
    if (trial !== undefined) {
      const { trial: _, ...rest } = state;
      const { slot, back, version } = trial;
      const good = { atMs: tools.utcMs(), what: 'good', slot, back, version } as const;
      await writeSlotState(places.state, withHappening(rest, good));
    }
    return true;
  }
  tools.log(`The root in slot ${running} is taken back: ${verdict.why}`);
  if (trial !== undefined)
    await writeSlotState(places.state, { ...state, trial: { ...trial, why: verdict.why } });
  await tools.bless('bad');
  return false;
}

async function watch(
  places: SlotPlaces,
  { brokerAway, gatewayAway }: { readonly brokerAway: boolean; readonly gatewayAway: boolean },
  { now, pause }: TrialTools,
): Promise<Verdict> {
  if (gatewayAway) {
    await pause(upForMs);
    return { kind: 'good' };
  }
  const version = (await linkedVersion(places.current)) ?? '';
  const health = new HealthWatch({ version, brokerAway }, now());
  for (;;) {
    const verdict = health.see(await reportAt(places.healthy), now());
    if (verdict.kind !== 'waiting') return verdict;
    await pause(lookEveryMs);
  }
}

/**
 * At every boot: where the boot loader went back to the slot from before, the one on trial is put away, and why is kept.
 * Answers what there is to tell, or undefined.
 */
export async function settleAtBoot(places: SlotPlaces, nowMs: number): Promise<string | undefined> {
  const running = await slotInService(places);
  const state = await readSlotState(places.state);
  const { trial, ...rest } = state;
  if (trial === undefined || trial.slot === running) return undefined;
  const left = await triesLeft(places, trial.slot);
  // Cut between writing the state and offering it: nothing was tried. Or it is still to be tried.
  if (left === 'none') {
    await writeSlotState(places.state, rest);
    return undefined;
  }
  if (left !== 0) return undefined;
  const why = trial.why ?? (await givenUp(places)) ?? 'it did not come up';
  await forget(places, trial.slot);
  const { version, sha256, slot, back } = trial;
  const told = { atMs: nowMs, what: 'rolled-back', slot, back, version, why } as const;
  await writeSlotState(places.state, {
    ...withHappening(rest, told),
    failed: [...rest.failed, { version, sha256, atMs: nowMs, why }],
  });
  await rm(places.givenUp, { force: true });
  return `root ${version} in slot ${trial.slot} was taken back: ${why}; slot ${running} is in service`;
}

/** Why a root was given up by the deadline (systemd/image/usr/lib/cartwright/slot-deadline); undefined where it was not. */
async function givenUp({ givenUp: path }: SlotPlaces): Promise<string | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.trim().slice(0, 200) || undefined;
}

async function triesLeft(places: SlotPlaces, slot: Slot): Promise<number | undefined | 'none'> {
  const names = (await entriesOf(places)).map(({ file }) => readEntryName(file));
  const name = names.find((known) => known?.slot === slot);
  return name === undefined ? 'none' : name.triesLeft;
}

/** What is in which slot, one line each. */
export async function describeSlots(places: SlotPlaces): Promise<string[]> {
  const running = await slotInService(places);
  const state = await readSlotState(places.state);
  return [...(await describeEntries(places, running)), ...describeFailures(state)];
}

async function describeEntries(places: SlotPlaces, running: Slot): Promise<string[]> {
  return (await entriesOf(places)).map(({ file, text }) => {
    const { slot = running, triesLeft: left } = readEntryName(file) ?? {};
    const version = /^title Cartwright (\S+)/m.exec(text)?.[1] ?? 'of unknown version';
    const standing = left === undefined ? 'good' : `on trial, ${left} tries left`;
    return `${slot}: root ${version}, ${standing}${slot === running ? ', in service' : ''}`;
  });
}

function describeFailures({ failed }: SlotState): string[] {
  return failed.map(
    ({ version, atMs, why }) => `taken back: root ${version}, ${new Date(atMs).toISOString()}: ${why}`,
  );
}
