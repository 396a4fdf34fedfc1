import type { Bench } from '../bench.ts';
import { expect } from '../case.ts';
import type { Box } from '../machine/box.ts';

const busyForS = 60;

export const title =
  'a fresh Debian is a cart after scripts/setup and a reboot: its birth and its events reach the broker outside';

/** See `Case`. */
export async function run(bench: Bench): Promise<readonly string[]> {
  const { box, watch, switchedOnMs, upMs } = await bench.living();
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
  const busy = await busyCart(box);
  return [
    `${seconds(birth.atMs - switchedOnMs)} from power to birth (${seconds(upMs - switchedOnMs)} to a running system), emulated`,
    ...busy,
    `first item: ${added.type} of ${JSON.stringify((added.data as { name?: string }).name)}`,
  ];
}

/** What the gateway takes while its virtual world plays trips. */
async function busyCart(box: Box): Promise<string[]> {
  const said = await box.sh(`unit=cartwright.service
systemctl show -p ExecMainStartTimestampMonotonic -p ActiveEnterTimestampMonotonic -p CPUUsageNSec $unit
sleep ${busyForS}
systemctl show -p CPUUsageNSec $unit | sed s/CPU/Then/
grep VmRSS /proc/$(systemctl show -P MainPID $unit)/status
systemd-analyze blame --no-pager | head -n 5 | tr -s '\\n ' ' '
echo
systemd-analyze time --no-pager | head -n 1`);
  const number = (name: string) => Number(new RegExp(`^${name}[=:]\\s*(\\d+)`, 'm').exec(said)?.[1]);
  const startUs = number('ActiveEnterTimestampMonotonic') - number('ExecMainStartTimestampMonotonic');
  const cpuS = (number('ThenUsageNSec') - number('CPUUsageNSec')) / 1_000_000_000;
  const [blame = '', time = ''] = said.trim().split('\n').slice(-2);
  return [
    `slowest units: ${blame.trim()}`,
    `${seconds(startUs / 1_000)} from the gateway's process to its being ready, emulated; ${time}`,
    `on trips: ${Math.round(number('VmRSS') / 1_024)} MiB resident, ${((cpuS / busyForS) * 100).toFixed(0)} % of the emulated processor`,
  ];
}

const seconds = (ms: number) => `${(ms / 1_000).toFixed(0)} s`;
