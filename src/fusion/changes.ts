import type { Movement } from '#weighing/outputs.ts';
import { disturbanceSdMg } from './priors.ts';
import type { Change } from './types.ts';

/** One movement as a change to explain. `event` is its movement.settled event. */
export function changeOf(event: string, movement: Movement): Change {
  const { plate, massMg, sigmaMg, startedAtUs, settledAtUs, whileAway, certificateId, indicated, dipMg } =
    movement;
  return {
    plate,
    massMg,
    varMg2: sigmaMg * sigmaMg,
    startedAtUs,
    settledAtUs,
    whileAway,
    ...(dipMg === undefined ? {} : { dipMg }),
    movements: [
      {
        event,
        massMg,
        sigmaMg,
        startedAtUs,
        settledAtUs,
        ...(certificateId === undefined ? {} : { certificateId }),
        ...(indicated === undefined ? {} : { indicated }),
      },
    ],
  };
}

/** Several changes of one plate taken as one: masses and variances add. */
export function combine(changes: readonly [Change, ...Change[]]): Change {
  const [first, ...rest] = changes;
  return rest.reduce(
    (sum, change) => ({
      plate: sum.plate,
      massMg: sum.massMg + change.massMg,
      varMg2: sum.varMg2 + change.varMg2,
      startedAtUs: Math.min(sum.startedAtUs, change.startedAtUs),
      settledAtUs: Math.max(sum.settledAtUs, change.settledAtUs),
      whileAway: sum.whileAway || change.whileAway,
      movements: [...sum.movements, ...change.movements],
    }),
    first,
  );
}

/** Whether a change is so small that a disturbance may have left it (within 3 σ). */
export function leavesNoMass(change: Change): boolean {
  return change.massMg * change.massMg <= 9 * (change.varMg2 + disturbanceSdMg ** 2);
}
