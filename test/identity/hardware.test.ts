import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { bindHardware, type HardwareFacts, matchHardware, readHardware } from '#identity/hardware.ts';
import { checkHardware } from '#identity/hardware-check.ts';

const cart: HardwareFacts = {
  board: ['10000000a1b2c3d4'],
  network: ['dc:a6:32:00:00:01', 'dc:a6:32:00:00:02'],
  storage: ['0353445343313647'],
};

async function machine(t: ExecutionContext, files: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'cartwright-machine-'));
  t.teardown(() => rm(root, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}

const pi = {
  'proc/device-tree/serial-number': '10000000A1B2C3D4\0',
  'sys/class/net/eth0/address': 'dc:a6:32:00:00:01\n',
  'sys/class/net/eth0/addr_assign_type': '0\n',
  'sys/class/net/eth0/device/vendor': '',
  'sys/class/net/lo/address': '00:00:00:00:00:00\n',
  'sys/class/net/lo/addr_assign_type': '0\n',
  'sys/class/net/docker0/address': '02:42:00:00:00:01\n',
  'sys/class/net/docker0/addr_assign_type': '3\n',
  'sys/block/mmcblk0/device/cid': '0353445343313647\n',
  'sys/block/mmcblk0/removable': '0\n',
  'sys/block/sda/device/serial': 'STICK\n',
  'sys/block/sda/removable': '1\n',
  'sys/block/zram0/size': '1\n',
};

test("a Raspberry Pi is told by its serial number, its own network address and its card; what is drawn, virtual or plugged in doesn't count", async (t) => {
  t.deepEqual(readHardware(await machine(t, pi)), {
    board: ['10000000a1b2c3d4'],
    network: ['dc:a6:32:00:00:01'],
    storage: ['0353445343313647'],
  });
});

test('serial numbers that makers leave in their boards are none', async (t) => {
  for (const text of [
    'To be filled by O.E.M.',
    'Default string',
    '00000000',
    '',
    'None',
    '03000200-0400-0500-0006-000700080009',
  ]) {
    const found = readHardware(await machine(t, { 'sys/class/dmi/id/product_uuid': `${text}\n` }));
    t.deepEqual(found.board ?? [], text.startsWith('03') ? [text] : [], text);
  }
  t.deepEqual(readHardware(await machine(t, {})), {});
});

test('an identity fits a machine of which two of three facts are as they were, and no other', (t) => {
  const binding = bindHardware(cart);
  const fits = (facts: HardwareFacts) => matchHardware(binding, facts).fits;
  t.true(fits(cart));
  t.true(fits({ ...cart, storage: ['a new card'] }), 'a new card in the same machine');
  t.true(fits({ ...cart, network: ['dc:a6:32:00:00:02'] }), 'one network adapter of two');
  t.true(fits({ board: cart.board ?? [], storage: cart.storage ?? [] }), 'no network yet');
  t.false(fits({ ...cart, board: ['x'], network: ['y'] }), 'the card in another machine');
  t.false(fits({ board: ['x'], network: ['y'], storage: ['z'] }), 'a copied card');
  t.true(fits({ storage: cart.storage ?? [] }), 'only one can be read, and it is the same');
  t.false(fits({ board: ['x'], storage: cart.storage ?? [] }), 'two can be read, and one is another');
  t.false(fits({}), 'nothing of what was bound is there');
  t.true(matchHardware(bindHardware({}), {}).fits, 'nothing was bound');
});

test('what is kept of the hardware names no serial number', (t) => {
  const text = JSON.stringify(bindHardware(cart));
  for (const value of Object.values(cart).flat()) t.false(text.includes(value));
  t.not(text, JSON.stringify(bindHardware(cart)), 'each identity has a salt of its own');
});

test('a card that was copied to another machine stops there with what to do, and goes on in its own', async (t) => {
  const own = await machine(t, pi);
  const other = await machine(t, {
    ...pi,
    'proc/device-tree/serial-number': '10000000ffff0000\0',
    'sys/class/net/eth0/address': 'dc:a6:32:00:00:09\n',
    'sys/block/mmcblk0/device/cid': 'copied\n',
  });
  const identity = {
    identity: 1,
    store: 'lab',
    device: 'cart-1',
    authority: 'https://authority.lab.example',
    fingerprint: 'ab',
    hardware: bindHardware(readHardware(own)),
    provisionedMs: 0,
  };
  const certFile = join(own, 'credentials/device.pem');
  await mkdir(dirname(certFile));
  t.notThrows(() => checkHardware(undefined, other), 'no certificate');
  t.notThrows(() => checkHardware(certFile, other), 'a certificate from elsewhere, bound to nothing');
  await writeFile(join(dirname(certFile), 'identity.json'), JSON.stringify(identity));
  t.notThrows(() => checkHardware(certFile, own));
  t.throws(() => checkHardware(certFile, other), {
    code: 'CW-IDN-020',
    message: /board, network, storage.*rebind CLAIM/,
  });
  // As systemd hands credentials over: a copy elsewhere, or a link.
  await symlink(dirname(certFile), join(own, 'run'));
  t.throws(() => checkHardware(join(own, 'run/device.pem'), other), { code: 'CW-IDN-020' });
  await writeFile(join(dirname(certFile), 'identity.json'), '{');
  t.throws(() => checkHardware(certFile, own), { code: 'CW-IDN-019' });
});
