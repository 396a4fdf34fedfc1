/** Mistakes of units: what the load is, over what it was said to be. Exact by definition of the pound (0.45359237 kg). */
const mistakes: readonly (readonly [ratio: number, hint: string])[] = [
  [1_000, 'the number seems to be in a unit a thousand times smaller (kg for g, g for mg)'],
  [0.001, 'the number seems to be in a unit a thousand times larger (g for kg, mg for g)'],
  [1_000_000, 'the number seems to be in kg where mg are meant'],
  [0.000001, 'the number seems to be in mg where kg are meant'],
  [0.45359237, 'the weight seems to be so many pounds, not kilograms'],
  [1 / 0.45359237, 'the weight seems to be so many kilograms, not pounds'],
  [28.349523125, 'the weight seems to be so many ounces, not grams'],
  [1 / 28.349523125, 'the weight seems to be so many grams, not ounces'],
  [16, 'the weight seems to be so many pounds, not ounces'],
  [1 / 16, 'the weight seems to be so many ounces, not pounds'],
];
/** A mistaken unit shows within this part: cells differ from their data sheet by less. */
const near = 0.06;

/**
 * `: <what the mistake seems to be>` where the ratio of felt to stated mass is that of two units, else an empty text.
 * @param only `above`: the ratio is only a lower bound of how much too large the stated mass is
 */
export function unitHint(ratio: number, only?: 'above'): string {
  if (only === 'above') return ratio >= 500 ? ': is the unit right?' : ': take less';
  const found = mistakes.find(([one]) => Math.abs(Math.abs(ratio) / one - 1) <= near);
  return found === undefined ? '' : `: ${found[1]}`;
}
