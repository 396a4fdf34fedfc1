import type { Product } from '#catalogue/products.ts';
import type { FusionConfig } from '#config/schema.ts';
import type { EventData } from '#events/catalog.ts';
import type { Draft } from '#events/event.ts';
import type { ListedScan, ScanObservation, SeenThing, SightingObservation } from './observations.ts';

/** What fusion says happened. */
export type ItemDraft = Extract<
  Draft,
  {
    type:
      | 'item.added'
      | 'item.removed'
      | 'item.unresolved'
      | 'item.resolved'
      | 'item.corrected'
      | 'shelf.taken'
      | 'shelf.returned'
      | 'shelf.misplaced';
  }
>;
export type Entry = EventData<'item.added'>['entry'];
export type Alternative = EventData<'item.added'>['alternatives'][number];
export type Evidence = EventData<'item.added'>['evidence'];
export type QuestionKind = EventData<'item.unresolved'>['kind'];
export type Ask = EventData<'item.unresolved'>['ask'];
export type Outcome = EventData<'item.resolved'>['outcome'];

/** A plate of the board, as far as fusion cares. */
export interface PlateOptions {
  readonly id: string;
  readonly kind: 'cart' | 'shelf' | 'unweighed';
  /** Devices whose scans may be of goods on this plate. */
  readonly scanners: readonly string[];
}

/** One or several measured changes of a plate that are explained together. */
export interface Change {
  readonly plate: string;
  readonly massMg: number;
  readonly varMg2: number;
  readonly startedAtUs: number;
  readonly settledAtUs: number;
  readonly whileAway: boolean;
  /** How far the plate went below both plateaus meanwhile, mg; left out where that isn't known. */
  readonly dipMg?: number;
  readonly movements: readonly MeasuredMovement[];
}

/** A movement as it is kept for evidence. */
export interface MeasuredMovement {
  readonly event: string;
  readonly massMg: number;
  readonly sigmaMg: number;
  readonly startedAtUs: number;
  readonly settledAtUs: number;
  /** Certificate of the scale that indicated the plate before and after. */
  readonly certificateId?: string;
  /** `massMg` is that scale's own indication. */
  readonly indicated?: true;
}

/** Units that came in together. Their sum was measured: `massMg` ± √`varMg2`. A negative mass is something taken out that nobody could name. */
export interface Lot {
  readonly id: string;
  /** Product key; undefined while nobody knows what it is. */
  product: string | undefined;
  count: number;
  massMg: number;
  varMg2: number;
  /** What one unit weighs before it was measured; variance 0 where units can't be told apart by mass. */
  readonly unitMeanMg: number;
  readonly unitVarMg2: number;
  /** The event that put it here. */
  event: string;
  entry: Entry;
  /** The open question about it. */
  question?: string;
  readonly atUs: number;
  /** Its mass was measured alone and under its own scan: it teaches what a unit weighs when the trip ends. */
  readonly teaches?: true;
  /** Change that brought it, kept while a later scan may still correct a decision made without one. */
  change?: Change;
  /** Nothing weighed it: it counts on the word of a scan, with the price that its label gave. */
  unweighed?: { readonly priceMinor?: number };
}

/** A scan that waits for its thing; of a code that the catalogue doesn't have, or a `PendingScan`. */
export interface WaitingScan {
  readonly scan: ScanObservation;
  /** Plates it may be about. */
  readonly plates: readonly string[];
  /** When it will be asked about. */
  holdUntilUs: number;
  /** The `scanned-not-placed` question about it, or the question it waits with. */
  question?: string;
  /** Something was placed that it didn't explain: it no longer stands for more units than were scanned. */
  doubted?: true;
  /** A movement settled that it wasn't placed in. */
  passed?: true;
  /** How often a movement passed it by and the shopper then went on to scan something else. */
  overtaken?: number;
  /** The lot that its bulky thing makes on a rack, unless it is put into the basket. */
  kept?: string;
}

/** A scan (or a pick on the display) of a product that waits to be explained. */
export interface PendingScan extends WaitingScan {
  readonly scan: ListedScan;
}

