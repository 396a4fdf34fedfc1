import type { BasketSnapshot } from '#basket/basket.ts';
import { isKnown } from '#events/codec.ts';
import { basketSnapshot } from '#events/data/baskets.ts';
import { gatewayHealth } from '#events/data/gateway.ts';
import type { AnyEvent } from '#events/event.ts';
import type { Infer } from '#events/fields.ts';
import { statePayload } from '#events/mqtt-payloads.ts';
import { decodePayload } from '#uplink/payloads.ts';

type State = Infer<typeof statePayload>;
type Health = Infer<typeof gatewayHealth>;

/** What lies on a plate of a shelf, as its last events tell it. */
interface ShelfPlate {
  readonly plate: string;
  /** GTIN or PLU. */
  readonly product: string;
  /** 0: out of stock. */
  readonly count: number;
}

/** A device as the store sees it. */
export interface DeviceView {
  readonly device: string;
  readonly state?: State | undefined;
  readonly health?: Health | undefined;
  readonly basket?: BasketSnapshot | undefined;
  readonly plates: ReadonlyMap<string, ShelfPlate>;
  /** Faults that stand, by source and kind: code and sentence. */
  readonly faults: ReadonlyMap<string, string>;
}

const empty = { plates: new Map<string, ShelfPlate>(), faults: new Map<string, string>() };
/** Of one device, more faults than these are not kept: a store is no log. */
const mostFaults = 64;

/** All carts and shelves of a store, from what they retain and tell. */
export class Floor {
  readonly #devices = new Map<string, DeviceView>();

  get(device: string): DeviceView | undefined {
    return this.#devices.get(device);
  }

  /** By name. */
  all(): readonly DeviceView[] {
    return [...this.#devices.values()].sort((a, b) => (a.device < b.device ? -1 : 1));
  }

  /** A message on `state`, `health` or `basket`. Throws an EventError for what is none. */
  said(device: string, what: 'state' | 'health' | 'basket', payload: Uint8Array): void {
    if (payload.length === 0) {
      if (this.#devices.has(device)) this.#change(device, { [what]: undefined });
    } else if (what === 'health') this.#change(device, { health: decodePayload(gatewayHealth, payload) });
    else if (what === 'basket') this.#change(device, { basket: decodePayload(basketSnapshot, payload) });
    else this.#born(device, decodePayload(statePayload, payload));
  }

  /** An event that is new. */
  happened(device: string, event: AnyEvent): void {
    if (!isKnown(event)) return;
    const before = this.#devices.get(device);
    if (event.type === 'shelf.stock') {
      const { plate, gtin, plu, count } = event.data;
      const plates = new Map(before?.plates);
      plates.set(plate, { plate, product: gtin ?? plu ?? '', count });
      this.#change(device, { plates });
    } else if (event.type === 'device.fault' || event.type === 'device.recovered') {
      const faults = new Map(before?.faults);
      const key = `${event.data.source} ${event.data.channel ?? ''} ${event.data.fault}`;
      if (event.type === 'device.recovered') faults.delete(key);
      else if (faults.size < mostFaults)
        faults.set(key, `${event.data.source}: ${event.data.code} ${event.data.message}`);
      this.#change(device, { faults });
    }
  }

  /** A will that names an older connection than the last birth comes late and means nothing. */
  #born(device: string, state: State): void {
    const before = this.#devices.get(device)?.state;
    const isLate =
      !state.online &&
      before?.ledger === state.ledger &&
      state.connection < before.connection &&
      before.online;
    if (isLate) return;
    // A will has none of what the birth said.
    const known = state.online || before === undefined ? state : { ...before, ...state };
    this.#change(device, { state: known });
  }

  #change(device: string, changes: Partial<Omit<DeviceView, 'device'>>): void {
    this.#devices.set(device, { ...empty, ...this.#devices.get(device), ...changes, device });
  }
}
