import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom, type Random } from '#base/random.ts';
import type { Bench } from './bench.ts';
import { expect } from './case.ts';
import type { Box } from './machine/box.ts';
import { nextRelease, nextVersion, offerNext } from './next-release.ts';
import type { Watch } from './watch.ts';

export interface CutOptions {
  /** How often the power is cut: half of the cuts while a cart trades, the rest while one takes a release. */
  readonly cuts: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

/** So long after the birth the cut comes at the latest, ms: some events; and all that becomes of a release. */
const tradingMs = 40_000;
const updatingMs = 240_000;
/** The share of cuts that come before the birth, while the updater and the gateway start. */
const earlyShare = 1 / 3;

/**
 * Cuts the power of a cart again and again at random moments, half of the time while it trades, and of another one while it
 * takes a release into service, and boots it every time. Resolves with lines of figures; rejects where it does not boot,
 * where it is left without a release that works, or where its ledger is not what it was: with a gap, begun anew, or with
 * something else in the place of an event.
 */
export async function cutPowerAgain(bench: Bench, { cuts, seed, say }: CutOptions): Promise<string[]> {
  const random = createRandom(seed);
  const trading = await cutOne(bench, { cuts: Math.ceil(cuts / 2), isUpdated: false, random, say });
  if (cuts < 2) return trading;
  await bench.clear();
  const updating = await cutOne(bench, { cuts: Math.floor(cuts / 2), isUpdated: true, random, say });
  return [...trading, ...updating];
}

interface OneCart extends Pick<CutOptions, 'cuts' | 'say'> {
  readonly isUpdated: boolean;
  readonly random: Random;
}

async function cutOne(bench: Bench, { cuts, isUpdated, random, say }: OneCart): Promise<string[]> {
  const next = isUpdated ? await nextRelease(bench) : undefined;
  const shares = next === undefined ? {} : { next };
  const disk = await bench.installedDisk();
  const watch = await bench.watch();
  if (next !== undefined) await offerNext(watch, next);
  const boot = () => bench.boot(disk, { brokerPort: watch.broker.port, shares });
  const moments: string[] = [];
  let startMs = 0;
  for (let cut = 1; cut <= cuts; cut++) {
    const box = await boot();
    if (cut === 1 && isUpdated) await standStill(box);
    const bootedMs = performance.now();
    if (cut > 1 && random.next() < earlyShare) {
      await sleep(random.next() * startMs);
    } else {
      startMs = (await watch.birth(bootedMs)).atMs - bootedMs;
      await sleep(random.next() * (isUpdated ? updatingMs : tradingMs));
    }
    await box.cutPower();
    moments.push(momentOf(watch, bootedMs));
    say(`cut ${cut} of ${cuts}, ${moments.at(-1)}; ${watch.store.events.length} events`);
    checkLedger(watch);
  }
  const box = await boot();
  const { body } = await watch.birth(performance.now() - 1);
  const inService = isUpdated ? await updated(box, watch) : String(body.software);
  if (!isUpdated) await watch.more(5);
  checkLedger(watch);
  const audit = await box.try('/opt/cartwright/current/scripts/cartwright audit verify /var/lib/cartwright');
  expect(audit.code === 0, `the audit log does not verify:\n${audit.stdout}${audit.stderr}`);
  const { events, repeats } = watch.store;
  return [
    `${cuts} cuts, ${events.length} events, ${repeats} sent again and removed by id; ${inService}`,
    ...moments,
  ];
}

/** No shopper comes, or nothing would be begun; and the release is fetched in seconds, not a minute. Before the gateway starts. */
async function standStill(box: Box): Promise<void> {
  await box.sh(`cd /etc/cartwright
sed -i 's/startOn: first-start/startOn: call/' board.yaml
echo 'updates: { maxBytesPerS: 50000000 }' >>cartwright.yaml
sync`);
}

/** When it was, and what the cart had said of its updates. */
function momentOf(watch: Watch, bootedMs: number): string {
  const since = watch.told.filter(({ atMs }) => atMs >= bootedMs);
  const birth = since.find(({ topic, body }) => topic.endsWith('/state') && body.online === true);
  if (birth === undefined)
    return `${((performance.now() - bootedMs) / 1_000).toFixed(1)} s after its system was up, before its birth`;
  const health = since.findLast(({ topic }) => topic.endsWith('/health'));
  const update = health?.body.update as { readonly state?: string; readonly version?: string } | undefined;
  return `${((performance.now() - birth.atMs) / 1_000).toFixed(1)} s after its birth, ${update?.version ?? '?'} ${update?.state ?? '?'}`;
}

function checkLedger({ store, told, rewritten }: Watch): void {
  expect(store.problems.length === 0, `events can't be read: ${store.problems[0]}`);
  expect(store.gaps().length === 0, `events are missing: ${store.gaps()}`);
  expect(rewritten.length === 0, `events came again as others: ${rewritten[0]}`);
  const ledgers = new Set(told.map(({ body }) => body.ledger).filter((ledger) => ledger !== undefined));
  expect(ledgers.size <= 1, `ledgers were begun anew: ${[...ledgers]}`);
}

/** Waits until the updater has done with the release, one way or the other, and says which. */
async function updated(box: Box, watch: Watch): Promise<string> {
  const look = 'cat /var/lib/cartwright-updater/state.json; ls -A /opt/cartwright/releases';
  let said = '';
  for (const deadline = performance.now() + 2_400_000; performance.now() < deadline; await sleep(10_000)) {
    said = (await box.try(look)).stdout;
    const state = JSON.parse(said.slice(0, said.lastIndexOf('}') + 1)) as {
      readonly good: string;
      readonly trial?: object;
      readonly undo?: object;
      readonly failed: readonly { readonly version: string; readonly code: string }[];
    };
    const failed = state.failed.find(({ version }) => version === nextVersion);
    const isDecided = state.good === nextVersion || failed !== undefined;
    if (!isDecided || state.trial !== undefined || state.undo !== undefined || said.includes('.part'))
      continue;
    const outcome = failed === undefined ? `${nextVersion} is good` : `taken back: ${failed.code}`;
    await watch.until(`the software ${state.good} in service`, () =>
      watch.told.findLast(({ topic }) => topic.endsWith('/state'))?.body.software ===
      `cartwright/${state.good}`
        ? true
        : undefined,
    );
    return outcome;
  }
  throw new Error(`the update comes to no end:\n${said}\n${JSON.stringify(watch.told.at(-1))}`);
}
