import type { Bench } from '../bench.ts';
import { expect } from '../case.ts';
import { ImageCart, slots, until } from '../image/cart.ts';
import { mustEmulate } from '../image/firmware-machine.ts';
import { prepareImage } from '../image/prepare.ts';
import { plantRoot } from '../image/roots.ts';

export const title =
  'a root that can not start is tried three times, and then the one from before is in service';

/** Runs the case; rejects where something does not hold. */
export async function run(bench: Bench): Promise<readonly string[]> {
  mustEmulate('x64');
  const image = await prepareImage(bench, 'x64');
  const cart = await ImageCart.make(bench, image);
  bench.log('putting a broken root into the other slot');
  await plantRoot(image, cart.disk, bench.folder, {
    ...{ version: '0.9.2', youngerS: 120 },
    edits: ['rm /usr/lib/systemd/systemd'],
  });
  try {
    return await goesBack(bench, cart);
  } finally {
    await cart.end();
  }
}

async function goesBack(bench: Bench, cart: ImageCart): Promise<string[]> {
  const began = performance.now();
  for (const left of [2, 1, 0]) {
    bench.log(`boot of the broken root, ${left} tries left after it`);
    const machine = await cart.start();
    const why = await Promise.race([machine.ended, machine.guest.booted.then(() => 'booted')]);
    expect(
      why === 'guest-reset',
      `the broken root did not start the machine anew: ${why}\n${machine.console()}`,
    );
    expect(machine.console().includes('has no systemd'), `it failed in another way:\n${machine.console()}`);
  }
  bench.log('boot after three tries');
  const { machine, birth } = await cart.birth();
  await machine.up();
  const command = await machine.sh('cat /proc/cmdline');
  expect(command.includes('cartwright.slot=a'), `it did not go back: ${command}`);
  await until(
    machine,
    'systemctl is-active --quiet cartwright-slot-boot.service',
    'what was taken back is told',
  );
  const status = await machine.sh(`${slots} status`);
  expect(
    /taken back: root 0\.9\.2/.test(status),
    `nothing tells of the root that was taken back:\n${status}`,
  );
  const entries = await machine.sh('ls /efi/loader/entries');
  expect(!entries.includes('cartwright-b'), `the broken root is still offered: ${entries}`);
  const { data } = await cart.rootEvent(machine, 'rolled-back', '0.9.2');
  expect(data.code === 'CW-UPD-080' && data.back === 'a', `the store is told ${JSON.stringify(data)}`);
  return [
    `three tries of a root that does not boot, and back to a birth: ${((birth.atMs - began) / 1_000).toFixed(0)} s`,
  ];
}
