import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { sealRequest } from '#commands/sealed.ts';
import { CodeBook, enrolmentProof, enrolmentText, stretchCode } from '#console/codes.ts';
import { revocationPlace } from '#console/key-desk.ts';
import { openKeyList, sealKeyList } from '#identity/key-list.ts';
import { entryOf, fixedKey, freshKey, listOf } from '#test/identity/support.ts';
import { makeDesk, root, store } from './support.ts';

const topic = `cw/1/${store}/_store/keys`;
const minute = 60_000;

/** What a page sends for a code: the new key's public half, the proof, and a signature by the key. */
async function asked(code: string, key = freshKey(), forStore = store) {
  const spki = key.publicKey.spki;
  const proof = enrolmentProof(await stretchCode(code, forStore), forStore, spki);
  return [spki, proof, key.sign(enrolmentText(store, spki))] as const;
}

async function withCode(t: ExecutionContext, who = '17') {
  const made = await makeDesk(t);
  const { code } = await made.codes.issue({ role: 'technician', who }, made.time.nowMs);
  return { ...made, code };
}

test('A code enrols one key, in a list that the root key signs for this store', async (t) => {
  const { desk, code, published } = await withCode(t);
  t.regex(code, /^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$/);
  const key = freshKey();
  const done = await desk.enrol(...(await asked(code, key)));
  t.deepEqual(done, { status: 'enrolled', id: key.publicKey.id, role: 'technician', who: '17', version: 1 });
  const list = openKeyList(published[0]?.bytes ?? new Uint8Array(), topic, root.publicKey);
  t.deepEqual(
    list.keys.map(({ key: known, role, who }) => [known.id, role, who]),
    [[key.publicKey.id, 'technician', '17']],
  );
  t.is(published[0]?.topic, topic);
});

test('A P-256 key, which browsers without Ed25519 make, is enrolled too', async (t) => {
  const { desk, code } = await withCode(t);
  t.is((await desk.enrol(...(await asked(code, freshKey('ES256'))))).status, 'enrolled');
});

