import test from 'ava';
import fc from 'fast-check';
import type { CalibrationError } from '#calibration/errors.ts';
import { Procedure } from '#calibration/procedure.ts';
import type { SessionView, Step } from '#calibration/session.ts';
import { refused } from './refusals.ts';
import { basket, type Lying, massOf, options, perfect, SyntheticPlate } from './synthetic-plate.ts';

const at = 1_000_000;
const seed = 20_261_123;

/** A whole calibration: each step with what lies on the plate. */
const script: readonly (readonly [Omit<Step, 'capture'>, readonly Lying[]])[] = [
  [{ kind: 'zero' }, []],
  ...[['a10'], ['a10', 'b10']].map(
    (ids) => [{ kind: 'load', weights: ids }, [{ massMg: massOf(ids) }]] as const,
  ),
  [{ kind: 'substitute' }, [{ massMg: 20_002_000 }]],
  [{ kind: 'load', weights: ['a5'] }, [{ massMg: 25_002_000 }]],
  [{ kind: 'zero' }, []],
  ...(basket.cells ?? []).map(
    ({ id }) => [{ kind: 'load', weights: ['a10'], at: id }, [{ massMg: 10_000_000, at: id }]] as const,
  ),
  [{ kind: 'fit' }, []],
  [{ kind: 'verify', weights: ['c10'] }, [{ massMg: 10_000_000 }]],
  [{ kind: 'test', test: 'linearity', weights: ['a5'] }, [{ massMg: 5_000_000 }]],
];

function follow(procedure: Procedure, plate: SyntheticPlate, from: number, to: number): void {
  for (const [step, lying] of script.slice(from, to)) {
    const capture = step.kind === 'fit' ? {} : { capture: plate.capture(lying) };
    procedure.take({ ...step, plate: 'basket', ...capture }, at);
  }
}

/** What a view says beside the lease, which begins anew. */
function lasting({ begunUs: _begun, expiresUs: _expires, ...rest }: SessionView): unknown {
  return JSON.parse(JSON.stringify(rest));
}

for (let done = 0; done <= script.length; done++) {
  const last = script[done - 1]?.[0].kind ?? 'begin';
  test(`a session goes on after a power loss behind step ${done} (${last}), as if nothing had been`, (t) => {
    const plate = new SyntheticPlate(basket, perfect(basket), 0.3);
    const procedure = Procedure.begin(options(basket));
    follow(procedure, plate, 0, done);
    const saved: unknown = JSON.parse(JSON.stringify(procedure.save()));
    const again = Procedure.restore(saved, at, 60_000_000, { keptPower: true });
    t.deepEqual(lasting(again.view()), lasting(procedure.view()));
    t.is(again.expireUs(), at + 60_000_000);
    follow(again, plate, done, script.length);
    const hash = again.candidate()?.hash ?? '';
    t.is(again.take({ kind: 'commit', candidate: hash, expected: 0 }, at).state, 'committed');
  });

  test(`where the converter was off, behind step ${done} (${last}), zero has to be confirmed first`, (t) => {
    const plate = new SyntheticPlate(basket, perfect(basket), 0.3);
    const procedure = Procedure.begin(options(basket));
    follow(procedure, plate, 0, done);
    const again = Procedure.restore(JSON.parse(JSON.stringify(procedure.save())), 0, 60_000_000);
    t.is(again.view().plates.basket?.zeroDoubtful, done > 0);
    const allowed = again.view().plates.basket?.allowed ?? [];
    t.true(allowed.includes('zero'));
    if (done > 0) {
      t.deepEqual(
        allowed.filter((kind) => !['zero', 'undo', 'fit', 'abort'].includes(kind)),
        [],
      );
    }
    const state = again.view().plates.basket?.state;
    const reading = state === 'preview' || state === 'verify' ? 'verify' : 'load';
    const take = () =>
      again.take(
        { kind: reading, weights: ['b5'], plate: 'basket', capture: plate.capture([{ massMg: 5_000_000 }]) },
        at,
      );
    refused(t, done === 0 ? 'CW-CAL-010' : 'CW-CAL-019', take);
    if (reading === 'verify' && state === 'verify') {
      const candidate = again.candidate()?.hash ?? '';
      refused(t, 'CW-CAL-019', () => again.check('commit', { candidate, expected: 0 }, at));
    }
    again.take({ kind: 'zero', plate: 'basket', capture: plate.capture() }, at);
    t.false(again.view().plates.basket?.zeroDoubtful ?? true);
    t.notThrows(take);
  });
}

