import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { sealRequest } from '#commands/sealed.ts';
import { makePrivateKey } from '#identity/keys.ts';
import { file, folder } from './archives.ts';
import { makeRelease, UpdateDevice } from './device.ts';

async function device(t: ExecutionContext, config?: string): Promise<UpdateDevice> {
  const made = await UpdateDevice.make(config);
  t.teardown(() => made.remove());
  return made;
}

const whats = async (one: UpdateDevice) =>
  (await one.state()).happenings.map(({ what, version, code }) =>
    [what, version, code].filter(Boolean).join(' '),
  );

test('a release that works is staged, tried and kept; the one before stays, older ones go', async (t) => {
  const cart = await device(t);
  for (const version of ['1.1.0', '1.2.0']) {
    cart.behaviours.set(version, 'well');
    await cart.update(makeRelease(version));
    t.is(await cart.current(), version);
  }
  t.like(await cart.state(), { good: '1.2.0', before: '1.1.0', trial: undefined });
  t.deepEqual(cart.asked, ['start 1.0.0', 'stop', 'start 1.1.0', 'stop', 'start 1.2.0']);
  t.deepEqual((await readdir(cart.places.releases)).sort(), ['1.1.0', '1.2.0']);
  t.deepEqual((await readdir(cart.places.own)).sort(), ['state.json']);
  t.deepEqual(await whats(cart), [
    'staged 1.1.0',
    'began 1.1.0',
    'good 1.1.0',
    'staged 1.2.0',
    'began 1.2.0',
    'good 1.2.0',
  ]);
});

for (const [behaviour, code, withinS] of [
  ['sick', 'CW-UPD-040', 601],
  ['no-broker', 'CW-UPD-040', 601],
  ['ends', 'CW-UPD-041', 2],
] as const) {
  test(`a release whose gateway is ${behaviour} is taken back by itself, and not tried again`, async (t) => {
    const cart = await device(t);
    cart.behaviours.set('1.1.0', behaviour);
    await cart.update(makeRelease('1.1.0'));
    t.is(await cart.current(), '1.0.0');
    t.is(cart.runs, '1.0.0');
    t.true(cart.nowMs <= withinS * 1_000);
    t.deepEqual(await whats(cart), ['staged 1.1.0', 'began 1.1.0', `rolled-back 1.1.0 ${code}`]);
    t.false(cart.has('1.1.0'));
    await cart.update(makeRelease('1.1.0'));
    t.is((await whats(cart)).at(-1), 'refused 1.1.0 CW-UPD-025');
    cart.behaviours.set('1.1.0', 'well');
    await cart.update(makeRelease('1.1.0'), { force: true });
    t.is(await cart.current(), '1.1.0');
  });
}

test('a broker or a cell that was away before the update is no fault of the release', async (t) => {
  for (const behaviour of ['no-broker', 'sick'] as const) {
    const cart = await device(t);
    cart.behaviours.set('1.0.0', behaviour).set('1.1.0', behaviour);
    await cart.start();
    await cart.update(makeRelease('1.1.0'));
    t.is((await cart.state()).good, '1.1.0', behaviour);
  }
});

test('a machine that starts again and again during a trial goes back after the third time', async (t) => {
  const cart = await device(t);
  await cart.fetched(makeRelease('1.1.0'));
  await cart.askStage(makeRelease('1.1.0'));
  await cart.run();
  await cart.ask({ action: 'begin', version: '1.1.0' });
  const updater = await cart.open();
  // The power goes while it waits for the verdict.
  cart.hasFailed = () => Promise.reject(new Error('power cut'));
  await t.throwsAsync(updater.run(), { message: 'power cut' });
  cart.hasFailed = () => Promise.resolve(false);
  for (let boot = 1; boot <= 3; boot++) {
    await cart.reboot();
    t.is(await cart.current(), '1.1.0');
    t.is(cart.asked.filter((one) => one === 'go on later').length, boot);
  }
  await cart.reboot();
  t.is(await cart.current(), '1.0.0');
  t.is((await whats(cart)).at(-1), 'rolled-back 1.1.0 CW-UPD-042');
});

test('a release on trial is judged after a restart of the machine as well', async (t) => {
  const cart = await device(t);
  cart.behaviours.set('1.1.0', 'well');
  cart.hasFailed = () => Promise.reject(new Error('power cut'));
  await t.throwsAsync(cart.update(makeRelease('1.1.0')), { message: 'power cut' });
  cart.hasFailed = () => Promise.resolve(false);
  await cart.reboot();
  await cart.run();
  t.like(await cart.state(), { good: '1.1.0', trial: undefined });
});

