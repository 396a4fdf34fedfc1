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

/** A thing that came or went, as a camera saw it. */
export interface SeenThing {
  /** Undefined in older recordings. */
  readonly change?: 'came' | 'went' | undefined;
  /** Seen close by before and after: pushed rather than put or taken. */
  readonly moved: boolean;
  /** In thousandths of the plate's region; undefined in older recordings. */
  readonly box?: readonly [left: number, top: number, width: number, height: number] | undefined;
  /** By gallery key, the most likely first. */
  readonly candidates: readonly { readonly look: string; readonly probabilityPpm: number }[];
  /** Probability that it is nothing of the catalogue. */
  readonly unknownPpm: number;
  /** The two best are too close for one look to decide between them. */
  readonly ambiguous: boolean;
}

/** What a camera said of a movement. */
export interface SightingObservation {
  readonly kind: 'sighting';
  readonly event: string;
  readonly source: string;
  readonly plate?: string;
  readonly atUs: number;
  /** `nothing-changed`: its view is the same before and after. `hand-only`: an arm was there, which may hide a thing. */
  readonly outcome: 'seen' | 'nothing-changed' | 'hand-only';
  /** None unless `seen`. */
  readonly things: readonly SeenThing[];
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

/** A sighting as older recordings and saved states have it: of one thing, without saying whether it came or went. */
export function ofOneThing({
  candidates,
  unknownPpm,
}: Pick<SeenThing, 'candidates' | 'unknownPpm'>): Pick<SightingObservation, 'outcome' | 'things'> {
  return { outcome: 'seen', things: [{ moved: false, candidates, unknownPpm, ambiguous: false }] };
}
