import test from 'ava';
import { CellRows, cellTable, Noise, PlateRows, plateTable, Screen } from '#cli/live-table.ts';

const message = (counts: number, massMg?: number) => ({
  atUs: 0,
  cells: [
    {
      cell: 'cell-fr',
      counts: 84_000 + counts,
      device: 'bridge',
      channel: 1,
      ratePerMinute: 4_800,
      ...(massMg === undefined ? {} : { massMg }),
    },
    { cell: 'cell-fl', counts: -5, device: 'bridge', channel: 0, ratePerMinute: 600, fault: 'stuck' },
  ],
  silent: [{ cell: 'cell-rl', device: 'bridge', channel: 2, fault: 'missing' }],
});

test('cells are told by channel, with counts, noise, mass and fault; silent ones are not left out', (t) => {
  const rows = new CellRows();
  let table: string[] = [];
  for (let i = 0; i < 10; i++) table = cellTable(rows.take(message(i % 2 === 0 ? 1 : -1, 1_234_500)));
  t.deepEqual(table, [
    'device  ch  cell        counts   noise        mass    noise    rate  fault',
    'bridge   0  cell-fl         -5     0.0                       10.0/s  stuck',
    'bridge   1  cell-fr      83999     1.1    1234.5 g   0.00 g  80.0/s',
    'bridge   2  cell-rl          -                                       missing',
  ]);
});

test('a gateway that tells no more than counts is shown as well', (t) => {
  t.deepEqual(cellTable(new CellRows().take({ atUs: 0, cells: [{ cell: 'a', counts: 7 }] })), [
    'device  ch  cell     counts   noise        mass    noise    rate  fault',
    '            a             7',
  ]);
});

test('noise is the standard deviation of the last five seconds, whatever the offset, and of nothing that is gone', (t) => {
  const noise = new Noise();
  const take = (value: number) => noise.take(new Map([['a', value]])).get('a');
  for (let i = 0; i < 9; i++) t.is(take(1e9), undefined);
  t.is(take(1e9), 0);
  for (let i = 0; i < 50; i++) take(8_000_000 + (i % 2));
  const found = take(8_000_000) ?? 0;
  t.true(Math.abs(found - 0.505) < 0.001, `${found}: what lies further back has left`);
  noise.take(new Map());
  t.is(take(1), undefined);
});

test('plates are told with gross, tare, net and state', (t) => {
  const plate = { tareMg: 200_000, stable: true, moving: false };
  const rows = new PlateRows().take({
    atUs: 0,
    plates: [
      { plate: 'basket', grossMg: 1_500_400, ...plate },
      { plate: 'shelf', ...plate, tareMg: 0 },
      { plate: 'cart', grossMg: -1, ...plate, tareMg: 0, stable: false, moving: true },
    ],
  });
  t.deepEqual(plateTable(rows), [
    'plate        gross    noise      tare         net  state',
    'basket    1500.4 g            200.0 g    1300.4 g  stable',
    'shelf            -              0.0 g           -  not weighed',
    'cart         0.0 g              0.0 g       0.0 g  moving',
  ]);
});

test('names from the network can not steer the terminal', (t) => {
  const name = 'cell\u001b]0;x\u0007\u009b2J';
  const cells = [{ cell: name, counts: 1, device: name, fault: name }];
  for (const line of cellTable(new CellRows().take({ atUs: 0, cells }))) t.notRegex(line, /\p{Cc}/u);
  const plates = [{ plate: name, tareMg: 0, stable: true, moving: false }];
  for (const line of plateTable(new PlateRows().take({ atUs: 0, plates }))) t.notRegex(line, /\p{Cc}/u);
});

test('lines take the place of those before, and never wrap or scroll', (t) => {
  const screen = new Screen();
  t.is(screen.draw(['one', 'two two'], 5, 24), '\rone\u001b[K\ntwo t\u001b[K\n\u001b[J');
  t.is(screen.draw(['1'], 5, 24), '\u001b[2A\r1\u001b[K\n\u001b[J');
  t.is(screen.draw(['a', 'b', 'c', 'd'], 5, 3), '\u001b[1A\ra\u001b[K\nb\u001b[K\n\u001b[J');
});
