import test from 'ava';
import fc from 'fast-check';
import { isCoded } from '#base/errors.ts';
import { Capturer } from '#calibration/capture.ts';
import { Procedure } from '#calibration/procedure.ts';
import {
  capturedKinds,
  fitModels,
  plateStates,
  type Step,
  type StepKind,
  stepKinds,
} from '#calibration/session.ts';
import {
  basket,
  type Lying,
  massOf,
  options,
  perfect,
  SyntheticPlate,
  slot,
  weights,
} from './synthetic-plate.ts';

const seed = 20_261_123;
const ids = weights.map(({ id }) => id);
const at = 1_000_000;

/** What somebody may do who knows the words but not the order, and puts things where they don't belong. */
const step = fc.record({
  // Most of the time the next step of the right order.
  next: fc.constantFrom('basket', 'basket', 'slot', 'slot', undefined),
  kind: fc.constantFrom(...stepKinds.filter((kind) => kind !== 'abort'), 'load' as const),
  plate: fc.constantFrom('basket', 'slot', 'slot', 'rack'),
  weights: fc.subarray(ids, { minLength: 1, maxLength: 3 }),
  stated: fc.constantFrom('right', 'right', 'right', 'unnamed', 'wrong', 'none'),
  at: fc.constantFrom('centre', 'centre', 'fl', 'fr', 'rl', 'rr', 'only', 'nowhere'),
  lies: fc.constantFrom('as told', 'as told', 'as told', 'elsewhere', 'not'),
  model: fc.constantFrom(undefined, ...fitModels),
  trim: fc.constantFrom(undefined, true, false),
  force: fc.constantFrom(undefined, undefined, 'because'),
  milliCelsius: fc.constantFrom(undefined, 20_000, 20_000, 31_000),
  powerLoss: fc.integer({ min: 0, max: 39 }).map((value) => value === 0),
});
type Drawn = typeof step extends fc.Arbitrary<infer T> ? T : never;

function stepOf(drawn: Drawn, plates: readonly SyntheticPlate[], procedure: Procedure): Step {
  const { kind, weights: chosen, stated } = drawn;
  const plate = plates.find(({ entry }) => entry.id === drawn.plate);
  const massMg = massOf(chosen);
  const mass = { right: {}, unnamed: { massMg }, wrong: { massMg: massMg * 2 }, none: {} }[stated];
  const lying: Lying[] =
    drawn.lies === 'not' || kind === 'zero'
      ? []
      : [{ massMg, at: drawn.lies === 'elsewhere' ? 'rr' : drawn.at }];
  const captured = (capturedKinds as readonly StepKind[]).includes(kind) && plate !== undefined;
  return {
    kind,
    plate: drawn.plate,
    at: drawn.at,
    test: 'linearity',
    ...mass,
    ...(stated === 'right' || stated === 'wrong' ? { weights: chosen } : {}),
    ...(drawn.model === undefined ? {} : { model: drawn.model }),
    ...(drawn.trim === undefined ? {} : { trim: drawn.trim }),
    ...(drawn.force === undefined ? {} : { force: drawn.force }),
    ...(captured ? { capture: plate.capture(lying, drawn.milliCelsius) } : {}),
    ...(kind === 'commit' ? { candidate: procedure.candidate()?.hash ?? 'x', expected: 0 } : {}),
  };
}

/** The right order of one plate: each step with the weights that lie on it. */
const orders: Readonly<Record<string, readonly (readonly [StepKind, readonly string[], string?])[]>> = {
  basket: [
    ['zero', []],
    ['load', ['a10']],
    ['load', ['a10', 'b10']],
    ...(basket.cells ?? []).map(({ id }) => ['load', ['a10'], id] as const),
    ['fit', []],
    ['verify', ['c10']],
  ],
  slot: [
    ['zero', []],
    ['load', ['a2']],
    ['load', ['a5']],
    ['fit', []],
    ['verify', ['b5']],
  ],
};

/** The step that comes next on a plate, as its journal has it; a commit after the last. */
function nextStep(name: string, plates: readonly SyntheticPlate[], procedure: Procedure): Step | undefined {
  const plate = plates.find(({ entry }) => entry.id === name);
  const view = procedure.view().plates[name];
  if (plate === undefined || view === undefined) return undefined;
  const [kind, ids, place] = orders[name]?.[view.steps] ?? [];
  if (kind === undefined) {
    return { kind: 'commit', expected: 0, candidate: procedure.candidate()?.hash ?? 'x' };
  }
  const lying = ids === undefined || ids.length === 0 ? [] : [{ massMg: massOf(ids), at: place ?? 'centre' }];
  return {
    kind,
    plate: name,
    ...(ids === undefined || ids.length === 0 ? {} : { weights: ids }),
    ...(place === undefined ? {} : { at: place }),
    ...(kind === 'fit' ? {} : { capture: plate.capture(lying, 20_000) }),
  };
}

