import { DriverError } from '../errors.ts';
import type { Indication, ScaleCondition } from './indication.ts';
import { type Decimal, formatMassIn, type MassUnit, massUnit, parseDecimal, toMassMg } from './mass.ts';

/**
 * Answers of the NCI standard protocol (Weigh-Tronix SCP-01), without the closing ETX:
 * LF weight unit CR LF [S] status CR, or the status alone. Sources: Avery Weigh-Tronix 7821 user instructions, 6.3; NCI 6712
 * user's manual, p. 19 (three status bytes; display contents in place of a weight); PSC/METTLER TOLEDO Diva service manual,
 * p. 35 (S before the status, pounds and ounces, status alone where there is no valid weight); Ohaus Aviator 7000 service
 * manual, p. 49 (bits of the four status bytes). Brecknell 67XXU service
 * manual, p. 64–68 (display full of ^, _ or - in place of a weight). What separates the parts differs between models: any CR and LF.
 */
export const scpCommands = { weight: 'W\r', zero: 'Z\r', tare: 'T\r' } as const;

export interface ScpStatus {
  readonly motion?: boolean;
  readonly zero?: boolean;
  readonly ramError?: boolean;
  readonly eepromError?: boolean;
  readonly under?: boolean;
  readonly over?: boolean;
  readonly romError?: boolean;
  readonly faultyCalibration?: boolean;
  /** Left out where the scale sends two status bytes only. */
  readonly net?: boolean;
  readonly initialZeroError?: boolean;
}

const bit = (byte: number, number: number) => (byte & (1 << number)) !== 0;

/** Status bytes: bits 4 and 5 always 1, bit 6 from the second on: another byte follows. */
function parseStatus(text: string): ScpStatus {
  const bytes = Array.from(text, (character) => character.charCodeAt(0));
  const [first = 0, second = 0, third] = bytes;
  const whole = bytes.every((byte, at) => {
    const follows = at > 0 && at < bytes.length - 1;
    return (byte & 0x30) === 0x30 && bit(byte, 6) === follows;
  });
  if (!whole || bytes.length < 2 || bytes.length > 4) throw refused('status bytes that are none');
  return {
    motion: bit(first, 0),
    zero: bit(first, 1),
    ramError: bit(first, 2),
    eepromError: bit(first, 3),
    under: bit(second, 0),
    over: bit(second, 1),
    romError: bit(second, 2),
    faultyCalibration: bit(second, 3),
    ...(third === undefined ? {} : { net: bit(third, 2), initialZeroError: bit(third, 3) }),
  };
}

/** The answer to a weight request. @throws DriverError CW-DRV-006 */
export function parseScpWeight(frame: string): Indication {
  const { weight, status } = split(frame);
  const condition = conditionOf(status);
  const what = memoryError(status);
  const net = status.net === undefined ? {} : { net: status.net };
  const mass = weight === undefined ? undefined : parseWeight(weight);
  if (mass === undefined && (condition === 'stable' || condition === 'zero')) {
    throw refused(`a status without a weight, ${JSON.stringify(weight ?? '')}`);
  }
  const usable = condition === 'stable' || condition === 'zero' || condition === 'motion';
  return {
    condition,
    ...net,
    ...(usable && mass !== undefined ? mass : {}),
    ...(what === undefined ? {} : { what }),
  };
}

/** The status that answers a command; undefined where the scale doesn't know the command. @throws CW-DRV-006 */
export function parseScpStatus(frame: string): ScpStatus | undefined {
  if (/^[\r\n]*\?[\r\n]*$/.test(frame)) return undefined;
  return split(frame).status;
}

function split(frame: string): { readonly weight: string | undefined; readonly status: ScpStatus } {
  // What precedes the line break before the weight is noise; a weight whose beginning is missing is none.
  const match = /(?:[\r\n]([^\r\n]*))?[\r\n]+ *S? *([0-\x7f]{2,4})\r?$/.exec(frame);
  if (match?.[2] === undefined)
    throw refused(`${JSON.stringify(frame)}, which is no answer of this protocol`);
  return { weight: match[1] === '' ? undefined : match[1], status: parseStatus(match[2]) };
}

