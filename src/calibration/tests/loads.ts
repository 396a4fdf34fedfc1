import {
  conclude,
  errorMg,
  inTime,
  isNearZero,
  isSameRun,
  judged,
  judgedByLoad,
  zeroErrorMg,
} from './errors-of.ts';
import { eccentricityLoadMg, eccentricPlacements, maximumPermissibleErrorMg } from './tolerances.ts';
import type { TestFigures, TestObservation, TestRules, TestVerdict } from './types.ts';

/** Fewest loads of a weighing test (R 76-1, A.4.4.1: at least 5 at a verification). */
const fewestLoads = 5;
/** "Close to Max": from this part of it. */
const nearMaxPart = 0.9;
/** A load may differ from the one that is asked for by this part. */
const loadTolerance = 0.1;
/** Weighings of a series (R 76-1, A.4.10: class III at a verification, three; one series at about 0.8 Max). */
const fewestWeighings = 3;
const repeatabilityPart = 0.5;

/**
 * Errors over loads that rise and fall again. E₀ is the error of the first reading near zero (R 76-1, A.4.4.3), and
 * after a loss of power of the first one since. Hysteresis
 * is what a load shows when unloading less what it showed when loading.
 */
export function judgeLinearity(observations: readonly TestObservation[], rules: TestRules): TestVerdict {
  const ordered = inTime(observations);
  const zeroOf = (one: TestObservation) =>
    ordered.find((other) => isNearZero(other, rules) && isSameRun(one, other));
  const checked = ordered.map((one) => {
    const zero = zeroOf(one);
    return judgedByLoad(one, zero === undefined || zero === one ? 0 : errorMg(zero, rules), rules);
  });
  const missing: string[] = [];
  for (const direction of ['up', 'down'] as const) {
    const loads = new Set(
      ordered.filter((one) => one.direction === direction && one.massMg > 0).map(({ massMg }) => massMg),
    );
    if (loads.size < fewestLoads) {
      missing.push(`at least ${fewestLoads} loads ${direction}, there are ${loads.size}`);
    }
  }
  const top = Math.max(0, ...ordered.map(({ massMg }) => massMg));
  if (top < nearMaxPart * rules.plate.maxMg) missing.push('a load at or close to Max');
  if (ordered.some((one) => zeroOf(one) === undefined)) {
    missing.push('a reading of the empty plate before the first load');
  }
  return conclude('linearity', checked, missing, hysteresis(ordered, rules), substitutionNotes(ordered));
}

function hysteresis(ordered: readonly TestObservation[], rules: TestRules): TestFigures {
  let found: { mg: number; at: number } | undefined;
  for (const up of ordered) {
    if (up.direction !== 'up') continue;
    const down = ordered.find((one) => one.direction === 'down' && one.massMg === up.massMg);
    if (down === undefined) continue;
    const mg = errorMg(down, rules) - errorMg(up, rules);
    if (found === undefined || Math.abs(mg) > Math.abs(found.mg)) found = { mg, at: up.massMg };
  }
  if (found === undefined) return {};
  return {
    hysteresisMg: found.mg,
    hysteresisAtMg: found.at,
    hysteresisPpmOfMax: Math.round((found.mg / rules.plate.maxMg) * 1e6),
  };
}

function substitutionNotes(observations: readonly TestObservation[]): string[] {
  const most = Math.max(0, ...observations.map(({ substitutedMg }) => substitutedMg ?? 0));
  if (most === 0) return [];
  return [
    'Part of the load was substitution load. R 76-1, 3.7.3 allows that for instruments above 1 t; below, it is a check, not a verification by the book.',
  ];
}

/** A third of Max over each support in turn; R 76-1, A.4.7. The same tolerance as in the middle. */
export function judgeEccentricity(observations: readonly TestObservation[], rules: TestRules): TestVerdict {
  const { plate } = rules;
  const ordered = inTime(observations);
  const loaded = ordered.filter((one) => !isNearZero(one, rules));
  const checked = loaded.map((one) => judgedByLoad(one, zeroErrorMg(one, ordered, rules), rules));
  const missing = eccentricPlacements(plate)
    .filter((placement) => !loaded.some(({ at }) => at === placement))
    .map((placement) => `a load at ${placement}`);
  const wanted = eccentricityLoadMg(plate);
  const light = loaded.filter(({ massMg }) => massMg < (1 - loadTolerance) * wanted);
  if (light.length > 0) {
    missing.push(`${light.length} of the loads again, with ${Math.round(wanted / 1000)} g or a little more`);
  }
  return conclude('eccentricity', checked, missing);
}

/** The same load several times: the spread is at most the tolerance of the load (R 76-1, 3.6.1), and each error too. */
export function judgeRepeatability(observations: readonly TestObservation[], rules: TestRules): TestVerdict {
  const ordered = inTime(observations);
  const series = new Map<number, TestObservation[]>();
  for (const one of ordered) {
    if (!isNearZero(one, rules)) series.set(one.massMg, [...(series.get(one.massMg) ?? []), one]);
  }
  const checked = [];
  let spreadMg = 0;
  let whole = false;
  for (const [massMg, weighings] of series) {
    const errors = weighings.map((one) => errorMg(one, rules) - zeroErrorMg(one, ordered, rules));
    const spread = Math.max(...errors) - Math.min(...errors);
    spreadMg = Math.max(spreadMg, spread);
    const limit = maximumPermissibleErrorMg(massMg, rules.plate, rules.regime);
    checked.push(...weighings.map((one, index) => judged(one, errors[index] ?? 0, limit)));
    const last = weighings.at(-1);
    if (last !== undefined && weighings.length > 1) checked.push(judged(last, spread, limit, 'spread'));
    if (weighings.length >= fewestWeighings && massMg >= repeatabilityPart * rules.plate.maxMg * 0.98) {
      whole = true;
    }
  }
  const missing = whole
    ? []
    : [`${fewestWeighings} weighings of one load between half of Max and Max, taken off each time`];
  return conclude('repeatability', checked, missing, series.size > 0 ? { spreadMg } : {});
}

/** Extra weight of the discrimination test, in d (R 76-1, 3.8.2.2). */
export const discriminationDivisions = 1.4;

/**
 * 1.4 d more on a load at rest must change what is shown by 1 d or more (R 76-1, 3.8.2.2; Canada's SI/98-81 has the
 * same). Pairs are a load and, next, the same with 1.4 d more. The unrounded means have to differ by at least 1 d.
 */
export function judgeDiscrimination(observations: readonly TestObservation[], rules: TestRules): TestVerdict {
  const { divisionMg } = rules.plate;
  const extra = discriminationDivisions * divisionMg;
  const ordered = inTime(observations);
  const checked = [];
  for (let index = 1; index < ordered.length; index++) {
    const [before, after] = [ordered[index - 1], ordered[index]];
    if (before === undefined || after === undefined) continue;
    const added = after.massMg - before.massMg;
    if (Math.abs(added - extra) > 0.05 * extra) continue;
    const answer = after.indicatedMg - before.indicatedMg;
    // What is left of 1.4 d when the answer is the least that passes: 0.4 d.
    checked.push(judged(after, Math.min(0, answer - added), added - added / discriminationDivisions));
  }
  const initial = rules.regime === 'r76-initial' || rules.regime === 'hb44-acceptance';
  const needed = initial ? 3 : 1;
  const missing =
    checked.length >= needed
      ? []
      : [
          `${needed === 1 ? 'a load' : 'three loads (about Min, half of Max and Max)'} with ${Math.round(extra)} mg added afterwards; there are ${checked.length}`,
        ];
  return conclude('discrimination', checked, missing);
}
