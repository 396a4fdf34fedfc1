import { DriverError } from '../errors.ts';
import type { Indication } from './indication.ts';
import { formatMassIn, type MassUnit, massUnit, parseDecimal, toMassMg } from './mass.ts';

/**
 * Lines of METTLER TOLEDO's standard interface command set (MT-SICS), levels 0 and 1, without CR LF. Sources: METTLER TOLEDO
 * AL-IC operating instructions, p. 72 (S S, S I, S +, S -); reference manuals "MT-SICS for weigh modules" and "for
 * Excellence balances", chapters 2.1 and 3 (formats, ES ET EL, Error in place of a weight, commands). ZI and TI are never
 * used: they zero and tare whatever swings on the scale.
 */
export const sics = {
  weight: 'SI',
  repeat: 'SIR',
  zero: 'Z',
  tare: 'T',
  tareValue: 'TA',
  clearTare: 'TAC',
  display: 'D',
  displayWeight: 'DW',
  model: 'I2',
  software: 'I3',
  serial: 'I4',
} as const;

export function sicsCommand(command: string, ...parameters: readonly string[]): Uint8Array {
  return Uint8Array.from(
    `${[command, ...parameters].join(' ')}\r\n`,
    (character) => character.charCodeAt(0) & 0xff,
  );
}

/** What a scale says when it did not take a command at all. */
export const sicsErrors: ReadonlyMap<string, string> = new Map([
  ['ES', 'does not know the command; set it to MT-SICS'],
  ['ET', 'received damaged bytes; check baud rate, parity and cable'],
  ['EL', 'can not carry the command out'],
]);

/**
 * An answer to S, SI, SR or SIR; undefined for lines that are none.
 * @throws DriverError CW-DRV-006 for weights that can't be read and units that are none of mass
 */
export function parseSicsWeight(line: string): Indication | undefined {
  const text = line.trimEnd();
  if (text === 'S I') return { condition: 'motion' };
  if (text === 'S +') return { condition: 'over' };
  if (text === 'S -') return { condition: 'under-zero' };
  if (!/^S [SD] /.test(text)) return undefined;
  const error = /^S [SD] +Error +([0-9]+[a-z]?)$/.exec(text);
  if (error !== null) return { condition: 'fault', what: `error ${error[1]}` };
  const match = /^S ([SD]) +(-?[\d.]+) +(\S{1,5})$/.exec(text);
  const decimal = match?.[2] === undefined ? undefined : parseDecimal(match[2]);
  if (decimal === undefined) throw refused(`${JSON.stringify(text)}, which is no weight`);
  const unit = massUnit(match?.[3] ?? '');
  if (unit === undefined)
    throw refused(`a mass in ${match?.[3]}; set it to grams, kilograms, ounces or pounds`);
  const massMg = toMassMg(decimal, unit);
  return { condition: match?.[1] === 'S' ? 'stable' : 'motion', massMg, unit };
}

/** The tare that the scale holds, from `TA A value unit`; undefined for other lines. @throws DriverError CW-DRV-006 */
export function parseSicsTare(line: string): number | undefined {
  const match = /^TA A +(-?[\d.]+) +(\S{1,5}) *$/.exec(line);
  if (match === null) return undefined;
  const decimal = parseDecimal(match[1] ?? '');
  const unit = massUnit(match[2] ?? '');
  if (decimal === undefined || unit === undefined) throw refused(`${JSON.stringify(line)}, which is no tare`);
  return toMassMg(decimal, unit);
}

/**
 * What a command answered: `A` done (or `S` with a value), otherwise why not. Undefined for lines that answer something else.
 */
export function parseSicsOutcome(command: string, line: string): { readonly refusal?: string } | undefined {
  const text = line.trimEnd();
  const general = sicsErrors.get(text);
  if (general !== undefined) return { refusal: general };
  if (!text.startsWith(`${command} `)) return undefined;
  const said = text.slice(command.length + 1);
  if (/^[AS]( |$)/.test(said)) return {};
  // D R: the text is longer than the display and was cut.
  if (command === sics.display && said === 'R') return {};
  return { refusal: refusals.get(said) ?? `answered ${JSON.stringify(text)}` };
}

const refusals: ReadonlyMap<string, string> = new Map([
  ['I', 'can not do it now: it is busy or does not come to rest'],
  ['L', 'can not do it: the parameter is wrong or the model does not allow it'],
  ['+', 'is above the range in which it can do it'],
  ['-', 'is below the range in which it can do it'],
]);

/** The quoted text of `I4 A "B021002593"`; undefined for other lines. `I4` comes unasked when the scale is switched on. */
export function parseSicsText(command: string, line: string): string | undefined {
  const match = /^(I\d{1,2}) [AB] "(.*)" *$/.exec(line);
  return match?.[1] === command ? match[2]?.trim() : undefined;
}

/** A text as D takes it: printable ASCII in quotes; inner quotes would end it and become apostrophes. */
export function sicsText(text: string): string {
  return `"${text.replaceAll('"', "'")}"`;
}

/** A weight answer as a scale sends it: value in ten characters, right-aligned. */
export function sicsWeight(stable: boolean, massMg: number, unit: MassUnit, decimals: number): string {
  return `S ${stable ? 'S' : 'D'} ${formatMassIn(massMg, unit, decimals).padStart(10)} ${unit}`;
}

function refused(what: string): DriverError {
  return new DriverError('CW-DRV-006', `the scale sent ${what}`);
}
