/** Start and end of a Firmata system-exclusive message. */
export const sysexStart = 0xf0;
export const sysexEnd = 0xf7;

/** The longest payload of this protocol, checksum included, is the status's 77 bytes; this is the limit for reading. */
export const mostPayloadBytes = 128;

const crcTable = Uint16Array.from({ length: 256 }, (_, index) => {
  let crc = index << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  return crc & 0xffff;
});

/** CRC-16/CCITT-FALSE of the id and then `bytes[0 … length)`: polynomial 0x1021, initial value 0xFFFF, not reflected. */
export function crc16(id: number, bytes: Uint8Array, length: number): number {
  let crc = 0xffff;
  crc = ((crc << 8) & 0xffff) ^ (crcTable[((crc >> 8) ^ id) & 0xff] ?? 0);
  for (let i = 0; i < length; i++) {
    crc = ((crc << 8) & 0xffff) ^ (crcTable[((crc >> 8) ^ (bytes[i] ?? 0)) & 0xff] ?? 0);
  }
  return crc;
}

/** How many seven-bit bytes `bytes` take. */
export function packedLength(bytes: number): number {
  return Math.ceil((bytes * 8) / 7);
}

/** Bytes of eight bits as a stream of bits in bytes of seven, least significant bit first (Firmata's Encoder7Bit). */
export function pack7(bytes: Uint8Array): Uint8Array {
  const packed = new Uint8Array(packedLength(bytes.length));
  let held = 0;
  let bits = 0;
  let at = 0;
  for (const byte of bytes) {
    held |= byte << bits;
    bits += 8;
    while (bits >= 7) {
      packed[at++] = held & 0x7f;
      held >>= 7;
      bits -= 7;
    }
  }
  if (bits > 0) packed[at] = held & 0x7f;
  return packed;
}

/**
 * Undoes `pack7` on `packed[start … end)` into `out` and answers how many bytes there are: -1 where the length is none
 * that packing gives, an unused bit is set, a byte has its eighth bit set, or `out` is too short. HOT PATH.
 */
export function unpack7(packed: Uint8Array, start: number, end: number, out: Uint8Array): number {
  const length = ((end - start) * 7) >> 3;
  if (length > out.length || packedLength(length) !== end - start) return -1;
  let held = 0;
  let bits = 0;
  let at = 0;
  let all = 0;
  for (let i = start; i < end; i++) {
    const byte = packed[i] ?? 0;
    all |= byte;
    held |= (byte & 0x7f) << bits;
    bits += 7;
    if (bits >= 8) {
      out[at++] = held & 0xff;
      held >>= 8;
      bits -= 8;
    }
  }
  return held === 0 && all < 0x80 ? length : -1;
}

/** A whole message as it is sent: `F0 id payload F7`, the payload with its checksum packed. */
export function encodeFrame(id: number, payload: Uint8Array): Uint8Array {
  const crc = crc16(id, payload, payload.length);
  const sealed = new Uint8Array(payload.length + 2);
  sealed.set(payload);
  sealed[payload.length] = crc & 0xff;
  sealed[payload.length + 1] = crc >> 8;
  const packed = pack7(sealed);
  const frame = new Uint8Array(packed.length + 3);
  frame[0] = sysexStart;
  frame[1] = id;
  frame.set(packed, 2);
  frame[frame.length - 1] = sysexEnd;
  return frame;
}

/**
 * Unpacks what stands between id and F7 into `out` and checks its checksum: how many bytes the payload has, or -1 for
 * a damaged one. HOT PATH: allocates nothing.
 */
export function openFrame(
  id: number,
  packed: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
): number {
  const length = unpack7(packed, start, end, out) - 2;
  if (length < 0) return -1;
  const crc = (out[length] ?? 0) | ((out[length + 1] ?? 0) << 8);
  return crc === crc16(id, out, length) ? length : -1;
}
