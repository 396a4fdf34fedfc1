import { cellsOf, netCounts } from './forces.ts';
import type { PlateRules } from './plate-rules.ts';
import type { PlateSession } from './plate-session.ts';
import {
  capturedKinds,
  type LoadView,
  type PlateView,
  type SessionState,
  type StepKind,
  stepKinds,
} from './session.ts';
import { answerOf } from './state-table.ts';
import type { Capture } from './types.ts';

/** A plate of a session as people and pages see it: plain data. */
export function viewPlate(rules: PlateRules, session: PlateSession, state: SessionState): PlateView {
  const { progress, undone, zeroDoubtful, journal } = session;
  const { candidate, zero } = progress;
  return {
    state: progress.state,
    steps: journal.length,
    allowed: state === 'armed' ? allowedSteps(rules, session) : [],
    zeroDoubtful,
    substitutedMg: progress.substituted?.massMg ?? 0,
    ...(zero === undefined ? {} : { zero: zeroView(zero) }),
    loads: progress.loads.map((load): LoadView => {
      const cells = cellsOf(rules.plate);
      const net = netCounts(cells, load.capture, load.zero);
      return {
        ...load.figures,
        at: load.at,
        direction: load.direction,
        weights: load.weights,
        counts: Object.fromEntries(cells.map(({ id }, index) => [id, net[index] ?? 0])),
        ...temperatureOf(load.capture),
      };
    }),
    verifications: progress.verifications,
    observations: progress.observations,
    ...(candidate === undefined ? {} : { candidate }),
    notices: progress.notices,
    undone,
  };
}

/** What the state takes; while zero is in doubt nothing that is read or committed against it. */
function allowedSteps({ purpose }: PlateRules, { progress, zeroDoubtful }: PlateSession): StepKind[] {
  const inDoubt: readonly StepKind[] = [...capturedKinds.filter((kind) => kind !== 'zero'), 'commit'];
  return stepKinds.filter(
    (kind) => answerOf(purpose, progress.state, kind) === 'yes' && !(zeroDoubtful && inDoubt.includes(kind)),
  );
}

function zeroView(zero: Capture): NonNullable<PlateView['zero']> {
  const counts = Object.entries(zero.cells).map(([id, { meanCounts }]) => [id, meanCounts] as const);
  return { counts: Object.fromEntries(counts), ...temperatureOf(zero) };
}

function temperatureOf({ milliCelsius }: Capture): { readonly milliCelsius?: number } {
  return milliCelsius === undefined ? {} : { milliCelsius };
}
