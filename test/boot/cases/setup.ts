import type { Bench } from '../bench.ts';
import { expect } from '../case.ts';

export const title =
  'a fresh Debian is a cart after scripts/setup and a reboot: its birth and its events reach the broker outside';

/** See `Case`. */
export async function run(bench: Bench): Promise<readonly string[]> {
  const disk = await bench.installedDisk();
  const watch = await bench.watch();
  const switchedOnMs = performance.now();
  const box = await bench.boot(disk, { brokerPort: watch.broker.port });
  const agentMs = performance.now();
  const birth = await watch.birth();
  const added = await watch.until('an item', () =>
    watch.store.events.find(({ type }) => type === 'item.added'),
  );
  expect(watch.store.gaps().length === 0, `events are missing: ${watch.store.gaps()}`);
  expect(watch.store.problems.length === 0, `events can't be read: ${watch.store.problems[0]}`);
  const failed = (await box.sh('systemctl --failed --plain --no-legend')).trim();
  expect(failed === '', `units have failed:\n${failed}`);
  const user = (await box.sh('ps -o user= -p $(systemctl show -P MainPID cartwright.service)')).trim();
  expect(user === 'cartwrig+' || user === 'cartwright', `the gateway runs as ${user}`);
  return [
    `${seconds(birth.atMs - switchedOnMs)} from power to birth (${seconds(agentMs - switchedOnMs)} to a running system), emulated`,
    `first item: ${added.type} of ${JSON.stringify((added.data as { name?: string }).name)}`,
  ];
}

const seconds = (ms: number) => `${(ms / 1_000).toFixed(0)} s`;
