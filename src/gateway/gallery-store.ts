import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '#base/clock.ts';
import { describeError, isCoded } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { plainCause } from '#base/system-error.ts';
import { usPerMinute } from '#base/units.ts';
import { manifest } from '#events/mqtt-payloads.ts';
import type { PipelineInput } from '#pipeline/inputs.ts';
import type { DeviceFault } from '#readings/faults.ts';
import { decodePayload } from '#uplink/payloads.ts';
import type { Uplink } from '#uplink/uplink.ts';
import { isVisionCode, VisionError } from '#vision/errors.ts';
import { checkOffer, type GalleryOffer, type ManifestPart, sha256Hex } from '#vision/gallery/offer.ts';
import type { GalleryKeeper } from './gallery.ts';

/** What the store's gallery is called where something is wrong with it. */
const source = 'store-gallery';
const topic = '_store/gallery';
/** A part that does not come within this time is told; it is waited for all the same. */
const partWithinUs = usPerMinute;
/** What failed for a reason of the machine's is tried again after this. */
const againAfterUs = 10 * usPerMinute;

/** Of the uplink, what the store's gallery comes over. */
export interface StoreLink extends Pick<Uplink, 'subscribe'> {
  status(): { readonly connected: boolean };
}

interface StoreGalleryOptions {
  readonly uplink: StoreLink;
  readonly keeper: Pick<GalleryKeeper, 'adopted' | 'adopt'>;
  /** Folder of what is being received. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly push: (input: Extract<PipelineInput, { kind: 'device-fault' }>) => void;
}

/** What health says of it. */
interface StoreGalleryStatus {
  /** Version of the store's that is in force. */
  readonly version?: string | undefined;
  /** Why the one that is offered is not. */
  readonly fault?: string | undefined;
}

/**
 * Follows the store's gallery: where the retained manifest names another one than is in force, its parts are fetched one by one,
 * each by a subscription that ends with it, and what they make is put in force. What is not usable is a fault, and the old one stays.
 */
export class StoreGallery {
  readonly #options: StoreGalleryOptions;
  #stop: (() => void) | undefined;
  #offer: GalleryOffer | undefined;
  /** Ends the fetching of the last offer. */
  #fetching = new AbortController();
  #turn: Promise<void> = Promise.resolve();
  #cancelAgain: (() => void) | undefined;
  #version: string | undefined;
  #fault: DeviceFault | undefined;

  constructor(options: StoreGalleryOptions) {
    this.#options = options;
  }

  get status(): StoreGalleryStatus {
    return { version: this.#version, fault: this.#fault?.code };
  }

  start(): void {
    this.#stop = this.#options.uplink.subscribe(topic, (_topic, payload) => this.#offered(payload));
  }

  async stop(): Promise<void> {
    this.#stop?.();
    this.#abandon();
    await this.#turn;
  }

  #offered(payload: Uint8Array): void {
    if (payload.length === 0) {
      this.#abandon();
      this.#told(undefined);
      return;
    }
    let offer: GalleryOffer;
    try {
      offer = checkOffer(readManifest(payload));
    } catch (error) {
      this.#abandon();
      this.#told(error);
      return;
    }
    // A broker that came back says again what it said.
    if (offer.sha256 === this.#offer?.sha256) return;
    this.#abandon();
    this.#offer = offer;
    this.#begin(offer);
  }

  #abandon(): void {
    this.#cancelAgain?.();
    this.#fetching.abort();
    this.#offer = undefined;
  }

  #begin(offer: GalleryOffer): void {
    this.#fetching = new AbortController();
    const { signal } = this.#fetching;
    this.#turn = this.#turn.then(() => this.#take(offer, signal));
  }

