import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '#base/random.ts';
import type { Bench } from '../bench.ts';
import { expect } from '../case.ts';

export const title =
  'whenever its power is cut while it trades, a cart boots, and its ledger has no gap and nothing twice';

/** CARTWRIGHT_BOOT_CUTS: more of them. CARTWRIGHT_BOOT_SEED: other moments. */
const cuts = Number(process.env.CARTWRIGHT_BOOT_CUTS ?? 5);
const seed = Number(process.env.CARTWRIGHT_BOOT_SEED ?? 1);
/** The cut comes so long after a birth, at most. */
const longestMs = 40_000;

/** See `Case`. */
export async function run(bench: Bench): Promise<readonly string[]> {
  const disk = await bench.installedDisk();
  const watch = await bench.watch();
  const random = createRandom(seed);
  const moments: string[] = [];
  for (let cut = 1; cut <= cuts; cut++) {
    const box = await bench.boot(disk, { brokerPort: watch.broker.port });
    const bootedMs = performance.now();
    await watch.birth(bootedMs - 1);
    const afterMs = Math.floor(random.next() * longestMs);
    await sleep(afterMs);
    await box.cutPower();
    moments.push(`${(afterMs / 1_000).toFixed(1)} s`);
    bench.log(
      `cut ${cut} of ${cuts}, ${moments.at(-1)} after its birth: ${watch.store.events.length} events`,
    );
  }
  const box = await bench.boot(disk, { brokerPort: watch.broker.port });
  await watch.more(5);
  const { store } = watch;
  expect(store.problems.length === 0, `events can't be read: ${store.problems[0]}`);
  expect(store.gaps().length === 0, `events are missing: ${store.gaps()}`);
  const sequences = new Set(store.events.map(({ sequence }) => sequence));
  expect(sequences.size === store.events.length, 'two events have the same place in the ledger');
  const ledgers = new Set(watch.told.map(({ body }) => body.ledger).filter((ledger) => ledger !== undefined));
  expect(ledgers.size === 1, `ledgers were begun anew: ${[...ledgers]}`);
  const audit = await box.try('/opt/cartwright/current/scripts/cartwright audit verify /var/lib/cartwright');
  expect(audit.code === 0, `the audit log does not verify:\n${audit.stdout}${audit.stderr}`);
  return [
    `${cuts} cuts, ${moments.join(', ')} after a birth; ${store.events.length} events, ${store.repeats} repeated by id`,
  ];
}
