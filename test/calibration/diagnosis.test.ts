import test from 'ava';
import fc from 'fast-check';
import { createRandom } from '#base/random.ts';
import { diagnosisAdvice } from '#calibration/diagnosis/advice.ts';
import { aliasOf } from '#calibration/diagnosis/hum.ts';
import { DiagnosisRun } from '#calibration/diagnosis/run.ts';
import type { DiagnosedCell, Diagnosis } from '#calibration/diagnosis/types.ts';
import { calibrationCodes } from '#calibration/errors.ts';

const names = ['fl', 'fr', 'rl', 'rr'];
/** A 10 kg cell on an HX711: 0.09 g of noise, 429.5 counts a gram. */
const slope = 1_000 / 429.5;
const noise = 38.7;

const cellOf = (cell: string, more: Partial<DiagnosedCell> = {}): DiagnosedCell => ({
  cell,
  plate: 'basket',
  capacityMg: 10_000_000,
  divisionMg: 1_000,
  milligramsPerCount: slope,
  zeroCounts: 80_000,
  samplesPerSecond: 80,
  ...more,
});

interface Options {
  readonly seconds?: number;
  readonly ratePerS?: number;
  readonly cells?: readonly DiagnosedCell[];
  readonly empty?: boolean;
  readonly seed?: number;
  /** Counts of a sample, given what an undisturbed cell would give; undefined: lost. */
  readonly tamper?: (cell: string, seconds: number, counts: number, index: number) => number | undefined;
}

function diagnose(options: Options = {}): Diagnosis {
  const cells = options.cells ?? names.map((name) => cellOf(name));
  const run = new DiagnosisRun({ cells, ...(options.empty === undefined ? {} : { empty: options.empty }) });
  const random = createRandom(options.seed ?? 3);
  const rate = options.ratePerS ?? 80;
  const samples = Math.round((options.seconds ?? 10) * rate);
  for (let index = 0; index < samples; index++) {
    const seconds = index / rate;
    for (const { cell } of cells) {
      const counts = Math.round(81_000 + noise * random.gaussian());
      const given = options.tamper === undefined ? counts : options.tamper(cell, seconds, counts, index);
      // Stamps of a host jitter by some hundred microseconds.
      const atUs = Math.round(5e6 + seconds * 1e6 + 300 * random.next());
      if (given !== undefined) run.sample(cell, atUs, Math.round(given), index + 0xfffffff0);
    }
  }
  return run.result();
}

/** Codes by cell, where there are any. */
function codes(diagnosis: Diagnosis): Record<string, string[]> {
  return Object.fromEntries(
    diagnosis.cells
      .filter(({ findings }) => findings.length > 0)
      .map(({ cell, findings }) => [cell, findings.map(({ code }) => code)]),
  );
}

test('four sound cells are good, and their figures are right', (t) => {
  const diagnosis = diagnose();
  t.deepEqual(codes(diagnosis), {});
  t.is(diagnosis.verdict, 'good');
  for (const cell of diagnosis.cells) {
    t.is(cell.samples, 800);
    t.is(cell.lost, 0);
    t.true(Math.abs(cell.ratePerS - 80) < 0.1);
    t.true(Math.abs(cell.noiseCounts - noise) < 4);
    t.true(Math.abs((cell.noiseMg ?? 0) - 90) < 10);
    t.true(Math.abs((cell.loadMg ?? 0) - 1_000 * slope) < 20);
    t.true(cell.uniqueValues > 100);
  }
  t.is(diagnosis.couplings.length, 6);
});

test('sound cells raise no alarm, whatever their noise turns out to be', (t) => {
  for (let seed = 1; seed <= 60; seed++) {
    for (const ratePerS of [10, 80]) {
      const cells = names.map((name) => cellOf(name, { samplesPerSecond: ratePerS }));
      t.deepEqual(codes(diagnose({ seed, ratePerS, cells })), {}, `seed ${seed}, ${ratePerS}/s`);
    }
  }
});

const only = (
  name: string,
  change: (seconds: number, counts: number, index: number) => number | undefined,
) => {
  return {
    tamper: (cell: string, seconds: number, counts: number, index: number) =>
      cell === name ? change(seconds, counts, index) : counts,
  };
};

