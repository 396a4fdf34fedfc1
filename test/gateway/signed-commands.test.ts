import anyTest, { type ExecutionContext, type TestFn } from 'ava';
import { commandRules } from '#commands/rules.ts';
import { calibrationHandlers } from '#gateway/calibration-handlers.ts';
import { makeHandlers } from '#gateway/handlers.ts';
import { machineHandlers } from '#gateway/machine-handlers.ts';
import { updateHandlers } from '#gateway/update-handlers.ts';
import { entryOf, fixedKey, listOf } from '#test/identity/support.ts';
import { DeskBench } from './desk-bench.ts';

const test = anyTest as TestFn<{ bench: DeskBench }>;

const keys = {
  staff: fixedKey('staff'),
  till: fixedKey('till'),
  store: fixedKey('store'),
  technician: fixedKey('technician'),
  revoked: fixedKey('revoked'),
  over: fixedKey('over'),
  future: fixedKey('future'),
  stranger: fixedKey('stranger'),
};
const day = (number: number) => Date.UTC(2026, 10, number);
const entries = [
  entryOf(keys.staff, 'staff', { who: '17' }),
  entryOf(keys.till, 'till'),
  entryOf(keys.store, 'store'),
  entryOf(keys.technician, 'technician'),
  entryOf(keys.revoked, 'staff', { revoked: true }),
  entryOf(keys.over, 'staff', { validTo: day(20) }),
  entryOf(keys.future, 'staff', { validFrom: day(25) }),
];

test.beforeEach(async (t) => {
  t.context.bench = await DeskBench.open(entries);
});

test.afterEach.always((t) => t.context.bench.remove());

test('A signed command by a key of the role is carried out, and its answer names the key', async (t) => {
  const { bench } = t.context;
  const answer = await bench.send({}, keys.staff);
  t.is(answer.status, 'done');
  t.is(answer.key, keys.staff.publicKey.id);
  t.is(bench.runs, 1);
  await bench.audit();
  t.deepEqual(bench.types().slice(0, 2), ['command.done', 'audit.recorded']);
  t.deepEqual(bench.events[0]?.data, {
    command: 'line.void',
    transaction: 't1',
    actor: keys.staff.publicKey.id,
  });
});

/** Refused with this code, nothing done, and on record in ledger and audit log. */
async function refused(t: ExecutionContext<{ bench: DeskBench }>, answer: { code?: unknown }, code: string) {
  const { bench } = t.context;
  t.is(answer.code, code);
  t.is(bench.runs, 0);
  t.is(bench.revision, 5);
  t.true(
    bench.events.some(
      ({ type, data }) => type === 'command.refused' && (data as { code: string }).code === code,
    ),
  );
  const { facts, problems } = await bench.audit();
  t.deepEqual(problems, []);
  return facts;
}

const recorded = (facts: readonly { readonly code?: unknown }[], code: string) =>
  facts.filter((one) => one.code === code).length;

test('Whoever may not command is refused, each for a reason with its own code, on record, and nothing is changed', async (t) => {
  const { bench } = t.context;
  const elsewhere = 'cw/1/test-store/cart-0002/request/line/void';
  const cases: readonly [string, () => Promise<{ code?: unknown }>][] = [
    ['CW-CMD-010', () => bench.send({})],
    ['CW-CMD-011', () => bench.send({}, keys.technician)],
    ['CW-CMD-011', () => bench.send({ command: 'checkout.settle', args: {} }, keys.staff)],
    [
      'CW-CMD-012',
      () => bench.send({ args: { line: 1, why: 'x', by: { role: 'till', who: '17' } } }, keys.staff),
    ],
    [
      'CW-CMD-012',
      () => bench.send({ args: { line: 1, why: 'x', by: { role: 'staff', who: '4' } } }, keys.staff),
    ],
    ['CW-IDN-001', () => bench.sendBytes(Uint8Array.of(0xd2, 0x84, 0x40))],
    ['CW-IDN-002', () => bench.send({}, keys.stranger)],
    ['CW-IDN-003', () => bench.send({ topic: elsewhere }, keys.staff)],
    ['CW-IDN-003', () => bench.send({ topic: bench.topic('item.override') }, keys.staff)],
    ['CW-IDN-004', () => bench.send({}, keys.revoked)],
    ['CW-IDN-005', () => bench.send({}, keys.over)],
    ['CW-IDN-006', () => bench.send({}, keys.future)],
  ];
  for (const [code, send] of cases) {
    const answer = await send();
    const facts = await refused(t, answer, code);
    t.true(recorded(facts, code) > 0, code);
    t.is(
      'key' in answer && answer.key !== undefined,
      code.startsWith('CW-CMD-011') || code === 'CW-CMD-012',
      code,
    );
  }
  t.true((await bench.audit()).facts.every(({ what }) => what === 'command.refused'));
});

