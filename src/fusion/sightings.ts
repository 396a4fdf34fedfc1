import { ppm } from '#base/units.ts';
import type { Catalogue, Product } from '#catalogue/products.ts';
import type { Hypothesis, SeenLook } from './types.ts';

const floor = 0.002;

/** Cameras' words about one change, as factors on hypotheses. */
export class Sightings {
  readonly looks: readonly SeenLook[];
  readonly #catalogue: Catalogue;
  readonly #weight: number;
  readonly #unknownPrior: number;

  /**
   * @param weight λ: how far vision's probabilities are trusted, 0 … 1 (frames of one movement are not independent)
   * @param unknownPrior what vision's probability of "not in the gallery" is compared with
   */
  constructor(looks: readonly SeenLook[], catalogue: Catalogue, weight: number, unknownPrior: number) {
    this.looks = looks;
    this.#catalogue = catalogue;
    this.#weight = weight;
    this.#unknownPrior = unknownPrior;
  }

  /** log(p_vision / p_train) of a product, averaged over the sightings; p_train is uniform over the catalogue. */
  score(product: Product): number {
    const size = Math.max(1, this.#catalogue.products.length);
    let sum = 0;
    for (const seen of this.looks) {
      const listed = seen.candidates.find((candidate) => candidate.look === product.look);
      const rest =
        seen.candidates.reduce((left, one) => left - one.probabilityPpm, ppm - seen.unknownPpm) / ppm;
      const others = Math.max(1, size - seen.candidates.length);
      const probability = listed === undefined ? Math.max(0, rest) / others : listed.probabilityPpm / ppm;
      sum += Math.log(Math.max(probability * size, floor));
    }
    return this.looks.length === 0 ? 0 : sum / this.looks.length;
  }

  /** λ · log(p_vision / p_train) of a hypothesis: that of its best-seen product, because the camera may see any one of them. */
  logFactor(hypothesis: Hypothesis): number {
    if (this.looks.length === 0 || hypothesis.kind === 'nothing') return 0;
    if (hypothesis.kind === 'unknown' || hypothesis.parts.every((part) => part.product === undefined)) {
      const sum = this.looks.reduce(
        (total, seen) => total + Math.log(Math.max(seen.unknownPpm / ppm / this.#unknownPrior, floor)),
        0,
      );
      return (this.#weight * sum) / this.looks.length;
    }
    let best = Number.NEGATIVE_INFINITY;
    for (const { product } of hypothesis.parts) {
      if (product !== undefined) best = Math.max(best, this.score(product));
    }
    return this.#weight * best;
  }

  /** Products that a camera names with a probability of at least 5 %, best first. */
  suggestions(): Product[] {
    const best = new Map<Product, number>();
    for (const seen of this.looks) {
      for (const candidate of seen.candidates) {
        if (candidate.probabilityPpm < 50_000) continue;
        for (const product of this.#catalogue.byLook.get(candidate.look) ?? []) {
          best.set(product, Math.max(best.get(product) ?? 0, candidate.probabilityPpm));
        }
      }
    }
    return [...best]
      .sort((a, b) => b[1] - a[1])
      .slice(0, 8)
      .map(([product]) => product);
  }

  /** Whether a camera, not the mass alone, singles out the product. */
  supports(product: Product): boolean {
    return this.looks.some((seen) =>
      seen.candidates.some((one) => one.look === product.look && one.probabilityPpm >= 500_000),
    );
  }
}
