import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { makePrivateKey, publicPem } from '#identity/keys.ts';
import type { Options } from '../../scripts/installing/options.ts';
import { setUp, stepsOf, takeOff } from '../../scripts/installing/plan.ts';
import { SetupRecord } from '../../scripts/installing/record.ts';
import { openSource } from '../../scripts/installing/source.ts';
import { defaults, playedMachine, type Scratch, scratchRelease, scratchRoot, statusText } from './scratch.ts';

const release = scratchRelease();
test.after.always(() => rmSync(release, { recursive: true, force: true }));

/** Sets up a scratch root, and answers how many steps did something, with what was told. */
async function run(scratch: Scratch, more: Partial<Options> = {}, from = release) {
  const options = { ...defaults, root: scratch.root, from, ...more };
  const source = await openSource(options);
  const said: string[] = [];
  const machine = { ...playedMachine(scratch, from, said) };
  machine.record = SetupRecord.read(scratch.root);
  const lines: string[] = [];
  const report = (_n: number, _t: number, title: string, outcome: string, found: readonly string[]) =>
    void lines.push(...found.map((line) => `${title} ${outcome} ${line}`));
  const changes = await setUp(stepsOf(source, options), machine, options.dryRun, report);
  return { changes, lines, said, ran: machine.ran };
}

async function uninstall(scratch: Scratch, purge: boolean, from = release) {
  const options = { ...defaults, root: scratch.root, from, uninstall: true, kiosk: true, console: true };
  const lines: string[] = [];
  const source = await openSource(options);
  await takeOff(
    stepsOf(source, options),
    playedMachine(scratch, from),
    purge,
    (_n, _t, title, _o, found) => void lines.push(...found.map((line) => `${title} ${line}`)),
  );
  return lines;
}

const withRoot = async (act: (scratch: Scratch) => Promise<void>, versions?: Record<string, string>) => {
  const scratch = scratchRoot(versions);
  try {
    await act(scratch);
  } finally {
    scratch.remove();
  }
};

const configText = `cartwright: 1
store: my-store
device: cart-0007
board: demo-cart
data: /var/lib/cartwright
broker: { url: 'mqtts://broker.my-store.example', caFile: '\${CREDENTIALS_DIRECTORY}/store-ca.pem' }
`;

test('setup brings the release, links, users, folders, units and drop-ins', (t) =>
  withRoot(async (scratch) => {
    await run(scratch);
    t.is(readlinkSync(scratch.path('opt/cartwright/current')), 'releases/1.2.3');
    t.is(readlinkSync(scratch.path('opt/cartwright/good')), 'releases/1.2.3');
    t.is(readFileSync(scratch.path('opt/cartwright/current/src/main.ts'), 'utf8'), '// 1.2.3\n');
    t.is(statSync(scratch.path('opt/cartwright/current/release.json')).mtimeMs, 1_795_000_000_000);
    t.is(statSync(scratch.path('etc/cartwright/credentials')).mode & 0o777, 0o700);
    t.is(statSync(scratch.path('var/lib/cartwright')).mode & 0o777, 0o700);
    t.is(
      readlinkSync(scratch.path('etc/credstore/cartwright.device.pem')),
      '/etc/cartwright/credentials/device.pem',
    );
    t.regex(readFileSync(scratch.path('etc/passwd'), 'utf8'), /^cartwright:/m);
    for (const path of [
      'etc/systemd/system/cartwright.service',
      'etc/systemd/system/multi-user.target.wants/cartwright.service',
      'etc/systemd/system/sysinit.target.wants/cartwright-clock.service',
      'etc/systemd/system/timers.target.wants/cartwright-renew.timer',
      'etc/systemd/system/tmp.mount',
      'etc/systemd/journald.conf.d/50-cartwright.conf',
      'etc/systemd/system.conf.d/50-cartwright.conf',
      'etc/udev/rules.d/60-cartwright.rules',
      'etc/cartwright/cartwright.example.yaml',
    ])
      t.true(existsSync(scratch.path(path)), path);
    t.false(existsSync(scratch.path('etc/systemd/system/cartwright-kiosk.service')));
    t.false(existsSync(scratch.path('etc/cartwright/cartwright.yaml')));
  }));