  async #take(offer: GalleryOffer, signal: AbortSignal): Promise<void> {
    try {
      if (!signal.aborted) await this.#follow(offer, signal);
      if (!signal.aborted) this.#told(undefined);
    } catch (error) {
      if (signal.aborted) return;
      this.#told(error);
      if (isCoded(error) && error.code !== 'CW-VIS-024') return;
      this.#cancelAgain = this.#options.clock.after(againAfterUs, () => this.#begin(offer));
    }
  }

  async #follow(offer: GalleryOffer, signal: AbortSignal): Promise<void> {
    const { keeper, folder, log } = this.#options;
    const { space, sha256, version } = await keeper.adopted();
    this.#version = version;
    if (sha256 === offer.sha256 || signal.aborted) return;
    if (space !== offer.space) {
      throw new VisionError(
        'CW-VIS-010',
        `the store's gallery is of the model ${offer.space.slice(0, 12)}…, this device has ${space.slice(0, 12)}…: give the device that model, or publish a gallery of its own`,
      );
    }
    const received = join(folder, 'store-gallery.part');
    await this.#fetch(offer, received, signal);
    if (signal.aborted) return;
    const adoption = await keeper.adopt(received, offer.sha256);
    this.#version = adoption.version;
    const { aside, ...told } = adoption;
    log.info({ ...told, bytes: offer.size }, "the store's gallery is in force");
    if (aside !== undefined)
      log.warn({ path: aside }, "the device's own gallery was not usable and put aside");
  }

  async #fetch(offer: GalleryOffer, received: string, signal: AbortSignal): Promise<void> {
    await mkdir(this.#options.folder, { recursive: true });
    const file = await open(received, 'w', 0o600);
    try {
      for (const [index, part] of offer.parts.entries()) {
        const bytes = await this.#part(part, `part ${index + 1} of ${offer.parts.length}`, signal);
        if (bytes === undefined) return;
        await file.writeFile(bytes);
      }
      await file.sync();
    } finally {
      await file.close();
    }
  }

  /** Waits for a part as long as it takes. Resolves with undefined where it is no longer wanted. */
  async #part(part: ManifestPart, name: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const { uplink, clock } = this.#options;
    const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>();
    const stop = uplink.subscribe(`${topic}/${part.name}`, async (_topic, payload) => {
      if (payload.length === part.size && (await sha256Hex(payload)) === part.sha256) resolve(payload);
      else if (payload.length > 0) this.#waits(signal, `${name} is not what was announced`);
    });
    const ended = () => resolve(undefined);
    signal.addEventListener('abort', ended);
    let cancel = () => {};
    const watch = () => {
      cancel = clock.after(partWithinUs, () => {
        // While the broker is away, that is what is wrong.
        if (uplink.status().connected) this.#waits(signal, `${name} does not come`);
        watch();
      });
    };
    watch();
    try {
      return await promise;
    } finally {
      cancel();
      stop();
      signal.removeEventListener('abort', ended);
    }
  }

  #waits(signal: AbortSignal, what: string): void {
    if (signal.aborted) return;
    this.#told(
      new VisionError(
        'CW-VIS-024',
        `the store's gallery is not complete: ${what}; publish it again. The device goes on with the one it has`,
      ),
    );
  }

  /** Tells a fault once, and its end. */
  #told(problem: unknown): void {
    const fault = problem === undefined ? undefined : faultOf(problem);
    const before = this.#fault;
    if (before?.code === fault?.code && before?.message === fault?.message) return;
    this.#fault = fault;
    if (before !== undefined) this.#push({ ...before, cleared: true });
    if (fault === undefined) return;
    this.#options.log.warn({ code: fault.code }, fault.message);
    this.#push(fault);
  }

  #push(fault: DeviceFault): void {
    this.#options.push({ kind: 'device-fault', source, atUs: this.#options.clock.nowUs(), fault });
  }
}

function readManifest(payload: Uint8Array) {
  try {
    return decodePayload(manifest, payload);
  } catch (cause) {
    throw new VisionError(
      'CW-VIS-024',
      `what the store says of its gallery can't be read: ${describeError(cause)}`,
      { cause },
    );
  }
}

function faultOf(error: unknown): DeviceFault {
  const code = isCoded(error) && isVisionCode(error.code) ? error.code : 'CW-VIS-024';
  const message = isCoded(error) ? error.message : `the store's gallery can't be kept: ${plainCause(error)}`;
  const isConfiguration = code === 'CW-VIS-010' || code === 'CW-VIS-001' || code === 'CW-VIS-003';
  return { fault: isConfiguration ? 'configuration' : 'integrity', code, message: message.slice(0, 1_000) };
}