for (const [code, weight, what, options] of [
  ['CW-CAL-150', 'fault', 'is silent', only('fr', () => undefined)],
  [
    'CW-CAL-151',
    'doubt',
    'loses every tenth reading',
    only('fr', (_s, counts, index) => (index % 10 === 3 ? undefined : counts)),
  ],
  [
    'CW-CAL-153',
    'fault',
    'reads the end of the range',
    only('fr', (_s, counts, index) => (index > 700 ? 0x7fffff : counts)),
  ],
  ['CW-CAL-153', 'fault', 'reads the other end', only('fr', () => -0x800000)],
  ['CW-CAL-154', 'fault', 'is stuck', only('fr', () => 81_234)],
  ['CW-CAL-155', 'doubt', 'is noisy', only('fr', (_s, counts) => 81_000 + (counts - 81_000) * 6)],
  ['CW-CAL-156', 'doubt', 'drifts', only('fr', (seconds, counts) => counts + 40 * seconds)],
  [
    'CW-CAL-157',
    'doubt',
    'hums at 50 Hz',
    only('fr', (seconds, counts) => counts + 45 * Math.cos(2 * Math.PI * 50.07 * seconds + 1)),
  ],
  [
    'CW-CAL-157',
    'doubt',
    'hums at 60 Hz',
    only('fr', (seconds, counts) => counts + 45 * Math.cos(2 * Math.PI * 59.95 * seconds)),
  ],
  [
    'CW-CAL-158',
    'doubt',
    'jumps now and then',
    only('fr', (_s, counts, index) => (index % 150 === 70 ? counts + 30_000 : counts)),
  ],
  [
    'CW-CAL-161',
    'doubt',
    'is touched',
    only('fr', (seconds, counts) => (seconds > 4 && seconds < 6 ? counts + 3_000 : counts)),
  ],
] as const) {
  test(`a cell that ${what} is ${code}, and the others are good`, (t) => {
    const diagnosis = diagnose(options);
    const found = codes(diagnosis);
    t.deepEqual(Object.keys(found), ['fr']);
    t.true(found.fr?.includes(code), found.fr?.join());
    const finding = diagnosis.cells[1]?.findings.find((one) => one.code === code);
    t.is(finding?.weight, weight);
    t.is(
      diagnosis.verdict,
      diagnosis.cells[1]?.findings.some((one) => one.weight === 'fault') ? 'fault' : 'doubt',
    );
    t.true((finding?.message ?? '').includes('Cell fr'), finding?.message);
    t.true((finding?.advice.length ?? 0) > 20);
  });
}

test('hum is named by its frequency, alias and amplitude', (t) => {
  const { cells } = diagnose(
    only('fr', (seconds, counts) => counts + 45 * Math.cos(2 * Math.PI * 50.07 * seconds + 1)),
  );
  const [at50, at60] = cells[1]?.hum ?? [];
  t.is(Math.round(at50?.aliasHz ?? 0), 30);
  t.true(Math.abs((at50?.amplitudeCounts ?? 0) - 45) < 6, `${at50?.amplitudeCounts}`);
  t.true((at60?.strength ?? 99) < 15);
  const message = cells[1]?.findings.find(({ code }) => code === 'CW-CAL-157')?.message ?? '';
  t.regex(message, /hums at 50 Hz \(seen at 30\.0 Hz\) with an amplitude of 0\.\d\d g/);
});

test('hum that the rate folds onto zero is not seen, and said not to be', (t) => {
  const { cells } = diagnose({ ratePerS: 10, cells: [cellOf('fl', { samplesPerSecond: 10 })] });
  t.deepEqual(
    cells[0]?.hum.map(({ visible }) => visible),
    [false, false],
  );
});

test('aliases are those of sampling', (t) => {
  t.is(aliasOf(50, 80), 30);
  t.is(aliasOf(60, 80), 20);
  t.is(aliasOf(50, 320), 50);
  t.is(aliasOf(60, 40), 20);
  fc.assert(
    fc.property(fc.double({ min: 1, max: 400, noNaN: true }), (rate) => {
      const alias = aliasOf(50, rate);
      return alias >= 0 && alias <= rate / 2 + 1e-9;
    }),
    { seed: 1, numRuns: 500 },
  );
});

test('another rate than the set one is told', (t) => {
  t.deepEqual(
    codes(diagnose({ ratePerS: 10 })),
    Object.fromEntries(names.map((name) => [name, ['CW-CAL-152']])),
  );
});