test('garbage, tricks with links, foreign keys and archives are refused with their code, and nothing changes', async (t) => {
  const cart = await device(t);
  const good = makeRelease('1.1.0');
  const incoming = join(cart.places.data, 'updates/incoming');
  const request = join(cart.places.data, 'updates/request.json');
  const refused = async (code: string, what: string) => {
    await cart.run();
    const last = (await cart.state()).happenings.at(-1);
    t.is(last?.what === 'refused' ? last.code : last?.what, code, what);
    t.is(await cart.current(), '1.0.0');
    t.deepEqual(await readdir(cart.places.releases), ['1.0.0']);
  };
  await writeFile(request, 'garbage');
  await refused('CW-UPD-020', 'no JSON');
  await writeFile(request, Buffer.alloc(1_000_000, 0x20));
  await refused('CW-UPD-020', 'a megabyte');
  await rm(request);
  await symlink('/etc/hostname', request);
  await refused('CW-UPD-020', 'a link');
  await rm(request);
  await cart.askStage(good);
  await refused('CW-UPD-010', 'no archive');
  await writeFile(join(cart.root, 'elsewhere'), good.archive);
  await symlink(join(cart.root, 'elsewhere'), join(incoming, '1.1.0.tar.gz'));
  await cart.askStage(good);
  await refused('CW-UPD-010', 'the archive is a link');
  await rm(join(incoming, '1.1.0.tar.gz'));
  await writeFile(join(incoming, '1.1.0.tar.gz'), Buffer.concat([good.archive, Buffer.of(0)]));
  await cart.askStage(good);
  await refused('CW-UPD-011', 'another archive');
  await cart.fetched(good);
  await cart.ask({ action: 'stage', version: '1.1.0', archive: '../../x', release: 'AAAA' });
  await refused('CW-UPD-020', 'a path for a name');
  await cart.ask({ action: 'stage', version: '1.1.0', archive: '1.1.0.tar.gz', release: 'AAAA' });
  await refused('CW-UPD-001', 'no description');
  await rename(incoming, `${incoming}-real`);
  await symlink(`${incoming}-real`, incoming);
  await cart.askStage(good);
  await refused('CW-UPD-010', 'the folder is a link');
  await rm(incoming);
  await rename(`${incoming}-real`, incoming);
  const other = process.arch === 'x64' ? 'arm64' : 'x64';
  await cart.askStage(makeRelease('1.1.0', { arch: other }));
  await refused('CW-UPD-004', 'another processor');
  await cart.askStage(makeRelease('1.1.0', { from: '1.0.5' }));
  await refused('CW-UPD-029', 'a step is missing');
  await rm(join(cart.places.releaseKeys, 'maker.pem'));
  await cart.askStage(good);
  await refused('CW-UPD-035', 'no keys');
  await cart.ask({ action: 'begin', version: '1.1.0' });
  await refused('CW-UPD-023', 'not staged');
  t.deepEqual(cart.asked, ['start 1.0.0']);
});

test('a state that is damaged or gone is made again from what is on the disk', async (t) => {
  const cart = await device(t);
  cart.behaviours.set('1.1.0', 'well').set('1.2.0', 'well');
  await cart.update(makeRelease('1.1.0'));
  for (const damage of ['{"updater":1,', '{"updater":9}', '']) {
    await writeFile(cart.places.state, damage);
    await cart.reboot();
    t.is((await cart.state()).good, '1.1.0');
    t.is((await cart.state()).happenings[0]?.code, 'CW-UPD-030');
    t.is(await cart.current(), '1.1.0');
  }
  await rm(cart.places.state);
  await rm(cart.places.good);
  await rm(cart.places.current);
  await cart.reboot();
  t.is(await cart.current(), '1.1.0', 'the newest that is complete');
  await cart.update(makeRelease('1.2.0'));
  t.is((await cart.state()).good, '1.2.0');
});

test('a release that somebody set up by hand is the good one from then on', async (t) => {
  const cart = await device(t);
  cart.behaviours.set('1.1.0', 'well');
  await cart.fetched(makeRelease('1.1.0'));
  await cart.askStage(makeRelease('1.1.0'));
  await cart.run();
  for (const link of [cart.places.current, cart.places.good]) {
    await rm(link);
    await symlink('releases/1.1.0', link);
  }
  await cart.reboot();
  t.like(await cart.state(), { good: '1.1.0', before: '1.0.0' });
});

test('unit files that are installed follow the release, and go back with it', async (t) => {
  const cart = await device(t);
  await mkdir(cart.places.units, { recursive: true });
  await writeFile(join(cart.places.units, 'cartwright.service'), 'of 1.0.0');
  const units = [
    folder('systemd'),
    file('systemd/cartwright-kiosk.service', 'k'),
    file('systemd/cartwright.service', 'of 1.1.0'),
  ];
  cart.behaviours.set('1.1.0', 'well');
  await cart.update(makeRelease('1.1.0', {}, units));
  t.deepEqual(await readdir(cart.places.units), ['cartwright.service']);
  t.is(await readFile(join(cart.places.units, 'cartwright.service'), 'utf8'), 'of 1.1.0');
  t.deepEqual(cart.asked, ['start 1.0.0', 'stop', 'reload', 'start 1.1.0']);
});

