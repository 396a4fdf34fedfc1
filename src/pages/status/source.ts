import type { basketSnapshot } from '#events/data/baskets.ts';
import type { TimeQuality } from '#events/event.ts';
import type { Infer } from '#events/fields.ts';

/** One cell of a plate, for technicians. */
export interface CellStatus {
  readonly id: string;
  /** The last counts; left out while there is none. */
  readonly counts?: number;
  readonly ratePerSecond: number;
  /** What is wrong with it, as `CW-… what to do`. */
  readonly fault?: string;
}

/** What a plate weighs now. The mass is left out while it can't be trusted or there is no reading. */
export interface PlateWeight {
  readonly id: string;
  /** Gross less tare, mg. */
  readonly netMg?: number;
  readonly grossMg?: number;
  /** At rest: the mass is a plateau. */
  readonly stable: boolean;
  /** The motion sensor says that the cart rolls or shakes. */
  readonly moving: boolean;
}

export interface PlateStatus extends PlateWeight {
  readonly kind: 'cart' | 'shelf' | 'unweighed';
  readonly maxMg?: number;
  /** Verification scale interval e, mg. */
  readonly intervalMg?: number;
  /** Actual scale interval d, mg: what the shown mass is rounded to; e where left out. */
  readonly divisionMg?: number;
  readonly tareMg: number;
  readonly cells: readonly CellStatus[];
}

export interface DeviceStatus {
  readonly id: string;
  readonly driver: string;
  readonly state: 'opening' | 'running' | 'faulty' | 'stopped';
  readonly identity: {
    readonly vendor?: string;
    readonly model?: string;
    readonly serial?: string;
    readonly firmware?: string;
    readonly address?: string;
  };
  readonly fault?: { readonly code: string; readonly message: string };
  /** Left out where the driver delivers no readings by design: a bus, a lamp. */
  readonly ratePerMinute?: number;
  /** What a power or temperature sensor said last. */
  readonly measured?: MeasuredStatus;
}

export interface MeasuredStatus {
  readonly milliCelsius?: number;
  readonly externalPower?: boolean;
  readonly batteryPpm?: number;
}

export interface BrokerStatus {
  readonly url: string;
  readonly connected: boolean;
  /** `5` or `3.1.1`, once connected. */
  readonly protocol?: string;
  /** Since when it is connected, or away: UTC, ms. */
  readonly sinceMs?: number;
  /** Why it is away, as the network says it. */
  readonly error?: string;
  readonly outboxEvents: number;
  readonly outboxBytes: number;
  readonly outboxMaxBytes?: number;
  /** Events acknowledged since the start. */
  readonly published: number;
  /** Events dropped since the ledger began. */
  readonly dropped: number;
}

export interface ClockStatus {
  readonly utcMs: number;
  readonly quality: TimeQuality;
}

/** A question that the shopper has not answered yet. */
export interface QuestionStatus {
  /** Id of the `item.unresolved` event. */
  readonly event: string;
  readonly kind: string;
  readonly ask: string;
  readonly plate: string;
  readonly massMg: number;
  readonly candidates: readonly {
    readonly name: string;
    readonly count: number;
    readonly probabilityPpm: number;
  }[];
}

export type BasketStatus = Infer<typeof basketSnapshot>;

/** The JSON view of an event, as far as the page looks into it by itself. */
export interface EventView {
  readonly id: string;
  readonly sequence: number;
  readonly type: string;
  readonly time: number;
  readonly timeQuality: string;
  readonly atUs: number;
  readonly session?: string | undefined;
  readonly causes?: readonly string[] | undefined;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Everything the status page shows at one moment. */
export interface StatusSnapshot {
  readonly store: string;
  readonly device: string;
  readonly software: string;
  /** UTC, ms. */
  readonly startedAt: number;
  /** Monotonic, µs: the page's plot counts back from it. */
  readonly atUs: number;
  readonly plates: readonly PlateStatus[];
  readonly devices: readonly DeviceStatus[];
  readonly broker: BrokerStatus;
  readonly clock: ClockStatus;
  /** Left out while nobody shops. */
  readonly basket?: BasketStatus;
  readonly questions: readonly QuestionStatus[];
}

/** What changed. `weights` may come as often as readings do: the page thins them out. */
export type StatusUpdate =
  | { readonly kind: 'weights'; readonly atUs: number; readonly plates: readonly PlateWeight[] }
  | { readonly kind: 'event'; readonly event: EventView }
  | {
      readonly kind: 'health';
      readonly plates: readonly PlateStatus[];
      readonly devices: readonly DeviceStatus[];
      readonly broker: BrokerStatus;
      readonly clock: ClockStatus;
    }
  | {
      readonly kind: 'basket';
      readonly basket?: BasketStatus;
      readonly questions: readonly QuestionStatus[];
    };

/** Where the status page gets what it shows; the gateway is one. Both calls return at once and never throw. */
export interface StatusSource {
  snapshot(): StatusSnapshot;
  /** Subscribes; the returned function unsubscribes. */
  subscribe(listener: (update: StatusUpdate) => void): () => void;
  /** Whether somebody looks right now; until it is told, nobody does. A source may sample rarely then. */
  watch?(watched: boolean): void;
}

/** The last minute of every plate: `netMg[plate][i]` belongs to `atUs[i]`; null where the mass was unknown. */
export interface WeightHistory {
  readonly atUs: readonly number[];
  readonly netMg: Readonly<Record<string, readonly (number | null)[]>>;
  /** 0 every plate at rest, 1 one of them unstable, 2 moving. */
  readonly unrest: readonly number[];
}

/** What a client gets first: the snapshot, the plot's past and the latest events, oldest first. */
export interface StatusPicture extends StatusSnapshot {
  readonly history: WeightHistory;
  readonly events: readonly EventView[];
}
