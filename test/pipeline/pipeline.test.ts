import test from 'ava';
import { boardSchema } from '#config/board.ts';
import type { PipelineState } from '#pipeline/pipeline.ts';
import { board, Cart, token } from './support.ts';

test('A scanned jar that is put in becomes a line of the basket, and its cause can be followed back', (t) => {
  const cart = new Cart().wait(2).scan(token).scan('4006381333931', ']E0').put(412_300).wait(3);
  const [scan] = cart.of('scan.read').slice(1);
  const [movement] = cart.of('movement.settled');
  const [added] = cart.of('item.added');
  const [line] = cart.of('basket.line');
  t.is(scan?.data.name, 'A jar');
  t.is(added?.data.gtin, '04006381333931');
  t.true([scan?.id, movement?.id].every((id) => id !== undefined && added?.causes?.includes(id)));
  t.deepEqual(line?.causes, [added?.id]);
  t.is(line?.data.priceMinor, 199);
  for (const event of [scan, movement, added, line]) t.is(event?.session, cart.pipeline.session);
  t.deepEqual(
    cart.events.map(({ sequence }) => sequence),
    cart.events.map((_, index) => index + 1),
  );
});

test('A thing scanned that the catalogue does not have is asked about as such, with its scan', (t) => {
  for (const code of ['4012345678901', '2700000000014']) {
    const cart = new Cart().wait(2).scan(token).scan(code, ']E0').put(412_300).wait(3);
    const scan = cart.of('scan.read')[1];
    t.regex(scan?.data.code ?? '', /^CW-(PIP-001|SCN-010)$/);
    const [question] = cart.of('item.unresolved');
    t.is(question?.data.ask, 'call-staff', code);
    t.is(question?.data.evidence.scans?.[0]?.event, scan?.id);
    t.true(question?.causes?.includes(scan?.id ?? ''));
    t.is(cart.of('item.added').length, 0);
  }
});

test('A code of a product nobody lists is published with its error code, and explains nothing', (t) => {
  const cart = new Cart()
    .wait(2)
    .scan(token)
    .scan('4012345678901', ']E0')
    .scan('4999', '')
    .put(731_000)
    .wait(3);
  const codes = cart.of('scan.read').map(({ data }) => [data.meaning, data.code]);
  t.deepEqual(codes.slice(1), [
    ['product', 'CW-PIP-001'],
    ['look-up', 'CW-PIP-001'],
  ]);
  t.is(cart.of('item.added').length, 0);
});

test('Damaged codes are published as they came, with the code of what is wrong', (t) => {
  const cart = new Cart().scan('4006381333932', ']E0').scan('', ']Q3');
  for (const { data } of cart.of('scan.read')) {
    t.is(data.meaning, 'invalid');
    t.regex(data.code ?? '', /^CW-SCN-\d{3}$/);
    t.true(data.raw instanceof Uint8Array);
  }
});

test('A token opens the basket, appears in no event and no state, and is its only key', (t) => {
  const cart = new Cart().wait(2).scan(token).wait(1);
  const [opened] = cart.of('basket.opened');
  const [scan] = cart.of('scan.read');
  t.is(opened?.data.by, 'token');
  t.deepEqual(opened?.causes, [scan?.id]);
  t.is(scan?.session, undefined);
  cart.scan(token).wait(1);
  t.is(cart.of('basket.alert').length, 0, 'the same token again changes nothing');
  cart.scan('QR-somebody-else').wait(1);
  t.deepEqual(
    cart.of('basket.alert').map(({ data }) => data),
    [{ kind: 'refused', blocking: false }],
  );
  t.is(cart.of('basket.opened').length, 1);
  const told = JSON.stringify([cart.events, cart.pipeline.saveState(), cart.pipeline.snapshot()]);
  for (const secret of [token, 'somebody-else', Buffer.from(token).toString('base64')]) {
    t.false(told.includes(secret));
  }
  const bytes = Object.values(Buffer.from(token)).join();
  t.false(JSON.stringify(cart.events.map((event) => Object.values(event.data))).includes(bytes));
});

