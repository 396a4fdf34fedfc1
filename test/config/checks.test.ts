import test from 'ava';
import fc from 'fast-check';
import type { CellEntry } from '#config/board.ts';
import { boardSchema, calibrationSchema } from '#config/board.ts';
import { checkBoard } from '#config/board-checks.ts';
import { checkCalibration } from '#config/calibration-checks.ts';
import { parseSource } from '#config/document.ts';
import { parseBoard } from '#config/load.ts';
import { cellLoads, loadShares } from '#config/statics.ts';
import { calibrationFor, goodBoard } from './support.ts';

/** What the checks find in a board text: severity, code, path. */
function findings(text: string) {
  const source = parseSource(text, 'board.yaml');
  return checkBoard(boardSchema.parse(source.value), source);
}

test('a sound board has no findings', (t) => {
  t.deepEqual(findings(goodBoard), []);
});

const faults: readonly (readonly [title: string, from: string, to: string, code: string, path: string])[] = [
  ['two devices of one id', 'id: scanner, ', 'id: camera, ', 'CW-CFG-012', 'devices[2].id'],
  ['two cells of one id', '{ id: fr, ', '{ id: fl, ', 'CW-CFG-012', 'plates[0].cells[1].id'],
  ['a motion sensor that is none', 'motion: imu', 'motion: imo', 'CW-CFG-013', 'plates[0].motion'],
  [
    'a temperature sensor that is none',
    'motion: imu',
    'temperature: warm',
    'CW-CFG-013',
    'plates[0].temperature',
  ],
  ['a scanner that is none', 'scanners: [scanner]', 'scanners: [x]', 'CW-CFG-013', 'plates[0].scanners[0]'],
  [
    'a camera that is none',
    '{ id: camera, region',
    '{ id: eye, region',
    'CW-CFG-013',
    'plates[0].cameras[0].id',
  ],
  ['a bus that is none', 'bus: bridge', 'bus: bride', 'CW-CFG-013', 'devices[3].options.bus'],
  ['a device on its own bus', 'bus: bridge', 'bus: imu', 'CW-CFG-020', 'devices[3]'],
  ['a cell that nobody delivers', 'cells: [fl, ', 'cells: [', 'CW-CFG-015', 'plates[0].cells[0].id'],
  ['a cell delivered twice', 'cells: [fl, ', 'cells: [fl, fl, ', 'CW-CFG-015', 'plates[0].cells[0].id'],
  ['a plate with cells and a scale', 'motion: imu', 'scale: scanner', 'CW-CFG-014', 'plates[0]'],
  ['an unweighed plate with cells', 'kind: cart', 'kind: unweighed', 'CW-CFG-014', 'plates[0].cells'],
  ['too many intervals', 'intervalMg: 5000', 'intervalMg: 2000', 'CW-CFG-016', 'plates[0].intervalMg'],
  ['too few intervals', 'intervalMg: 5000', 'intervalMg: 100000', 'CW-CFG-016', 'plates[0].intervalMg'],
  [
    'd coarser than e',
    'intervalMg: 5000',
    'intervalMg: 5000\n    divisionMg: 10000',
    'CW-CFG-016',
    'plates[0].divisionMg',
  ],
  ['a Max that is missing', 'maxMg: 30000000', '', 'CW-CFG-005', 'plates[0].maxMg'],
  ['an e that is missing', 'intervalMg: 5000', '', 'CW-CFG-005', 'plates[0].intervalMg'],
  [
    'a cell that Max overloads',
    'fl, positionMm: [-200, 300], capacityMg: 40000000',
    'fl, positionMm: [-200, 300], capacityMg: 7999999',
    'CW-CFG-017',
    'plates[0].cells[0].capacityMg',
  ],
  ['two cells in one place', '[200, 300]', '[-200, 300]', 'CW-CFG-023', 'plates[0].cells[1].positionMm'],
  [
    'a region outside the picture',
    '[0, 0, 640, 480]',
    '[1, 0, 640, 480]',
    'CW-CFG-007',
    'plates[0].cameras[0].region',
  ],
];

