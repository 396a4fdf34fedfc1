import type { EventData, EventType } from './catalog.ts';
import { array, choice, hex, type Infer, may, must, record, text, uint, uuid } from './fields.ts';

/** What an event was decided with. */
export const versions = record('versions', {
  software: must(1, text, 'name/version of the gateway'),
  catalogue: may(2, text, 'version of the catalogue'),
  planogram: may(3, text, 'version of the planogram'),
  model: may(4, text, 'version of the vision model'),
  calibration: may(5, uint, 'revision of the calibration'),
});
export type Versions = Infer<typeof versions>;

export const timeQualities = choice('synced', 'holdover', 'unset');
export type TimeQuality = (typeof timeQualities.values)[number];

/** The envelope without `data` (key 13), whose shape follows from `type`. */
export const envelope = record('event', {
  id: must(1, uuid, 'UUIDv8 of store, device, ledger and sequence'),
  ledger: must(2, hex(8), 'made with an empty outbox'),
  sequence: must(3, uint, '+1 per event, across boots'),
  type: must(4, text, 'as item.added'),
  source: must(5, text, 'store/device'),
  boot: must(6, uint, 'boot count'),
  atUs: must(7, uint, 'monotonic µs'),
  time: must(8, uint, 'UTC, ms since 1970; 0 while the clock is unset'),
  timeQuality: must(9, timeQualities, 'how far to trust `time`'),
  session: may(10, text, 'derived id of the shopping session'),
  causes: may(11, array(uuid), 'events it follows from'),
  versions: must(12, versions, 'what it was decided with'),
});
export const dataKey = 13;

type Envelope = Infer<typeof envelope>;

/** An event of a known type. */
export type EventOf<Type extends EventType> = Omit<Envelope, 'type'> & {
  readonly type: Type;
  readonly data: EventData<Type>;
};
/** Any event that this version makes. */
export type CartEvent = { [Type in EventType]: EventOf<Type> }[EventType];
/** An event as it may arrive: of a type, or with keys, that only a newer version knows. */
export type AnyEvent = Envelope & { readonly data: Readonly<Record<string, unknown>> };

/** What a room says happened; the ledger turns it into an event. */
export type Draft = {
  [Type in EventType]: {
    readonly type: Type;
    readonly data: EventData<Type>;
    readonly session?: string | undefined;
    readonly causes?: readonly string[] | undefined;
  };
}[EventType];
