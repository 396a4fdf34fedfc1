import { createRandom, type Random } from '#base/random.ts';
import type { I2cPeer } from '../peer-ports.ts';

/** A chip on a bus that is disturbed at times: then its answers are noise. Bytes written still arrive. */
export class GarblingChip implements I2cPeer {
  readonly #chip: I2cPeer;
  #left = 0;
  #random: Random = createRandom(0);

  constructor(chip: I2cPeer) {
    this.#chip = chip;
  }

  /** The next `transfers` answers are noise. */
  garble(seed: number, transfers: number): void {
    this.#random = createRandom(seed);
    this.#left = transfers;
  }

  transfer(write: Uint8Array, readBytes: number): Uint8Array {
    const answer = this.#chip.transfer(write, readBytes);
    if (this.#left === 0) return answer;
    this.#left -= 1;
    return answer.map(() => this.#random.integer(256));
  }
}
