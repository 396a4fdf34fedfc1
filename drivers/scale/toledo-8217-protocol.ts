import { DriverError } from '../errors.ts';
import type { Indication } from './indication.ts';
import { formatMassIn, parseDecimal, toMassMg } from './mass.ts';

/**
 * Frames of the METTLER TOLEDO 8217 protocol, without STX and CR and with bit 7 (parity) masked: a weight, as `00.415`
 * or `00.415N` (net), or `?` and a status byte. Sources: PSC/METTLER TOLEDO Diva service manual, 6.1.3 and 6.1.4.3 (commands,
 * status byte); Rice Lake BenchPro operation manual, p. 26 (same bits; there bit 5 is always 1, which is why the net flag
 * of a status is not believed).
 */
export type ToledoUnit = 'kg' | 'lb' | 'oz' | 'g';

/** Digits after the point that a scale in this unit usually shows (Diva 6.1.3; for g and oz the 8213 of Brecknell's 3700LP). */
export const usualDecimals: Readonly<Record<ToledoUnit, number>> = { kg: 3, lb: 2, oz: 2, g: 0 };

export interface ToledoLayout {
  readonly unit: ToledoUnit;
  /** Digits after the point; another number means that the scale shows another unit. */
  readonly decimals: number;
}

/** The weight request and the other commands: single characters, without terminator. */
export const toledoCommands = { weight: 'W', zero: 'Z', tare: 'T', clearTare: 'C' } as const;

/** Bits of the status byte. Bit 6 is always 1. */
const motionBit = 0x01;
const overBit = 0x02;
const underBit = 0x04;
const outsideZeroBit = 0x08;
const centreOfZeroBit = 0x10;
const netBit = 0x20;
const alwaysBit = 0x40;

/** @throws DriverError CW-DRV-006 for what is neither, and for a weight with another number of decimals */
export function parseToledoFrame(text: string, layout: ToledoLayout): Indication {
  if (text.startsWith('?')) return parseStatus(text);
  const match = /^([ \d]{0,5}\d(?:\.\d+)?)(N|[a-z]{1,2})?$/i.exec(text);
  const decimal = match?.[1] === undefined ? undefined : parseDecimal(match[1]);
  if (decimal === undefined) throw refused(`${JSON.stringify(text)}, which is no weight`);
  if (-decimal.exponent !== layout.decimals) {
    throw refused(
      `a weight with ${-decimal.exponent} decimals instead of ${layout.decimals}; check its options unit and decimals`,
    );
  }
  const massMg = toMassMg(decimal, layout.unit);
  // Some emulations name the unit (Brecknell 67XXU service manual, p. 71).
  const suffix = (match?.[2] ?? '').toLowerCase();
  const net = suffix === 'n';
  if (suffix !== '' && !net && suffix !== layout.unit) {
    throw refused(`a weight in ${suffix} instead of ${layout.unit}; check its option unit`);
  }
  // At zero, gross, the weight is all noughts; the status isn't sent with it.
  const condition = massMg === 0 && !net ? 'zero' : 'stable';
  return { condition, massMg, unit: layout.unit, net };
}

function parseStatus(text: string): Indication {
  const status = text.charCodeAt(1);
  if (text.length !== 2 || (status & alwaysBit) === 0) throw refused('a status that is none');
  if ((status & overBit) !== 0) return { condition: 'over' };
  if ((status & underBit) !== 0) return { condition: 'under-zero' };
  if ((status & motionBit) !== 0) return { condition: 'motion' };
  if ((status & outsideZeroBit) !== 0) return { condition: 're-zero' };
  // With the net bit the gross is at zero, not what is shown.
  if ((status & (centreOfZeroBit | netBit)) === centreOfZeroBit) return { condition: 'zero', massMg: 0 };
  // Stable, in range and no weight: the weight is just being taken.
  return { condition: 'motion' };
}

/** Whether an answer to `Z`, `T` or `C` says that the scale could do it: it was in range and at rest. */
export function toledoAccepted(text: string): boolean | undefined {
  if (!/^\?[@-\x7f]$/.test(text)) return undefined;
  return (text.charCodeAt(1) & (motionBit | overBit | underBit)) === 0;
}

/** A weight answer as the scale sends it, without STX and CR: five digits and a point. */
export function toledoWeight(massMg: number, layout: ToledoLayout, net: boolean): string {
  return `${formatMassIn(massMg, layout.unit, layout.decimals).padStart(6, '0')}${net ? 'N' : ''}`;
}

export interface ToledoFlags {
  readonly motion?: boolean;
  readonly over?: boolean;
  readonly under?: boolean;
  readonly outsideZero?: boolean;
  readonly centreOfZero?: boolean;
  readonly net?: boolean;
}

/** A status answer as the scale sends it, without STX and CR. */
export function toledoStatus(flags: ToledoFlags): string {
  const bits =
    (flags.motion === true ? motionBit : 0) |
    (flags.over === true ? overBit : 0) |
    (flags.under === true ? underBit : 0) |
    (flags.outsideZero === true ? outsideZeroBit : 0) |
    (flags.centreOfZero === true ? centreOfZeroBit : 0) |
    (flags.net === true ? netBit : 0) |
    alwaysBit;
  return `?${String.fromCharCode(bits)}`;
}

/** A known tare for `T`: five digits, the point understood before the last `decimals` (kg: three, lb: two). */
export function toledoTare(massMg: number, layout: ToledoLayout): string {
  const text = formatMassIn(massMg, layout.unit, layout.decimals);
  const exact = parseDecimal(text);
  const digits = text.replace('.', '').padStart(5, '0');
  const known = layout.unit === 'kg' || layout.unit === 'lb';
  if (
    !known ||
    exact === undefined ||
    massMg <= 0 ||
    digits.length > 5 ||
    toMassMg(exact, layout.unit) !== massMg
  ) {
    const message = `a tare of ${massMg} mg can not be set exactly on a scale with ${layout.decimals} decimals of ${layout.unit}`;
    throw new DriverError('CW-DRV-020', message);
  }
  return `T${digits}`;
}

function refused(what: string): DriverError {
  return new DriverError('CW-DRV-006', `the scale sent ${what}`);
}
