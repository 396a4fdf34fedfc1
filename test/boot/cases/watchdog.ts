import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bench } from '../bench.ts';
import { expect } from '../case.ts';
import type { Box } from '../machine/box.ts';
import type { Watch } from '../watch.ts';

export const title =
  'a gateway that hangs, leaks memory to its limit or is killed starts again, says why, and goes on with its ledger';

const watchdogS = 60;

/** See `Case`. */
export async function run(bench: Bench): Promise<readonly string[]> {
  const { box, watch } = await bench.living();
  const beganMs = performance.now();
  await installTrouble(box);
  await watch.birth(beganMs);
  await watch.more(2);
  const limit = (await box.sh('systemctl show -P MemoryMax cartwright.service')).trim();

  const leak = 'echo leak >/run/cartwright/trouble';
  const hang = 'echo hang >/run/cartwright/trouble';
  const figures = [
    await suffer(box, watch, `memory leaked to ${Math.round(Number(limit) / 1_048_576)} MiB`, leak, [
      'out-of-memory',
      'oom-kill killed KILL',
    ]),
    // Of the lack of memory before nothing is left.
    await suffer(box, watch, 'killed', 'kill -KILL $(systemctl show -P MainPID cartwright.service)', [
      'killed',
      'signal killed KILL',
    ]),
    await suffer(box, watch, 'main thread hung', hang, ['hung', 'watchdog killed ABRT']),
  ];
  expect(watch.store.gaps().length === 0, `events are missing: ${watch.store.gaps()}`);
  expect(watch.rewritten.length === 0, `events came again as others: ${watch.rewritten[0]}`);
  return [...figures, `WatchdogSec=${watchdogS} there, 30 on a device; starts are emulated`];
}

/** A device of the board that does what a file says. */
async function installTrouble(box: Box): Promise<void> {
  const driver = await readFile(join(import.meta.dirname, '../settings/trouble.mjs'), 'base64');
  await box.sh(`cd /etc/cartwright
echo '${driver}' | base64 -d >trouble.mjs && chmod 644 trouble.mjs
echo 'drivers: [trouble.mjs]' >>cartwright.yaml
sed -i 's/^devices:$/devices:\\n  - { id: trouble, driver: trouble }/' board.yaml
printf '[Service]\\nWatchdogSec=${watchdogS}\\n' >/etc/systemd/system/cartwright.service.d/watchdog.conf
systemctl daemon-reload
systemctl restart --no-block cartwright.service`);
}

/** Lets something happen to the gateway, and waits until it is as before. What its birth says of it must be so. */
async function suffer(
  box: Box,
  watch: Watch,
  what: string,
  how: string,
  [cause, message]: readonly [string, string],
): Promise<string> {
  await box.sh('systemctl reset-failed cartwright.service');
  const pid = await mainPid(box);
  const known = watch.store.events.length;
  const beganMs = performance.now();
  await box.sh(how);
  const birth = await watch.birth(beganMs);
  expect((await mainPid(box)) !== pid, `${what}: it is the same process`);
  const born = await watch.until('the event of the birth', () =>
    watch.store.events.slice(known).find(({ type }) => type === 'gateway.born'),
  );
  const before = (born.data as { readonly before?: { readonly cause: string; readonly message?: string } })
    .before;
  expect(
    before?.cause === cause && before.message === message,
    `${what}: the birth says ${JSON.stringify(before)}, not ${cause} (${message})`,
  );
  await watch.more(2);
  return `${what}: ${((birth.atMs - beganMs) / 1_000).toFixed(0)} s to the next birth, which says ${cause} (${await startOf(box)} s of them its start)`;
}

const mainPid = async (box: Box) => (await box.sh('systemctl show -P MainPID cartwright.service')).trim();

/** How long the gateway took from its process to being ready, s. */
async function startOf(box: Box): Promise<string> {
  const said = await box.sh(
    'systemctl show cartwright.service -p ExecMainStartTimestampMonotonic -p ActiveEnterTimestampMonotonic',
  );
  const at = (name: string) => Number(new RegExp(`^${name}=(\\d+)$`, 'm').exec(said)?.[1]);
  const startedUs = at('ExecMainStartTimestampMonotonic');
  return ((at('ActiveEnterTimestampMonotonic') - startedUs) / 1_000_000).toFixed(0);
}
