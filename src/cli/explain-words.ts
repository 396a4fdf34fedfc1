import { formatMass } from '#base/units.ts';
import type { CartEvent } from '#events/event.ts';
import { formatProbability } from './event-line.ts';

/** Masses are compared here, so tenths of a gram count. */
export function grams(massMg: number): string {
  return Math.abs(massMg) >= 1e6 ? formatMass(massMg) : `${(massMg / 1_000).toFixed(1)} g`;
}

/** `+412.3 g`. */
export function signedGrams(massMg: number): string {
  return `${massMg < 0 ? '−' : '+'}${grams(Math.abs(massMg))}`;
}

/** `99.74 %`; rounded down, so that nothing looks surer than it is. */
export function percent(probability: number): string {
  return probability > 0 && probability < 1e-4
    ? '< 0.01 %'
    : formatProbability(Math.round(probability * 1e6));
}

/** A probability before weighing: as a percentage, or as one in so many where it is small. */
export function sureness(prior: number): string {
  return prior >= 0.01 ? percent(Math.min(1, prior)) : `one in ${rounded(1 / prior)}`;
}

/** Whether a mass fits, by how far it is off in its own uncertainty. */
export function fitWords(z: number): string {
  const off = Math.abs(z);
  if (off <= 1) return 'fits well';
  if (off <= 2) return 'fits';
  return off <= 3.5 ? 'fits loosely' : 'does not fit';
}

/** A factor in words: `12 × likelier`, `300 × less likely`, `as likely`. */
export function times(factor: number): string {
  if (factor > 0.9 && factor < 1.1) return 'about as likely';
  return factor >= 1 ? `${rounded(factor)} × likelier` : `${rounded(1 / factor)} × less likely`;
}

function rounded(value: number): string {
  return value > 1e9 ? 'over a billion' : value.toLocaleString('en-US', { maximumSignificantDigits: 2 });
}

/** When something was, against a change: `0.9 s before it began`. */
export function when(
  atUs: number,
  { startedAtUs, settledAtUs }: { startedAtUs: number; settledAtUs: number },
): string {
  if (atUs < startedAtUs) return `${seconds(startedAtUs - atUs)} before it began`;
  if (atUs <= settledAtUs) return 'while it settled';
  return `${seconds(atUs - settledAtUs)} after it had settled`;
}

const seconds = (us: number) => `${(us / 1e6).toFixed(1)} s`;

/** Time of day (UTC) of a monotonic time, told from the event's own two times. */
export function clockOf({ time, atUs }: CartEvent, us: number): string {
  return new Date(time - (atUs - us) / 1_000).toISOString().slice(11, 23);
}

/** A heading with its lines, and an empty line after them. */
export function section(title: string, lines: readonly string[]): string[] {
  return [title, ...lines.map((line) => `  ${line}`), ''];
}
