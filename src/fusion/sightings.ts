import { ppm } from '#base/units.ts';
import type { Catalogue, Product } from '#catalogue/products.ts';
import type { SeenThing } from './observations.ts';
import { seenOfNothing, unseenByCamera } from './priors.ts';
import type { Explanation, Part, SeenLook } from './types.ts';

const floor = 0.002;
const mostSuggestions = 8;

/** A thing with its share of all that a camera saw change: the larger, the more likely it is what was weighed. */
interface Weighted {
  readonly thing: SeenThing;
  readonly share: number;
}

/** A thing taken for one of a hypothesis. */
interface Pairing {
  readonly seen: Weighted;
  readonly part: Part;
  readonly score: number;
}

/** Cameras' words about one change, as factors on hypotheses. */
export class Sightings {
  readonly #looks: readonly (readonly Weighted[])[];
  /** A camera's view was the same before and after, and no other saw a thing. */
  readonly #unchanged: boolean;
  readonly #catalogue: Catalogue;
  readonly #weight: number;
  readonly #unknownPrior: number;

  /**
   * @param weight λ: how far vision's probabilities are trusted, 0 … 1 (frames of one movement are not independent)
   * @param unknownPrior what vision's probability of "not in the gallery" is compared with
   */
  constructor(looks: readonly SeenLook[], catalogue: Catalogue, weight: number, unknownPrior: number) {
    this.#looks = looks.map(({ things }) => weighted(things)).filter((things) => things.length > 0);
    this.#unchanged = !this.seen && looks.some(({ outcome }) => outcome === 'nothing-changed');
    this.#catalogue = catalogue;
    this.#weight = weight;
    this.#unknownPrior = unknownPrior;
  }

  /** By the part of all cameras that saw a thing come or go, not only be pushed. */
  get #nothing(): number {
    const saw = this.#looks.filter((things) => things.some(({ thing }) => !thing.moved));
    if (saw.length === 0) return 0;
    return (this.#weight * saw.length * Math.log(seenOfNothing)) / this.#looks.length;
  }

  /** Whether a camera saw a thing come or go. */
  get seen(): boolean {
    return this.#looks.length > 0;
  }

