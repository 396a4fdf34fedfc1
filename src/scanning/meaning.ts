/** What a scanned code means. Pure data: what to do with it is decided by fusion and basket. */
export type ScanMeaning =
  | {
      readonly meaning: 'product';
      /** 14 digits, check digit verified. */
      readonly gtin: string;
      readonly lot?: string;
      readonly serial?: string;
      /** YYYY-MM-DD (the last day of the month where the code gives none). */
      readonly expiry?: string;
      /** Net mass carried by the code (AI 310n), mg. */
      readonly massMg?: number;
      /** Price carried by the code (AI 392n/393n), minor units of the catalogue's currency. */
      readonly priceMinor?: number;
      /** Number of units carried by the code (AI 30). */
      readonly count?: number;
      /** All application identifiers in order, for a GS1 element string or Digital Link. */
      readonly elements?: readonly GsElement[];
    }
  | { readonly meaning: 'look-up'; readonly plu: string }
  | {
      readonly meaning: 'variable-measure';
      /** The item number inside the code, digits as laid out by the retailer. */
      readonly item: string;
      /** GTIN-14 under which a price book lists the item: of the digits only prefix and item number, the rest zero. */
      readonly itemGtin: string;
      readonly massMg?: number;
      readonly priceMinor?: number;
      readonly count?: number;
    }
  | { readonly meaning: 'coupon'; readonly data: string }
  | { readonly meaning: 'session'; readonly token: string }
  /** A well-formed GS1 element string or Digital Link without a GTIN: understood, but no product. */
  | { readonly meaning: 'element-string'; readonly elements: readonly GsElement[] }
  /** Readable text that is nothing we know. */
  | { readonly meaning: 'unknown'; readonly text: string };

export interface GsElement {
  readonly ai: string;
  readonly value: string;
}
