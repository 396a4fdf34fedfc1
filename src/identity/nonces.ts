import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { IdentityError } from './errors.ts';

/** A nonce serves so long after it was given, µs. */
const validUs = 5 * 60_000_000;
/** Bytes of a nonce: the time it was given, random ones, and the proof that this device gave it. */
const timeBytes = 8;
const randomCount = 8;
const proofBytes = 16;
const nonceBytes = timeBytes + randomCount + proofBytes;

/**
 * Nonces for as long as the wall clock can't tell whether a signed command is fresh. They are proved, not remembered:
 * whoever asks for a million of them takes no room, and pushes out nobody's. Only used ones are kept, until they are
 * over. A restart makes all of them void.
 */
export class Nonces {
  readonly #secret = randomBytes(32);
  /** Used nonces, by when they are over, µs. */
  readonly #used = new Map<string, number>();

  /** A nonce, lower-case hexadecimal. */
  give(nowUs: number): string {
    const head = Buffer.alloc(timeBytes + randomCount);
    head.writeBigUInt64BE(BigInt(nowUs));
    randomBytes(randomCount).copy(head, timeBytes);
    return Buffer.concat([head, this.#proof(head)]).toString('hex');
  }

  /** Uses a nonce up. Throws CW-IDN-011 where it is not this device's, over, or used. */
  use(nonce: string, nowUs: number): void {
    for (const [used, until] of this.#used) if (until < nowUs) this.#used.delete(used);
    const bytes = Buffer.from(nonce, 'hex');
    const head = bytes.subarray(0, timeBytes + randomCount);
    if (bytes.length !== nonceBytes || !timingSafeEqual(this.#proof(head), bytes.subarray(head.length))) {
      throw refused('is not one that this device has given since it started');
    }
    const until = Number(head.readBigUInt64BE()) + validUs;
    if (until < nowUs) throw refused('is over after 5 minutes');
    const name = bytes.toString('hex');
    if (this.#used.has(name)) throw refused('was used before');
    this.#used.set(name, until);
  }

  #proof(head: Uint8Array): Buffer {
    return createHmac('sha256', this.#secret).update(head).digest().subarray(0, proofBytes);
  }
}

function refused(why: string): IdentityError {
  return new IdentityError('CW-IDN-011', `the nonce ${why}; ask for another one (gateway.nonce)`);
}
