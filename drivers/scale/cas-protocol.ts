import { DriverError } from '../errors.ts';
import { ascii, type FixedLayout, latin1 } from './framers.ts';
import type { Indication } from './indication.ts';
import { formatMassIn, type MassUnit, massUnit, parseDecimal, toMassMg } from './mass.ts';

/**
 * CAS scales. On request: ENQ → ACK (or NAK: nothing yet, ask again), DC1 → a block of 15 bytes: SOH STX, S | U, sign,
 * six characters of weight, two of unit, BCC, ETX EOT. BCC is the exclusive or of all between STX and BCC. Sources: CAS
 * SW-II manual, p. 15; Ohaus Aviator 7000 service manual, 6.1.1.4 (the same protocol; sign F where the weight overflows); CAS AP-1
 * protocol description (BCC).
 */
export const enq = 0x05;
export const ack = 0x06;
export const nak = 0x15;
export const dc1 = 0x11;
const soh = 0x01;
const stx = 0x02;
const etx = 0x03;
const eot = 0x04;
const blockBytes = 15;
const bccAt = 12;

/** Frames of the request protocol: ACK and NAK alone, and blocks. Within a block any byte may be the BCC. */
export const casBlocks: FixedLayout = {
  longest: blockBytes,
  read(bytes) {
    const [first, second] = bytes;
    if (first === ack || first === nak) return { take: 1 };
    if (first !== soh || (second !== undefined && second !== stx)) return { skip: 1 };
    if (bytes.length < blockBytes) return undefined;
    return bytes[blockBytes - 2] === etx && bytes[blockBytes - 1] === eot
      ? { take: blockBytes }
      : { skip: 1 };
  },
};

/** A block. @throws DriverError CW-DRV-006 */
export function parseCasBlock(frame: Uint8Array): Indication {
  if (frame.length !== blockBytes || frame[0] !== soh || frame[1] !== stx) throw refused('no weight block');
  const bcc = checkOf(frame.subarray(2, bccAt));
  if (bcc !== frame[bccAt]) {
    throw refused(`a block with the check byte ${frame[bccAt]} instead of ${bcc}; check the cable`);
  }
  const text = latin1(frame.subarray(2, bccAt));
  const stability = text[0];
  const sign = text[1];
  if (sign === 'F') return { condition: 'over' };
  if ((stability !== 'S' && stability !== 'U') || (sign !== ' ' && sign !== '-')) {
    throw refused(`a block that says ${JSON.stringify(text)}`);
  }
  const weighed = weigh(`${sign === '-' ? '-' : ''}${text.slice(2, 8).trim()}`, text.slice(8));
  return conditioned(stability === 'S', weighed, undefined);
}

/**
 * The 22 bytes that indicators send continuously: ST | US | OL, GS | NT, device number, lamps, eight characters of
 * weight, a blank (or relays), two of unit, CR LF. Sources: CAS CI-150A manual, p. 54, CI-600D, p. 74, PDS, p. 31.
 */
const lineBytes = 22;
const headerBytes = 6;
const lampZeroBit = 0x01;
const lampAlwaysBit = 0x80;

/** Frames of the continuous line. The device number, the lamps and the relays may be any byte. */
export const casLines: FixedLayout = {
  longest: lineBytes,
  read(bytes) {
    const header = latin1(bytes.subarray(0, headerBytes));
    if (!isHeaderStart(header)) return { skip: 1 };
    if (bytes.length < lineBytes) return undefined;
    return bytes[lineBytes - 2] === 0x0d && bytes[lineBytes - 1] === 0x0a ? { take: lineBytes } : { skip: 1 };
  },
};

const headers = ['ST', 'US', 'OL'].flatMap((state) => ['GS', 'NT'].map((mode) => `${state},${mode},`));

function isHeaderStart(text: string): boolean {
  return text !== '' && headers.some((header) => header.startsWith(text));
}

/** A continuous line. @throws DriverError CW-DRV-006 */
export function parseCasLine(frame: Uint8Array): Indication {
  const text = latin1(frame);
  if (frame.length !== lineBytes || text[8] !== ',' || !headers.includes(text.slice(0, headerBytes))) {
    throw refused('no line of 22 bytes');
  }
  const net = text.slice(3, 5) === 'NT';
  if (text.startsWith('OL')) return { condition: 'over', net };
  const weighed = weigh(text.slice(9, 17), text.slice(18, 20));
  const stable = text.startsWith('ST');
  const lamps = frame[7] ?? 0;
  const zeroLamp = (lamps & lampAlwaysBit) !== 0 && (lamps & lampZeroBit) !== 0;
  const indication = conditioned(stable, weighed, net);
  return zeroLamp && stable && !net && weighed.massMg === 0
    ? { ...indication, condition: 'zero' }
    : indication;
}

interface Weighed {
  readonly massMg: number;
  readonly unit: MassUnit;
}

function weigh(number: string, unitName: string): Weighed {
  const decimal = parseDecimal(number);
  if (decimal === undefined) throw refused(`${JSON.stringify(number)}, which is no weight`);
  const unit = massUnit(unitName);
  if (unit === undefined)
    throw refused(`a mass in ${JSON.stringify(unitName)}; set it to kilograms, grams or pounds`);
  return { massMg: toMassMg(decimal, unit), unit };
}

function conditioned(stable: boolean, weighed: Weighed, net: boolean | undefined): Indication {
  return { condition: stable ? 'stable' : 'motion', ...weighed, ...(net === undefined ? {} : { net }) };
}

function checkOf(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => sum ^ byte, 0);
}

/** A block as a scale sends it. @throws RangeError where the mass doesn't fit six characters */
export function casBlock(
  stable: boolean,
  massMg: number | 'overflow',
  unit: MassUnit,
  decimals: number,
): Uint8Array {
  const shown =
    massMg === 'overflow' ? '------' : formatMassIn(Math.abs(massMg), unit, decimals).padStart(6, '0');
  if (shown.length !== 6) throw new RangeError(`${shown} does not fit six characters`);
  const sign = massMg === 'overflow' ? 'F' : massMg < 0 ? '-' : ' ';
  const data = ascii(`${stable ? 'S' : 'U'}${sign}${shown}${unit.padStart(2)}`);
  return Uint8Array.of(soh, stx, ...data, checkOf(data), etx, eot);
}

export interface CasLine {
  readonly state: 'ST' | 'US' | 'OL';
  readonly net: boolean;
  readonly massMg: number;
  readonly unit: MassUnit;
  readonly decimals: number;
  readonly zero: boolean;
}

/** A continuous line as an indicator sends it. */
export function casLine({ state, net, massMg, unit, decimals, zero }: CasLine): Uint8Array {
  const shown = formatMassIn(Math.abs(massMg), unit, decimals).padStart(massMg < 0 ? 7 : 8, '0');
  const lamps = lampAlwaysBit | (state === 'ST' ? 0x40 : 0) | (net ? 0x02 : 0x04) | (zero ? lampZeroBit : 0);
  return Uint8Array.of(
    ...ascii(`${state},${net ? 'NT' : 'GS'},1`),
    lamps,
    ...ascii(`,${massMg < 0 ? '-' : ''}${shown} ${unit.padStart(2)}\r\n`),
  );
}

function refused(what: string): DriverError {
  return new DriverError('CW-DRV-006', `the scale sent ${what}`);
}
