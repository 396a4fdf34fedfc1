import { type Bench, device } from '../bench.ts';
import { expect } from '../case.ts';
import { ImageCart, slots, until } from '../image/cart.ts';
import { type FirmwareMachine, mustEmulate } from '../image/firmware-machine.ts';
import { prepareImage } from '../image/prepare.ts';
import { makeRoot } from '../image/roots.ts';

export const title =
  'a card written with the image becomes a cart of the store by a claim, and takes a new root, which is found to be good';

/** Runs the case; rejects where something does not hold. */
export async function run(bench: Bench): Promise<readonly string[]> {
  mustEmulate('x64');
  const image = await prepareImage(bench, 'x64');
  bench.log('making a newer root');
  const newer = await makeRoot(image, bench.folder, { version: '0.9.1', youngerS: 60, edits: [] });
  const cart = await ImageCart.make(bench, image);
  try {
    const first = await firstBoot(bench, cart, newer);
    const second = await onTrial(bench, cart);
    return [...first, ...second];
  } finally {
    await cart.end();
  }
}

async function firstBoot(bench: Bench, cart: ImageCart, newer: string): Promise<string[]> {
  bench.log('first boot');
  const { machine, seconds } = await cart.birth(newer);
  await machine.up();
  await checkSystem(machine);
  await checkProvisioned(cart, machine);
  bench.log('writing the newer root into the other slot');
  await healthy(machine);
  const began = performance.now();
  const said = await machine.sh(`${slots} update /dev/vdb 2>&1`);
  expect(said.includes('slot b'), `it does not say that slot b is written:\n${said}`);
  const wrote = (performance.now() - began) / 1_000;
  await restart(machine);
  return [
    `power-on to birth, first boot: ${seconds.toFixed(0)} s`,
    `a root written and read back: ${wrote.toFixed(0)} s`,
  ];
}

/** What an image promises: docs/operator/image.md. */
async function checkSystem(machine: FirmwareMachine): Promise<void> {
  const command = await machine.sh('cat /proc/cmdline');
  expect(command.includes('cartwright.slot=a'), `another slot runs: ${command}`);
  const root = await machine.sh('findmnt --noheadings --output OPTIONS --mountpoint /');
  expect(/(?:^|,)ro(?:,|$)/.test(root.trim()), `the root is mounted ${root}`);
  await machine.sh('! touch /usr/x 2>/dev/null && touch /etc/x /var/x && rm /etc/x /var/x');
  const free = Number(await machine.sh('df --output=size -m /data | tail -n 1'));
  expect(free > 600, `the data partition was not grown: it has ${free} MiB`);
  const shadow = await machine.sh('cut -d: -f1,2 /etc/shadow');
  const open = shadow.split('\n').filter((line) => line !== '' && !/:[*!]/.test(line));
  expect(open.length === 0, `users who can log in by password: ${open.join(' ')}`);
  const left = await machine.sh('ls /efi');
  expect(!left.includes('cartwright.yaml'), `the configuration still lies on the boot partition: ${left}`);
  const id = (await machine.sh('cat /etc/machine-id')).trim();
  expect(/^[0-9a-f]{32}$/.test(id), `the machine id is ${id}`);
  const failed = await machine.sh('systemctl --failed --no-legend --plain');
  expect(failed.trim() === '', `units failed:\n${failed}`);
  // Ports that anybody else could reach: listening, and not on loopback.
  const listening = (await machine.sh("ss -Hltun | awk '{print $1, $5}'")).split('\n');
  const outside = listening.filter(
    (line) => line !== '' && !/ (?:127\.|\[::1\]|.*%lo:|10\.0\.2\.15(?:%\w+)?:68$|.*:68$)/.test(line),
  );
  expect(outside.length === 0, `it listens to the network: ${outside.join('; ')}`);
}

/** The claim on the boot partition made it a device of the store, with a certificate, and is gone. */
async function checkProvisioned(cart: ImageCart, machine: FirmwareMachine): Promise<void> {
  const issued = cart.shop.authority.book.certificates(device).length;
  expect(issued === 1, `the authority issued ${issued} certificates for ${device}`);
  const left = await machine.sh('ls /efi /etc/cartwright');
  for (const name of ['cartwright-claim.json', 'board.yaml\n\n', 'provisioning'])
    expect(!left.includes(name), `after provisioning there is still ${name}:\n${left}`);
  const config = await machine.sh('cat /etc/cartwright/cartwright.yaml');
  expect(config.includes(`device: ${device}`), `the configuration does not name the device:\n${config}`);
  expect(config.includes('board: board.yaml'), `the operator's own settings are lost:\n${config}`);
  const modes = await machine.sh(
    'cd /etc/cartwright && stat -L -c "%a %U %n" credentials credentials/device-key.pem cartwright.yaml',
  );
  const meant = '700 root credentials\n600 root credentials/device-key.pem\n640 root cartwright.yaml\n';
  expect(modes === meant, `the credentials are open to others:\n${modes}`);
}

async function onTrial(bench: Bench, cart: ImageCart): Promise<string[]> {
  bench.log('boot of the newer root, on trial');
  const { machine, seconds } = await cart.birth();
  await machine.up();
  const command = await machine.sh('cat /proc/cmdline');
  expect(command.includes('cartwright.slot=b'), `the newer root was not started: ${command}`);
  const counted = await machine.sh('ls /efi/loader/entries');
  expect(/cartwright-b\+2-1\.conf/.test(counted), `the boot is not counted: ${counted}`);
  const began = performance.now();
  await until(
    machine,
    'systemctl is-active --quiet systemd-bless-boot.service',
    'the root is found to be good',
  );
  const judged = (performance.now() - began) / 1_000;
  const entries = await machine.sh('ls /efi/loader/entries');
  expect(/cartwright-b\.conf/.test(entries), `the root was not marked good: ${entries}`);
  await cart.rootEvent(machine, 'written', '0.9.1');
  await cart.rootEvent(machine, 'good', '0.9.1');
  return [
    `power-on to birth, new root: ${seconds.toFixed(0)} s`,
    `found to be good ${judged.toFixed(0)} s after its agent was up`,
  ];
}

/** The gateway has said that it is healthy. */
async function healthy(machine: FirmwareMachine): Promise<void> {
  await until(
    machine,
    `grep -q '"sensors":true,"fusion":true' /run/cartwright/healthy.json`,
    'the gateway is healthy',
  );
}

/** A restart in good order: QEMU ends where a machine would start anew. */
async function restart(machine: FirmwareMachine): Promise<void> {
  await machine.sh('systemctl reboot --no-block').catch(() => undefined);
  const why = await machine.ended;
  expect(why === 'guest-reset', `the machine ended by ${why} instead of starting anew`);
}
