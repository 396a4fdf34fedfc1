import { readdir, readFile } from 'node:fs/promises';
import test from 'ava';
import fc from 'fast-check';
import { hidScaleReport, parseHidScaleReport, zeroReport } from '#drivers/scale/hid-report.ts';
import { hidScale } from '#drivers/scale/hid-scale.ts';
import type { Indication } from '#drivers/scale/indication.ts';
import { HidScalePeer } from '#drivers/virtual/peers/hid-scale.ts';
import { ScaleModel } from '#drivers/virtual/peers/scale-model.ts';
import type { DeviceFault } from '#readings/faults.ts';
import { openScale } from './scale-rig.ts';

const runs = { numRuns: Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 20_000), seed: 20_261_123 };
const folder = new URL('../fixtures/scales/', import.meta.url);

/** What the recorded reports say; the name of a file is its content. Unit 0 is none. */
const recorded: Readonly<Record<string, Indication | 'refused'>> = {
  '03020bff0000': { condition: 'zero', massMg: 0, unit: 'oz' },
  '030400009000': 'refused',
  '030400ff3800': 'refused',
  '030401009000': { condition: 'stable', massMg: 144, unit: 'mg' },
  '030402006e03': { condition: 'stable', massMg: 878_000, unit: 'g' },
  '03040bff0000': { condition: 'stable', massMg: 0, unit: 'oz' },
  '03040bff1900': { condition: 'stable', massMg: 70_874, unit: 'oz' },
  '03040bff3800': { condition: 'stable', massMg: 158_757, unit: 'oz' },
  '03040bff4e00': { condition: 'stable', massMg: 221_126, unit: 'oz' },
  '03040bff9700': { condition: 'stable', massMg: 428_078, unit: 'oz' },
  '03050bff0000': { condition: 'under-zero' },
};

test('there is an expectation for every recorded report', async (t) => {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.bin'));
  t.deepEqual(files.map((name) => name.replace('.bin', '')).sort(), Object.keys(recorded).sort());
});

for (const [hex, expected] of Object.entries(recorded)) {
  const says = expected === 'refused' ? 'is refused' : `says ${JSON.stringify(expected)}`;
  test(`the recorded report ${hex} ${says}`, async (t) => {
    const report = new Uint8Array(await readFile(new URL(`${hex}.bin`, folder)));
    t.is(Buffer.from(report).toString('hex'), hex);
    if (expected === 'refused') t.throws(() => parseHidScaleReport(report), { code: 'CW-DRV-006' });
    else t.deepEqual(parseHidScaleReport(report), expected);
  });
}

const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));

test('03 04 0B FF 34 19 is 645.2 oz', (t) => {
  // 645.2 × 28,349.523125 mg
  t.deepEqual(parseHidScaleReport(hex('03040bff3419')), {
    condition: 'stable',
    massMg: 18_291_112,
    unit: 'oz',
  });
});

test('the power of ten is signed, and one that no scale sends is refused', (t) => {
  t.is(parseHidScaleReport(hex('030403fd9f01'))?.massMg, 415_000);
  t.is(parseHidScaleReport(hex('030402020500'))?.massMg, 500_000);
  t.is(parseHidScaleReport(hex('03040cfe6400'))?.massMg, 453_592);
  for (const power of ['80', '7f', '0a', 'f6']) {
    t.throws(() => parseHidScaleReport(hex(`030402${power}0500`)), { code: 'CW-DRV-006' }, power);
  }
});

test('each status is what the usage tables say, and only stable and zero come with a mass that counts', (t) => {
  const conditions = [1, 2, 3, 4, 5, 6, 7, 8].map((status) => {
    const said = parseHidScaleReport(Uint8Array.of(3, status, 2, 0, 7, 0));
    return [said?.condition, said?.massMg];
  });
  t.deepEqual(conditions, [
    ['fault', undefined],
    ['zero', 0],
    ['motion', 7_000],
    ['stable', 7_000],
    ['under-zero', undefined],
    ['over', undefined],
    ['calibrate', undefined],
    ['re-zero', undefined],
  ]);
  for (const status of [0, 9, 255]) {
    t.throws(() => parseHidScaleReport(Uint8Array.of(3, status, 2, 0, 7, 0)), { code: 'CW-DRV-006' });
  }
});

test('units that are none, or another mass in each country, are refused', (t) => {
  for (const unit of [0, 5, 13, 255]) {
    t.throws(
      () => parseHidScaleReport(Uint8Array.of(3, 4, unit, 0, 7, 0)),
      { code: 'CW-DRV-006' },
      `${unit}`,
    );
  }
});

test('reports without an indication are passed over, short and overlong ones refused', (t) => {
  t.is(parseHidScaleReport(hex('04000000')), undefined);
  t.throws(() => parseHidScaleReport(hex('0304020005')), { code: 'CW-DRV-006' });
  t.throws(() => parseHidScaleReport(new Uint8Array(0)), { code: 'CW-DRV-006' });
  t.is(parseHidScaleReport(hex('0304020005000000'))?.massMg, 5_000);
  t.throws(() => parseHidScaleReport(hex('0304020005000001')), { code: 'CW-DRV-006' });
});

