import test from 'ava';
import fc from 'fast-check';
import type { PipelineInput } from '#pipeline/inputs.ts';
import { parseLine } from '#traces/format.ts';
import { TraceRecorder } from '#traces/recorder.ts';
import { expandText } from './support.ts';

const originUs = 5_000_000_000;

function recorderInto(lines: string[]): TraceRecorder {
  return new TraceRecorder((line) => lines.push(line), {
    trace: 1,
    device: 'cart-1',
    board: 'board.yaml',
    originUs,
  });
}

const ppm = fc.integer({ min: 0, max: 1_000_000 });
const share = fc.nat(1_000);
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const without = <T extends object>(object: T): T => {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as T;
};

/** Everything but cells that a pipeline can be shown, its time left open. */
const other: fc.Arbitrary<Record<string, unknown>> = fc.oneof(
  fc.record({
    kind: fc.constant('motion'),
    source: fc.constant('imu'),
    accelerationMmS2: fc.tuple(fc.integer(), fc.integer(), fc.integer()),
  }),
  fc.record({
    kind: fc.constant('scan'),
    source: fc.constantFrom('handle', 'wand'),
    data: fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.string({ unit: 'binary', maxLength: 20 }).map((text) => Uint8Array.from(Buffer.from(text))),
      fc.constant(Uint8Array.of(0xef, 0xbb, 0xbf, 0x31)),
    ),
    symbology: fc.constantFrom('', ']E0', ']Q3'),
  }),
  fc
    .record({
      kind: fc.constant('scale'),
      source: fc.constant('deli'),
      massMg: fc.integer({ min: -1e9, max: 1e9 }),
      stable: fc.boolean(),
      status: optional(fc.constant('over')),
      certificateId: optional(fc.string()),
    })
    .map(without),
  fc
    .record({
      kind: fc.constant('command'),
      command: fc.constantFrom('tare', 'session.begin'),
      args: fc.dictionary(fc.constantFrom('plate', 'token', '__proto'), fc.jsonValue({ maxDepth: 2 })),
      transaction: optional(fc.string()),
    })
    .map((input) => without({ ...input, args: JSON.parse(JSON.stringify(input.args)) as object })),
  fc.record({
    kind: fc.constant('device-fault'),
    source: fc.constant('bridge'),
    fault: fc
      .record({
        fault: fc.constantFrom('disconnected', 'stuck', 'timing', 'configuration'),
        code: fc.constant('CW-DRV-005'),
        message: fc.string(),
        channel: optional(fc.constant('cell-fl')),
        cleared: optional(fc.boolean()),
      })
      .map(without),
  }),
  fc.record({
    kind: fc.constant('clock'),
    utcMs: fc.integer({ min: 0, max: 4e12 }),
    quality: fc.constantFrom('synced', 'holdover', 'unset'),
  }),
  fc
    .record({
      kind: fc.constant('power'),
      source: fc.constant('battery'),
      externalPower: fc.boolean(),
      batteryPpm: optional(ppm),
    })
    .map(without),
  fc.record({
    kind: fc.constant('tag'),
    source: fc.constant('gate'),
    epc: fc.uint8Array({ minLength: 1, maxLength: 25 }),
  }),
  fc
    .record({
      revision: fc.nat(),
      zeroCounts: fc
        .double({ noNaN: true, noDefaultInfinity: true })
        .filter((value) => !Object.is(value, -0)),
      milligramsPerCount: fc.double({ min: 1e-300, max: 1e300, noNaN: true }),
      gravityUmS2: optional(fc.integer({ min: 9_700_000, max: 9_900_000 })),
    })
    .map(({ revision, gravityUmS2, ...left }) => ({
      kind: 'calibration',
      calibration: without({
        calibration: 1,
        revision,
        plates: { basket: { cells: { left } } },
        gravityUmS2,
      }),
    })),
  fc.record({
    kind: fc.constant('temperature'),
    source: fc.constant('box'),
    milliCelsius: fc.integer({ min: -100_000, max: 250_000 }),
  }),
  fc
    .record({
      kind: fc.constant('sighting'),
      source: fc.constant('camera'),
      plate: optional(fc.constant('basket')),
      outcome: fc.constantFrom('seen', 'nothing-changed', 'hand-only'),
      things: fc.array(
        fc
          .record({
            change: optional(fc.constantFrom('came', 'went')),
            moved: fc.boolean(),
            box: optional(fc.tuple(share, share, share, share)),
            candidates: fc.array(fc.record({ look: fc.string(), probabilityPpm: ppm }), { maxLength: 3 }),
            unknownPpm: ppm,
            ambiguous: fc.boolean(),
          })
          .map(without),
        { maxLength: 4 },
      ),
    })
    .map(without),
);

interface Step {
  readonly afterUs: number;
  readonly cells: readonly { cell: number; counts: number; skip: number }[];
  readonly other: Record<string, unknown> | undefined;
  readonly flush: boolean;
  /** Further rounds in which the cells of this step deliver again, 10 µs apart. */
  readonly rounds: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  // Few different waits, so that runs form, end and meet at one instant.
  afterUs: fc.constantFrom(0, 0, 1, 10, 10, 10, 10, 20, 7),
  cells: fc.array(
    fc.record({
      cell: fc.nat({ max: 3 }),
      counts: fc.integer({ min: -8_388_608, max: 8_388_607 }),
      skip: fc.constantFrom(0, 0, 0, 0, 0, 1, 1_000_000),
    }),
    { maxLength: 5 },
  ),
  other: fc.option(other, { nil: undefined, freq: 4 }),
  flush: fc.constantFrom(false, false, false, false, true),
  rounds: fc.constantFrom(0, 0, 1, 3),
});

