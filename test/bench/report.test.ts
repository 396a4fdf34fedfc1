import test from 'ava';
import { LineReader } from './peer/tcp-cells.js';
import { formatTable, formatValue, measured, verdict } from './support/report.ts';
import { median } from './support/statistics.ts';

test('the median of an even number of runs lies between the middle two', (t) => {
  t.is(median([5, 1, 3]), 3);
  t.is(median([4, 1, 3, 2]), 2.5);
  t.is(median([]), Number.NaN);
});

test('a figure that just keeps its goal passes, one beyond it misses, one without goal does neither', (t) => {
  t.is(verdict({ value: 200, goal: { atLeast: 200 } }), 'pass');
  t.is(verdict({ value: 0.34, goal: { atMost: 1 / 3 } }), 'miss');
  t.is(verdict({ value: 199.9, goal: { atLeast: 200 } }), 'miss');
  t.is(verdict({ value: 1 }), '');
  t.is(verdict({ value: Number.NaN, goal: { atLeast: 1 } }), 'miss');
});

test('the table shows the median, its goal and whether it was kept', (t) => {
  const table = formatTable([
    measured('replay', 'warm', '× real time', [300, 180, 190], {
      goal: { atLeast: 200 },
      note: 'of 10 trips',
    }),
  ]);
  t.regex(table, /^replay +warm +190 × real time +≥ 200 +miss$/m);
  t.regex(table, /of 10 trips$/m);
  t.is(formatValue(12_345.6), '12,346');
  t.is(formatValue(0.123456), '0.123');
});

test("the feed's lines are read wherever the chunks are cut", (t) => {
  const text = Buffer.from('0 -83210 7\n511 222526 1366\n-1 0 2\n');
  const expected = [
    [0, -83_210, 7],
    [511, 222_526, 1_366],
    [-1, 0, 2],
  ];
  for (let cut = 0; cut <= text.length; cut++) {
    const reader = new LineReader();
    const lines: number[][] = [];
    const take = (cell: number, counts: number, sequence: number) =>
      void lines.push([cell, counts, sequence]);
    reader.read(text, cut, take);
    reader.read(text.subarray(cut), text.length - cut, take);
    t.deepEqual(lines, expected);
  }
});
