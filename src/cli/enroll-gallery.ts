import type { EnrolledTold } from '#vision/gallery/told.ts';

/** What names a product. */
export interface ProductNames {
  readonly gtin?: string;
  readonly plu?: string;
  readonly look?: string;
}

/** How a product is added. */
export interface EnrolOptions extends ProductNames {
  readonly replace?: boolean;
  readonly keepAll?: boolean;
}

/** Embeddings of pictures, of a model. `names` are for people, one for each. */
export interface Embedded {
  readonly space: string;
  readonly embeddings: readonly Int8Array[];
  readonly names: readonly string[];
  /** Pictures that gave none, and why. */
  readonly failed: readonly string[];
}

/** Where products are enrolled: a file, or a running device. */
export interface Gallery {
  /** For people. */
  readonly name: string;
  enroll(embedded: Embedded, options: EnrolOptions): Promise<EnrolledTold>;
  /** Whether it was there. */
  remove(product: ProductNames): Promise<{ readonly look: string; readonly removed: boolean }>;
  list(): Promise<Looks>;
}

/** What a gallery holds. */
export interface Looks {
  readonly version?: string | undefined;
  readonly looks: readonly {
    readonly look: string;
    readonly references: number;
    readonly pictures: number;
  }[];
}
