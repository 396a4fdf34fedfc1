import { createHash } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import type { PlainMap } from '#events/fields.ts';
import { entryOf, fixedKey } from '#test/identity/support.ts';
import { ScaleShop, type Sent } from './scale-shop.ts';

const technician = fixedKey('technician');
const colleague = fixedKey('colleague');
const staff = fixedKey('staff');
const stranger = fixedKey('stranger');
const entries = [
  entryOf(technician, 'technician', { who: '17' }),
  entryOf(colleague, 'technician', { who: '18' }),
  entryOf(staff, 'staff', { who: '4' }),
];
const weights = [
  { id: 'a', massMg: 10_000_000, class: 'M1' },
  { id: 'b', massMg: 5_000_000, class: 'M1' },
  { id: 'c', massMg: 4_000_000, class: 'M1' },
];
const corners = {
  'cell-fl': [-198, 297],
  'cell-fr': [198, 297],
  'cell-rl': [-198, -297],
  'cell-rr': [198, -297],
} as const;

async function shopOf(t: ExecutionContext): Promise<ScaleShop> {
  const shop = await ScaleShop.open(entries);
  t.teardown(() => shop.remove());
  await shop.pass(5);
  return shop;
}

/** Sends as the technician and expects it to be done. */
async function done(t: ExecutionContext, shop: ScaleShop, command: string, args: PlainMap, sent?: Sent) {
  const answer = await shop.send(command, args, technician, sent);
  t.is(answer.status, 'done', `${command}: ${answer.code} ${answer.message}`);
  return answer.data ?? {};
}

const status = async (t: ExecutionContext, shop: ScaleShop) => await done(t, shop, 'calibration.status', {});

async function begin(t: ExecutionContext, shop: ScaleShop, leaseS = 600): Promise<string> {
  const { revision = 0 } = await status(t, shop);
  const data = await done(t, shop, 'calibration.begin', {
    plates: ['basket'],
    expected: revision,
    weights,
    leaseS,
  });
  return String(data.session);
}

const on = (session: string) => ({ session, plate: 'basket' });

/** Zero, two loads, the corners. */
async function measure(t: ExecutionContext, shop: ScaleShop, session: string): Promise<void> {
  await shop.put(0);
  await done(t, shop, 'calibration.zero', on(session));
  for (const [massMg, ids] of [
    [10_000_000, ['a']],
    [14_000_000, ['a', 'c']],
  ] as const) {
    await shop.put(massMg);
    await done(t, shop, 'calibration.load', { ...on(session), massMg, weights: [...ids] });
  }
  for (const [cell, at] of Object.entries(corners)) {
    await shop.put(4_000_000, at);
    await done(t, shop, 'calibration.load', { ...on(session), massMg: 4_000_000, at: cell, weights: ['c'] });
  }
}

async function fitAndVerify(t: ExecutionContext, shop: ScaleShop, session: string): Promise<string> {
  const { candidate } = (await done(t, shop, 'calibration.fit', on(session))) as {
    candidate?: { hash: string };
  };
  await shop.put(5_000_000);
  const { verification } = (await done(t, shop, 'calibration.verify', {
    ...on(session),
    massMg: 5_000_000,
    weights: ['b'],
  })) as { verification?: { passed: boolean; errorMg: number } };
  t.log(`5 kg of other weights: ${verification?.errorMg} mg`);
  t.true(verification?.passed);
  return candidate?.hash ?? '';
}