test('a second run finds nothing to do and changes no byte', (t) =>
  withRoot(async (scratch) => {
    await run(scratch, { kiosk: false, console: true });
    const before = scratch.tree();
    const { changes, lines } = await run(scratch, { console: true });
    t.is(changes, 0, lines.join('\n'));
    t.deepEqual(scratch.tree(), before);
  }));

test('a dry run says what would be done, and does nothing', (t) =>
  withRoot(async (scratch) => {
    const before = scratch.tree();
    const { changes, lines, ran } = await run(scratch, { dryRun: true });
    t.true(changes >= 8);
    t.true(lines.some((line) => line.includes('make the user and group cartwright')));
    t.deepEqual(scratch.tree(), before);
    t.deepEqual(ran, []);
  }));

test('uninstalling with purge leaves the system as it was before', (t) =>
  withRoot(async (scratch) => {
    const before = scratch.tree();
    await run(scratch, { console: true });
    scratch.put('var/lib/cartwright/outbox.sqlite', 'events');
    scratch.put('etc/cartwright/credentials/device-key.pem', 'key');
    scratch.put('var/cache/cartwright/x', 'compiled');
    scratch.put('var/lib/cartwright-updater/state.json', '{}');
    await uninstall(scratch, true);
    t.deepEqual(scratch.tree(), before);
  }));

test('uninstalling keeps configuration, credentials and data, says so, and a new run takes them up again', (t) =>
  withRoot(async (scratch) => {
    await run(scratch);
    scratch.put('var/lib/cartwright/outbox.sqlite', 'events');
    scratch.put('etc/cartwright/cartwright.yaml', configText);
    const lines = await uninstall(scratch, false);
    t.true(lines.some((line) => line.includes('kept configuration')));
    t.is(readFileSync(scratch.path('var/lib/cartwright/outbox.sqlite'), 'utf8'), 'events');
    t.is(readFileSync(scratch.path('etc/cartwright/cartwright.yaml'), 'utf8'), configText);
    t.false(existsSync(scratch.path('opt/cartwright')));
    t.false(existsSync(scratch.path('etc/credstore')));
    await run(scratch);
    t.is(readFileSync(scratch.path('var/lib/cartwright/outbox.sqlite'), 'utf8'), 'events');
    await uninstall(scratch, true);
    t.false(existsSync(scratch.path('etc/cartwright')));
  }));

test("what was there before, and others' folders, stay when setup is taken off", (t) =>
  withRoot(async (scratch) => {
    mkdirSync(scratch.path('etc/credstore'), { mode: 0o700 });
    scratch.put('etc/credstore/wifi', 'secret');
    scratch.put('etc/systemd/journald.conf.d/99-mine.conf', '[Journal]\n');
    const before = scratch.tree();
    await run(scratch);
    await uninstall(scratch, true);
    t.deepEqual(scratch.tree(), before);
  }));

test('a run that was cut short anywhere is finished by the next one', async (t) => {
  const options = { ...defaults, from: release };
  const source = await openSource(options);
  for (let cut = 1; cut < 12; cut++) {
    await withRoot(async (scratch) => {
      const machine = playedMachine(scratch, release);
      let left = cut;
      const cutting = {
        ...machine,
        run: async (command: string, args: readonly string[]) => {
          if (--left <= 0) throw new Error('cut');
          return machine.run(command, args);
        },
      };
      const steps = stepsOf(source, { ...options, root: scratch.root });
      await setUp(steps, cutting, false, () => {}).catch(() => {});
      await run(scratch);
      t.is((await run(scratch)).changes, 0);
      await uninstall(scratch, true);
      t.false(existsSync(scratch.path('opt/cartwright')));
    });
  }
});

test('a configuration is checked, put in place once, and never overwritten', (t) =>
  withRoot(async (scratch) => {
    scratch.put('given/cartwright.yaml', configText);
    const config = scratch.path('given/cartwright.yaml');
    await run(scratch, { config });
    const place = scratch.path('etc/cartwright/cartwright.yaml');
    t.is(readFileSync(place, 'utf8'), configText);
    t.is(statSync(place).mode & 0o777, 0o640);
    writeFileSync(place, configText.replace('0007', '0008'), { mode: 0o640 });
    const { changes, lines } = await run(scratch, { config });
    t.is(changes, 0);
    t.true(lines.some((line) => line.includes('kept as it is')));
    t.regex(readFileSync(place, 'utf8'), /cart-0008/);
  }));

