import type { Movement } from '#weighing/outputs.ts';

/** A scan of a product, one that the catalogue has or not. */
export interface ScanObservation {
  readonly kind: 'scan';
  /** Id of the scan.read event. */
  readonly event: string;
  readonly source: string;
  readonly atUs: number;
  /** Product key in the catalogue; none for a code that it doesn't have. */
  readonly product?: string;
  readonly gtin?: string;
  readonly plu?: string;
  /** Price and mass embedded in the code (variable measure). */
  readonly priceMinor?: number;
  readonly massMg?: number;
  readonly count?: number;
  /** Chosen by the shopper on the display (item.identify) rather than read. */
  readonly manual?: boolean;
}

/** A scan that names a product the catalogue has. */
export type ListedScan = ScanObservation & { readonly product: string };

/** A movement with the id of its movement.settled event. */
export interface MovementObservation {
  readonly kind: 'movement';
  readonly event: string;
  readonly atUs: number;
  readonly movement: Movement;
}

/** What vision said it saw: probabilities by gallery key. */
export interface SightingObservation {
  readonly kind: 'sighting';
  readonly event: string;
  readonly source: string;
  readonly plate?: string;
  readonly atUs: number;
  readonly candidates: readonly { readonly look: string; readonly probabilityPpm: number }[];
  readonly unknownPpm: number;
  /** When the movement settled that it is of; without it, any movement of about that time. */
  readonly settledAtUs?: number;
}

export interface ActivityObservation {
  readonly kind: 'activity';
  readonly plate: string;
  readonly open: boolean;
  readonly atUs: number;
}

export type Observation = ScanObservation | MovementObservation | SightingObservation | ActivityObservation;