test('A plate is calibrated by signed commands, weighs by it at once, and the ledger, the audit log and the revisions agree', async (t) => {
  const shop = await shopOf(t);
  const session = await begin(t, shop);
  t.true(shop.running.loop.pipeline.weigher.status('basket').grossMg !== undefined);
  await measure(t, shop, session);
  const candidate = await fitAndVerify(t, shop, session);
  const committed = await done(t, shop, 'calibration.commit', { session, candidate, expected: 1 });
  t.is(committed.revision, 2);
  await shop.pass(5);
  const { grossMg = 0 } = shop.running.loop.pipeline.weigher.status('basket');
  t.true(Math.abs(grossMg - 5_000_000) <= 2_500, `${grossMg} mg of 5 kg`);
  const told = shop.types().filter((type) => type.startsWith('calibration.'));
  t.deepEqual(told, [
    'calibration.committed',
    'calibration.begun',
    'calibration.committed',
    'calibration.ended',
  ]);
  t.false(
    shop.types().some((type) => type.startsWith('item.')),
    'test weights are nobody’s purchase',
  );
  t.deepEqual(await shop.auditProblems(), []);
  const { revisions } = (await done(t, shop, 'calibration.list', {})) as { revisions?: readonly PlainMap[] };
  t.deepEqual(
    revisions?.map(({ revision, cause }) => [revision, cause]),
    [
      [2, 'calibrate'],
      [1, 'import'],
    ],
  );
  const { report } = await done(t, shop, 'calibration.report', {});
  t.like(JSON.parse(String(report)), {
    purpose: 'calibrate',
    by: { who: '17' },
    calibration: { revision: 2 },
  });
  t.is((await status(t, shop)).session, undefined);
});

test('A step that somebody takes against what is read needs his reason, which the report and the audit log keep', async (t) => {
  const shop = await shopOf(t);
  const session = await begin(t, shop);
  await measure(t, shop, session);
  const candidate = await fitAndVerify(t, shop, session);
  const corner = { ...on(session), massMg: 5_000_000, weights: ['b'], at: 'cell-fl' };
  const step = { ...corner, test: 'eccentricity' };
  for (const [name, args] of [
    ['calibration.verify', corner],
    ['calibration.test', step],
  ] as const) {
    const refused = await shop.send(name, args, technician);
    t.regex(String(refused.message), /\(force\)/, 'it lies at the centre');
  }
  await done(t, shop, 'calibration.test', { ...step, force: 'the tray hangs' });
  await done(t, shop, 'calibration.commit', { session, candidate, expected: 1 });
  const { report } = await done(t, shop, 'calibration.report', {});
  t.regex(String(report), /CW-CAL-075[^}]*because: the tray hangs/);
  t.regex(await shop.auditLines(), /forced[^}]*basket[^}]*CW-CAL-075[^}]*because: the tray hangs/);
});

test('While one technician calibrates another is told who, and how long; a session that nobody goes on with ends, and the scale is as it was', async (t) => {
  const shop = await shopOf(t);
  const session = await begin(t, shop, 30);
  await shop.put(0);
  await done(t, shop, 'calibration.zero', on(session));
  const other = await shop.send('calibration.begin', { plates: ['basket'], expected: 1 }, colleague);
  t.is(other.code, 'CW-CAL-171');
  t.regex(String(other.message), /technician 17/);
  t.is((await shop.send('calibration.zero', on(session), colleague)).code, 'CW-CAL-171');
  t.is((await shop.send('calibration.abort', { session }, colleague)).code, 'CW-CAL-171');
  await done(t, shop, 'calibration.renew', { session });
  await shop.pass(25);
  t.is(((await status(t, shop)).session as PlainMap | undefined)?.session, session);
  await shop.pass(10);
  t.is((await status(t, shop)).session, undefined);
  t.like(
    shop.events.findLast(({ type }) => type === 'calibration.ended'),
    {
      data: { session, outcome: 'expired', revision: 1 },
    },
  );
  t.is(
    (await shop.send('calibration.load', { ...on(session), massMg: 10_000_000 }, technician)).code,
    'CW-CAL-172',
  );
  const next = await shop.send('calibration.begin', { plates: ['basket'], expected: 1 }, colleague);
  t.is(next.status, 'done', String(next.message));
});