test('whatever somebody does in whatever order is taken or refused with a code, changes nothing when refused, and is the same after a power loss', (t) => {
  const [taken, refused] = [new Map<string, number>(), new Map<string, number>()];
  const count = (map: Map<string, number>, key: string) => map.set(key, (map.get(key) ?? 0) + 1);
  const reached = new Set<string>();
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), (steps) => {
      const plates = [
        new SyntheticPlate(basket, perfect(basket), 0.3),
        new SyntheticPlate(slot, perfect(slot)),
      ];
      let procedure = Procedure.begin(options(basket, slot));
      let losses = 0;
      /** Of each plate the steps that stand: after how many losses of power each was taken. */
      const standing: Record<string, { kind: StepKind; losses: number }[]> = { basket: [], slot: [] };
      const isDoubtful = (id: string) =>
        (standing[id]?.findLast(({ kind }) => kind === 'zero')?.losses ?? losses) < losses;
      for (const drawn of steps) {
        if (drawn.powerLoss) {
          procedure = Procedure.restore(JSON.parse(JSON.stringify(procedure.save())), at, 120_000_000);
          losses++;
        }
        const before = JSON.stringify(procedure.save());
        try {
          const right = drawn.next === undefined ? undefined : nextStep(drawn.next, plates, procedure);
          const result = procedure.take(right ?? stepOf(drawn, plates, procedure), at);
          count(taken, result.kind);
          if (result.kind === 'commit') t.false(['basket', 'slot'].some(isDoubtful));
          const own = standing[result.plate ?? ''];
          if (result.kind === 'undo') own?.pop();
          else own?.push({ kind: result.kind, losses });
          for (const { state } of Object.values(procedure.view().plates)) reached.add(state);
        } catch (error) {
          if (!isCoded(error)) throw error;
          count(refused, error.code);
          t.notRegex(error.message, /undefined|NaN|Infinity|\[object/, error.message);
          t.is(JSON.stringify(procedure.save()), before, error.message);
        }
        for (const [id, { zeroDoubtful }] of Object.entries(procedure.view().plates)) {
          t.is(zeroDoubtful, isDoubtful(id), `whether zero of ${id} holds`);
        }
        if (procedure.state !== 'armed') break;
      }
      const saved: unknown = JSON.parse(JSON.stringify(procedure.save()));
      const view = procedure.view();
      procedure = Procedure.restore(saved, at, 120_000_000, { keptPower: true });
      t.deepEqual(
        procedure.view(),
        JSON.parse(JSON.stringify({ ...view, begunUs: at, expiresUs: at + 120_000_000 })),
      );
    }),
    { seed, numRuns: 400 },
  );
  t.log(`taken: ${[...taken].map(([kind, times]) => `${kind} ${times}`).join(', ')}`);
  t.log(`refused with ${refused.size} codes: ${[...refused.keys()].sort().join(', ')}`);
  for (const state of plateStates.slice(1)) t.true(reached.has(state), `a plate came to ${state}`);
  t.true(refused.size >= 15);
});

test('whatever a capturer is fed, it comes to an end within 15 s', (t) => {
  const event = fc.record({
    what: fc.constantFrom('quiet', 'quiet', 'quiet', 'cell', 'scale', 'motion', 'fault', 'cleared', 'time'),
    quietUs: fc.integer({ min: 0, max: 3_000_000 }),
    cell: fc.constantFrom('a', 'b', 'z'),
    afterUs: fc.integer({ min: -50_000, max: 400_000 }),
    counts: fc.oneof(fc.integer({ min: 49_990, max: 50_010 }), fc.integer({ min: -0x800000, max: 0x7fffff })),
  });
  const ends = new Set<string>();
  fc.assert(
    fc.property(
      fc.array(event, { maxLength: 40 }),
      fc.boolean(),
      fc.constantFrom(0, 2, 3_000),
      (events, scaled, shake) => {
        const capturer = new Capturer({
          plate: 'p',
          cells: scaled
            ? []
            : [
                { id: 'a', milligramsPerCount: 2 },
                { id: 'b', milligramsPerCount: 0 },
              ],
          ...(scaled ? { scale: 's' } : {}),
          divisionMg: 1_000,
          driftDivisionsPerS: 0.25,
          startUs: 0,
        });
        let nowUs = 0;
        let number = 1_000;
        events.forEach(({ what, cell, afterUs, quietUs, counts }, sequence) => {
          nowUs = Math.max(0, nowUs + afterUs);
          for (const endUs = nowUs + quietUs; what === 'quiet' && nowUs < endUs; nowUs += 12_500) {
            for (const id of ['a', 'b']) capturer.cell(id, nowUs, 50_000 + (number % 7), ++number);
            capturer.scale(nowUs, 5_000_000, true);
            // Whoever works with a cell clears its faults in the end.
            if (nowUs + 12_500 >= endUs) for (const id of ['a', 'b', 'z']) capturer.fault(id, nowUs, true);
          }
          if (what === 'cell') capturer.cell(cell, nowUs, counts, sequence);
          if (what === 'scale') capturer.scale(nowUs, counts, sequence % 9 !== 0);
          if (what === 'motion') capturer.motion(nowUs, sequence % 3 === 0);
          if (what === 'fault' || what === 'cleared') capturer.fault(cell, nowUs, what === 'cleared');
          if (what === 'time') capturer.advance(nowUs);
        });
        // Whoever holds the plate still, or does not, until the end.
        for (; shake > 0 && nowUs < 16_000_000; nowUs += 12_500) {
          for (const id of ['a', 'b'])
            capturer.cell(id, nowUs, 50_000 + Math.round(shake * Math.sin(nowUs / 3e5)), ++number);
          capturer.scale(nowUs, 5_000_000 + shake * 1_000 * (number % 2), true);
        }
        capturer.advance(Math.max(nowUs, 15_000_000));
        const { outcome } = capturer;
        t.not(outcome.state, 'waiting');
        if (outcome.state === 'failed') t.notRegex(outcome.error.message, /undefined|NaN|Infinity|\[object/);
        ends.add(outcome.state === 'failed' ? outcome.error.code : outcome.state);
      },
    ),
    { seed, numRuns: 1_000 },
  );
  t.log([...ends].join(', '));
  t.true(ends.size >= 4);
});
