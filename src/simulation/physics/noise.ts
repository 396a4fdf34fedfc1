import type { Random } from '#base/random.ts';

/**
 * 1/f noise with an rms of 1 by Voss' method: of `octaves` generators, generator k draws anew every 2ᵏ samples and
 * the sum is scaled. Costs one draw a sample.
 */
export class PinkNoise {
  readonly #random: Random;
  readonly #values: Float64Array;
  readonly #scale: number;
  #sample = 0;
  #sum = 0;

  constructor(random: Random, octaves = 10) {
    this.#random = random;
    this.#values = new Float64Array(octaves).map(() => random.gaussian());
    this.#sum = this.#values.reduce((sum, value) => sum + value, 0);
    this.#scale = 1 / Math.sqrt(octaves);
  }

  next(): number {
    this.#sample = (this.#sample + 1) >>> 0;
    // The number of trailing zeros says which generator is due: 0 every 2nd sample, 1 every 4th, …
    const due = this.#sample === 0 ? 31 : 31 - Math.clz32(this.#sample & -this.#sample);
    if (due < this.#values.length) {
      const fresh = this.#random.gaussian();
      this.#sum += fresh - (this.#values[due] ?? 0);
      this.#values[due] = fresh;
    }
    return this.#sum * this.#scale;
  }
}

/** A slowly wandering value about 0 with an rms of 1 and a time constant (Ornstein–Uhlenbeck, exact step). */
export class Wander {
  readonly #random: Random;
  readonly #timeConstantS: number;
  #value: number;
  #atUs: number;

  constructor(random: Random, timeConstantS: number, atUs: number) {
    this.#random = random;
    this.#timeConstantS = timeConstantS;
    this.#value = random.gaussian();
    this.#atUs = atUs;
  }

  /** The value at `atUs`; asking for an earlier time than before gives the last one. */
  at(atUs: number): number {
    const seconds = (atUs - this.#atUs) / 1e6;
    if (seconds > 0) {
      const keep = Math.exp(-seconds / this.#timeConstantS);
      this.#value = this.#value * keep + this.#random.gaussian() * Math.sqrt(1 - keep * keep);
      this.#atUs = atUs;
    }
    return this.#value;
  }
}