test('A session ends without a change when it is aborted, and its plates are the shop’s again', async (t) => {
  const shop = await shopOf(t);
  const session = await begin(t, shop);
  await measure(t, shop, session);
  await fitAndVerify(t, shop, session);
  await done(t, shop, 'calibration.abort', { session, why: 'lunch' });
  t.is((await status(t, shop)).revision, 1);
  const early = await shop.send('session.begin', { token: 'QR-1234' }, staff);
  t.is(early.code, 'CW-PIP-012', 'the weights are still on it');
  await shop.put(0);
  await shop.pass(2);
  const trip = await shop.send('session.begin', { token: 'QR-1234' }, staff);
  t.is(trip.status, 'done', String(trip.message));
});

test('No calibration begins while a shopper is there', async (t) => {
  const shop = await shopOf(t);
  await shop.send('session.begin', { token: 'QR-1234' }, staff);
  const answer = await shop.send('calibration.begin', { plates: ['basket'], expected: 1 }, technician);
  t.is(answer.code, 'CW-PIP-011');
  t.is((await status(t, shop)).session, undefined);
});

test('A command that comes twice is answered once; out of order, retained, expired, wrongly signed or by the wrong role it is refused and changes nothing', async (t) => {
  const shop = await shopOf(t);
  const session = await begin(t, shop);
  await shop.put(0);
  await done(t, shop, 'calibration.zero', on(session), { transaction: 'zero-1' });
  const steps = async () =>
    ((await status(t, shop)).session as { plates: { basket: { steps: number } } }).plates.basket.steps;
  t.is(await steps(), 1);
  await done(t, shop, 'calibration.zero', on(session), { transaction: 'zero-1' });
  t.is(await steps(), 1, 'the same transaction');
  const load = { ...on(session), massMg: 10_000_000, weights: ['a'] };
  const refusals: readonly (readonly [string, Promise<{ readonly code?: unknown }>])[] = [
    ['CW-CAL-012', shop.send('calibration.verify', load, technician)],
  ];
  for (const [code, sent] of refusals) t.is((await sent).code, code);
  const now = shop.clock.utcMs();
  t.is((await shop.send('calibration.load', load, technician, { transaction: 'zero-1' })).code, 'CW-CMD-005');
  t.is((await shop.send('calibration.load', load, technician, { retained: true })).code, 'CW-CMD-004');
  t.is(
    (await shop.send('calibration.load', load, technician, { issued: now - 60_000, expires: now - 1 })).code,
    'CW-CMD-003',
  );
  t.is((await shop.send('calibration.load', load)).code, 'CW-CMD-010');
  t.is((await shop.send('calibration.load', load, stranger)).code, 'CW-IDN-002');
  t.is(
    (await shop.send('calibration.load', load, technician, { signedFor: 'calibration.zero' })).code,
    'CW-IDN-003',
  );
  t.is((await shop.send('calibration.load', load, staff)).code, 'CW-CMD-011');
  t.is(await steps(), 1);
  t.deepEqual(await shop.auditProblems(), []);
});

test('A commit that is repeated after a restart is answered as it was, and changes nothing', async (t) => {
  const shop = await shopOf(t);
  const session = await begin(t, shop);
  await measure(t, shop, session);
  const candidate = await fitAndVerify(t, shop, session);
  const args = { session, candidate, expected: 1 };
  const first = await done(t, shop, 'calibration.commit', args, { transaction: 'commit-1' });
  shop.cut();
  await shop.start();
  const again = await done(t, shop, 'calibration.commit', args, { transaction: 'commit-1' });
  t.deepEqual([again.revision, again.session], [first.revision, first.session]);
  t.is((await shop.send('calibration.commit', args, technician)).code, 'CW-CAL-172');
  t.is((await status(t, shop)).revision, 2);
  t.is(shop.types().filter((type) => type === 'calibration.committed').length, 2);
  t.deepEqual(await shop.auditProblems(), []);
});

