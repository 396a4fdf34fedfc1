import test from 'ava';
import { isCoded } from '#base/errors.ts';
import { Procedure } from '#calibration/procedure.ts';
import {
  capturedKinds,
  type PlateState,
  type Purpose,
  plateStates,
  type SessionState,
  type Step,
  type StepKind,
  stepKinds,
} from '#calibration/session.ts';
import { basket, load, options, perfect, SyntheticPlate, step } from './synthetic-plate.ts';

type Answer = 'yes' | `CW-CAL-${string}`;
type Row = Readonly<Record<StepKind | 'renew', Answer>>;

/** What each command says in each state of a plate that is calibrated. Every cell is filled in, by hand. */
const calibrating: Readonly<Record<PlateState, Row>> = {
  armed: {
    zero: 'yes',
    load: 'CW-CAL-010',
    substitute: 'CW-CAL-010',
    temperature: 'CW-CAL-010',
    undo: 'CW-CAL-016',
    fit: 'CW-CAL-010',
    verify: 'CW-CAL-010',
    test: 'CW-CAL-010',
    commit: 'CW-CAL-010',
    abort: 'yes',
    renew: 'yes',
  },
  zero: {
    zero: 'yes',
    load: 'yes',
    substitute: 'CW-CAL-040',
    temperature: 'yes',
    undo: 'yes',
    fit: 'CW-CAL-011',
    verify: 'CW-CAL-012',
    test: 'CW-CAL-012',
    commit: 'CW-CAL-011',
    abort: 'yes',
    renew: 'yes',
  },
  points: {
    zero: 'yes',
    load: 'yes',
    substitute: 'yes',
    temperature: 'yes',
    undo: 'yes',
    fit: 'CW-CAL-050',
    verify: 'CW-CAL-012',
    test: 'CW-CAL-012',
    commit: 'CW-CAL-012',
    abort: 'yes',
    renew: 'yes',
  },
  corners: {
    zero: 'yes',
    load: 'yes',
    substitute: 'yes',
    temperature: 'yes',
    undo: 'yes',
    fit: 'yes',
    verify: 'CW-CAL-012',
    test: 'CW-CAL-012',
    commit: 'CW-CAL-012',
    abort: 'yes',
    renew: 'yes',
  },
  preview: {
    zero: 'yes',
    load: 'CW-CAL-018',
    substitute: 'yes',
    temperature: 'CW-CAL-018',
    undo: 'yes',
    fit: 'yes',
    verify: 'yes',
    test: 'yes',
    commit: 'CW-CAL-013',
    abort: 'yes',
    renew: 'yes',
  },
  verify: {
    zero: 'yes',
    load: 'CW-CAL-018',
    substitute: 'yes',
    temperature: 'CW-CAL-018',
    undo: 'yes',
    fit: 'yes',
    verify: 'yes',
    test: 'yes',
    commit: 'yes',
    abort: 'yes',
    renew: 'yes',
  },
};

/** The states that a verification passes through. */
const verifying: Readonly<Record<'armed' | 'zero' | 'verify', Row>> = {
  armed: {
    zero: 'yes',
    load: 'CW-CAL-009',
    substitute: 'CW-CAL-010',
    temperature: 'CW-CAL-009',
    undo: 'CW-CAL-016',
    fit: 'CW-CAL-009',
    verify: 'CW-CAL-010',
    test: 'CW-CAL-010',
    commit: 'CW-CAL-009',
    abort: 'yes',
    renew: 'yes',
  },
  zero: {
    zero: 'yes',
    load: 'CW-CAL-009',
    substitute: 'CW-CAL-040',
    temperature: 'CW-CAL-009',
    undo: 'yes',
    fit: 'CW-CAL-009',
    verify: 'yes',
    test: 'yes',
    commit: 'CW-CAL-009',
    abort: 'yes',
    renew: 'yes',
  },
  verify: {
    zero: 'yes',
    load: 'CW-CAL-009',
    substitute: 'yes',
    temperature: 'CW-CAL-009',
    undo: 'yes',
    fit: 'CW-CAL-009',
    verify: 'yes',
    test: 'yes',
    commit: 'CW-CAL-009',
    abort: 'yes',
    renew: 'yes',
  },
};

/** Whatever a session's plates had come to: once it is over, every command says so. */
const over: Readonly<Record<Exclude<SessionState, 'armed'>, Answer>> = {
  committed: 'CW-CAL-003',
  aborted: 'CW-CAL-004',
  expired: 'CW-CAL-005',
};

const commands = [...stepKinds, 'renew'] as const;

const truth = () => new SyntheticPlate(basket, perfect(basket), 0.3);

/** A calibrated basket, to be verified. */
function calibrated() {
  const { procedure, plate } = inState('calibrate', 'verify');
  const { hash } = procedure.candidate() ?? { hash: '' };
  const result = procedure.take({ kind: 'commit', candidate: hash, expected: 0 }, 1_000_000);
  return { plate, calibration: { calibration: 1 as const, revision: 1, plates: result.plates ?? {} } };
}