test('noise that two cells share is told of both, with the correlation', (t) => {
  const common = createRandom(9);
  let shared = 0;
  let last = -1;
  const diagnosis = diagnose({
    tamper: (cell, _seconds, counts, index) => {
      if (index !== last) shared = 60 * common.gaussian();
      last = index;
      return cell === 'fl' || cell === 'rr' ? counts + shared : counts;
    },
  });
  t.deepEqual(Object.keys(codes(diagnosis)), ['fl', 'rr']);
  t.true(codes(diagnosis).fl?.includes('CW-CAL-159'));
  t.deepEqual(diagnosis.couplings[0]?.cells, ['fl', 'rr']);
  // 60² / (60² + 38.7²).
  t.true(Math.abs((diagnosis.couplings[0]?.correlation ?? 0) - 0.706) < 0.05);
});

test('two inputs with one signal are a fault', (t) => {
  let first = 0;
  const diagnosis = diagnose({
    tamper: (cell, _seconds, counts) => {
      if (cell === 'fl') first = counts;
      return cell === 'fr' ? first : counts;
    },
  });
  t.deepEqual(codes(diagnosis), { fl: ['CW-CAL-160'], fr: ['CW-CAL-160'] });
  t.is(diagnosis.verdict, 'fault');
});

test('an empty plate whose cell carries half a kilogram by its calibration is told, where it is said to be empty', (t) => {
  const bent = only('rl', (_s, counts) => counts + 260_000);
  t.deepEqual(codes(diagnose({ ...bent, empty: true })), { rl: ['CW-CAL-165'] });
  t.deepEqual(codes(diagnose(bent)), {});
});

test('without a calibration figures are counts, and faults are found all the same', (t) => {
  const cells = names.map((name) => cellOf(name, { milligramsPerCount: undefined, zeroCounts: undefined }));
  const sound = diagnose({ cells });
  t.deepEqual(codes(sound), {});
  t.is(sound.cells[0]?.noiseMg, undefined);
  t.deepEqual(codes(diagnose({ cells, ...only('rr', (_s, counts) => 81_000 + (counts - 81_000) * 6) })), {
    rr: ['CW-CAL-155'],
  });
});

test('a cell wired the other way round has noise and load of the right sign', (t) => {
  const [cell] = diagnose({ cells: [cellOf('fl', { milligramsPerCount: -slope })] }).cells;
  t.true((cell?.noiseMg ?? 0) > 0);
  t.true((cell?.loadMg ?? 0) < 0);
});

test('a converter that starts anew, repeats itself or wraps is counted, not believed', (t) => {
  const run = new DiagnosisRun({ cells: [cellOf('fl')] });
  const give = (sequence: number, index: number) =>
    run.sample('fl', index * 12_500, 81_000 + index, sequence);
  [0xfffffffe, 0xffffffff, 0, 1, 1, 2, 5].forEach(give);
  const [cell] = run.result().cells;
  t.is(cell?.samples, 6);
  t.is(cell?.lost, 3);
});

test('nothing at all is diagnosed without an error', (t) => {
  const diagnosis = new DiagnosisRun({ cells: [cellOf('fl')] }).result();
  t.deepEqual(codes(diagnosis), { fl: ['CW-CAL-150'] });
  t.is(diagnosis.seconds, 0);
});

test('whatever a converter sends, figures are numbers', (t) => {
  const sample = fc.tuple(
    fc.integer({ min: -0x800000, max: 0x7fffff }),
    fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    fc.nat(20_000_000),
  );
  fc.assert(
    fc.property(fc.array(sample, { maxLength: 80 }), (samples) => {
      const run = new DiagnosisRun({ cells: [cellOf('fl'), cellOf('fr')] });
      for (const [counts, sequence, atUs] of samples)
        run.sample(counts % 2 ? 'fl' : 'fr', atUs, counts, sequence);
      const text = JSON.stringify(run.result(), (_key, value) =>
        typeof value === 'number' && !Number.isFinite(value) ? 'BAD' : value,
      );
      return !text.includes('BAD');
    }),
    { seed: 1, numRuns: 400 },
  );
  t.pass();
});

test('every finding has a code of the table and says what to do', (t) => {
  for (const [code, advice] of Object.entries(diagnosisAdvice)) {
    t.true(code in calibrationCodes, code);
    t.regex(advice, /\.$/);
  }
});