test('After a power loss in any state the session goes on, zero is asked for again, and the commit is as good', async (t) => {
  const shop = await shopOf(t);
  const session = await begin(t, shop);
  const lose = async () => {
    shop.cut();
    await shop.pass(20);
    await shop.start();
    await shop.pass(3);
    const { session: view } = (await status(t, shop)) as { session?: { session: string } };
    t.is(view?.session, session);
    await done(t, shop, 'calibration.resume', { session });
  };
  await lose();
  await shop.put(0);
  await done(t, shop, 'calibration.zero', on(session));
  await lose();
  await shop.put(10_000_000);
  const load = { ...on(session), massMg: 10_000_000, weights: ['a'] };
  t.is((await shop.send('calibration.load', load, technician)).code, 'CW-CAL-019');
  await measure(t, shop, session);
  await lose();
  await shop.put(0);
  await done(t, shop, 'calibration.zero', on(session));
  const candidate = await fitAndVerify(t, shop, session);
  await lose();
  const early = await shop.send('calibration.commit', { session, candidate, expected: 1 }, technician);
  t.is(early.code, 'CW-CAL-019');
  await shop.put(0);
  await done(t, shop, 'calibration.zero', on(session));
  const again = await fitAndVerify(t, shop, session);
  const { revision } = await done(t, shop, 'calibration.commit', { session, candidate: again, expected: 1 });
  t.is(revision, 2);
  await shop.pass(3);
  const { grossMg = 0 } = shop.running.loop.pipeline.weigher.status('basket');
  t.true(Math.abs(grossMg - 5_000_000) <= 2_500, `${grossMg} mg of 5 kg`);
  t.deepEqual(await shop.auditProblems(), []);
});

test('An earlier revision is brought back as a new one', async (t) => {
  const shop = await shopOf(t);
  const session = await begin(t, shop);
  await measure(t, shop, session);
  const candidate = await fitAndVerify(t, shop, session);
  await done(t, shop, 'calibration.commit', { session, candidate, expected: 1 });
  const wrong = await shop.send(
    'calibration.rollback',
    { revision: 1, expected: 1, why: 'it was better' },
    technician,
  );
  t.is(wrong.code, 'CW-CAL-113');
  const back = await done(t, shop, 'calibration.rollback', {
    revision: 1,
    expected: 2,
    why: 'it was better',
  });
  t.is(back.revision, 3);
  t.like(
    shop.events.findLast(({ type }) => type === 'calibration.committed'),
    {
      data: { revision: 3, previous: 2, cause: 'rollback', from: 1, calibrationCounter: 3 },
    },
  );
  const { calibration } = await done(t, shop, 'calibration.show', { revision: 3 });
  const { calibration: first } = await done(t, shop, 'calibration.show', { revision: 1 });
  const platesOf = (text: unknown) => (JSON.parse(String(text)) as { plates: object }).plates;
  t.deepEqual(platesOf(calibration), platesOf(first));
});

test('Weights that are taken off after the commit are nobody’s purchase, and then the cart is in use again', async (t) => {
  const shop = await shopOf(t);
  const session = await begin(t, shop);
  await measure(t, shop, session);
  const candidate = await fitAndVerify(t, shop, session);
  await done(t, shop, 'calibration.commit', { session, candidate, expected: 1 });
  await shop.pass(3);
  await shop.put(0);
  await shop.pass(5);
  t.false(shop.types().some((type) => type.startsWith('item.')));
  const trip = await shop.send('session.begin', { token: 'QR-1234' }, staff);
  t.is(trip.status, 'done', String(trip.message));
});

test('A commit that is refused keeps the session with all that was measured', async (t) => {
  const shop = await shopOf(t);
  const session = await begin(t, shop);
  await measure(t, shop, session);
  const candidate = await fitAndVerify(t, shop, session);
  const wrong = await shop.send(
    'calibration.commit',
    { session, candidate: 'another', expected: 1 },
    technician,
  );
  t.is(wrong.code, 'CW-CAL-014');
  const outdated = await shop.send('calibration.commit', { session, candidate, expected: 7 }, technician);
  t.is(outdated.code, 'CW-CAL-015');
  const { revision } = await done(t, shop, 'calibration.commit', { session, candidate, expected: 1 });
  t.is(revision, 2);
});