test('A signed command that is over, retained or too large is refused, and changes nothing', async (t) => {
  const { bench } = t.context;
  const now = bench.clock.utcMs();
  await refused(t, await bench.send({ issued: now - 9_000, expires: now - 1 }, keys.staff), 'CW-CMD-003');
  await refused(t, await bench.send({ retained: true }, keys.staff), 'CW-CMD-004');
  const args = { line: 1, why: 'x'.repeat(70_000) };
  await refused(t, await bench.send({ args }, keys.staff), 'CW-CMD-001');
});

test('The same signed command sent again is answered again and carried out once, also after a restart', async (t) => {
  const { bench } = t.context;
  const first = await bench.send({}, keys.staff);
  t.deepEqual(await bench.send({}, keys.staff), first);
  await bench.restart();
  t.deepEqual(await bench.send({}, keys.staff), first);
  t.is(bench.runs, 1);
  t.is((await bench.audit()).facts.length, 1);
  t.is((await bench.send({ args: { line: 2, why: 'damaged' } }, keys.staff)).code, 'CW-CMD-005');
  t.is((await bench.send({ args: { line: 1, why: 'damaged' } }, keys.till)).code, 'CW-CMD-005');
  bench.clock.advance(61_000_000);
  t.is(bench.runs, 1);
});

test('Commands in another order than they were signed in are each carried out once', async (t) => {
  const { bench } = t.context;
  for (const transaction of ['t3', 't1', 't2', 't3', 't1']) {
    t.is((await bench.send({ transaction }, keys.staff)).status, 'done');
  }
  t.is(bench.runs, 3);
  t.deepEqual(
    (await bench.audit()).facts.map(({ transaction }) => transaction),
    ['t3', 't1', 't2'],
  );
});

test('A bad copy of a request that was carried out is not answered in its name', async (t) => {
  const { bench } = t.context;
  await bench.send({}, keys.staff);
  const answers = [
    await bench.send({}),
    await bench.send({}, keys.stranger),
    await bench.send({ topic: bench.topic('line.dispute') }, keys.staff),
  ];
  for (const { transaction, status, key } of answers) {
    t.deepEqual([transaction, status, key], ['', 'refused', undefined]);
  }
  t.is((await bench.send({ transaction: 't2' }, keys.stranger)).transaction, 't2');
});

test('What the key says of who asks goes into the command, where the sender leaves it out', async (t) => {
  const { bench } = t.context;
  const by = async (args: object, key: Parameters<DeskBench['send']>[1], transaction: string) =>
    (await bench.send({ args: { line: 1, why: 'x', ...args }, transaction }, key)).data?.by;
  t.deepEqual(await by({}, keys.staff, 'a'), { role: 'staff', who: '17' });
  t.deepEqual(await by({ by: { role: 'staff' } }, keys.staff, 'b'), { role: 'staff', who: '17' });
  t.deepEqual(await by({ by: { role: 'till', who: '3' } }, keys.till, 'c'), { role: 'till', who: '3' });
  const answer = await bench.send(
    { command: 'item.answer', args: { by: { role: 'shopper' } }, transaction: 'd' },
    keys.store,
  );
  t.deepEqual(answer.data?.by, { role: 'shopper' });
});

test('While the clock is unset, a signed command needs a nonce of this device, which serves once', async (t) => {
  const { bench } = t.context;
  bench.trusted = false;
  t.is((await bench.send({}, keys.staff)).code, 'CW-CMD-013');
  const { data } = await bench.send({ command: 'gateway.nonce', args: {}, transaction: 'n' });
  const nonce = String(data?.nonce);
  t.is((await bench.send({ nonce: 'ab'.repeat(32) }, keys.staff)).code, 'CW-IDN-011');
  t.is((await bench.send({ nonce }, keys.technician)).code, 'CW-CMD-011');
  const done = await bench.send({ nonce }, keys.staff);
  t.is(done.status, 'done');
  t.deepEqual(await bench.send({ nonce }, keys.staff), done);
  t.is((await bench.send({ nonce, transaction: 't2' }, keys.staff)).code, 'CW-IDN-011');
  t.is(bench.runs, 1);
  await bench.restart();
  t.is((await bench.send({ nonce, transaction: 't3' }, keys.staff)).code, 'CW-IDN-011');
});

test('A key that is revoked signs nothing from then on, not even what it signed before', async (t) => {
  const { bench } = t.context;
  t.is((await bench.send({}, keys.staff)).status, 'done');
  bench.ring.set('store', listOf([entryOf(keys.staff, 'staff', { revoked: true })]));
  t.is((await bench.send({ transaction: 't2' }, keys.staff)).code, 'CW-IDN-004');
  t.is((await bench.send({}, keys.staff)).code, 'CW-IDN-004');
  t.is(bench.runs, 1);
});