for (const [title, from, to, code, path] of faults) {
  test(`${title} is an error at ${path}`, (t) => {
    t.true(goodBoard.includes(from));
    const errors = findings(goodBoard.replace(from, to)).filter((finding) => finding.severity === 'error');
    const finding = errors.find((item) => item.code === code && item.path === path);
    t.truthy(finding, JSON.stringify(errors));
    t.true((finding?.line ?? 0) > 0);
    t.not(finding?.expected, '');
  });
}

test('a reference that leads nowhere lists what is there and what was meant', (t) => {
  const [finding] = findings(goodBoard.replace('motion: imu', 'motion: imo'));
  t.regex(finding?.message ?? '', /known are bridge, scanner, camera, imu\); did you mean imu\?/);
});

test('an interval is refused with the intervals that would be valid', (t) => {
  const [finding] = findings(goodBoard.replace('intervalMg: 5000', 'intervalMg: 2000'));
  t.regex(finding?.expected ?? '', /3000 to \d+ mg for Max 30\.000 kg: class III/);
});

test('all of Max over one cell beyond its capacity is a warning that names the load', (t) => {
  const [finding, ...rest] = findings(goodBoard.replaceAll('40000000', '10000000'));
  t.deepEqual(rest, []);
  t.is(finding?.severity, 'warning');
  t.is(finding?.code, 'CW-CFG-017');
  // Max 30 kg, and a quarter of the 2 kg of dead load.
  t.regex(
    finding?.expected ?? '',
    /at least 30500000 \(30\.500 kg; here 10\.000 kg\) for Max 30\.000 kg .*: fl, fr, rl, rr$/,
  );
});

test('a cell on no plate is a warning', (t) => {
  const text = goodBoard.replace('rl, rr], samples', 'rl, rr, spare], samples');
  t.deepEqual(
    findings(text).map(({ severity, code, path }) => [severity, code, path]),
    [['warning', 'CW-CFG-021', 'devices[0].options.cells[4]']],
  );
});

test('cells of a converter with two inputs are delivered, an unused channel of a bridge is no cell', (t) => {
  const text = goodBoard
    .replace('rl, rr], samples', "'-', null], samples")
    .replace('plates:', '  - { id: adc, driver: iio-hx711, options: { cellA: rl, cellB: rr } }\nplates:');
  t.deepEqual(findings(text), []);
  const spare = text.replace('cellB: rr', 'cellB: spare');
  t.deepEqual(
    findings(spare).map(({ code, path }) => [code, path]),
    [
      ['CW-CFG-015', 'plates[0].cells[3].id'],
      ['CW-CFG-021', 'devices[4].options.cellB'],
    ],
  );
});

test('a plate beside its cells would tip', (t) => {
  const text = goodBoard.replaceAll('[-200,', '[600,').replaceAll('[200,', '[900,');
  t.true(findings(text).some((finding) => finding.code === 'CW-CFG-023' && finding.severity === 'error'));
});

/** What the checks find in a calibration of `goodBoard`. */
function calibrationFindings(text: string) {
  const source = parseSource(text, 'calibration.json');
  return checkCalibration(calibrationSchema.parse(source.value), parseBoard(goodBoard), source);
}

test('a calibration of every cell has no findings', (t) => {
  t.deepEqual(calibrationFindings(calibrationFor(['fl', 'fr', 'rl', 'rr'])), []);
});

test('a calibration that lacks a cell is refused by the name of the cell', (t) => {
  const [finding] = calibrationFindings(calibrationFor(['fl', 'fr', 'rl']));
  t.is(finding?.severity, 'error');
  t.is(finding?.path, 'plates.basket.cells.rr');
});

test('a misspelt cell of a calibration is told with the one that was meant', (t) => {
  const all = calibrationFindings(calibrationFor(['fl', 'fr', 'rl', 'rr', 'rx']));
  t.is(all.length, 1);
  t.is(all[0]?.severity, 'warning');
  t.regex(all[0]?.message ?? '', /did you mean r[lr]\?/);
});

test('a calibration made at another rate is refused', (t) => {
  const text = calibrationFor(['fl', 'fr', 'rl', 'rr'], { hardware: { samplesPerSecond: 10 } });
  t.is(calibrationFindings(text)[0]?.path, 'hardware.samplesPerSecond');
});

