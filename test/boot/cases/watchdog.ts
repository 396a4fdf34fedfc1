import type { Bench } from '../bench.ts';
import { expect } from '../case.ts';

export const title =
  'a gateway that hangs is ended by the watchdog, starts again, and goes on with its ledger';

/** See `Case`. */
export async function run(bench: Bench): Promise<readonly string[]> {
  const disk = await bench.installedDisk();
  const watch = await bench.watch();
  const box = await bench.boot(disk, { brokerPort: watch.broker.port });
  await watch.birth();
  await watch.until('an item', () => watch.store.events.find(({ type }) => type === 'item.added'));
  const pid = (await box.sh('systemctl show -P MainPID cartwright.service')).trim();
  const hungMs = performance.now();
  // Nothing of it runs any more, and nobody is told: as where the main thread never comes back from a loop.
  await box.sh(`kill -STOP ${pid}`);
  const birth = await watch.birth(hungMs);
  const log = await box.sh('journalctl -u cartwright.service --no-pager -o cat | grep -i watchdog | tail -3');
  expect(/watchdog/i.test(log), 'the watchdog did not end it');
  const now = (await box.sh('systemctl show -P MainPID cartwright.service')).trim();
  expect(now !== pid, 'it is the same process');
  await watch.more(3);
  expect(watch.store.gaps().length === 0, `events are missing: ${watch.store.gaps()}`);
  return [
    `${((birth.atMs - hungMs) / 1_000).toFixed(0)} s from hanging to the next birth (emulated; WatchdogSec=3min there, 30 s on a device)`,
  ];
}
