import test from 'ava';
import fc from 'fast-check';
import { createRandom } from '#base/random.ts';
import { type CaptureOutcome, Capturer, type CapturerOptions } from '#calibration/capture.ts';

const seed = 20_261_123;
/** 2.3283 mg a count: a cell of 10 kg and 2 mV/V. */
const slope = 2.3283;

interface Rig extends Partial<CapturerOptions> {
  readonly rate?: number;
  readonly noise?: number;
  /** Counts of a cell at a time, s, without noise. */
  readonly counts?: (cell: number, seconds: number) => number | undefined;
  readonly until?: number;
  readonly event?: (capturer: Capturer, seconds: number) => void;
}

/** Feeds a capturer with two cells until it is over; times in s from its start. */
function run(rig: Rig = {}): { outcome: CaptureOutcome; seconds: number; progress: number[] } {
  const { rate = 80, noise = 40, counts = () => 50_000, until = 20, event } = rig;
  const random = createRandom(4);
  const startUs = 5_000_000;
  const capturer = new Capturer({
    plate: 'p',
    cells: [
      { id: 'a', milligramsPerCount: slope },
      { id: 'b', milligramsPerCount: slope },
    ],
    divisionMg: 1_000,
    driftDivisionsPerS: 0.25,
    startUs,
    ...rig,
  });
  const progress: number[] = [];
  let sequence = 0;
  for (let tick = 0; tick / rate < until; tick++) {
    const seconds = tick / rate;
    event?.(capturer, seconds);
    for (const [index, id] of ['a', 'b'].entries()) {
      const value = counts(index, seconds);
      if (value === undefined) continue;
      const read = Math.abs(value) >= 0x7fffff ? value : Math.round(value + noise * random.gaussian());
      capturer.cell(id, startUs + seconds * 1e6, read, sequence);
    }
    sequence++;
    capturer.advance(startUs + seconds * 1e6);
    if (capturer.outcome.state === 'waiting') progress.push(capturer.outcome.progressPpm);
    if (capturer.outcome.state !== 'waiting') return { outcome: capturer.outcome, seconds, progress };
  }
  return { outcome: capturer.outcome, seconds: until, progress };
}

function codeOf({ outcome }: { outcome: CaptureOutcome }): string {
  return outcome.state === 'failed' ? outcome.error.code : outcome.state;
}

for (const rate of [10, 80, 320]) {
  test(`at ${rate} readings a second a plate at rest is averaged for 2 s after 1 s`, (t) => {
    const { outcome, seconds } = run({ rate });
    t.true(seconds >= 3 && seconds < 3.2, String(seconds));
    if (outcome.state !== 'done') return t.fail(codeOf({ outcome }));
    const { cells, fromUs, toUs } = outcome.capture;
    t.is(toUs - fromUs, 2_000_000);
    t.is(cells.a?.samples, 2 * rate);
    t.true(Math.abs((cells.a?.meanCounts ?? 0) - 50_000) < 15);
    t.true(Math.abs((cells.a?.sigmaCounts ?? 0) - 40) < 15);
    t.false(cells.a?.saturated ?? true);
  });
}

test('readings begin to count when things have come to rest, and the bar shows it', (t) => {
  // A weight is put down at 2 s and swings out until 4 s.
  const swing = (seconds: number) => 100_000 * Math.exp(-4 * (seconds - 2)) * Math.cos(30 * seconds);
  const { outcome, seconds, progress } = run({
    counts: (_cell, now) => (now < 2 ? 50_000 : 700_000 + swing(now)),
  });
  t.true(seconds > 5 && seconds < 8, String(seconds));
  if (outcome.state !== 'done') return t.fail(codeOf({ outcome }));
  t.true(Math.abs((outcome.capture.cells.a?.meanCounts ?? 0) - 700_000) < 15);
  // The bar falls to nearly nothing when the weight comes, and rises without a fall when the swinging has ended.
  const ends = progress.slice(-160);
  t.true(progress.slice(0, 160).some((one) => one > 500_000) && Math.min(...progress) < 170_000);
  t.true(ends.every((one, index) => one >= (ends[index - 1] ?? 0)) && Math.max(...ends) > 900_000);
});

test('the mean is that of all readings, unrounded', (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 80, maxLength: 80 }), (around) => {
      let taken = 0;
      const { outcome } = run({
        noise: 0,
        counts: (cell) => 1_000 + (around[(taken++ >> 1) % 80] ?? 0) * (cell + 1),
      });
      if (outcome.state !== 'done') return;
      const { meanCounts = 0, minCounts = 0, maxCounts = 0 } = outcome.capture.cells.a ?? {};
      const expected = 1_000 + around.reduce((sum, one) => sum + one, 0) / 80;
      t.true(Math.abs(meanCounts - expected) < 1e-6);
      t.is(minCounts, 1_000 + Math.min(...around));
      t.is(maxCounts, 1_000 + Math.max(...around));
    }),
    { seed, numRuns: 50 },
  );
});

