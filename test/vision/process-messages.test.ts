import test from 'ava';
import fc from 'fast-check';
import type { FromVision, ToVision } from '#vision/process/messages.ts';
import { fromVisionSchema, toVisionSchema } from '#vision/process/schemas.ts';
import { setupOf } from './support/setup.ts';

const runs = Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 20_000);

const looked = {
  camera: 'c',
  plate: 'p',
  atUs: 4,
  settledAtUs: 3,
  enrolledPpm: 5,
};
const apple = {
  change: 'came',
  moved: false,
  box: [0, 0, 1_000, 500],
  candidates: [{ look: 'Apple', probabilityPpm: 7 }],
  unknownPpm: 0,
  ambiguous: false,
} as const;
const told: readonly FromVision[] = [
  { kind: 'ready', backend: 'onnx-int8', model: 'groceries 1' },
  { kind: 'looked', id: 1, outcome: 'seen', things: [apple], ...looked },
  { kind: 'code', camera: 'c', plate: 'p', atUs: 1, data: new Uint8Array([1]), symbology: ']E0' },
  { kind: 'motion', camera: 'c', plate: 'p', atUs: 1 },
  { kind: 'lens', camera: 'c', normal: { sharpness: 0.4, rim: new Int8Array(700) } },
  { kind: 'fault', source: 'c', atUs: 1, fault: { fault: 'stuck', code: 'CW-VIS-022', message: 'm' } },
  { kind: 'embedded', id: 1, embedding: new Int8Array(3) },
  { kind: 'recording', id: 1, camera: 'c', path: '/r', untilUs: 1, erasedAt: 2 },
  { kind: 'erased', id: 1, files: 2 },
  { kind: 'refused', id: 1, code: 'CW-VIS-020', message: 'm' },
  { kind: 'alive' },
  { kind: 'log', level: 'info', message: 'm', fields: { a: 1, b: 'x', c: true } },
  {
    kind: 'health',
    health: {
      cameras: [
        {
          id: 'c',
          driver: 'files',
          state: 'running',
          identity: { vendor: 'v' },
          frames: 1,
          framesPerSecond: 9.5,
          framesDropped: 0,
        },
      ],
      looksPerSecond: 2,
      residentBytes: 3,
    },
  },
];
const asked: readonly ToVision[] = [
  {
    kind: 'begin',
    setup: setupOf(),
    lenses: [
      { camera: 'c', normal: { sharpness: 0.4, rim: new Int8Array(700) }, standing: ['CW-VIS-016'] },
      { camera: 'd', standing: [] },
    ],
  },
  { kind: 'look', id: 1, plate: 'p', startedAtUs: 1, settledAtUs: 2, sign: -1 },
  { kind: 'watch', plate: 'p', atUs: 1 },
  { kind: 'quiet', plate: 'p' },
  { kind: 'expect-code', plate: 'p', forMs: 1 },
  { kind: 'trip' },
  { kind: 'gallery', path: '/g' },
  { kind: 'embed', id: 1, camera: 'c', plate: 'p' },
  { kind: 'record', id: 1, camera: 'c', seconds: 5 },
  { kind: 'erase', id: 1 },
  { kind: 'load', milliCelsius: 1, busyPpm: 2 },
  { kind: 'stop' },
];

/** A message with one more field somewhere in it, in each place in turn. */
function* stuffed(value: unknown, extra: unknown): Generator<unknown> {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
  if (!Array.isArray(value)) yield { ...value, pixels: extra };
  for (const [name, inner] of Object.entries(value)) {
    // Options are the driver's own, and fields of the log are bounded below.
    if (name === 'options' || name === 'fields') continue;
    for (const one of stuffed(inner, extra)) {
      yield Array.isArray(value)
        ? value.map((other) => (other === inner ? one : other))
        : { ...value, [name]: one };
    }
  }
}

test('Every message is accepted as it is, on both ways', (t) => {
  for (const message of told) t.deepEqual(fromVisionSchema.parse(message), message, message.kind);
  for (const message of asked) t.deepEqual(toVisionSchema.parse(message), message, message.kind);
});

test('No message has room for a field that it does not have', (t) => {
  let tried = 0;
  for (const message of told) {
    for (const one of stuffed(message, new Uint8Array(9))) {
      tried += 1;
      t.false(fromVisionSchema.safeParse(one).success, JSON.stringify(one));
    }
  }
  for (const message of asked) {
    if (message.kind === 'begin') continue;
    for (const one of stuffed(message, 'x')) {
      tried += 1;
      t.false(toVisionSchema.safeParse(one).success, JSON.stringify(one));
    }
  }
  t.true(tried > 25, `${tried} tried`);
});

test('What a message carries is too little for a frame', (t) => {
  const refused = (message: unknown) => t.false(fromVisionSchema.safeParse(message).success);
  const code = { kind: 'code', camera: 'c', plate: 'p', atUs: 1, symbology: ']E0' };
  refused({ ...code, data: new Uint8Array(4_097) });
  refused({ ...code, data: 'text' });
  refused({ kind: 'embedded', id: 1, embedding: new Int8Array(257) });
  refused({ kind: 'embedded', id: 1, embedding: new Uint8Array(3) });
  const log = { kind: 'log', level: 'info', message: 'm' };
  refused({ ...log, fields: { a: 'x'.repeat(501) } });
  refused({ ...log, fields: { a: new Uint8Array(3) } });
  refused({ ...log, fields: Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`f${n}`, 1])) });
  refused({ ...log, message: 'x'.repeat(2_001), fields: {} });
});

test('Whatever comes, a check ends with a message or a refusal', (t) => {
  fc.assert(
    fc.property(
      fc.oneof(fc.anything(), fc.record({ kind: fc.constantFrom(...told.map(({ kind }) => kind)) })),
      (value) => {
        fromVisionSchema.safeParse(value);
        toVisionSchema.safeParse(value);
        return true;
      },
    ),
    { seed: 5, numRuns: runs },
  );
  t.pass();
});
