import { conclude, errorMg, inTime, isNearZero, judged } from './errors-of.ts';
import { maximumPermissibleErrorMg } from './tolerances.ts';
import { type TestObservation, type TestRules, type TestVerdict, type Tilt, tilts } from './types.ts';

/** The empty plate, tilted, may differ from level by 2 e (R 76-1, 3.9.1.1; India's rules of 1987 have the same). */
const emptyIntervals = 2;

/**
 * Tilted by 50/1000 forward, backward, left and right, as a mobile scale without a level is tested. Empty: at most 2 e
 * from level. Loaded, less what the empty plate reads in the same position: at most the tolerance of the load from level.
 */
export function judgeTilt(observations: readonly TestObservation[], rules: TestRules): TestVerdict {
  const ordered = inTime(observations);
  const find = (tilt: Tilt, empty: boolean) =>
    ordered.find((one) => (one.tilt ?? 'level') === tilt && isNearZero(one, rules) === empty);
  const [levelEmpty, levelLoaded] = [find('level', true), find('level', false)];
  const missing: string[] = [];
  if (levelEmpty === undefined) missing.push('the empty plate, level');
  if (levelLoaded === undefined) missing.push('a load, level');
  const checked = [];
  for (const tilt of tilts.filter((one) => one !== 'level')) {
    const [empty, loaded] = [find(tilt, true), find(tilt, false)];
    if (empty === undefined) missing.push(`the empty plate, tilted ${tilt}`);
    if (loaded === undefined) missing.push(`a load, tilted ${tilt}`);
    if (levelEmpty === undefined || empty === undefined) continue;
    const shift = errorMg(empty, rules) - errorMg(levelEmpty, rules);
    checked.push(judged(empty, shift, emptyIntervals * rules.plate.intervalMg));
    if (levelLoaded === undefined || loaded === undefined) continue;
    const level = errorMg(levelLoaded, rules) - errorMg(levelEmpty, rules);
    const tilted = errorMg(loaded, rules) - errorMg(empty, rules);
    const limit = maximumPermissibleErrorMg(loaded.massMg, rules.plate, rules.regime);
    checked.push(judged(loaded, tilted - level, limit));
  }
  return conclude('tilt', checked, missing);
}