test('a plate that shakes is given up after 15 s, with what shakes', (t) => {
  const shaking = run({ counts: (cell, now) => 50_000 + (cell === 1 ? 3_000 * Math.sin(5 * now) : 0) });
  t.is(codeOf(shaking), 'CW-CAL-021');
  t.true(shaking.seconds >= 15 && shaking.seconds < 15.2);
  const { outcome } = shaking;
  t.regex(
    outcome.state === 'failed' ? outcome.error.message : '',
    /cell b changes by \d+\.\d\d g, more than 1\.00 g/,
  );
});

test('a plate that hums stands still in its mean, and is refused all the same', (t) => {
  const { outcome } = run({ counts: (_cell, now) => 50_000 + 1_500 * Math.sin(2 * Math.PI * 21 * now) });
  t.is(codeOf({ outcome }), 'CW-CAL-021');
  t.regex(outcome.state === 'failed' ? outcome.error.message : '', /shakes by ±2\.\d\d g/);
});

test('a slow drift is told from shaking', (t) => {
  // 0.4 g a second is more than a quarter of d.
  t.is(codeOf(run({ counts: (cell, now) => 50_000 + (cell === 0 ? 172 * now : 0) })), 'CW-CAL-022');
  t.is(codeOf(run({ counts: (cell, now) => 50_000 - (cell === 0 ? 172 * now : 0) })), 'CW-CAL-022');
  // A tenth of it is creep, which is let pass.
  t.is(codeOf(run({ counts: (_cell, now) => 50_000 + 17 * now })), 'done');
  // Two cells that drift against each other leave the sum alone, and are seen.
  t.is(codeOf(run({ counts: (cell, now) => 50_000 + (cell === 0 ? 172 : -172) * now })), 'CW-CAL-022');
});

test('cells whose drifts are small alone are seen in their sum', (t) => {
  // Each 0.2 g a second, together 0.4.
  t.is(codeOf(run({ counts: (_cell, now) => 50_000 + 86 * now })), 'CW-CAL-022');
});

test('silence, faults and motion have their own codes, and the last one counts', (t) => {
  const quiet = run({ counts: (cell, now) => (cell === 1 && now > 1 ? undefined : 50_000) });
  t.is(codeOf(quiet), 'CW-CAL-023');
  t.regex(quiet.outcome.state === 'failed' ? quiet.outcome.error.message : '', /^b sent no readings/);
  t.is(codeOf(run({ until: 20, counts: () => undefined })), 'CW-CAL-023');
  const fault = run({
    event: (capturer, now) => {
      if (now === 1) capturer.fault('bridge', 5_000_000 + now * 1e6, false);
    },
  });
  t.is(codeOf(fault), 'CW-CAL-025');
  const moved = run({ event: (capturer, now) => capturer.motion(5_000_000 + now * 1e6, true) });
  t.is(codeOf(moved), 'CW-CAL-024');
});

test('a fault that ends, and motion that stops, begin the wait anew', (t) => {
  const fault = run({
    event: (capturer, now) => {
      if (now === 1 || now === 2.5) capturer.fault('bridge', 5_000_000 + now * 1e6, now === 2.5);
    },
  });
  t.is(codeOf(fault), 'done');
  t.true(fault.seconds >= 5.5 && fault.seconds < 6, String(fault.seconds));
  const bumped = run({
    event: (capturer, now) => {
      if (now < 2) capturer.motion(5_000_000 + now * 1e6, true);
    },
  });
  t.is(codeOf(bumped), 'done');
  t.true(bumped.seconds >= 5 && bumped.seconds < 5.5, String(bumped.seconds));
});

test("readings that the converter gives while it settles don't count", (t) => {
  // Four readings after a fault are 0.4 s at 10 a second: far off, as an HX711 gives them.
  const { outcome } = run({
    rate: 10,
    event: (capturer, now) => {
      if (now === 1) capturer.fault('bridge', 6_000_000, false);
      if (now === 2) capturer.fault('bridge', 7_000_000, true);
    },
    counts: (_cell, now) => (now >= 2 && now < 2.4 ? 58_000 : 50_000),
  });
  if (outcome.state !== 'done') return t.fail(codeOf({ outcome }));
  t.true(Math.abs((outcome.capture.cells.a?.meanCounts ?? 0) - 50_000) < 30);
});

test('readings that are lost again and again are told', (t) => {
  const gaps = run({ counts: (_cell, now) => (now % 2 < 0.6 ? undefined : 50_000) });
  t.is(codeOf(gaps), 'CW-CAL-048');
});

