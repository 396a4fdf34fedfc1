/** Codes at which an HX711 is beyond its input range (datasheet, "output data"). */
export const hx711Maximum = 0x7fffff;
export const hx711Minimum = -0x800000;

/**
 * The three bytes that an HX711 shifts out for a code, most significant bit first: 24 bits, two's complement.
 *
 * @throws RangeError for what is not an integer of 24 bits
 */
export function hx711Bytes(counts: number): Uint8Array {
  if (!Number.isInteger(counts) || counts > hx711Maximum || counts < hx711Minimum) {
    throw new RangeError(`${counts} is not a code of 24 bits`);
  }
  return Uint8Array.of((counts >> 16) & 0xff, (counts >> 8) & 0xff, counts & 0xff);
}

/** The signed code in three bytes as shifted out, from `offset`. */
export function hx711Counts(bytes: Uint8Array, offset = 0): number {
  const high = bytes[offset];
  const middle = bytes[offset + 1];
  const low = bytes[offset + 2];
  if (high === undefined || middle === undefined || low === undefined) {
    throw new RangeError(`a code needs three bytes; ${Math.max(0, bytes.length - offset)} are left`);
  }
  return ((high << 24) | (middle << 16) | (low << 8)) >> 8;
}