const operator = makePrivateKey('Ed25519').key;
const keyFile = JSON.stringify({
  keys: 1,
  version: 1,
  issued: '2026-01-01T00:00:00Z',
  list: [{ key: Buffer.from(operator.publicKey.spki).toString('base64'), role: 'operator' }],
});
const signedConfig = `cartwright: 1
store: s
device: d
broker: { url: "mqtts://broker.example" }
commands: { keysFile: keys.json }
`;
const order = (
  command: string,
  transaction: string,
  args: object,
  topic = `cw/1/s/d/request/update/${command}`,
  forMs = 80_000_000,
) =>
  Buffer.from(
    sealRequest(
      {
        transaction,
        issued: 1_795_000_000_000,
        expires: 1_795_000_000_000 + forMs,
        args: args as Record<string, unknown>,
      },
      topic,
      operator,
    ),
  ).toString('base64');

test('back to an older release goes only who has a signed order for it, and each order serves once', async (t) => {
  const cart = await device(t, signedConfig);
  await writeFile(join(cart.places.configFolder, 'keys.json'), keyFile);
  cart.behaviours.set('1.1.0', 'well').set('0.9.0', 'well');
  await cart.update(makeRelease('1.1.0'));
  const older = makeRelease('0.9.0');
  const args = { version: '0.9.0', downgrade: true };
  for (const [what, more, code] of [
    ['nobody says so', {}, 'CW-UPD-024'],
    ['unsigned', { downgrade: true }, 'CW-UPD-028'],
    [
      'for another device',
      { downgrade: true, order: order('begin', 'a', args, 'cw/1/s/x/request/update/begin') },
      'CW-UPD-028',
    ],
    [
      'about another release',
      { downgrade: true, order: order('begin', 'b', { ...args, version: '0.8.0' }) },
      'CW-UPD-028',
    ],
    [
      'without a word of it',
      { downgrade: true, order: order('begin', 'c', { version: '0.9.0' }) },
      'CW-UPD-028',
    ],
  ] as const) {
    await cart.update(older, more);
    t.is((await cart.state()).happenings.at(-1)?.code, code, what);
    t.is(await cart.current(), '1.1.0');
  }
  await cart.update(older, { downgrade: true, order: order('begin', 'd', args) });
  t.is(await cart.current(), '0.9.0');
  await cart.ask({ action: 'rollback', version: '1.1.0' });
  await cart.run();
  t.is((await cart.state()).happenings.at(-1)?.code, 'CW-UPD-028');
  await cart.ask({
    action: 'rollback',
    version: '1.1.0',
    why: 'slow',
    order: order('rollback', 'e', { why: 'slow' }),
  });
  await cart.run();
  t.is(await cart.current(), '1.1.0');
  t.like((await cart.state()).happenings.at(-1), {
    what: 'rolled-back',
    version: '0.9.0',
    code: 'CW-UPD-043',
  });
  await cart.update(older, { downgrade: true, order: order('begin', 'd', args) });
  t.is((await cart.state()).happenings.at(-1)?.code, 'CW-UPD-028');
});

test('an order outlives the time that fetching takes, and no more than a day', async (t) => {
  const cart = await device(t, signedConfig);
  await writeFile(join(cart.places.configFolder, 'keys.json'), keyFile);
  cart.behaviours.set('0.9.0', 'well');
  const args = { version: '0.9.0', downgrade: true };
  const seconds = order('begin', 'a', args, undefined, 10_000);
  cart.nowMs = 86_500_000;
  await cart.update(makeRelease('0.9.0'), { downgrade: true, order: seconds });
  t.is((await cart.state()).happenings.at(-1)?.code, 'CW-UPD-028');
  cart.nowMs = 1_200_000;
  await cart.update(makeRelease('0.9.0'), { downgrade: true, order: seconds });
  t.is(await cart.current(), '0.9.0');
});

test('a trial is ended at once by a signed command', async (t) => {
  const cart = await device(t, signedConfig);
  await writeFile(join(cart.places.configFolder, 'keys.json'), keyFile);
  let looks = 0;
  cart.hasFailed = async () => {
    if (++looks === 5)
      await cart.ask({ action: 'rollback', version: '1.0.0', why: 'no', order: order('rollback', 'x', {}) });
    return false;
  };
  await cart.update(makeRelease('1.1.0'));
  t.like((await cart.state()).happenings.at(-1), {
    what: 'rolled-back',
    version: '1.1.0',
    code: 'CW-UPD-043',
  });
  t.true(cart.nowMs < 10_000);
});