test('a reading that comes twice is one', (t) => {
  const once = run({ rate: 40 });
  const capturer = new Capturer({
    plate: 'p',
    cells: [{ id: 'a', milligramsPerCount: slope }],
    divisionMg: 1_000,
    driftDivisionsPerS: 0.25,
    startUs: 0,
  });
  const random = createRandom(3);
  for (let tick = 0; tick < 140; tick++) {
    const counts = Math.round(50_000 + 40 * random.gaussian());
    for (let again = 0; again < 2; again++) capturer.cell('a', tick * 25_000, counts, tick);
    capturer.advance(tick * 25_000);
  }
  const { outcome } = capturer;
  t.is(outcome.state === 'done' ? outcome.capture.cells.a?.samples : 0, 80);
  t.is(once.outcome.state === 'done' ? once.outcome.capture.cells.a?.samples : 0, 80);
});

test('the end of the range is in the capture, for the guard to refuse', (t) => {
  for (const end of [0x7fffff, -0x800000]) {
    const { outcome } = run({ counts: (cell) => (cell === 0 ? end : 50_000) });
    if (outcome.state !== 'done') return t.fail(codeOf({ outcome }));
    t.true(outcome.capture.cells.a?.saturated ?? false);
    t.false(outcome.capture.cells.b?.saturated ?? true);
  }
});

test('where no slope is known rest is judged by the noise of the readings', (t) => {
  const cells = [
    { id: 'a', milligramsPerCount: 0 },
    { id: 'b', milligramsPerCount: 0 },
  ];
  t.is(codeOf(run({ cells })), 'done');
  t.is(codeOf(run({ cells, noise: 400 })), 'done');
  const moving = (amount: number) =>
    run({ cells, counts: (_cell, now) => 50_000 + amount * Math.sin(4 * now) });
  t.is(codeOf(moving(300)), 'CW-CAL-021');
  t.is(codeOf(moving(5)), 'done');
  t.is(codeOf(run({ cells, counts: (_cell, now) => 50_000 + 60 * now })), 'CW-CAL-022');
});

test('a complete scale is at rest when it says so and shows so', (t) => {
  const scaled = (mass: (now: number) => number, stable: (now: number) => boolean, every = 0.2) => {
    const capturer = new Capturer({
      plate: 'deli',
      cells: [],
      scale: 's',
      divisionMg: 2_000,
      driftDivisionsPerS: 0.25,
      startUs: 0,
    });
    for (let now = 0; now < 16 && capturer.outcome.state === 'waiting'; now += every) {
      capturer.scale(now * 1e6, mass(now), stable(now));
      capturer.advance(now * 1e6);
    }
    return capturer.outcome;
  };
  const good = scaled(
    () => 5_002_000,
    () => true,
  );
  t.is(good.state === 'done' ? good.capture.indication?.meanMg : 0, 5_002_000);
  // One that is asked twice a second still is read.
  t.is(
    scaled(
      () => 5_002_000,
      () => true,
      0.5,
    ).state,
    'done',
  );
  t.is(
    codeOf({
      outcome: scaled(
        () => 5_000_000,
        () => false,
      ),
    }),
    'CW-CAL-021',
  );
  t.is(
    codeOf({
      outcome: scaled(
        (now) => 5_000_000 + 9_000 * Math.round(now % 2),
        () => true,
      ),
    }),
    'CW-CAL-021',
  );
  t.is(
    codeOf({
      outcome: scaled(
        () => 1,
        () => true,
        20,
      ),
    }),
    'waiting',
  );
});

test('the temperature at the plate stands in the capture', (t) => {
  const { outcome } = run({ event: (capturer) => capturer.temperature(21_500) });
  t.is(outcome.state === 'done' ? outcome.capture.milliCelsius : 0, 21_500);
});

test('readings of one cell may come a little after those of the others', (t) => {
  const capturer = new Capturer({
    plate: 'p',
    cells: ['a', 'b'].map((id) => ({ id, milligramsPerCount: slope })),
    divisionMg: 1_000,
    driftDivisionsPerS: 0.25,
    startUs: 0,
  });
  // In packets of 80 ms, cell after cell.
  let sequence = 0;
  for (let packet = 0; packet < 60 && capturer.outcome.state === 'waiting'; packet++) {
    for (const id of ['a', 'b']) {
      for (let tick = 0; tick < 8; tick++) {
        capturer.cell(id, packet * 80_000 + tick * 10_000, 50_000 + (sequence++ % 5), packet * 8 + tick);
      }
    }
    capturer.advance(packet * 80_000);
  }
  const { outcome } = capturer;
  if (outcome.state !== 'done') return t.fail(codeOf({ outcome }));
  t.deepEqual([outcome.capture.cells.a?.samples, outcome.capture.cells.b?.samples], [200, 200]);
});
