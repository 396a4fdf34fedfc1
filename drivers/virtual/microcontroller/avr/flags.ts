/** SREG, in data memory. */
export const flags = 0x5f;

/* Results of instructions, with the flags they leave in SREG (AVR Instruction Set Manual, DS40002198). */

/** ADD, ADC: H S V N Z C. */
export function sum(data: Uint8Array, a: number, b: number, carry: number): number {
  const sum = a + b + carry;
  const value = sum & 0xff;
  const overflow = (~(a ^ b) & (a ^ value) & 0x80) >> 7;
  const negative = value >> 7;
  data[flags] =
    ((data[flags] ?? 0) & 0xc0) |
    (sum >> 8) |
    (value === 0 ? 2 : 0) |
    (negative << 2) |
    (overflow << 3) |
    ((negative ^ overflow) << 4) |
    (((a & b) | (~value & (a | b))) & 8 ? 0x20 : 0);
  return value;
}

/** SUB, CP and their like. */
export function difference(data: Uint8Array, a: number, b: number): number {
  const value = (a - b) & 0xff;
  subtracted(data, a, b, value, a < b ? 1 : 0, value === 0);
  return value;
}

/** Z stays only where it was set: it then speaks of a number of several bytes. */
export function differenceWithCarry(data: Uint8Array, a: number, b: number): number {
  const before = data[flags] ?? 0;
  const carry = before & 1;
  const value = (a - b - carry) & 0xff;
  subtracted(data, a, b, value, a < b + carry ? 1 : 0, value === 0 && (before & 2) !== 0);
  return value;
}

function subtracted(
  data: Uint8Array,
  a: number,
  b: number,
  value: number,
  borrow: number,
  isZero: boolean,
): void {
  const overflow = ((a ^ b) & (a ^ value) & 0x80) >> 7;
  const negative = value >> 7;
  data[flags] =
    ((data[flags] ?? 0) & 0xc0) |
    borrow |
    (isZero ? 2 : 0) |
    (negative << 2) |
    (overflow << 3) |
    ((negative ^ overflow) << 4) |
    (((~a & b) | (value & (~a | b))) & 8 ? 0x20 : 0);
}

/** AND, OR, EOR, COM: V is cleared. */
export function logic(data: Uint8Array, value: number): number {
  data[flags] = ((data[flags] ?? 0) & 0xe1) | (value === 0 ? 2 : 0) | (value >> 7 === 0 ? 0 : 0x14);
  return value;
}

/** INC, DEC: C stays. */
export function counted(data: Uint8Array, value: number, overflow: boolean): void {
  const negative = value >> 7 !== 0;
  data[flags] =
    ((data[flags] ?? 0) & 0xe1) |
    (value === 0 ? 2 : 0) |
    (negative ? 4 : 0) |
    (overflow ? 8 : 0) |
    (negative !== overflow ? 0x10 : 0);
}

/** LSR, ROR: `top` comes in from the left. */
export function shifted(data: Uint8Array, before: number, top: number): number {
  const value = (before >> 1) | top;
  const carry = before & 1;
  const negative = top >> 7;
  data[flags] =
    ((data[flags] ?? 0) & 0xe0) |
    carry |
    (value === 0 ? 2 : 0) |
    (negative << 2) |
    ((negative ^ carry) << 3) |
    (carry << 4);
  return value;
}

/** ADIW, SBIW. */
export function wide(data: Uint8Array, value: number, overflow: boolean, carry: boolean): void {
  const negative = (value & 0x8000) !== 0;
  data[flags] =
    ((data[flags] ?? 0) & 0xe0) |
    (carry ? 1 : 0) |
    (value === 0 ? 2 : 0) |
    (negative ? 4 : 0) |
    (overflow ? 8 : 0) |
    (negative !== overflow ? 0x10 : 0);
}
