import { execFileSync } from 'node:child_process';
import {
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { makePrivateKey } from '#identity/keys.ts';
import { firstToBoot, readEntry, trialFile } from '#updates/slots/loader-entry.ts';
import { entriesOf } from '#updates/slots/slot-places.ts';
import { readSlotState, writeSlotState } from '#updates/slots/slot-state.ts';
import { describeSlots, judgeTrial, settleAtBoot } from '#updates/slots/trial.ts';
import { createdMs, SlotDevice, sha256 } from './slot-device.ts';

test('a signed root goes into the slot that does not run, and is started next', async (t) => {
  const device = new SlotDevice();
  const { path, content } = await device.archive();
  t.is(await device.update(path), 'b');
  t.deepEqual(device.read('dev/root-b').subarray(0, content.length), content);
  t.true(device.read('dev/root-a').every((byte) => byte === 0));
  t.deepEqual(device.entries(), ['cartwright-a.conf', 'cartwright-b+3.conf']);
  t.is(device.read('efi/cartwright/b/linux').toString(), 'kernel of the new root');
  t.is(firstToBoot(await entriesOf(device.places)), 'b');
  const entry = device.read('efi/loader/entries/cartwright-b+3.conf').toString();
  t.regex(entry, /root=PARTUUID=2222 .*cartwright\.slot=b cartwright\.data=PARTUUID=3333/);
  // The machine's own words for the kernel go from root to root.
  t.deepEqual(readEntry(entry).kernelWords, ['console=ttyX']);
  t.deepEqual(
    await describeSlots(device.places),
    ['b: root 1.1.0, on trial, 3 tries left', 'a: root 1.0.0, good, in service'].sort(),
  );
  device.remove();
});

test('what the other slot changed of /etc and /var is forgotten with its root', async (t) => {
  const device = new SlotDevice();
  device.write('data/slots/b/etc/upper/old', '');
  device.write('data/slots/a/etc/upper/kept', '');
  await device.update((await device.archive()).path);
  t.false(existsSync(join(device.folder, 'data/slots/b')));
  t.true(existsSync(join(device.folder, 'data/slots/a/etc/upper/kept')));
  device.remove();
});

test('an archive that was changed anywhere leaves a slot that can not be started', async (t) => {
  const device = new SlotDevice();
  const { path } = await device.archive();
  const whole = readFileSync(path);
  for (const position of [20, 700, Math.floor(whole.length / 2), whole.length - 3]) {
    const changed = Buffer.from(whole);
    changed.writeUInt8(changed.readUInt8(position) ^ 1, position);
    writeFileSync(path, changed);
    await t.throwsAsync(device.update(path), undefined, `byte ${position}`);
    t.deepEqual(device.entries(), ['cartwright-a.conf'], `byte ${position}`);
    t.is(firstToBoot(await entriesOf(device.places)), 'a');
  }
  writeFileSync(path, whole);
  truncateSync(path, whole.length - 1);
  await t.throwsAsync(device.update(path), { code: 'CW-UPD-072' });
  t.deepEqual(device.entries(), ['cartwright-a.conf']);
  device.remove();
});

test('a root of another maker, processor or size is refused, and nothing is written', async (t) => {
  const device = new SlotDevice();
  const stranger = makePrivateKey('Ed25519').key;
  await t.throwsAsync(device.update((await device.archive({}, stranger)).path), { code: 'CW-UPD-071' });
  await t.throwsAsync(device.update((await device.archive({ arch: 'arm64' })).path), { code: 'CW-UPD-004' });
  t.true(device.read('dev/root-b').every((byte) => byte === 0));
  await t.throwsAsync(device.update((await device.archive({ bytes: 500_000 })).path), { code: 'CW-UPD-079' });
  t.deepEqual(device.entries(), ['cartwright-a.conf']);
  writeFileSync(join(device.folder, 'made/archive'), 'no archive at all');
  await t.throwsAsync(device.update(join(device.folder, 'made/archive')), { code: 'CW-UPD-070' });
  device.remove();
});

test('an older root is taken only where that is meant', async (t) => {
  const device = new SlotDevice();
  const { path } = await device.archive({ createdMs: createdMs - 1 });
  await t.throwsAsync(device.update(path), { code: 'CW-UPD-078' });
  t.is(await device.update(path, { older: true }), 'b');
  device.remove();
});

test('no root is tried while nothing could tell whether it is good', async (t) => {
  const device = new SlotDevice();
  const { path } = await device.archive();
  device.says({ sensors: false, fusion: true, broker: true });
  await t.throwsAsync(device.update(path), { code: 'CW-UPD-076' });
  device.says({ sensors: true, fusion: true, broker: false });
  await device.update(path);
  t.true((await readSlotState(device.places.state)).trial?.brokerAway);
  device.remove();
});

test('a root on trial writes no other one', async (t) => {
  const device = new SlotDevice();
  const { path } = await device.archive();
  await device.update(path);
  device.boots('b');
  const entries = join(device.folder, 'efi/loader/entries');
  renameSync(join(entries, trialFile('b')), join(entries, 'cartwright-b+2-1.conf'));
  await t.throwsAsync(device.update(path), { code: 'CW-UPD-075' });
  device.remove();
});

test('a machine that was not started from an image has no slots', async (t) => {
  const device = new SlotDevice();
  device.write('proc/cmdline', 'root=/dev/sda1 quiet\n');
  await t.throwsAsync(device.update('x'), { code: 'CW-UPD-074' });
  device.remove();
});

/** A trial in virtual time: `says` is called each second, with the seconds since its start. */
async function judge(device: SlotDevice, says: (second: number) => void) {
  let nowMs = 0;
  const blessed: string[] = [];
  const good = await judgeTrial(device.places, {
    bless: async (verdict) => void blessed.push(verdict),
    now: () => nowMs,
    utcMs: () => createdMs + nowMs,
    pause: async (ms) => {
      nowMs += ms;
      says(nowMs / 1_000);
    },
    log: () => {},
  });
  return { good, blessed, seconds: nowMs / 1_000 };
}

for (const [what, lay] of [
  ['a pipe', (path: string) => execFileSync('mkfifo', [path])],
  ['a link to what never ends', (path: string) => symlinkSync('/dev/zero', path)],
] as const) {
  test(`${what} in place of the gateway's report holds nothing up`, async (t) => {
    const device = new SlotDevice();
    const healthy = join(device.folder, 'run/cartwright/healthy.json');
    rmSync(healthy);
    lay(healthy);
    const { path } = await device.archive();
    await t.throwsAsync(device.update(path), { code: 'CW-UPD-076' });
    device.remove();
  });
}

async function onTrial(): Promise<SlotDevice> {
  const device = new SlotDevice();
  await device.update((await device.archive()).path);
  device.boots('b');
  rmSync(join(device.folder, 'run/cartwright/healthy.json'));
  return device;
}

test('a root is good when the gateway was healthy for a minute', async (t) => {
  const device = await onTrial();
  const { good, blessed, seconds } = await judge(device, (second) => {
    if (second >= 100 && second % 30 === 0)
      device.says({ sensors: true, fusion: true, broker: true }, second);
  });
  t.true(good);
  // systemd marks it good by itself once this has ended well.
  t.deepEqual(blessed, []);
  t.is(seconds, 180);
  t.is((await readSlotState(device.places.state)).trial, undefined);
  device.remove();
});

test('a root under which the gateway does not become healthy is marked bad, told of, and not tried again', async (t) => {
  const device = await onTrial();
  const { good, blessed, seconds } = await judge(device, (second) => {
    if (second % 30 === 0) device.says({ sensors: false, fusion: true, broker: true }, second);
  });
  t.false(good);
  t.deepEqual(blessed, ['bad']);
  t.is(seconds, 600);
  // As systemd-bless-boot and the next start leave it.
  const entries = join(device.folder, 'efi/loader/entries');
  renameSync(join(entries, trialFile('b')), join(entries, 'cartwright-b+0-1.conf'));
  t.is(firstToBoot(await entriesOf(device.places)), 'a');
  device.boots('a');
  device.says({ sensors: true, fusion: true, broker: true });
  t.regex(
    (await settleAtBoot(device.places, createdMs)) ?? '',
    /root 1\.1\.0 in slot b was taken back: .*sensors/,
  );
  t.deepEqual(device.entries(), ['cartwright-a.conf']);
  t.is(await settleAtBoot(device.places, createdMs), undefined);
  const path = join(device.folder, 'made/archive');
  await t.throwsAsync(device.update(path), { code: 'CW-UPD-077' });
  t.is(await device.update(path, { again: true }), 'b');
  device.remove();
});

test('a root that never came up is told of after its last try, and not before', async (t) => {
  const device = await onTrial();
  device.boots('a');
  t.is(await settleAtBoot(device.places, createdMs), undefined);
  const entries = join(device.folder, 'efi/loader/entries');
  renameSync(join(entries, trialFile('b')), join(entries, 'cartwright-b+0-3.conf'));
  t.regex((await settleAtBoot(device.places, createdMs)) ?? '', /it did not come up/);
  device.remove();
});

test('without a configuration there is no gateway, and a root that stays up is good', async (t) => {
  const device = new SlotDevice();
  rmSync(join(device.folder, 'etc/cartwright/cartwright.yaml'));
  rmSync(join(device.folder, 'run/cartwright/healthy.json'));
  await device.update((await device.archive()).path);
  device.boots('b');
  t.true((await judge(device, () => {})).good);
  device.remove();
});

test('what became of roots is kept for the store, numbered, in the words of whoever gave them up', async (t) => {
  const device = await onTrial();
  await judge(device, (second) => {
    if (second % 30 === 0) device.says({ sensors: true, fusion: true, broker: true }, second);
  });
  device.boots('a');
  await device.update((await device.archive({ version: '1.2.0' })).path);
  const entries = join(device.folder, 'efi/loader/entries');
  renameSync(join(entries, trialFile('b')), join(entries, 'cartwright-b+0-3.conf'));
  writeFileSync(device.places.givenUp, 'nobody judged it\n');
  await settleAtBoot(device.places, createdMs + 9);
  const { happenings } = await readSlotState(device.places.state);
  t.deepEqual(
    happenings.map(({ number, what, version, why }) => [number, what, version, why]),
    [
      [1, 'written', '1.1.0', undefined],
      [2, 'good', '1.1.0', undefined],
      [3, 'written', '1.2.0', undefined],
      [4, 'rolled-back', '1.2.0', 'nobody judged it'],
    ],
  );
  t.false(existsSync(device.places.givenUp));
  device.remove();
});

test('an update that was cut before it was offered leaves no trial behind', async (t) => {
  const device = await onTrial();
  device.boots('a');
  rmSync(join(device.folder, 'efi/loader/entries', trialFile('b')));
  t.is(await settleAtBoot(device.places, createdMs), undefined);
  t.is((await readSlotState(device.places.state)).trial, undefined);
  device.remove();
});

test('a state that can not be read is none, and only the last failures are kept', async (t) => {
  const device = new SlotDevice();
  device.write('data/slots/state.json', '{"state":1,');
  t.deepEqual(await readSlotState(device.places.state), { state: 1, failed: [], happenings: [] });
  const failed = Array.from({ length: 20 }, (_, index) => ({
    ...{ version: `1.0.${index}`, sha256: sha256(Buffer.from([index])), atMs: index, why: 'x' },
  }));
  await writeSlotState(device.places.state, { state: 1, failed, happenings: [] });
  const { failed: kept } = await readSlotState(device.places.state);
  t.is(kept.length, 8);
  t.is(kept.at(-1)?.version, '1.0.19');
  device.remove();
});
