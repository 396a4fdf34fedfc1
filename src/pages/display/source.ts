import type { basketSnapshot } from '#events/data/baskets.ts';
import type { Infer } from '#events/fields.ts';

/** The basket as the contract has it. */
export type ShownBasket = Infer<typeof basketSnapshot>;

/** What a shopper can point at: one of `gtin` and `plu` names it. */
export interface ShownProduct {
  readonly gtin?: string;
  readonly plu?: string;
  readonly name: string;
  readonly sale: 'each' | 'weight';
  /** Of a unit or, sold by weight, of a kilogram, minor units. */
  readonly priceMinor?: number;
  /** Where its picture is, relative to the page. */
  readonly picture?: string;
}

/** A question that the shopper has not answered yet. */
export interface ShownQuestion {
  /** Id of the `item.unresolved` event. */
  readonly event: string;
  readonly kind: string;
  readonly ask: string;
  /** Signed change that it is about, mg; 0 where nothing was weighed. */
  readonly massMg: number;
  readonly candidates: readonly (ShownProduct & {
    /** + put in, − taken out. */
    readonly count: number;
    /** What as many of them weigh, mg. */
    readonly massMg?: number;
  })[];
}

/** What the cart's plate weighs now. The mass is left out while it can't be trusted or there is no reading. */
export interface ShownWeight {
  readonly netMg?: number;
  readonly stable: boolean;
  /** Actual scale interval d, mg: what a shown mass is rounded to. */
  readonly divisionMg: number;
}

/** `off`: switched off by configuration. `recording`: frames go to the disk, because a technician started that. */
export type CameraState = 'none' | 'on' | 'off' | 'fault' | 'recording';
/** What does not work, as far as a shopper has to do something about it. */
export type Trouble = 'scale' | 'scanner' | 'camera' | 'full' | 'battery';

export interface ShownDeal {
  readonly id: string;
  readonly title: string;
  /** Further languages' titles, by language. */
  readonly titles: Readonly<Record<string, string>>;
  readonly place?: string;
  readonly priceMinor?: number;
  readonly beforeMinor?: number;
  readonly picture?: string;
  /** `near`: of the department of what was put in last. `basket`: goes with something in the basket. */
  readonly why: 'near' | 'basket' | 'store';
}

/** A session QR for the shopper's phone. */
export interface ShownPhone {
  /** The QR code as path data of one square SVG of `side` units, a module a unit, without quiet zone. */
  readonly path: string;
  readonly side: number;
  /** A phone has joined. */
  readonly joined: boolean;
}

export interface DisplayState {
  readonly device: string;
  /** Monotonic time of the gateway as this was made, µs. */
  readonly atUs: number;
  /** Decides which list of produce is in force. */
  readonly catalogue: string;
  readonly currency: string;
  /** Left out while nobody shops. */
  readonly basket?: ShownBasket;
  readonly questions: readonly ShownQuestion[];
  readonly weight?: ShownWeight;
  /** Id of the plate that weighs nothing (lower rack), where the cart has one. */
  readonly rack?: string;
  readonly camera: CameraState;
  readonly troubles: readonly Trouble[];
  /** Charge of the battery, millionths, where it is told. */
  readonly batteryPpm?: number;
  /** The store can be reached. */
  readonly connected: boolean;
  /** What was put in or taken out when nothing should be, until it is put right or somebody has seen to it. */
  readonly alerts: readonly ('during-payment' | 'after-payment')[];
  /** Why the last attempt to pay ended without payment, until the next one or the next change. */
  readonly unpaid?: 'declined' | 'cancelled' | 'movement' | 'time';
  /** Staff refused the age that this demands, years. */
  readonly ageRefused?: number;
  readonly deals: readonly ShownDeal[];
  readonly phone?: ShownPhone;
}

/** How the page is made up; fixed while the gateway runs. */
export interface DisplaySettings {
  readonly languages: readonly string[];
  readonly pixelsPerInch: number;
  readonly tones: boolean;
}

export type DisplayUpdate =
  | { readonly kind: 'state'; readonly state: DisplayState }
  | { readonly kind: 'weight'; readonly atUs: number; readonly weight: ShownWeight }
  /** Something happened that is told by a tone and in words, with the time of its event. */
  | {
      readonly kind: 'event';
      readonly type: 'added' | 'removed' | 'asked' | 'settled' | 'refused' | 'paid' | 'alert';
      readonly atUs: number;
      readonly name?: string;
      readonly count?: number;
    };

/** What became of something that the shopper did. */
export type Outcome =
  | { readonly status: 'done'; readonly data: Readonly<Record<string, unknown>> }
  | { readonly status: 'refused'; readonly code: string; readonly message: string };

/** Where the display gets what it shows, and who does what is touched; the gateway is one. */
export interface DisplaySource {
  readonly settings: DisplaySettings;
  state(): DisplayState;
  /** Everything that can be looked up by picture and name. */
  produce(): readonly ShownProduct[];
  /** The file of a picture by the name that `picture` gave, or undefined. */
  pictureFile(name: string): string | undefined;
  /** Subscribes; the returned function unsubscribes. */
  subscribe(listener: (update: DisplayUpdate) => void): () => void;
  /** Carries out what the shopper touched, at most once a transaction. Never rejects. */
  act(command: string, args: Readonly<Record<string, unknown>>, transaction: string): Promise<Outcome>;
}