test('On loopback unsigned commands are taken, and signatures have to hold all the same', async (t) => {
  for (const url of ['mqtt://127.0.0.1:1883', 'mqtt://localhost', 'mqtt://[::1]:1883']) {
    const bench = await DeskBench.open(entries, url);
    t.is((await bench.send({})).status, 'done', url);
    t.is((await bench.send({ transaction: 't2' }, keys.stranger)).code, 'CW-IDN-002');
    t.is((await bench.send({ transaction: 't3' }, keys.technician)).code, 'CW-CMD-011');
    t.is((await bench.audit()).facts[0]?.from, 'unsigned');
    t.false(bench.desk.mustSign);
    await bench.remove();
  }
  for (const url of ['mqtt://10.0.0.7', 'mqtts://127.0.0.1.example', 'mqtt://1270.0.0.1']) {
    const bench = await DeskBench.open(entries, url);
    t.true(bench.desk.mustSign, url);
    await bench.remove();
  }
});

test('Without any key the refusal says how to begin', async (t) => {
  const bench = await DeskBench.open([]);
  const { code, message } = await bench.send({});
  t.is(code, 'CW-CMD-010');
  t.regex(message ?? '', /key make.*commands\.keysFile/s);
  await bench.remove();
});

test('The pages of this machine command without a signature', async (t) => {
  const { bench } = t.context;
  const now = bench.clock.utcMs();
  const request = {
    transaction: 'display-1',
    issued: now,
    expires: now + 1_000,
    args: { line: 1, why: 'x' },
  };
  const answer = await bench.desk.desk.handle({ command: 'line.void', request, retained: false });
  t.is(answer.status, 'done');
  t.is((await bench.audit()).facts[0]?.from, 'this-machine');
});

test('A record says who did what and why, and what was before and after', async (t) => {
  const { bench } = t.context;
  await bench.send({}, keys.staff);
  const { facts, problems } = await bench.audit();
  t.deepEqual(problems, []);
  const { what, key, role, who, transaction, cause, before, after, args } = facts[0] ?? {};
  t.deepEqual(
    { what, key, role, who, transaction, cause, before, after },
    {
      what: 'line.void',
      key: keys.staff.publicKey.id,
      role: 'staff',
      who: '17',
      transaction: 't1',
      cause: 'damaged',
      before: { revision: 5 },
      after: { revision: 6 },
    },
  );
  t.deepEqual(args, { line: 1, why: 'damaged', by: { role: 'staff', who: '17' } });
});

test('Wherever power is cut, a deed has exactly one record, and without the deed there is none', async (t) => {
  for (let writes = 0; writes <= 4; writes++) {
    const bench = await DeskBench.open(entries);
    bench.writesLeft = writes;
    const done = bench.send({}, keys.staff).then(() => bench.auditor.flush());
    await Promise.race([done, bench.cut.promise]);
    const wasDone = bench.state.basket !== undefined;
    t.is(wasDone, writes > 0);
    // The log's own bytes may be ahead of what is stored of it, never behind.
    bench.auditor = await cutOff(bench);
    const { facts, problems } = await bench.audit();
    t.deepEqual(problems, [], `${writes} writes`);
    t.is(facts.length, wasDone ? 1 : 0, `${writes} writes`);
    t.deepEqual(
      Object.keys(bench.state).filter((name) => name.startsWith('audit/pending')),
      [],
    );
    await bench.remove();
  }
});

/** What waits for the old disk waits for ever; a new auditor begins on what is there. */
async function cutOff(bench: DeskBench): Promise<DeskBench['auditor']> {
  bench.auditor = { flush: () => Promise.resolve() } as DeskBench['auditor'];
  await bench.restart();
  return bench.auditor;
}

test('A flood of bad requests is on record in part, and how many were left out as well', async (t) => {
  const { bench } = t.context;
  for (let number = 0; number < 100; number++) await bench.send({ transaction: `f${number}` }, keys.stranger);
  t.is((await bench.audit()).facts.length, 30);
  bench.clock.advance(61_000_000);
  await bench.send({ transaction: 'last' }, keys.stranger);
  const { facts } = await bench.audit();
  t.is(facts.length, 31);
  t.is(facts.at(-1)?.unrecordedBefore, 70);
});

test('Questions without end do not keep out a command', async (t) => {
  const { bench } = t.context;
  for (let number = 0; number < 4_200; number++) {
    const answer = await bench.send({ command: 'gateway.nonce', args: {}, transaction: `q${number}` });
    if (answer.status !== 'done') t.fail(answer.code);
  }
  t.is((await bench.send({}, keys.staff)).status, 'done');
});

test('Every command of the gateway has a rule of who may sign it, and every rule is of a command', (t) => {
  const calibration = calibrationHandlers({} as Parameters<typeof calibrationHandlers>[0]);
  const machine = machineHandlers({} as Parameters<typeof machineHandlers>[0]);
  const updates = updateHandlers({} as Parameters<typeof updateHandlers>[0], async () => {});
  const handlers = makeHandlers({ calibration, machine, updates } as Parameters<typeof makeHandlers>[0]);
  t.deepEqual(Object.keys(commandRules).sort(), [...handlers.keys()].sort());
});