/** An open question to the shopper. */
export interface Question {
  readonly event: string;
  readonly kind: QuestionKind;
  readonly ask: Ask;
  readonly plate: string;
  /** The unexplained change; none for a scan with nothing placed. */
  readonly change?: Change;
  /** The lot that stands for what is unexplained. */
  readonly lot?: string;
  readonly candidates: readonly Alternative[];
  readonly askedAtUs: number;
  /** The shopper has gone on: something of another mass was put in or taken out since. */
  passed?: true;
  /** The plate was tared since: what was put in is a bag, unless somebody says otherwise. */
  tared?: true;
  /** When a scan with nothing placed is withdrawn. */
  readonly withdrawAtUs?: number;
}

/** A question as the display shows it. */
export type OpenQuestion = Omit<Question, 'change' | 'lot'> & { readonly massMg: number };

/** What is on a plate, as far as it is known. `product` is undefined for a thing nobody could name. */
export interface Content {
  readonly product: string | undefined;
  readonly massMg: number;
  readonly count: number;
  readonly event: string;
}

/** A settled change that waits for a scan or a sighting. */
export interface Window {
  readonly change: Change;
  readonly deadlineUs: number;
}

/** Something taken off a shelf plate: likely to be what comes back. */
export interface Take {
  readonly plate: string;
  readonly product: string;
  readonly event: string;
  readonly atUs: number;
  count: number;
  massMg: number;
  varMg2: number;
}

/** A camera's words, kept for a few seconds. */
export type SeenLook = Omit<SightingObservation, 'kind'>;

/** The same as it was saved before looks told of several things. */
export type OldLook = Omit<SeenLook, 'outcome' | 'things'> & Pick<SeenThing, 'candidates' | 'unknownPpm'>;

/** One plate's share of the saved state. */
export interface PlateState {
  readonly id: string;
  readonly openSinceUs?: number;
  readonly retryAtUs?: number;
  readonly unloadMg?: number;
  readonly lots: readonly Lot[];
  readonly windows: readonly Window[];
}

/** Everything fusion knows, as plain JSON. Times are those of the clock it was saved under. */
export interface FusionState {
  readonly fusion: 1;
  readonly atUs: number;
  readonly nextLot: number;
  readonly plates: readonly PlateState[];
  readonly scans: readonly PendingScan[];
  /** Scans of codes that the catalogue doesn't have. */
  readonly unlisted?: readonly WaitingScan[];
  readonly questions: readonly Question[];
  readonly takes: readonly Take[];
  readonly looks: readonly (SeenLook | OldLook)[];
}

/** One product (or unnamed lot) of a hypothesis, put in (`sign` 1) or taken out (−1). Mass is that of all `count` units. */
export interface Part {
  readonly sign: 1 | -1;
  readonly product: Product | undefined;
  readonly count: number;
  readonly meanMg: number;
  readonly varMg2: number;
  readonly unitMeanMg: number;
  readonly unitVarMg2: number;
  /** Any plausible mass fits (produce, products never weighed). */
  readonly broad: boolean;
  readonly scans: readonly PendingScan[];
  readonly lot?: Lot;
  /** What identifies it. `weight` alone is the weakest: such a decision waits for a scan. */
  readonly entry: Entry;
}

/** What may have happened: these things, one that nobody can name, several of which not all can be named, or nothing. */
export interface Explanation {
  readonly kind: 'items' | 'unknown' | 'mixed' | 'nothing';
  readonly parts: readonly Part[];
}

/** One explanation of a change. */
export interface Hypothesis extends Explanation {
  /** log(prior × likelihood), up to a constant common to all hypotheses of one change. */
  readonly logWeight: number;
  readonly expectedMg: number;
  /** (measured − expected) / σ; 0 where any plausible mass fits. */
  readonly z: number;
}

/** A hypothesis with its share of all. */
export interface Ranked extends Hypothesis {
  readonly probability: number;
}

export type { FusionConfig };