test('drift with temperature that nothing can take out is told', (t) => {
  const cells = (cell: object) => ({
    plates: {
      basket: {
        cells: {
          ...Object.fromEntries(
            ['fr', 'rl', 'rr'].map((id) => [id, { zeroCounts: 1, milligramsPerCount: 2 }]),
          ),
          fl: { zeroCounts: 1, milligramsPerCount: 2, ...cell },
        },
      },
    },
  });
  const found = (cell: object) =>
    calibrationFindings(JSON.stringify({ calibration: 1, revision: 1, ...cells(cell) })).map(
      ({ severity, path, message }) => [
        severity,
        path,
        /referenceMilliCelsius|sensor|points/.exec(message)?.[0],
      ],
    );
  const path = 'plates.basket.cells.fl';
  t.deepEqual(found({ milligramsPerKelvin: 20 }), [
    ['warning', `${path}.milligramsPerKelvin`, 'referenceMilliCelsius'],
  ]);
  t.deepEqual(found({ spanPpmPerKelvin: 20, referenceMilliCelsius: 20_000 }), [
    ['warning', `${path}.spanPpmPerKelvin`, 'sensor'],
  ]);
  const points = [
    [0, 0],
    [1000, 1001],
  ];
  t.deepEqual(found({ quadraticPpmPerKg: 20, points }), [['warning', `${path}.quadraticPpmPerKg`, 'points']]);
});

test('linearity points must rise', (t) => {
  const points = {
    fl: {
      zeroCounts: 0,
      milligramsPerCount: 1,
      points: [
        [0, 0],
        [5, 6],
        [4, 7],
      ],
    },
  };
  const text = calibrationFor(['fr', 'rl', 'rr']).replace(
    '"cells":{',
    `"cells":{${JSON.stringify(points).slice(1, -1)},`,
  );
  t.is(calibrationFindings(text)[0]?.path, 'plates.basket.cells.fl.points[2]');
});

const coordinate = fc.integer({ min: -500, max: 500 });
const someCells = fc
  .uniqueArray(fc.tuple(coordinate, coordinate), {
    minLength: 1,
    maxLength: 8,
    selector: ([x, y]) => `${x} ${y}`,
  })
  .map((places) =>
    places.map((positionMm, index): CellEntry => ({ id: `c${index}`, positionMm, capacityMg: 10_000_000 })),
  );

test('shares of a load balance force everywhere, and torque where the cells allow it', (t) => {
  fc.assert(
    fc.property(someCells, coordinate, coordinate, (cells, x, y) => {
      const shares = loadShares(cells, [x, y]);
      const total = shares.reduce((sum, share) => sum + share, 0);
      t.true(Math.abs(total - 1) < 1e-6);
      const spans = cells.length >= 3 && area(cells) > 100;
      if (!spans) return;
      const momentX = shares.reduce((sum, share, i) => sum + share * (cells[i]?.positionMm[0] ?? 0), 0);
      const momentY = shares.reduce((sum, share, i) => sum + share * (cells[i]?.positionMm[1] ?? 0), 0);
      t.true(
        Math.abs(momentX - x) < 0.01 && Math.abs(momentY - y) < 0.01,
        `${momentX} ${momentY} for ${x} ${y}`,
      );
    }),
    { seed: 20_263, numRuns: 500 },
  );
});

/** Twice the largest area of a triangle of cells, mm². */
function area(cells: readonly CellEntry[]): number {
  let largest = 0;
  for (const a of cells) {
    for (const b of cells) {
      for (const c of cells) {
        const [[ax, ay], [bx, by], [cx, cy]] = [a.positionMm, b.positionMm, c.positionMm];
        largest = Math.max(largest, Math.abs((bx - ax) * (cy - ay) - (cx - ax) * (by - ay)));
      }
    }
  }
  return largest;
}

test('the worst load of a cell is Max and its share of the dead load', (t) => {
  const cells = parseBoard(goodBoard).plates[0]?.cells ?? [];
  for (const load of cellLoads(cells, 30_000_000, 2_000_000)) {
    t.is(load.worstMg, 30_500_000);
    t.is(load.evenMg, 8_000_000);
  }
});
