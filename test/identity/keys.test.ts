import test from 'ava';
import { readSign1, sign1 } from '#identity/cose.ts';
import { type KeyEntry, openKeyList, readKeyFile, sealKeyList, writeKeyFile } from '#identity/key-list.ts';
import { compareKeys, KeyRing } from '#identity/key-ring.ts';
import { Nonces } from '#identity/nonces.ts';
import { entryOf, fixedKey, listOf } from './support.ts';

const topic = 'cw/1/store-1/_store/keys';
const till = fixedKey('till');
const staff = fixedKey('staff');
const root = fixedKey('root');
const day = (number: number) => Date.UTC(2026, 10, number);
const aad = Buffer.from('cw/1/store-1/cart-0042/request/line/void');

function verify(entries: readonly KeyEntry[], nowMs: number | undefined, key = till) {
  const ring = new KeyRing();
  ring.set('file', listOf(entries));
  return ring.verify(readSign1(sign1(Buffer.from('x'), aad, key)), aad, nowMs);
}

test('A key says who signed, with the role and number of the list', (t) => {
  t.deepEqual(verify([entryOf(till, 'till', { who: '3' })], day(2)), {
    id: till.publicKey.id,
    role: 'till',
    who: '3',
  });
});

test('A key that is unknown, revoked, over or not valid yet is refused, each with its own code', (t) => {
  t.throws(() => verify([entryOf(staff, 'staff')], day(2)), { code: 'CW-IDN-002' });
  t.throws(() => verify([entryOf(till, 'till', { revoked: true })], day(2)), { code: 'CW-IDN-004' });
  t.throws(() => verify([entryOf(till, 'till', { validTo: day(3) })], day(3) + 1), { code: 'CW-IDN-005' });
  t.notThrows(() => verify([entryOf(till, 'till', { validTo: day(3) })], day(3)));
  t.throws(() => verify([entryOf(till, 'till', { validFrom: day(3) })], day(3) - 1), { code: 'CW-IDN-006' });
  t.notThrows(() => verify([entryOf(till, 'till', { validFrom: day(3) })], day(3)));
});

test('Without a clock a key that was over before the list was made is over, and one that begins later may be valid', (t) => {
  t.throws(() => verify([entryOf(till, 'till', { validTo: day(1) - 1 })], undefined), { code: 'CW-IDN-005' });
  t.notThrows(() => verify([entryOf(till, 'till', { validTo: day(1) })], undefined));
  t.notThrows(() => verify([entryOf(till, 'till', { validFrom: day(20) })], undefined));
});

test('A wrong signature is told before anything of the key is, and another topic is a wrong signature', (t) => {
  const ring = new KeyRing();
  ring.set('file', listOf([entryOf(till, 'till', { revoked: true })]));
  const message = readSign1(sign1(Buffer.from('x'), aad, till));
  t.throws(() => ring.verify({ ...message, payload: Buffer.from('y') }, aad, day(2)), { code: 'CW-IDN-003' });
  t.throws(() => ring.verify(message, Buffer.from('cw/1/store-1/cart-0043/request/line/void'), day(2)), {
    code: 'CW-IDN-003',
    message: /another device/,
  });
});

test('What the file or the store revokes is revoked, and the role is the one that the store gives', (t) => {
  const message = readSign1(sign1(Buffer.from('x'), aad, till));
  const ring = new KeyRing();
  ring.set('file', listOf([entryOf(till, 'staff')]));
  ring.set('store', listOf([entryOf(till, 'till')]));
  t.is(ring.verify(message, aad, day(2)).role, 'till');
  t.is(ring.size, 1);
  for (const source of ['file', 'store'] as const) {
    const other = source === 'file' ? 'store' : 'file';
    ring.set(source, listOf([entryOf(till, 'till', { revoked: true })]));
    ring.set(other, listOf([entryOf(till, 'till')]));
    t.throws(() => ring.verify(message, aad, day(2)), { code: 'CW-IDN-004' });
    t.is(ring.size, 0);
  }
});