test('a zero that was taken after a power loss and undone leaves the one of before, which is in doubt', (t) => {
  const plate = new SyntheticPlate(basket, perfect(basket), 0.3);
  const procedure = Procedure.begin(options(basket));
  follow(procedure, plate, 0, script.length);
  const restore = (from: Procedure, keptPower = false) =>
    Procedure.restore(JSON.parse(JSON.stringify(from.save())), at, 60_000_000, { keptPower });
  const isDoubtful = (one: Procedure) => one.view().plates.basket?.zeroDoubtful;
  const zero = (one: Procedure) => one.take({ kind: 'zero', plate: 'basket', capture: plate.capture() }, at);
  const again = restore(procedure);
  zero(again);
  t.false(isDoubtful(again));
  again.take({ kind: 'undo', plate: 'basket' }, at);
  t.true(isDoubtful(again));
  const candidate = again.candidate()?.hash ?? '';
  refused(t, 'CW-CAL-019', () => again.take({ kind: 'commit', candidate, expected: 0 }, at));
  t.true(isDoubtful(restore(again, true)), 'and stays so over a restart');
  // Steps that take the place of undone ones are as new as any.
  again.take({ kind: 'undo', plate: 'basket' }, at);
  again.take({ kind: 'undo', plate: 'basket' }, at);
  zero(again);
  t.false(isDoubtful(again));
  t.false(isDoubtful(restore(again, true)));
  // As earlier versions saved it.
  const { plates, ...rest } = JSON.parse(JSON.stringify(procedure.save()));
  const old = { ...rest, plates: { basket: { ...plates.basket, zeroDoubtful: true } } };
  t.true(isDoubtful(Procedure.restore(old, at, 60_000_000, { keptPower: true })));
});

test('a session that was over stays so', (t) => {
  const plate = new SyntheticPlate(basket, perfect(basket), 0.3);
  const states = ['committed', 'aborted', 'expired'] as const;
  for (const state of states) {
    const procedure = Procedure.begin(options(basket));
    follow(procedure, plate, 0, script.length);
    const candidate = procedure.candidate()?.hash ?? '';
    if (state === 'committed') procedure.take({ kind: 'commit', candidate, expected: 0 }, at);
    if (state === 'aborted') procedure.take({ kind: 'abort' }, at);
    if (state === 'expired') procedure.expire(1e12);
    const again = Procedure.restore(JSON.parse(JSON.stringify(procedure.save())), 0, 1);
    t.is(again.state, state);
    t.throws(() => again.check('zero', {}, 0), { code: `CW-CAL-00${3 + states.indexOf(state)}` });
  }
});

test('what was saved and is not whole is refused, never half believed', (t) => {
  const plate = new SyntheticPlate(basket, perfect(basket), 0.3);
  const procedure = Procedure.begin(options(basket));
  follow(procedure, plate, 0, 8);
  const text = JSON.stringify(procedure.save());
  for (const bad of [undefined, null, 1, 'x', {}, [], { saved: 2 }]) {
    t.throws(() => Procedure.restore(bad, 0, 1), { code: 'CW-CAL-001' });
  }
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.constantFrom('"x"', 'null', '9', '{}'), (place, other) => {
      // Damages one value of the saved text, where the result is JSON still.
      const damaged =
        text.slice(0, place) +
        text.slice(place).replace(/(?<=[:,[])("[^"]*"|[-\d.e]+|true|false)(?=[,}\]])/, other);
      let value: unknown;
      try {
        value = JSON.parse(damaged);
      } catch {
        return;
      }
      try {
        const again = Procedure.restore(value, 0, 1e9, { keptPower: true });
        t.is(typeof again.view().session, 'string');
      } catch (error) {
        const { code } = error as CalibrationError;
        t.regex(String(code), /^CW-CAL-0/, String(error));
      }
    }),
    { seed, numRuns: 400 },
  );
});
