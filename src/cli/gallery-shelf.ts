import { gatewayHealth } from '#events/data/gateway.ts';
import type { Manifest } from '#uplink/offers.ts';
import { decodePayload } from '#uplink/payloads.ts';
import { parseTopic } from '#uplink/topics.ts';
import type { GalleryOffer } from '#vision/gallery/offer.ts';
import { Shelf, type ShelfAccess } from './shelf.ts';

/** Which gallery a device says that it has. */
export interface DeviceGallery {
  readonly device: string;
  /** Versions: of the one in force, and of the store's that it was made from. */
  readonly inForce?: string | undefined;
  readonly ofStore?: string | undefined;
  /** Code of why what is offered is not taken. */
  readonly fault?: string | undefined;
}

/** Below `_store`. */
const gallery = 'gallery';

/** The store's gallery on a broker. */
export class GalleryShelf {
  readonly #store: string;
  readonly #shelf: Shelf;
  readonly #devices: Map<string, DeviceGallery>;

  /** Rejects with CW-CLI-002 or CW-CLI-004. */
  static async open(access: ShelfAccess): Promise<GalleryShelf> {
    const devices = new Map<string, DeviceGallery>();
    const shelf = await Shelf.open(access, (topic, payload) => hear(devices, topic, payload));
    return new GalleryShelf(access.store, shelf, devices);
  }

  private constructor(store: string, shelf: Shelf, devices: Map<string, DeviceGallery>) {
    this.#store = store;
    this.#shelf = shelf;
    this.#devices = devices;
  }

  /** What is offered, and what each device with cameras has. */
  async look(): Promise<{
    readonly offered: Manifest | undefined;
    readonly devices: readonly DeviceGallery[];
  }> {
    await this.#shelf.listen([gallery], [`cw/1/${this.#store}/+/health`]);
    const devices = [...this.#devices.values()].sort((a, b) => (a.device < b.device ? -1 : 1));
    return { offered: this.#shelf.offered(gallery), devices };
  }

  /** Puts parts and manifest there, then takes away what was only of the one before. Rejects with CW-CLI-003 or -008. */
  async publish(manifest: GalleryOffer, parts: ReadonlyMap<string, Uint8Array>): Promise<void> {
    await this.#shelf.publish(gallery, manifest, parts);
  }

  /** Takes it away; whether there was one. */
  async withdraw(): Promise<boolean> {
    return await this.#shelf.withdraw(gallery);
  }

  async close(): Promise<void> {
    await this.#shelf.close();
  }
}

function hear(devices: Map<string, DeviceGallery>, topic: string, payload: Uint8Array): void {
  const parsed = parseTopic(topic);
  if (parsed?.kind !== 'health') return;
  try {
    const { vision } = decodePayload(gatewayHealth, payload);
    const { device } = parsed.place;
    if (vision === undefined) devices.delete(device);
    else {
      const { gallery: inForce, storeGallery: ofStore, storeGalleryFault: fault } = vision;
      devices.set(device, { device, inForce, ofStore, fault });
    }
  } catch {
    // Anybody may write there: what isn't a message of the contract is passed over.
  }
}