test('a configuration that all may read is closed again', (t) =>
  withRoot(async (scratch) => {
    await run(scratch);
    scratch.put('etc/cartwright/cartwright.yaml', configText);
    t.is((await run(scratch)).changes, 1);
    t.is(statSync(scratch.path('etc/cartwright/cartwright.yaml')).mode & 0o777, 0o640);
    t.is((await run(scratch)).changes, 0);
  }));

test('files that a configuration names beside it come along, secrets do not', (t) =>
  withRoot(async (scratch) => {
    scratch.put('given/catalogue.json', '{}');
    scratch.put('given/password', 'secret');
    scratch.put(
      'given/cartwright.yaml',
      `${configText.replace('broker: { ', 'broker: { username: x, passwordFile: password, ')}catalogue: catalogue.json\n`,
    );
    const { said } = await run(scratch, { config: scratch.path('given/cartwright.yaml') });
    t.is(readFileSync(scratch.path('etc/cartwright/catalogue.json'), 'utf8'), '{}');
    t.false(existsSync(scratch.path('etc/cartwright/password')));
    t.true(said.some((line) => line.includes('password is not taken along')));
  }));

for (const [why, text, expected] of [
  ['that is none', 'cartwright: 1\nstore: UPPER\n', /store/],
  [
    'that writes elsewhere',
    configText.replace('/var/lib/cartwright', 'data'),
    /\/var\/lib\/cartwright alone/,
  ],
] as const) {
  test(`a configuration ${why} is refused before anything is done`, (t) =>
    withRoot(async (scratch) => {
      scratch.put('given.yaml', text);
      const error = await t.throwsAsync(run(scratch, { config: scratch.path('given.yaml') }), {
        code: 'CW-SYS-012',
      });
      t.regex(error.message, expected);
      t.false(existsSync(scratch.path('opt/cartwright')));
    }));
}

test('a claim gets a configuration to be written into, and is left for the device in an image', (t) =>
  withRoot(async (scratch) => {
    scratch.put('claim.json', '{}');
    const { lines, ran } = await run(scratch, { provision: scratch.path('claim.json') });
    t.regex(
      readFileSync(scratch.path('etc/cartwright/cartwright.yaml'), 'utf8'),
      /^data: \/var\/lib\/cartwright$/m,
    );
    t.true(lines.some((line) => line.includes('provisioned at its first boot')));
    t.false(ran.some((line) => line.includes('provision')));
  }));

test('keys of whoever makes releases are put in place by their fingerprint; others are refused', (t) =>
  withRoot(async (scratch) => {
    const { key } = makePrivateKey('Ed25519');
    scratch.put('maker.pem', publicPem(key.publicKey));
    await run(scratch, { keys: [scratch.path('maker.pem')] });
    t.is(
      readFileSync(scratch.path(`etc/cartwright/release-keys/${key.publicKey.id}.pem`), 'utf8'),
      publicPem(key.publicKey),
    );
    scratch.put('maker.pem', publicPem(makePrivateKey('ES256').key.publicKey));
    await t.throwsAsync(run(scratch, { keys: [scratch.path('maker.pem')] }), { code: 'CW-SYS-013' });
  }));

const fine = { dpkg: '1.21', libc6: '2.36-9', systemd: '252.39-1', udev: '252', libudev1: '252' };
for (const [why, versions, arch, code] of [
  ['without systemd', { dpkg: '1.21', libc6: '2.36' }, 'amd64', 'CW-SYS-002'],
  ['with an old systemd', { ...fine, systemd: '247.3-7+deb11u4' }, 'amd64', 'CW-SYS-002'],
  ['with an old C library', { ...fine, libc6: '2.24-11' }, 'amd64', 'CW-SYS-004'],
  ['of another processor', fine, 'arm64', 'CW-SYS-003'],
  ['of 32 bits', fine, 'armhf', 'CW-SYS-003'],
  ['without packages, and no network', fine, 'amd64', 'CW-SYS-010'],
] as const) {
  test(`a system ${why} is refused before anything is done (${code})`, (t) =>
    withRoot(async (scratch) => {
      scratch.put('var/lib/dpkg/status', statusText(versions, arch));
      const before = scratch.tree();
      await t.throwsAsync(run(scratch), { code });
      rmSync(scratch.path('opt/cartwright'), { recursive: true, force: true });
      t.deepEqual(scratch.tree(), before);
    }));
}