  /**
   * λ · log(p_vision / p_train) of a hypothesis; p_train is uniform over the catalogue. Averaged over cameras, which look
   * at the same thing.
   *
   * Of a camera that saw nothing change, it is how much rarer that is where there is a thing; the same for all things. Of one
   * that saw a thing come or go, how much rarer that is where there is none.
   */
  logFactor(hypothesis: Explanation): number {
    if (hypothesis.kind === 'nothing') return this.#nothing;
    if (!this.seen) return this.#unchanged ? this.#weight * Math.log(unseenByCamera) : 0;
    const parts = hypothesis.parts.filter((part) => part.product !== undefined);
    const isUnknown = parts.length === 0;
    const sum = this.#looks.reduce(
      (total, things) => total + (isUnknown ? this.#unknown(things) : this.#known(things, parts)),
      0,
    );
    return (this.#weight * sum) / this.#looks.length;
  }

  /** The thing that was weighed is one of those seen, which of them nobody knows. */
  #unknown(things: readonly Weighted[]): number {
    const probability = things.reduce((sum, { thing, share }) => sum + (share * thing.unknownPpm) / ppm, 0);
    return Math.log(Math.max(probability / this.#unknownPrior, floor));
  }

  /**
   * Things seen are taken for those of the hypothesis, the best matches first: at least one, because the camera may see any
   * one of them, and further ones where they match better than by chance. What is left over may be anything (a shadow, a
   * neighbour that rolled), so the hypothesis has only that share of what changed which it explains. With one thing this is
   * log(p_vision / p_train) of the best-seen product.
   */
  #known(things: readonly Weighted[], parts: readonly Part[]): number {
    const [only] = things;
    if (only !== undefined && things.length === 1) return this.#knownOne(only.thing, parts);
    const pairings = things
      .flatMap((seen) =>
        parts
          .filter(
            ({ sign }) => seen.thing.change === undefined || (seen.thing.change === 'came') === sign > 0,
          )
          .map((part): Pairing => ({ seen, part, score: this.#score(seen.thing, part) })),
      )
      .sort((a, b) => b.score - a.score);
    const taken: Pairing[] = [];
    for (const pairing of pairings) {
      const { seen, part, score } = pairing;
      if (taken.length > 0 && score <= 0) break;
      if (taken.some((one) => one.seen === seen)) continue;
      const room = part.broad ? things.length : part.count;
      if (taken.filter((one) => one.part === part).length < room) taken.push(pairing);
    }
    // All that was seen went the other way: of the parts of this hypothesis the camera says nothing.
    if (taken.length === 0) return 0;
    const share = taken.reduce((sum, { seen }) => sum + seen.share, 0);
    let log = Math.log(share);
    for (const part of new Set(taken.map((one) => one.part))) {
      // Several units of one product look alike for one reason: they count as one word for it.
      const scores = taken.filter((one) => one.part === part).map(({ score }) => score);
      log += scores.reduce((sum, score) => sum + score, 0) / scores.length;
    }
    return log;
  }

  /** The same where one thing was seen: it is taken for the part that it matches best. HOT PATH. */
  #knownOne(thing: SeenThing, parts: readonly Part[]): number {
    let best: number | undefined;
    for (const part of parts) {
      if (thing.change !== undefined && (thing.change === 'came') !== part.sign > 0) continue;
      const score = this.#score(thing, part);
      if (best === undefined || score > best) best = score;
    }
    return best ?? 0;
  }

  /** The most that `logFactor` can be, for any explanation: as if all that was seen matched. */
  get mostLogFactor(): number {
    const sum = this.#looks.reduce((total, things) => {
      const known = things.reduce((most, { thing }) => most + Math.max(0, this.#bestScore(thing)), 0);
      return total + Math.max(0, known, this.#unknown(things));
    }, 0);
    return this.seen ? (this.#weight * sum) / this.#looks.length : 0;
  }

  /** log(p_vision / p_train) of the product that a thing looks most like. */
  #bestScore({ candidates, unknownPpm }: SeenThing): number {
    const size = Math.max(1, this.#catalogue.products.length);
    const rest = candidates.reduce((left, one) => left - one.probabilityPpm, ppm - unknownPpm);
    const unlisted = Math.max(0, rest) / Math.max(1, size - candidates.length);
    const best = candidates.reduce((most, one) => Math.max(most, one.probabilityPpm), unlisted);
    return Math.log(Math.max((best * size) / ppm, floor));
  }

  /** log(p_vision / p_train) of a part's product for one thing. */
  #score({ candidates, unknownPpm }: SeenThing, { product }: Part): number {
    const size = Math.max(1, this.#catalogue.products.length);
    const listed = candidates.find(({ look }) => look === product?.look);
    const rest = candidates.reduce((left, one) => left - one.probabilityPpm, ppm - unknownPpm) / ppm;
    const others = Math.max(1, size - candidates.length);
    const probability = listed === undefined ? Math.max(0, rest) / others : listed.probabilityPpm / ppm;
    return Math.log(Math.max(probability * size, floor));
  }

  /** Products that a camera names with a probability of at least 5 % for what came, best first. */
  suggestions(): Product[] {
    const best = new Map<Product, number>();
    for (const { thing } of this.#looks.flat()) {
      if (thing.change === 'went') continue;
      for (const candidate of thing.candidates) {
        if (candidate.probabilityPpm < 50_000) continue;
        for (const product of this.#catalogue.byLook.get(candidate.look) ?? []) {
          best.set(product, Math.max(best.get(product) ?? 0, candidate.probabilityPpm));
        }
      }
    }
    return [...best]
      .sort((a, b) => b[1] - a[1])
      .slice(0, mostSuggestions)
      .map(([product]) => product);
  }

  /** Whether a camera, not the mass alone, singles out the product as what came. A look that calls itself ambiguous doesn't. */
  supports(product: Product): boolean {
    return this.#looks.flat().some(({ thing }) => {
      if (thing.change === 'went' || thing.ambiguous) return false;
      return thing.candidates.some((one) => one.look === product.look && one.probabilityPpm >= 500_000);
    });
  }
}

/** What was only pushed counts where nothing else changed. */
function weighted(things: readonly SeenThing[]): Weighted[] {
  const placed = things.filter(({ moved }) => !moved);
  const counted = placed.length > 0 ? placed : things;
  const sizes = counted.map(({ box }) => (box === undefined ? 1 : Math.max(1, box[2] * box[3])));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  return counted.map((thing, at) => ({ thing, share: (sizes[at] ?? 0) / total }));
}