function conditionOf(status: ScpStatus): ScaleCondition {
  if (memoryError(status) !== undefined) return 'fault';
  if (status.faultyCalibration === true) return 'calibrate';
  if (status.over === true) return 'over';
  if (status.under === true) return 'under-zero';
  if (status.initialZeroError === true) return 're-zero';
  if (status.motion === true) return 'motion';
  return status.zero === true && status.net !== true ? 'zero' : 'stable';
}

function memoryError(status: ScpStatus): string | undefined {
  if (status.ramError === true) return 'RAM error';
  if (status.romError === true) return 'ROM error';
  return status.eepromError === true ? 'EEPROM error' : undefined;
}

/** `00.415KG`, `-1.20 lb`, ` 0415g `, `2LB 03.5OZ`; undefined for what is no weight (a display full of dashes). */
function parseWeight(text: string): { readonly massMg: number; readonly unit: MassUnit } | undefined {
  const pounds = /^ *(-?) *(\d+) *LB +(\d+(?:\.\d+)?) *OZ *$/i.exec(text);
  if (pounds !== null) {
    const [, sign = '', whole = '', rest = ''] = pounds;
    const ounces = parseDecimal(rest);
    if (ounces === undefined || whole.length > 5) return undefined;
    const coefficient = ounces.coefficient + BigInt(whole) * 16n * 10n ** BigInt(-ounces.exponent);
    const decimal: Decimal = {
      coefficient: sign === '-' ? -coefficient : coefficient,
      exponent: ounces.exponent,
    };
    return { massMg: toMassMg(decimal, 'oz'), unit: 'oz' };
  }
  const match = /^ *(-? *\d*\.?\d*) *([A-Za-z]{1,3}) *$/.exec(text);
  const decimal = match?.[1] === undefined ? undefined : parseDecimal(match[1]);
  if (decimal === undefined) return undefined;
  const unit = massUnit(match?.[2] ?? '');
  if (unit === undefined)
    throw refused(`a mass in ${match?.[2]}; set it to grams, kilograms, ounces or pounds`);
  return { massMg: toMassMg(decimal, unit), unit };
}

/** An answer as a scale sends it, without ETX. `third`: it sends three status bytes. */
export function scpAnswer(
  status: ScpStatus,
  weight: string | undefined,
  { third = true, letter = false }: { readonly third?: boolean; readonly letter?: boolean } = {},
): string {
  const flag = (value: boolean | undefined, number: number) => (value === true ? 1 << number : 0);
  const bytes = [
    0x30 |
      flag(status.motion, 0) |
      flag(status.zero, 1) |
      flag(status.ramError, 2) |
      flag(status.eepromError, 3),
    (third ? 0x70 : 0x30) |
      flag(status.under, 0) |
      flag(status.over, 1) |
      flag(status.romError, 2) |
      flag(status.faultyCalibration, 3),
    ...(third ? [0x30 | flag(status.net, 2) | flag(status.initialZeroError, 3)] : []),
  ];
  const text = `${letter ? 'S' : ''}${String.fromCharCode(...bytes)}\r`;
  return weight === undefined ? `\n${text}` : `\n${weight}\r\n${text}`;
}

/** The weight field: six characters and the unit in capitals. */
export function scpWeight(massMg: number, unit: MassUnit, decimals: number): string {
  const text = formatMassIn(massMg, unit, decimals);
  const padded = text.startsWith('-') ? `-${text.slice(1).padStart(5, '0')}` : text.padStart(6, '0');
  return `${padded}${unit.toUpperCase()}`;
}

function refused(what: string): DriverError {
  return new DriverError('CW-DRV-006', `the scale sent ${what}`);
}