test('While the outbox is full no session begins, by token or command, and a running one goes on', (t) => {
  const cart = new Cart().wait(1);
  const full = (value: boolean) => cart.pipeline.accept({ kind: 'capacity', atUs: cart.nowUs, full: value });
  full(true);
  cart.scan(token).wait(1);
  t.is(cart.of('basket.opened').length, 0);
  t.deepEqual(
    cart.of('basket.alert').map(({ data }) => data.kind),
    ['refused'],
  );
  const begin = { kind: 'command', atUs: cart.nowUs, command: 'session.begin', args: {} } as const;
  const refused = cart.pipeline.accept(begin);
  t.is(refused?.status === 'refused' && refused.code, 'CW-PIP-007');
  full(false);
  cart.scan(token).wait(1);
  t.is(cart.of('basket.opened').length, 1);
  full(true);
  const end = cart.pipeline.accept({ kind: 'command', atUs: cart.nowUs, command: 'session.end', args: {} });
  t.is(end?.status, 'done');
});

test('What is undecided when the session ends still belongs to its basket', (t) => {
  const cart = new Cart().wait(2).scan(token).wait(1);
  cart.massMg += 731_000;
  // Settled, but within the time in which a scan may still come.
  while (cart.of('movement.settled').length === 0) cart.wait(0.2);
  t.is(cart.of('item.unresolved').length, 0);
  const outcome = cart.command('session.end');
  t.is(outcome?.status, 'done');
  const [question] = cart.of('item.unresolved');
  const [closed] = cart.of('basket.closed');
  t.truthy(question);
  t.is(question?.session, closed?.data.session);
  t.deepEqual(closed?.data.unsettled, [question?.id]);
  t.is(closed?.data.totals.open, 1);
  cart.wait(5);
  t.is(cart.events.at(-1)?.type, 'basket.closed', 'nothing about the trip comes after its end');
});

test('Goods put in without a session raise an alert', (t) => {
  const cart = new Cart().wait(2).scan('4006381333931', ']E0').put(412_000).wait(3);
  const [alert] = cart.of('basket.alert');
  t.is(alert?.data.kind, 'no-session');
  t.deepEqual(alert?.causes, [cart.of('item.added')[0]?.id]);
});

test('Commands are refused with codes and never throw', (t) => {
  const cart = new Cart().wait(2);
  const refused = (command: string, args: Record<string, unknown>) => {
    const outcome = cart.command(command, args);
    return outcome?.status === 'refused' ? outcome.code : outcome?.status;
  };
  t.is(refused('session.end', {}), 'CW-BSK-002');
  t.is(refused('session.begin', { token: '' }), 'CW-PIP-003');
  t.is(refused('session.begin', { tokn: 'x' }), 'CW-PIP-003');
  t.is(refused('session.begin', { token: 'QR-1234' }), 'done');
  t.is(refused('session.begin', {}), 'CW-BSK-001');
  t.is(refused('item.identify', {}), 'CW-PIP-003');
  t.is(refused('item.identify', { gtin: '04006381333931', plu: '4011' }), 'CW-PIP-003');
  t.is(refused('item.identify', { plu: '4999' }), 'CW-PIP-001');
  t.is(refused('item.identify', { plu: '4011', event: 'none' }), 'CW-FUS-003');
  t.is(refused('item.identify', { plu: '4011', count: 100 }), 'CW-PIP-003');
  t.is(refused('mass.forget', {}), 'CW-PIP-003');
  t.is(refused('mass.forget', { plu: '4011', all: true }), 'CW-PIP-003');
  t.is(refused('mass.forget', { plu: '4999' }), 'CW-PIP-001');
  t.is(refused('mass.forget', { all: true }), 'done');
  t.is(refused('tare', { plate: 'rack' }), 'CW-WGH-020');
  t.is(refused('door.open', {}), 'CW-PIP-002');
  t.is(refused('session.end', {}), 'done');
});

test('Identifying a thing answers the question about it', (t) => {
  const cart = new Cart().wait(2).scan(token).put(905_000).wait(3);
  const [question] = cart.of('item.unresolved');
  t.deepEqual(cart.pipeline.snapshot()?.questions, [question?.id]);
  const outcome = cart.command('item.identify', { plu: '4011', event: question?.id });
  t.deepEqual(outcome, { status: 'done', data: { name: 'Apples' } });
  t.deepEqual(cart.pipeline.snapshot()?.questions, []);
  t.is(cart.of('basket.line')[0]?.data.priceStatus, 'estimate');
});

