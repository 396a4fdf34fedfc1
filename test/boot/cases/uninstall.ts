import type { Bench } from '../bench.ts';
import { expect } from '../case.ts';
import { differences, listMachine } from '../listing.ts';

export const title = 'scripts/setup --uninstall --purge leaves nothing behind';

/** See `Case`. */
export async function run(bench: Bench): Promise<readonly string[]> {
  const fresh = await bench.boot(await bench.freshDisk());
  const before = await listMachine(fresh);
  await fresh.cutPower();
  const box = await bench.boot(await bench.installedDisk());
  const came = differences(before, await listMachine(box)).length;
  expect(came > 1_000, `setup had brought ${came} things only`);
  const said = await box.sh('/opt/cartwright/current/scripts/setup --uninstall --purge 2>&1');
  const left = differences(before, await listMachine(box)).filter((line) => !isOrdinary(line));
  expect(left.length === 0, `left behind:\n${left.slice(0, 40).join('\n')}\nit said:\n${said}`);
  const data = (await box.sh('ls -d /var/lib/cartwright* /var/cache/cartwright* 2>/dev/null || true')).trim();
  expect(data === '', `left behind: ${data}`);
  const units = (await box.sh('systemctl list-units --all --plain --no-legend "cartwright*"')).trim();
  expect(units === '', `units are still known:\n${units}`);
  const users = (await box.sh('grep ^cartwright /etc/passwd /etc/group /etc/shadow || true')).trim();
  expect(users === '', `users are still there:\n${users}`);
  return [`${came} things came and went`];
}

/** Files whose lines were put back in another order, or that the system keeps a copy of, as it does after every change of a user. */
function isOrdinary(line: string): boolean {
  return /^(?:changed|new): \/etc\/(?:passwd|group|shadow|gshadow|subuid|subgid)-?(?::|$)/.test(line);
}
