import type { CalibrationCode } from './errors.ts';
import type { PlateState, Purpose, StepKind } from './session.ts';

/** What a plate takes in a state: `yes`, or the code of the refusal. */
type Row = Readonly<Record<StepKind, 'yes' | CalibrationCode>>;

const whileLoading: Row = {
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
};
const whileVerifying: Row = {
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
};

/** Nothing is taken over in the middle of a procedure: ACCEPT too early has its own code in every state. */
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
  },
  // A fit of zero alone is possible where a calibration says the rest (fit/fit-plate.ts, CW-CAL-011 where none does).
  zero: { ...whileLoading, substitute: 'CW-CAL-040', commit: 'CW-CAL-011' },
  points: whileLoading,
  corners: whileLoading,
  // Only a fit of zero alone needs no verification (CW-CAL-013 otherwise, plate-session.ts).
  preview: whileVerifying,
  verify: whileVerifying,
};

/** A verification changes nothing: it has zero, loads that are judged, and tests. */
const verifying: Readonly<Record<PlateState, Row>> = {
  armed: verification(calibrating.armed),
  zero: { ...verification(whileVerifying), substitute: 'CW-CAL-040' },
  points: verification(whileVerifying),
  corners: verification(whileVerifying),
  preview: verification(whileVerifying),
  verify: verification(whileVerifying),
};

function verification(row: Row): Row {
  return { ...row, load: 'CW-CAL-009', temperature: 'CW-CAL-009', fit: 'CW-CAL-009', commit: 'CW-CAL-009' };
}

/** What a plate in this state says to a step. */
export function answerOf(purpose: Purpose, state: PlateState, kind: StepKind): 'yes' | CalibrationCode {
  return (purpose === 'verify' ? verifying : calibrating)[state][kind];
}

/** What to do where a state refuses a step. */
export const advice: Partial<Record<CalibrationCode, string>> = {
  'CW-CAL-009': 'this session verifies only; begin one that calibrates',
  'CW-CAL-010': 'take zero of the empty plate first',
  'CW-CAL-011': 'put a known load in the middle first',
  'CW-CAL-012': 'fit the loads first',
  'CW-CAL-013': 'verify the fit with other weights first',
  'CW-CAL-016': 'there is nothing to undo',
  'CW-CAL-018': 'the loads are fitted: undo back to before the fit to take more',
  'CW-CAL-040': 'there is no known load on the plate that could be substituted: put weights on first',
};