test('A fault of a device is told once, and its end with how long it lasted', (t) => {
  const cart = new Cart({ startUs: 1_000_000 });
  const fault = (atUs: number, more: object = {}) =>
    cart.give({
      kind: 'device-fault',
      source: 'handle',
      atUs,
      fault: { fault: 'disconnected', code: 'CW-DRV-005', message: 'gone', ...more },
    });
  fault(2_000_000);
  fault(3_000_000, { message: 'still gone' });
  fault(3_000_000, { channel: 'left' });
  fault(9_500_000, { cleared: true });
  fault(9_600_000, { cleared: true });
  t.deepEqual(
    cart.events
      .filter(({ data }) => 'source' in data && data.source === 'handle')
      .map(({ type, atUs, data }) => [type, atUs, 'lastedUs' in data ? data.lastedUs : undefined]),
    [
      ['device.fault', 2_000_000, undefined],
      ['device.fault', 3_000_000, undefined],
      ['device.recovered', 9_500_000, 7_500_000],
    ],
  );
});

test('Cells that never deliver anything are told, although nothing else ever comes in', (t) => {
  const cells = [0, 1].map((i) => ({ id: `cell-${i}`, positionMm: [i, 0], capacityMg: 10_000_000 }));
  const cart = new Cart({
    board: boardSchema.parse({
      ...board,
      plates: [{ id: 'basket', kind: 'cart', maxMg: 9_000_000, intervalMg: 5_000, cells }],
    }),
  });
  cart.give({ kind: 'clock', atUs: 5_000, utcMs: Date.UTC(2026, 6, 1), quality: 'synced' });
  cart.pipeline.advance(20_000_000);
  const missing = cart.of('device.fault').filter(({ data }) => data.fault === 'missing');
  t.true(missing.length > 0);
  t.true(missing.every(({ time }) => time > Date.UTC(2026, 6, 1)));
});

test('UTC follows the last synchronization, and is 0 while the clock is unset', (t) => {
  const utcMs = Date.UTC(2026, 10, 22, 10);
  const cart = new Cart();
  const times = () => cart.of('scan.read').map(({ atUs, time, timeQuality }) => [atUs, time, timeQuality]);
  const at = (atUs: number) => {
    cart.nowUs = atUs - 1;
    cart.scan('hello', ']Q3');
  };
  at(1_000_000);
  cart.give({ kind: 'clock', atUs: 2_000_000, utcMs, quality: 'synced' });
  at(2_000_999);
  at(3_500_000);
  cart.give({ kind: 'clock', atUs: 4_000_000, utcMs: utcMs - 60_000, quality: 'holdover' });
  at(4_001_000);
  cart.give({ kind: 'clock', atUs: 5_000_000, utcMs: 5_000, quality: 'unset' });
  at(5_500_000);
  t.deepEqual(times(), [
    [1_000_000, 0, 'unset'],
    [2_000_999, utcMs, 'synced'],
    [3_500_000, utcMs + 1_500, 'synced'],
    [4_001_000, utcMs - 60_000 + 1, 'holdover'],
    [5_500_000, 0, 'unset'],
  ]);
});

test('A sighting is published with names, and what the gallery has besides the catalogue by its key', (t) => {
  const cart = new Cart().wait(1);
  cart.give({
    kind: 'sighting',
    source: 'camera',
    plate: 'basket',
    atUs: cart.nowUs + 1,
    outcome: 'seen',
    things: [
      {
        change: 'came',
        moved: false,
        box: [100, 100, 200, 200],
        candidates: [
          { look: 'jar', probabilityPpm: 900_000 },
          { look: 'toaster', probabilityPpm: 50_000 },
        ],
        unknownPpm: 50_000,
        ambiguous: false,
      },
    ],
  });
  t.deepEqual(
    cart.of('look.seen')[0]?.data.things[0]?.candidates.map(({ gtin, name }) => [gtin, name]),
    [
      ['04006381333931', 'A jar'],
      [undefined, 'toaster'],
    ],
  );
});

test('After a restart the session goes on where it was', (t) => {
  const first = new Cart().wait(2).scan(token).scan('4006381333931', ']E0').put(412_000).wait(3);
  const state = JSON.parse(JSON.stringify(first.pipeline.saveState())) as PipelineState;
  const cart = new Cart({ startUs: 77, state });
  t.is(cart.pipeline.session, first.pipeline.session);
  t.deepEqual(cart.pipeline.snapshot()?.lines, first.pipeline.snapshot()?.lines);
  cart.massMg = 412_000;
  cart.wait(3).put(-412_000).wait(3);
  t.is(cart.of('item.removed')[0]?.data.gtin, '04006381333931');
  t.is(cart.pipeline.snapshot()?.totals.items, 0);
});