test('a release that was changed is refused', async (t) => {
  const changed = scratchRelease();
  writeFileSync(join(changed, 'src/main.ts'), '// bad!!\n');
  await withRoot(async (scratch) => {
    const error = await t.throwsAsync(run(scratch, {}, changed), { code: 'CW-SYS-009' });
    t.regex(error.message, /src\/main\.ts/);
    t.false(existsSync(scratch.path('opt/cartwright')));
  });
  rmSync(changed, { recursive: true });
});

test('the sources are no release', async (t) => {
  await t.throwsAsync(openSource({ from: undefined, keys: [], root: '/' }), { code: 'CW-SYS-008' });
});

test('an older release does not replace a newer one, a newer one takes its place', async (t) => {
  const newer = scratchRelease('1.10.0');
  await withRoot(async (scratch) => {
    await run(scratch);
    await run(scratch, {}, newer);
    t.is(readlinkSync(scratch.path('opt/cartwright/current')), 'releases/1.10.0');
    await t.throwsAsync(run(scratch), { code: 'CW-SYS-015' });
  });
  rmSync(newer, { recursive: true });
});

test('what the updater looks after is left to it', (t) =>
  withRoot(async (scratch) => {
    const state = {
      updater: 1,
      good: '1.2.2',
      failed: [],
      happenings: [],
      next: 1,
      answered: [],
      orders: [],
    };
    scratch.put('var/lib/cartwright-updater/state.json', JSON.stringify(state));
    await t.throwsAsync(run(scratch), { code: 'CW-SYS-016' });
    scratch.put('var/lib/cartwright-updater/state.json', JSON.stringify({ ...state, good: '1.2.3' }));
    t.true((await run(scratch)).changes > 0);
  }));

test('something else in the place of a link is not removed, but named', (t) =>
  withRoot(async (scratch) => {
    scratch.put('etc/credstore/cartwright.device.pem', 'somebody put a file here');
    const error = await t.throwsAsync(run(scratch), { code: 'CW-SYS-014' });
    t.regex(error.message, /cartwright\.device\.pem is there and is no symbolic link/);
  }));

test('a Raspberry Pi is told at boot to count memory, once, and no longer when setup is taken off', (t) =>
  withRoot(async (scratch) => {
    scratch.put('boot/firmware/cmdline.txt', 'console=tty1 root=PARTUUID=1-02 rootwait\n');
    await run(scratch);
    await run(scratch);
    const path = scratch.path('boot/firmware/cmdline.txt');
    t.is(readFileSync(path, 'utf8'), 'console=tty1 root=PARTUUID=1-02 rootwait cgroup_enable=memory\n');
    await uninstall(scratch, true);
    t.is(readFileSync(path, 'utf8'), 'console=tty1 root=PARTUUID=1-02 rootwait\n');
  }));

test('where somebody has settled what /tmp is, or who keeps the time, it stays so', (t) =>
  withRoot(async (scratch) => {
    scratch.put('etc/fstab', 'tmpfs /tmp tmpfs size=64M 0 0\n');
    mkdirSync(scratch.path('etc/systemd/system/multi-user.target.wants'), { recursive: true });
    symlinkSync(process.execPath, scratch.path('etc/systemd/system/multi-user.target.wants/chrony.service'));
    await run(scratch);
    t.false(existsSync(scratch.path('etc/systemd/system/tmp.mount')));
    t.false(existsSync(scratch.path('etc/systemd/timesyncd.conf.d')));
    t.is((await run(scratch)).changes, 0);
  }));

test('the links are replaced in one step, whatever lies beside them from a run that was cut', (t) =>
  withRoot(async (scratch) => {
    mkdirSync(scratch.path('opt/cartwright/releases/.1.2.3.part'), { recursive: true });
    symlinkSync('releases/9.9.9', scratch.path('opt/cartwright/.current.new'));
    await run(scratch);
    t.true(lstatSync(scratch.path('opt/cartwright/current')).isSymbolicLink());
    t.false(existsSync(scratch.path('opt/cartwright/releases/.1.2.3.part')));
  }));
