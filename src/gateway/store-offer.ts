import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '#base/clock.ts';
import { type CodedError, describeError, isCoded } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { plainCause } from '#base/system-error.ts';
import { usPerMinute } from '#base/units.ts';
import { manifest } from '#events/mqtt-payloads.ts';
import type { PipelineInput } from '#pipeline/inputs.ts';
import type { DeviceFault } from '#readings/faults.ts';
import { type Manifest, type ManifestPart, sha256Hex } from '#uplink/offers.ts';
import { decodePayload } from '#uplink/payloads.ts';
import type { Uplink } from '#uplink/uplink.ts';

/** A part that does not come within this time is told; it is waited for all the same. */
const partWithinUs = usPerMinute;
/** What failed for a reason of the machine's is tried again after this. */
const againAfterUs = 10 * usPerMinute;

/** Of the uplink, what the store's files come over. */
export interface StoreLink extends Pick<Uplink, 'subscribe'> {
  status(): { readonly connected: boolean };
}

/** What every follower needs of the gateway. */
export interface FollowerContext {
  readonly uplink: StoreLink;
  /** Folder of what is being received. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly push: (input: Extract<PipelineInput, { kind: 'device-fault' }>) => void;
}

/** One file of the store's, and what becomes of it on this device. */
interface StoreFile<Offer extends Manifest> {
  /** Below the store: `_store/gallery`. */
  readonly topic: string;
  /** What it is called where something is wrong with it: `store-gallery`. */
  readonly source: string;
  /** What it is to people: `gallery`. */
  readonly name: string;
  /** Throws a coded error unless it can be fetched by this manifest. */
  check(offered: Manifest): Offer;
  /** Whether it is in force already. Rejects with a coded error where it can't be on this device. */
  isInForce(offer: Offer): Promise<boolean>;
  /** Puts it in force, or keeps it for when that is possible. Rejects with a coded error; then the old one stays. */
  adopt(received: string, offer: Offer): Promise<void>;
  /** The coded error of an offer that is not usable, not complete, or can't be kept. */
  failed(message: string, cause?: unknown): CodedError;
  /** Of what kind the fault of a code is. */
  kindOf(code: string): DeviceFault['fault'];
}

/**
 * Follows a file that the store offers: where its retained manifest names another one than is in force, the parts are fetched one
 * by one, each by a subscription that ends with it, and what they make is put in force. What is not usable is a fault, and the old
 * one stays.
 */
export class StoreOffer<Offer extends Manifest = Manifest> {
  readonly #context: FollowerContext;
  readonly #file: StoreFile<Offer>;
  #stop: (() => void) | undefined;
  #offer: Offer | undefined;
  /** Ends the fetching of the last offer. */
  #fetching = new AbortController();
  #turn: Promise<void> = Promise.resolve();
  #cancelAgain: (() => void) | undefined;
  #fault: DeviceFault | undefined;

  constructor(context: FollowerContext, file: StoreFile<Offer>) {
    this.#context = context;
    this.#file = file;
  }

  /** Code of why the one that is offered is not in force. */
  get fault(): string | undefined {
    return this.#fault?.code;
  }

  start(): void {
    const { uplink } = this.#context;
    this.#stop = uplink.subscribe(this.#file.topic, (_topic, payload) => this.#offered(payload));
  }

  async stop(): Promise<void> {
    this.#stop?.();
    this.#abandon();
    await this.#turn;
  }

  /** Tries again what could not be put in force: what it depends on has changed. */
  again(): void {
    const offer = this.#offer;
    if (offer === undefined || this.#fault === undefined) return;
    this.#cancelAgain?.();
    this.#fetching.abort();
    this.#begin(offer);
  }

  #offered(payload: Uint8Array): void {
    if (payload.length === 0) {
      this.#abandon();
      this.#told(undefined);
      return;
    }
    let offer: Offer;
    try {
      offer = this.#file.check(this.#read(payload));
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

  #read(payload: Uint8Array): Manifest {
    try {
      return decodePayload(manifest, payload);
    } catch (cause) {
      const { name, failed } = this.#file;
      throw failed(`what the store says of its ${name} can't be read: ${describeError(cause)}`, cause);
    }
  }

  #abandon(): void {
    this.#cancelAgain?.();
    this.#fetching.abort();
    this.#offer = undefined;
  }

  #begin(offer: Offer): void {
    this.#fetching = new AbortController();
    const { signal } = this.#fetching;
    this.#turn = this.#turn.then(() => this.#take(offer, signal));
  }

  async #take(offer: Offer, signal: AbortSignal): Promise<void> {
    try {
      if (!signal.aborted) await this.#follow(offer, signal);
      if (!signal.aborted) this.#told(undefined);
    } catch (error) {
      if (signal.aborted) return;
      this.#told(error);
      // What is wrong with the file itself is so again; what is wrong with the machine may be over.
      if (isCoded(error) && error.code !== this.#file.failed('').code) return;
      this.#cancelAgain = this.#context.clock.after(againAfterUs, () => this.#begin(offer));
    }
  }

  async #follow(offer: Offer, signal: AbortSignal): Promise<void> {
    if ((await this.#file.isInForce(offer)) || signal.aborted) return;
    const received = join(this.#context.folder, `${this.#file.source}.part`);
    await this.#fetch(offer, received, signal);
    if (!signal.aborted) await this.#file.adopt(received, offer);
  }

  async #fetch(offer: Offer, received: string, signal: AbortSignal): Promise<void> {
    await mkdir(this.#context.folder, { recursive: true });
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
    const { uplink, clock } = this.#context;
    const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>();
    const stop = uplink.subscribe(`${this.#file.topic}/${part.name}`, async (_topic, payload) => {
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
    const { name, failed } = this.#file;
    this.#told(
      failed(
        `the store's ${name} is not complete: ${what}; publish it again. The device goes on with the one it has`,
      ),
    );
  }

  /** Tells a fault once, and its end. */
  #told(problem: unknown): void {
    const fault = problem === undefined ? undefined : this.#faultOf(problem);
    const before = this.#fault;
    if (before?.code === fault?.code && before?.message === fault?.message) return;
    this.#fault = fault;
    if (before !== undefined) this.#push({ ...before, cleared: true });
    if (fault === undefined) return;
    this.#context.log.warn({ code: fault.code }, fault.message);
    this.#push(fault);
  }

  #faultOf(problem: unknown): DeviceFault {
    const { name, failed, kindOf } = this.#file;
    const coded = isCoded(problem)
      ? problem
      : failed(`the store's ${name} can't be kept: ${plainCause(problem)}`, problem);
    return { fault: kindOf(coded.code), code: coded.code, message: coded.message.slice(0, 1_000) };
  }

  #push(fault: DeviceFault): void {
    const { push, clock } = this.#context;
    push({ kind: 'device-fault', source: this.#file.source, atUs: clock.nowUs(), fault });
  }
}
