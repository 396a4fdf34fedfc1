import type { MassUnit } from './mass.ts';

/**
 * What a scale says of its indication. `zero` is stable at the centre of zero. Only `stable` and `zero` come with a mass
 * that counts (see docs/hardware/scales.md).
 */
export type ScaleCondition =
  | 'stable'
  | 'zero'
  | 'motion'
  | 'over'
  | 'under-zero'
  | 'fault'
  | 'calibrate'
  | 're-zero';

/** One answer of a scale, whatever its protocol. */
export interface Indication {
  readonly condition: ScaleCondition;
  /** Left out where the scale sends no mass with this condition. */
  readonly massMg?: number;
  /** The unit that the scale indicates in. */
  readonly unit?: MassUnit;
  /** Net of a tare that is set on the scale; left out where the protocol doesn't say. */
  readonly net?: boolean;
  /** What is wrong, in the words of the protocol's documentation: `RAM error`. */
  readonly what?: string;
}

/**
 * The indication as the words of `ScaleReading.status`: the condition first, then `net` or `gross` where it is known,
 * `negative`, the unit where it isn't grams, and `held` where the mass is an earlier one because the scale sends none now.
 */
export function statusOf(indication: Indication, held: boolean): string {
  const { condition, massMg, unit, net } = indication;
  const words: string[] = [condition];
  if (net !== undefined) words.push(net ? 'net' : 'gross');
  if (massMg !== undefined && massMg < 0) words.push('negative');
  if (unit !== undefined && unit !== 'g') words.push(unit);
  if (held) words.push('held');
  return words.join(' ');
}