const plain = (inputs: readonly PipelineInput[]) =>
  inputs.map((input) =>
    JSON.stringify(
      input.kind === 'scan' ? { ...input, data: Buffer.from(input.data).toString('hex') } : input,
      sortedKeys,
    ),
  );

function sortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

test('What was recorded comes back as the very same inputs in the very same order', (t) => {
  let merged = 0;
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { minLength: 4, maxLength: 4 }),
      (steps, starts) => {
        const lines: string[] = [];
        const recorder = recorderInto(lines);
        const inputs: PipelineInput[] = [];
        const take = (input: PipelineInput) => {
          inputs.push(input);
          recorder.input(input);
        };
        const sequences = [...starts];
        let atUs = originUs;
        for (const { afterUs, cells, other: more, flush, rounds } of steps) {
          atUs += afterUs;
          for (let round = 0; round <= rounds; round++) {
            if (round > 0) atUs += 10;
            for (const { cell, counts, skip } of cells) {
              // 32 bits, and wraps.
              const sequence = ((sequences[cell] ?? 0) + (round === 0 ? skip : 0)) % 2 ** 32;
              sequences[cell] = (sequence + 1) % 2 ** 32;
              take({ kind: 'cell', source: `cell-${cell}`, atUs, counts, sequence });
            }
          }
          if (more !== undefined) take({ ...more, atUs } as unknown as PipelineInput);
          if (flush) recorder.flush();
        }
        take({ kind: 'end', atUs });
        merged += inputs.length + 1 - lines.length;
        const got = plain(expandText(lines).inputs);
        const expected = plain(inputs);
        if (got.join('\n') !== expected.join('\n')) {
          throw new Error(
            `${lines.join('\n')}\n\nexpected\n${expected.join('\n')}\n\ngot\n${got.join('\n')}`,
          );
        }
      },
    ),
    { numRuns: 600, seed: 20260103 },
  );
  t.true(merged > 1000, `samples share lines (${merged})`);
});

test('Evenly spaced samples of several cells share a line each', (t) => {
  const lines: string[] = [];
  const recorder = recorderInto(lines);
  for (let i = 0; i < 80; i++) {
    for (const cell of ['a', 'b', 'c', 'd']) {
      recorder.input({ kind: 'cell', source: cell, atUs: originUs + i * 12_500, counts: i, sequence: i });
    }
  }
  recorder.end(originUs + 1_000_000);
  t.is(lines.length, 1 + 4 + 1);
  t.is(expandText(lines).inputs.length, 321);
});

test('The lines of a recording stand in order of time', (t) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const lines: string[] = [];
      const recorder = recorderInto(lines);
      let atUs = originUs;
      for (const { afterUs, cells, other: more } of steps) {
        atUs += afterUs;
        for (const { cell, counts } of cells) {
          recorder.input({ kind: 'cell', source: `cell-${cell}`, atUs, counts, sequence: 0 });
        }
        if (more !== undefined) recorder.input({ ...more, atUs } as unknown as PipelineInput);
      }
      recorder.flush();
      const times = lines.slice(1).map((line, index) => parseLine(line, index + 2).t);
      if (times.some((at, index) => at < (times[index - 1] ?? 0))) throw new Error(times.join());
    }),
    { numRuns: 200, seed: 20260104 },
  );
  t.pass();
});

test('Truths stand at their time and are never shown to the pipeline', (t) => {
  const lines: string[] = [];
  const recorder = recorderInto(lines);
  recorder.truth({ kind: 'added', gtin: '04006381333931', count: 2 }, originUs + 7);
  const { inputs, truths } = expandText(lines);
  t.deepEqual(inputs, []);
  t.deepEqual(truths, [{ truth: { kind: 'added', gtin: '04006381333931', count: 2 }, atUs: originUs + 7 }]);
});

test('Pictures are never recorded', (t) => {
  const lines: string[] = [];
  recorderInto(lines).input({
    kind: 'frame',
    source: 'camera',
    atUs: originUs,
    width: 1,
    height: 1,
    format: 'grey',
    data: Uint8Array.of(7),
  });
  t.is(lines.length, 1);
});

test('A sighting of a recording that was made when looks were at one thing is one of one thing', (t) => {
  const lines: string[] = [];
  recorderInto(lines);
  const candidates = [{ look: 'Apple', probabilityPpm: 900_000 }];
  const sighting = { plate: 'basket', candidates, unknownPpm: 60_000, settled: 5 };
  lines.push(JSON.stringify({ t: 9, source: 'camera', sighting }));
  t.deepEqual(expandText(lines).inputs, [
    {
      kind: 'sighting',
      source: 'camera',
      atUs: originUs + 9,
      plate: 'basket',
      settledAtUs: originUs + 5,
      outcome: 'seen',
      things: [{ moved: false, candidates, unknownPpm: 60_000, ambiguous: false }],
    },
  ]);
});