function inState(purpose: Purpose, state: PlateState): { procedure: Procedure; plate: SyntheticPlate } {
  const reached = plateStates.indexOf(state);
  if (purpose === 'verify') {
    const { plate, calibration } = calibrated();
    const procedure = Procedure.begin({ ...options(basket), purpose, current: calibration });
    if (state !== 'armed') step(procedure, plate, { kind: 'zero' });
    if (state === 'verify') load(procedure, plate, 'verify', ['c10']);
    return { procedure, plate };
  }
  const plate = truth();
  const procedure = Procedure.begin(options(basket));
  if (reached >= plateStates.indexOf('zero')) step(procedure, plate, { kind: 'zero' });
  if (reached >= plateStates.indexOf('points')) {
    load(procedure, plate, 'load', ['a10', 'b10']);
    load(procedure, plate, 'load', ['a10']);
  }
  if (reached >= plateStates.indexOf('corners')) {
    for (const { id } of basket.cells ?? []) load(procedure, plate, 'load', ['a10'], id);
    load(procedure, plate, 'load', ['a10']);
  }
  if (reached >= plateStates.indexOf('preview')) procedure.take({ kind: 'fit', plate: 'basket' }, 1_000_000);
  if (reached >= plateStates.indexOf('verify')) load(procedure, plate, 'verify', ['c10']);
  return { procedure, plate };
}

/** Gives a command with arguments that nothing speaks against but the state. */
function give(procedure: Procedure, plate: SyntheticPlate, kind: StepKind | 'renew'): Answer {
  try {
    if (kind === 'renew') {
      procedure.renew(2_000_000);
      return 'yes';
    }
    const ten = [{ massMg: 10_000_000 }];
    const given: Partial<Record<StepKind, [Partial<Step>, typeof ten | [], number?]>> = {
      zero: [{}, [], 20_000],
      load: [{ weights: ['a10'] }, ten],
      substitute: [{}, ten],
      temperature: [{}, [], 35_000],
      verify: [{ weights: ['c10'] }, ten],
      test: [{ test: 'linearity', weights: ['a10'] }, ten],
    };
    const [args, lying, milliCelsius] = given[kind] ?? [{}, []];
    const commit = kind === 'commit' ? { candidate: procedure.candidate()?.hash ?? 'none', expected: 0 } : {};
    const wait = (capturedKinds as readonly StepKind[]).includes(kind);
    procedure.take(
      {
        kind,
        plate: 'basket',
        ...args,
        ...commit,
        ...(wait ? { capture: plate.capture(lying, milliCelsius) } : {}),
      },
      2_000_000,
    );
    return 'yes';
  } catch (error) {
    if (!isCoded(error)) throw error;
    return error.code as Answer;
  }
}

/** For temperature points zero needs a temperature. */
function withTemperature(purpose: Purpose, state: PlateState) {
  const { procedure, plate } = inState(purpose, state);
  if (state !== 'armed' && state !== 'preview' && state !== 'verify') {
    procedure.take({ kind: 'zero', plate: 'basket', capture: plate.capture([], 20_000) }, 1_000_000);
    // What lay there has been taken off for zero; for a substitution it has to lie there again.
    if (state === 'points') load(procedure, plate, 'load', ['a10']);
    if (state === 'corners') load(procedure, plate, 'load', ['a10']);
  }
  return { procedure, plate };
}

for (const state of plateStates) {
  for (const kind of commands) {
    const expected = calibrating[state][kind];
    test(`calibrating, a plate in state ${state} answers ${kind} with ${expected}`, (t) => {
      const { procedure, plate } = withTemperature('calibrate', state);
      t.is(procedure.view().plates.basket?.state, state);
      const before = JSON.stringify(procedure.save());
      t.is(give(procedure, plate, kind), expected);
      // What is refused leaves everything as it was.
      if (expected !== 'yes') t.is(JSON.stringify(procedure.save()), before);
    });
  }
}

for (const state of ['armed', 'zero', 'verify'] as const) {
  for (const kind of commands) {
    const expected = verifying[state][kind];
    test(`verifying, a plate in state ${state} answers ${kind} with ${expected}`, (t) => {
      const { procedure, plate } = inState('verify', state);
      t.is(procedure.view().plates.basket?.state, state);
      const before = JSON.stringify(procedure.save());
      t.is(give(procedure, plate, kind), expected);
      if (expected !== 'yes') t.is(JSON.stringify(procedure.save()), before);
    });
  }
}

for (const [state, expected] of Object.entries(over)) {
  for (const kind of commands) {
    for (const reached of plateStates) {
      if (state === 'committed' && reached !== 'verify') continue;
      test(`a session that is ${state} with its plate in ${reached} answers ${kind} with ${expected}`, (t) => {
        const { procedure, plate } = inState('calibrate', reached);
        if (state === 'committed') t.is(give(procedure, plate, 'commit'), 'yes');
        if (state === 'aborted') t.is(give(procedure, plate, 'abort'), 'yes');
        if (state === 'expired') procedure.expire(120_000_000);
        t.is(procedure.state, state as SessionState);
        const before = JSON.stringify(procedure.save());
        t.is(give(procedure, plate, kind), expected);
        t.is(JSON.stringify(procedure.save()), before);
      });
    }
  }
}

test('what a view calls allowed is what the table takes', (t) => {
  for (const state of plateStates) {
    const { procedure } = inState('calibrate', state);
    const allowed = procedure.view().plates.basket?.allowed ?? [];
    for (const kind of stepKinds) {
      // Refused for what is missing, not for the state: fits without loads over cells, commits of what is not verified.
      const answer = calibrating[state][kind];
      const conditional =
        (kind === 'fit' && (state === 'zero' || state === 'points')) ||
        (kind === 'commit' && state === 'preview');
      if (!conditional) t.is(allowed.includes(kind), answer === 'yes', `${state} ${kind}`);
    }
  }
});
