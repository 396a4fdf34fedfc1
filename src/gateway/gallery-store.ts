import type { Logger } from '#base/log.ts';
import { VisionError } from '#vision/errors.ts';
import { checkOffer, type GalleryOffer } from '#vision/gallery/offer.ts';
import type { GalleryKeeper } from './gallery.ts';
import { type FollowerContext, StoreOffer } from './store-offer.ts';

interface StoreGalleryOptions extends FollowerContext {
  readonly keeper: Pick<GalleryKeeper, 'adopted' | 'adopt'>;
}

/** What health says of it. */
interface StoreGalleryStatus {
  /** Version of the store's that is in force. */
  readonly version?: string | undefined;
  /** Why the one that is offered is not. */
  readonly fault?: string | undefined;
}

/** Follows the store's gallery: what is of the model in use and not in force is fetched and put in force. */
export class StoreGallery {
  readonly #keeper: StoreGalleryOptions['keeper'];
  readonly #log: Logger;
  readonly #offer: StoreOffer<GalleryOffer>;
  #version: string | undefined;

  constructor(options: StoreGalleryOptions) {
    this.#keeper = options.keeper;
    this.#log = options.log;
    this.#offer = new StoreOffer<GalleryOffer>(options, {
      topic: '_store/gallery',
      source: 'store-gallery',
      name: 'gallery',
      check: checkOffer,
      isInForce: (offer) => this.#isInForce(offer),
      adopt: (received, offer) => this.#adopt(received, offer),
      // What comes from elsewhere keeps this room's code for it.
      failed: (message, cause) => new VisionError('CW-VIS-024', message, { cause }),
      kindOf: (code) =>
        code === 'CW-VIS-010' || code === 'CW-VIS-001' || code === 'CW-VIS-003'
          ? 'configuration'
          : 'integrity',
    });
  }

  get status(): StoreGalleryStatus {
    return { version: this.#version, fault: this.#offer.fault };
  }

  start(): void {
    this.#offer.start();
  }

  async stop(): Promise<void> {
    await this.#offer.stop();
  }

  async #isInForce(offer: GalleryOffer): Promise<boolean> {
    const { space, sha256, version } = await this.#keeper.adopted();
    this.#version = version;
    if (sha256 === offer.sha256) return true;
    if (space === offer.space) return false;
    throw new VisionError(
      'CW-VIS-010',
      `the store's gallery is of the model ${offer.space.slice(0, 12)}…, this device has ${space.slice(0, 12)}…: give the device that model, or publish a gallery of its own`,
    );
  }

  async #adopt(received: string, offer: GalleryOffer): Promise<void> {
    const { aside, ...told } = await this.#keeper.adopt(received, offer.sha256);
    this.#version = told.version;
    this.#log.info({ ...told, bytes: offer.size }, "the store's gallery is in force");
    if (aside !== undefined) {
      this.#log.warn({ path: aside }, "the device's own gallery was not usable and put aside");
    }
  }
}