test('A code counts once, also where two use it at the same time', async (t) => {
  const { desk, code, codes, time } = await withCode(t);
  const both = await Promise.allSettled([
    desk.enrol(...(await asked(code))),
    desk.enrol(...(await asked(code))),
  ]);
  t.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  await t.throwsAsync(desk.enrol(...(await asked(code))), { code: 'CW-CON-005' });
  const again = await codes.issue({ role: 'technician', who: '4' }, time.nowMs);
  const key = freshKey();
  const [spki, proof] = await asked(again.code, key);
  const twice = await Promise.allSettled([1, 2].map(() => codes.redeem(spki, proof, time.nowMs)));
  t.deepEqual(twice.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
});

test('A code is valid for ten minutes and not a moment longer', async (t) => {
  const { desk, codes, time } = await makeDesk(t);
  const first = await codes.issue({ role: 'technician', who: '1' }, time.nowMs);
  const second = await codes.issue({ role: 'technician', who: '2' }, time.nowMs);
  time.nowMs += 10 * minute;
  t.is((await desk.enrol(...(await asked(first.code)))).who, '1');
  time.nowMs += 1;
  await t.throwsAsync(desk.enrol(...(await asked(second.code))), { code: 'CW-CON-005' });
});

test('A code outlives a restart of the console, and stands nowhere in what is kept', async (t) => {
  const { folder, code, time } = await withCode(t);
  const names = await readdir(join(folder, 'codes'));
  const path = join(folder, 'codes', names[0] ?? '');
  const kept = await readFile(path, 'utf8');
  t.false(kept.includes(code) || kept.includes(code.replace('-', '')));
  t.is((await stat(path)).mode & 0o777, 0o600);
  const [spki, proof] = await asked(code);
  const restarted = new CodeBook(join(folder, 'codes'), store);
  t.deepEqual(await restarted.redeem(spki, proof, time.nowMs), { role: 'technician', who: '17' });
  t.deepEqual(await readdir(join(folder, 'codes')), []);
});

test('What does not prove code and key enrols nothing, and leaves the code as it was', async (t) => {
  const { desk, code, memory } = await withCode(t);
  const key = freshKey();
  const [spki, proof, signature] = await asked(code, key);
  const other = freshKey();
  await t.throwsAsync(desk.enrol(...(await asked('0000-0000', key))), { code: 'CW-CON-005' });
  await t.throwsAsync(desk.enrol(...(await asked(code, key, 'other-store'))), { code: 'CW-CON-005' });
  await t.throwsAsync(desk.enrol(spki, proof, other.sign(enrolmentText(store, spki))), {
    code: 'CW-CON-003',
  });
  // Somebody between page and console who puts his own key in the place of hers.
  const theirs = other.publicKey.spki;
  await t.throwsAsync(desk.enrol(theirs, proof, other.sign(enrolmentText(store, theirs))), {
    code: 'CW-CON-005',
  });
  await t.throwsAsync(desk.enrol(spki, proof.subarray(1), signature), { code: 'CW-CON-005' });
  await t.throwsAsync(desk.enrol(Buffer.from('no key'), proof, signature), { code: 'CW-IDN-007' });
  t.deepEqual(memory.list.keys, []);
  t.is((await desk.enrol(spki, proof, signature)).status, 'enrolled');
});

test('Without a root key a request is written for whoever has it, and no list changes', async (t) => {
  const { desk, codes, time, folder, published, memory } = await makeDesk(t, { root: undefined });
  const { code } = await codes.issue({ role: 'operator', who: '3' }, time.nowMs);
  const key = freshKey();
  const done = await desk.enrol(...(await asked(code, key)));
  t.deepEqual(done, { status: 'requested', id: key.publicKey.id, role: 'operator', who: '3' });
  t.deepEqual([published, memory.list.keys], [[], []]);
  const path = join(folder, 'requests', key.publicKey.id);
  t.regex(await readFile(`${path}.pem.pub`, 'utf8'), /^-----BEGIN PUBLIC KEY-----/);
  t.like(JSON.parse(await readFile(`${path}.json`, 'utf8')), {
    id: key.publicKey.id,
    role: 'operator',
    who: '3',
  });
});

test('A list that is older than that of the broker is not gone on with, and the newest is published after a break', async (t) => {
  const { desk, memory, published, code } = await withCode(t);
  memory.list = listOf([entryOf(fixedKey('till'), 'till')], { version: 4 });
  desk.heard(sealKeyList(listOf([], { version: 2 }), topic, root));
  await desk.subscribed();
  t.is(openKeyList(published[0]?.bytes ?? new Uint8Array(), topic, root.publicKey).version, 4);
  await desk.subscribed();
  t.is(published.length, 1);
  desk.heard(sealKeyList(listOf([], { version: 99 }), topic, fixedKey('stranger')));
  desk.heard(new Uint8Array());
  desk.heard(sealKeyList(listOf([], { version: 7 }), topic, root));
  const refused = await t.throwsAsync(desk.enrol(...(await asked(code))), { code: 'CW-CON-007' });
  t.regex(refused?.message ?? '', /version 7.*version 4/);
  memory.list = { ...memory.list, version: 7 };
  t.is((await desk.enrol(...(await asked(code)))).version, 8);
});

test('An old list is not put over one that the broker sends a moment after the subscription', async (t) => {
  const grace = Promise.withResolvers<void>();
  const waits: number[] = [];
  const { desk, memory, published, codes, time } = await makeDesk(t, {
    wait: (ms) => {
      waits.push(ms);
      return grace.promise;
    },
  });
  const { code } = await codes.issue({ role: 'technician', who: '17' }, time.nowMs);
  memory.list = listOf([entryOf(fixedKey('lost'), 'technician')], { version: 3 });
  const done = desk.subscribed();
  const enrolled = t.throwsAsync(desk.enrol(...(await asked(code))), { code: 'CW-CON-007' });
  await new Promise((resolve) => setImmediate(resolve));
  t.deepEqual([published, waits], [[], [2_000]]);
  desk.heard(sealKeyList(listOf([], { version: 4 }), topic, root));
  await done;
  await enrolled;
  t.deepEqual(published, []);
  t.is(memory.list.version, 3);
});

test('Where the broker has no list, ours is published after a moment, and once', async (t) => {
  const grace = Promise.withResolvers<void>();
  const { desk, memory, published } = await makeDesk(t, { wait: () => grace.promise });
  memory.list = listOf([], { version: 3 });
  const done = desk.subscribed();
  await new Promise((resolve) => setImmediate(resolve));
  t.deepEqual(published, []);
  grace.resolve();
  await done;
  t.is(openKeyList(published[0]?.bytes ?? new Uint8Array(), topic, root.publicKey).version, 3);
  await desk.subscribed();
  t.is(published.length, 1);
});

test('A list that became older while it was written is not published', async (t) => {
  let desk: Awaited<ReturnType<typeof makeDesk>>['desk'] | undefined;
  const made = await makeDesk(t, {
    list: {
      read: async () => listOf([], { version: 4 }),
      writeNext: async (_before, keys) => {
        desk?.heard(sealKeyList(listOf([], { version: 5 }), topic, root));
        return listOf([...keys], { version: 5 });
      },
    },
  });
  ({ desk } = made);
  const { code } = await made.codes.issue({ role: 'technician', who: '17' }, made.time.nowMs);
  t.like(await desk.enrol(...(await asked(code))), { version: 5, published: false });
  t.deepEqual(made.published, []);
});

/** A desk whose broker is away until it is told otherwise. */
async function withoutBroker(t: ExecutionContext) {
  const broker = { isAway: true };
  const sent: Uint8Array[] = [];
  const made = await makeDesk(t, {
    publish: async (_topic, bytes) => {
      if (broker.isAway) throw new Error('away');
      sent.push(bytes);
    },
  });
  const { code } = await made.codes.issue({ role: 'technician', who: '17' }, made.time.nowMs);
  return { ...made, broker, sent, code };
}

test('A key is enrolled while the broker is away, which is told, and is published when it is back', async (t) => {
  const { desk, broker, sent, code } = await withoutBroker(t);
  t.like(await desk.enrol(...(await asked(code))), { status: 'enrolled', version: 1, published: false });
  broker.isAway = false;
  await desk.subscribed();
  t.is(openKeyList(sent[0] ?? new Uint8Array(), topic, root.publicKey).keys.length, 1);
});

test('Who did not hear the answer asks again with the same key and code, and hears it; that makes no second entry', async (t) => {
  const { desk, broker, sent, code, memory } = await withoutBroker(t);
  const mine = await asked(code);
  await desk.enrol(...mine);
  broker.isAway = false;
  const again = await desk.enrol(...mine);
  t.like(again, { status: 'enrolled', role: 'technician', who: '17', version: 1 });
  t.is(again.published, undefined);
  t.deepEqual([sent.length, memory.list.keys.length], [1, 1]);
  await t.throwsAsync(desk.enrol(...(await asked(code))), { code: 'CW-CON-005' });
  memory.list = { ...memory.list, keys: memory.list.keys.map((one) => ({ ...one, revoked: true })) };
  await t.throwsAsync(desk.enrol(...mine), { code: 'CW-CON-003' });
  const apart = await makeDesk(t, { root: undefined });
  const other = await asked((await apart.codes.issue({ role: 'staff', who: '4' }, apart.time.nowMs)).code);
  t.deepEqual(await apart.desk.enrol(...other), await apart.desk.enrol(...other));
});

const operator = fixedKey('operator');
const technician = fixedKey('technician');
const fired = fixedKey('fired');

/** A request to revoke `id`, signed by `key`. */
function revocation(
  id: string,
  key = operator,
  more: { readonly issued?: number; readonly place?: string } = {},
) {
  const issued = more.issued ?? Date.UTC(2026, 10, 23, 10);
  const request = { transaction: 'r1', issued, expires: issued + minute, args: { id } };
  return sealRequest(request, more.place ?? revocationPlace(store), key);
}

async function withKeys(t: ExecutionContext) {
  const made = await makeDesk(t);
  const entries = [
    entryOf(operator, 'operator', { who: '1' }),
    entryOf(technician, 'technician', { who: '17' }),
    entryOf(fired, 'operator', { revoked: true }),
  ];
  made.memory.list = listOf(entries, { version: 5 });
  return made;
}

test("An operator's signature revokes a key, and the list is published at once", async (t) => {
  const { desk, published } = await withKeys(t);
  const { id } = technician.publicKey;
  t.deepEqual(await desk.revoke(revocation(id)), { id, version: 6 });
  const list = openKeyList(published[0]?.bytes ?? new Uint8Array(), topic, root.publicKey);
  t.is(list.keys.find(({ key }) => key.id === id)?.revoked, true);
});

test('The same revocation, sent again, changes and publishes nothing', async (t) => {
  const { desk, published, memory } = await withKeys(t);
  const { id } = technician.publicKey;
  const signed = revocation(id);
  const first = await desk.revoke(signed);
  t.deepEqual(await desk.revoke(signed), first);
  t.deepEqual([published.length, memory.list.version], [1, 6]);
});

test('Nobody else revokes keys, and nothing that was signed for something else does', async (t) => {
  const { desk, published, time } = await withKeys(t);
  const { id } = technician.publicKey;
  const cases: readonly [string, Uint8Array][] = [
    ['CW-CON-008', revocation(operator.publicKey.id, technician)],
    ['CW-IDN-002', revocation(id, fixedKey('stranger'))],
    ['CW-IDN-004', revocation(id, fired)],
    ['CW-IDN-003', revocation(id, operator, { place: `cw/1/${store}/cart-0001/request/log/level` })],
    ['CW-IDN-003', revocation(id, operator, { place: revocationPlace('other-store') })],
    ['CW-CON-003', revocation(id, operator, { issued: time.nowMs - 6 * minute })],
    ['CW-CON-003', revocation(id, operator, { issued: time.nowMs + 6 * minute })],
    ['CW-CON-003', revocation('00'.repeat(16))],
    ['CW-CON-003', revocation('no id')],
    ['CW-IDN-001', Buffer.from('nothing')],
  ];
  for (const [code, bytes] of cases) await t.throwsAsync(desk.revoke(bytes), { code }, code);
  t.deepEqual(published, []);
});

test('Without a root key nothing is revoked here', async (t) => {
  const { desk, memory } = await makeDesk(t, { root: undefined });
  memory.list = listOf([entryOf(operator, 'operator'), entryOf(technician, 'technician')], { version: 5 });
  await t.throwsAsync(desk.revoke(revocation(technician.publicKey.id)), { code: 'CW-CON-007' });
});
