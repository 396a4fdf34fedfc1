import test from 'ava';
import { EventPrinter } from '#cli/event-line.ts';
import type { CartEvent } from '#events/event.ts';

/** What the printer reads of an event; the rest of it does not show. */
function event(type: CartEvent['type'], data: object, source = 'demo-store/cart-0001'): CartEvent {
  const shown = {
    type,
    source,
    time: Date.UTC(2026, 0, 5, 10, 0, 0, 123),
    timeQuality: 'synced',
    atUs: 0,
    data,
  };
  return shown as unknown as CartEvent;
}

const item = {
  name: 'Uliveto Acqua Minerale Naturale effervescente in bottiglia, 1.5 l',
  count: 12,
  massMg: -18_541_000,
  probabilityPpm: 999_999,
};
const totals = { currency: 'EUR', finalMinor: 112_345, estimateMinor: 1, items: 1 };
const shown: readonly CartEvent[] = [
  event('basket.closed', { totals, unsettled: [] }),
  event('item.added', item),
  event('item.resolved', { ...item, outcome: 'added' }),
  event('item.unresolved', { kind: 'ambiguous', ask: 'choose', massMg: 1_000, candidates: [item] }),
  event('command.refused', { command: 'item.identify', code: 'CW-CMD-008', message: 'long '.repeat(40) }),
  event('device.fault', { source: 'bridge', code: 'CW-DRV-003', message: 'gone '.repeat(40) }),
  event('scan.read', { meaning: 'product', name: item.name }),
];

test('no line is wider than the terminal, whatever it has to say', (t) => {
  for (const columns of [60, 80, 99, 100, 110, 120, 200]) {
    for (const several of [false, true]) {
      const printer = new EventPrinter({ colour: false, several, columns: () => columns });
      for (const line of [printer.header(), ...shown.map((one) => printer.line(one))]) {
        t.true(line.length <= columns, `${columns} ${several}: ${line.length} ${line}`);
      }
    }
  }
});

test('a narrow terminal still shows what, how many, how heavy and how sure', (t) => {
  const printer = new EventPrinter({ colour: false, columns: () => 80 });
  t.regex(
    printer.line(event('item.added', { ...item, name: 'Bananas', count: 1 })),
    /^10:00:00 item\.added +Bananas +1 -18\.541 kg 99\.99 %$/,
  );
  const several = new EventPrinter({ colour: false, several: true, columns: () => 80 });
  t.regex(
    several.line(event('item.added', item)),
    /^10:00:00 cart-0001 +item\.added +Uliveto .*… 12 -18\.541 kg/,
  );
});

test('a device is named with its store once there are several stores', (t) => {
  const printer = new EventPrinter({ colour: false, several: true, columns: () => 120 });
  t.regex(printer.line(event('gateway.health', {})), /\.123 cart-0001 /);
  t.regex(printer.line(event('gateway.health', {}, 'other/cart-0001')), /\.123 other\/cart-0001 /);
});

test('rows say what happened in words', (t) => {
  const printer = new EventPrinter({ colour: false });
  const row = (type: CartEvent['type'], data: object) => printer.line(event(type, data));
  const { name: _name, ...nameless } = item;
  t.regex(row('command.done', { command: 'session.end', transaction: 't' }), /command\.done +session\.end/);
  t.regex(row('basket.closed', { totals, unsettled: [] }), /trip ends with 1 item /);
  t.regex(row('item.resolved', { ...nameless, outcome: 'put-back' }), /item\.resolved +taken out again /);
  t.regex(row('item.resolved', { ...nameless, massMg: 5_000, outcome: 'put-back' }), / put back in /);
  t.regex(row('item.resolved', { ...item, name: 'Bananas', outcome: 'added' }), / Bananas \(added\) /);
});

test('plain rows use the colour of the terminal itself', (t) => {
  const printer = new EventPrinter({ colour: true });
  t.false(printer.line(event('basket.closed', { totals, unsettled: [] })).includes('\u{1b}'));
  t.true(printer.line(event('item.added', item)).startsWith('\u{1b}[32m'));
});