test('any report is an indication in whole milligrams, none, or refused', (t) => {
  const near = fc
    .tuple(fc.integer({ min: 0, max: 9 }), fc.nat(14), fc.nat(255), fc.nat(255), fc.nat(255))
    .map((bytes) => Uint8Array.of(3, ...bytes));
  const any = fc.uint8Array({ maxLength: 70 });
  fc.assert(
    fc.property(fc.oneof(near, any), (report) => {
      try {
        const said = parseHidScaleReport(report);
        if (said?.massMg !== undefined) t.true(Number.isSafeInteger(said.massMg) && said.massMg >= 0);
      } catch (error) {
        t.like(error, { code: 'CW-DRV-006' });
      }
    }),
    runs,
  );
});

test('what a simulated scale writes reads as what it weighs', (t) => {
  fc.assert(
    fc.property(fc.constantFrom('g', 'kg', 'oz', 'lb'), fc.nat(0xffff), (unit, weight) => {
      const report = hidScaleReport('stable', unit as 'g', -2, weight);
      t.is(parseHidScaleReport(report)?.unit, unit as 'g');
    }),
    { ...runs, numRuns: 1_000 },
  );
});

async function rig(options: Record<string, unknown> = {}) {
  return openScale(hidScale, options, (clock) => {
    const peer = new HidScalePeer(clock, new ScaleModel('oz', 1, 11_340_000));
    return { peer, peers: { reports: peer } };
  });
}

test('the first report after opening is of the load before, and dropped', async (t) => {
  const scale = await rig();
  scale.peer.staleMg = 9_000_000;
  await scale.start();
  await scale.pass(1_000_000);
  t.true(scale.readings.length >= 4);
  t.true(scale.readings.every(({ massMg }) => massMg === 0));
  t.is(scale.readings[0]?.status, 'zero oz');
  await scale.stop();
});

test('a scale is zeroed by an output report and must then show zero', async (t) => {
  const scale = await rig();
  scale.peer.model.loadMg = 100_000;
  await scale.start();
  await scale.pass(1_000_000);
  t.is(scale.readings.at(-1)?.massMg, 99_223, '3.5 oz');
  t.deepEqual([...zeroReport], [2, 2]);
  t.deepEqual(await scale.call('zero', {}), {});
  t.is(scale.readings.at(-1)?.massMg, 0);
  scale.peer.zeroes = false;
  scale.peer.model.loadMg = 200_000;
  await scale.pass(500_000);
  await t.throwsAsync(scale.call('zero', {}), {
    code: 'CW-DRV-020',
    message: /set its option zero to false/,
  });
  await scale.stop();
});

test('a mass counts only with the status stable, and zero with its own', async (t) => {
  const scale = await rig({ discard: 0 });
  scale.peer.model.silent = true;
  await scale.start();
  const before = scale.readings.length;
  for (const status of [3, 4, 2]) scale.peer.send(Uint8Array.of(3, status, 2, 1, 41, 0));
  await scale.pass(10_000);
  t.deepEqual(
    scale.readings.slice(before).map(({ massMg, stable, status }) => [massMg, stable, status]),
    [
      [410_000, false, 'motion'],
      [410_000, true, 'stable'],
      [0, true, 'zero'],
    ],
  );
  await scale.stop();
});

test('nothing is zeroed or tared when a scale starts', async (t) => {
  const scale = await rig();
  const written: Uint8Array[] = [];
  const before = scale.peer.received.bind(scale.peer);
  scale.peer.received = (report, kind) => {
    written.push(report);
    before(report, kind);
  };
  await scale.start();
  await scale.pass(2_000_000);
  t.deepEqual(written, []);
  await scale.stop();
});

test('a scale that reports only changes is repeated for weighing, and its silence is no fault', async (t) => {
  const scale = await rig({ onlyChanges: true, discard: 0 });
  await scale.start();
  await scale.pass(300_000);
  scale.peer.model.silent = true;
  const before = scale.readings.length;
  await scale.pass(5_000_000);
  t.is(scale.readings.length - before, 10);
  t.deepEqual(scale.faults, []);
  await scale.stop();
});

test('a scale that says why it can not weigh is a fault until it can, and keeps its last mass as held', async (t) => {
  const scale = await rig({ certificateId: 'T8214/B5' });
  scale.peer.model.loadMg = 100_000;
  await scale.start();
  await scale.pass(500_000);
  scale.peer.model.loadMg = 12_000_000;
  await scale.pass(500_000);
  t.like(scale.faults[0], { fault: 'saturated', code: 'CW-DRV-015' } satisfies Partial<DeviceFault>);
  t.like(scale.readings.at(-1), { massMg: 99_223, stable: false, status: 'over held' });
  scale.peer.model.loadMg = 100_000;
  scale.peer.model.uncalibrated = true;
  await scale.pass(500_000);
  scale.peer.model.uncalibrated = false;
  await scale.pass(500_000);
  t.deepEqual(
    scale.faults.map(({ fault, cleared }) => [fault, cleared === true]),
    [
      ['saturated', false],
      ['saturated', true],
      ['configuration', false],
      ['configuration', true],
    ],
  );
  t.like(scale.readings.at(-1), { stable: true, certificateId: 'T8214/B5', status: 'stable oz' });
  await scale.stop();
});