test('Of a commit and an abort at the same time one is done and the other refused, and the ledger tells which', async (t) => {
  const shop = await shopOf(t);
  const session = await begin(t, shop);
  await measure(t, shop, session);
  const candidate = await fitAndVerify(t, shop, session);
  const [committed, aborted] = await Promise.all([
    shop.send('calibration.commit', { session, candidate, expected: 1 }, technician),
    shop.send('calibration.abort', { session }, technician),
  ]);
  t.deepEqual([committed.status, aborted.status], ['done', 'refused']);
  t.is(aborted.code, 'CW-CAL-172');
  const ends = shop.events.filter(({ type }) => type === 'calibration.ended');
  t.deepEqual(
    ends.map(({ data }) => (data as { outcome: string }).outcome),
    ['committed'],
  );
  t.is((await status(t, shop)).revision, 2);
});

test('An abort cuts a step short that waits for rest', async (t) => {
  const shop = await shopOf(t);
  const session = await begin(t, shop);
  await shop.put(0);
  const [zero, aborted] = await Promise.all([
    shop.send('calibration.zero', on(session), technician),
    shop.send('calibration.abort', { session }, technician),
  ]);
  t.deepEqual([zero.code, aborted.status], ['CW-CAL-172', 'done']);
  t.is(shop.state['calibration/session'], undefined);
});

test('While a technician works on a plate nobody else gives it back to the shop, nor brings an earlier revision in force', async (t) => {
  const shop = await shopOf(t);
  const session = await begin(t, shop);
  const given = await shop.send('maintenance.end', { plates: ['basket'] }, staff);
  t.is(given.status, 'refused');
  const back = await shop.send(
    'calibration.rollback',
    { revision: 1, expected: 1, why: 'mine is better' },
    colleague,
  );
  t.is(back.code, 'CW-CAL-171');
  t.is(((await status(t, shop)).session as PlainMap | undefined)?.session, session);
});

test('A plate that was cut off between its maintenance and its session is in use again after the start', async (t) => {
  const shop = await shopOf(t);
  await begin(t, shop);
  // As though the write of the session had not been reached.
  shop.cut();
  delete shop.state['calibration/session'];
  await shop.start();
  await shop.pass(5);
  const trip = await shop.send('session.begin', { token: 'QR-1234' }, staff);
  t.is(trip.status, 'done', String(trip.message));
});

test('A verification is finished with its verdict and the hash of its report on record', async (t) => {
  const shop = await shopOf(t);
  const begun = await done(t, shop, 'calibration.begin', {
    plates: ['basket'],
    expected: 1,
    purpose: 'verify',
    weights,
  });
  const session = String(begun.session);
  await shop.put(0);
  await done(t, shop, 'calibration.zero', on(session));
  for (const massMg of [5_000_000, 10_000_000]) {
    await shop.put(massMg);
    const test = { ...on(session), test: 'linearity', massMg, weights: [massMg === 5_000_000 ? 'b' : 'a'] };
    await done(t, shop, 'calibration.test', test);
  }
  const finished = await done(t, shop, 'calibration.finish', { session });
  t.is(finished.verdict, 'incomplete', 'two loads are no whole test of linearity');
  const { report } = await done(t, shop, 'calibration.report', { session });
  t.is(createHash('sha256').update(String(report)).digest('hex'), String(finished.sha256));
  t.like(
    shop.events.findLast(({ type }) => type === 'calibration.ended'),
    { data: { outcome: 'verified' } },
  );
  const other = await shop.send('calibration.report', { session: 'another' }, technician);
  t.is(other.code, 'CW-CAL-172');
});
