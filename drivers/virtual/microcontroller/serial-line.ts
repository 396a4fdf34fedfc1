import type { Random } from '#base/random.ts';

/** What happens to bytes on their way. Shares of bytes; 0 for none. */
export interface LineTroubles {
  /** One bit is turned over. */
  bitErrors: number;
  lostBytes: number;
}

export interface ReceivedByte {
  readonly byte: number;
  readonly framingError: boolean;
}

/**
 * What a receiver with `receiverBit` as its length of a bit makes of a byte sent with `senderBit` (8N1): it samples in
 * the middle of its own bits, counted from the start edge; the idle line after the stop bit is high.
 */
export function resample(byte: number, senderBit: number, receiverBit: number): ReceivedByte {
  const levelAt = (time: number): number => {
    const bit = Math.floor(time / senderBit);
    if (bit === 0) return 0;
    return bit <= 8 ? (byte >> (bit - 1)) & 1 : 1;
  };
  let received = 0;
  for (let bit = 0; bit < 8; bit++) received |= levelAt((bit + 1.5) * receiverBit) << bit;
  return { byte: received, framingError: levelAt(9.5 * receiverBit) === 0 };
}

/** One direction of a serial line: lost bytes, turned bits, and different ideas of the baud rate at its ends. */
export class SerialDirection {
  readonly troubles: LineTroubles = { bitErrors: 0, lostBytes: 0 };
  readonly statistics = { bytes: 0, lost: 0, damaged: 0 };
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** What arrives of a byte; `undefined` where it is lost. Lengths of bits in the same unit. */
  carry(byte: number, senderBit: number, receiverBit: number): ReceivedByte | undefined {
    this.statistics.bytes += 1;
    const { bitErrors, lostBytes } = this.troubles;
    if (lostBytes > 0 && this.#random.next() < lostBytes) {
      this.statistics.lost += 1;
      return undefined;
    }
    const received = resample(byte, senderBit, receiverBit);
    const turned = bitErrors > 0 && this.#random.next() < bitErrors ? 1 << this.#random.integer(8) : 0;
    if (turned !== 0 || received.framingError || received.byte !== byte) this.statistics.damaged += 1;
    return { byte: received.byte ^ turned, framingError: received.framingError };
  }
}
