/** What a picture shows, by what the gallery holds. Probabilities of candidates and `unknownPpm` add up to a million. */
export interface Recognition {
  /** Keys of the gallery, the most likely first, at most eight. */
  readonly candidates: readonly { readonly look: string; readonly probabilityPpm: number }[];
  /** Probability that it is nothing the gallery holds. */
  readonly unknownPpm: number;
  /** Cosine with the best reference. */
  readonly cosine: number;
  /** The two best are too close to tell which it is. */
  readonly ambiguous: boolean;
}

/** One reference picture of a product: its embedding, each value times 127 and rounded. */
export interface Reference {
  readonly look: string;
  readonly embedding: Int8Array;
}