test('A list goes through its file and through its signed message unchanged', (t) => {
  const list = listOf([
    entryOf(till, 'till', { who: '3', validFrom: day(1), validTo: day(30) }),
    entryOf(staff, 'staff', { who: '17', revoked: true }),
    entryOf(root, 'operator'),
  ]);
  const plain = (of: typeof list) => of.keys.map(({ key, ...more }) => ({ id: key.id, ...more }));
  t.deepEqual(plain(readKeyFile(writeKeyFile(list))), plain(list));
  const opened = openKeyList(sealKeyList(list, topic, root), topic, root.publicKey);
  t.deepEqual(plain(opened), plain(list));
  t.is(opened.version, list.version);
  t.is(opened.issued, list.issued);
});

test('A list that another key signed, or that is for another store, is refused', (t) => {
  const bytes = sealKeyList(listOf([entryOf(till, 'till')]), topic, root);
  t.throws(() => openKeyList(bytes, topic, till.publicKey), { code: 'CW-IDN-010' });
  t.throws(() => openKeyList(bytes, 'cw/1/store-2/_store/keys', root.publicKey), { code: 'CW-IDN-010' });
  t.throws(() => openKeyList(sign1(Buffer.from('x'), Buffer.from(topic), root), topic, root.publicKey), {
    code: 'CW-IDN-008',
  });
  t.throws(() => openKeyList(new Uint8Array(3), topic, root.publicKey), { code: 'CW-IDN-001' });
});

test('A file that says something impossible is refused in words', (t) => {
  const good = JSON.parse(writeKeyFile(listOf([entryOf(till, 'till')]))) as { list: object[] };
  const [entry = {}] = good.list;
  const wrong: readonly [unknown, RegExp][] = [
    [{ ...good, list: [entry, entry] }, /twice/],
    [{ ...good, list: [{ ...entry, id: 'ab' }] }, /has the id/],
    [{ ...good, list: [{ ...entry, role: 'king' }] }, /role/],
    [{ ...good, list: [{ ...entry, who: 'Anna Berg' }] }, /never a name/],
    [
      { ...good, list: [{ ...entry, validFrom: '2026-12-01T00:00:00Z', validTo: '2026-11-01T00:00:00Z' }] },
      /ends before/,
    ],
    [{ ...good, version: 0 }, /version/],
    [{ ...good, more: 1 }, /more/],
  ];
  for (const [value, message] of wrong) {
    t.throws(() => readKeyFile(JSON.stringify(value)), { code: 'CW-IDN-008', message });
  }
  t.throws(() => readKeyFile('{'), { code: 'CW-IDN-008', message: /not JSON/ });
});

test('What changed between two lists is told by key', (t) => {
  const before = listOf([entryOf(till, 'till'), entryOf(staff, 'staff')]);
  const after = listOf([entryOf(till, 'till', { revoked: true }), entryOf(root, 'operator')]);
  t.deepEqual(compareKeys(before, after), {
    added: [root.publicKey.id],
    removed: [staff.publicKey.id],
    revoked: [till.publicKey.id],
    changed: [],
  });
  t.deepEqual(compareKeys(before, listOf([entryOf(till, 'store'), entryOf(staff, 'staff')])).changed, [
    till.publicKey.id,
  ]);
});

test('A nonce serves once, for five minutes, on the device that gave it since it started', (t) => {
  const nonces = new Nonces();
  const first = nonces.give(1_000_000);
  t.regex(first, /^[0-9a-f]{64}$/);
  nonces.use(first, 2_000_000);
  t.throws(() => nonces.use(first, 3_000_000), { code: 'CW-IDN-011', message: /used before/ });
  const old = nonces.give(0);
  t.throws(() => nonces.use(old, 5 * 60_000_000 + 1), { code: 'CW-IDN-011', message: /over/ });
  t.notThrows(() => nonces.use(nonces.give(0), 5 * 60_000_000));
  const other = new Nonces().give(0);
  for (const wrong of [other, '', 'zz', first.slice(2), `${first}00`]) {
    t.throws(() => nonces.use(wrong, 1), { code: 'CW-IDN-011', message: /not one/ });
  }
});
