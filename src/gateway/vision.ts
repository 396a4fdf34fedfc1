import { join } from 'node:path';
import type { Clock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { createRandom } from '#base/random.ts';
import { usPerMs, usPerSecond } from '#base/units.ts';
import type { Catalogue } from '#catalogue/products.ts';
import type { DeviceEntry } from '#config/board.ts';
import type { CartEvent } from '#events/event.ts';
import type { PipelineInput } from '#pipeline/inputs.ts';
import { sightingOf } from '#pipeline/sightings.ts';
import type { DeviceFault } from '#readings/faults.ts';
import { VisionError } from '#vision/errors.ts';
import type { ToldByVision } from '#vision/process/messages.ts';
import { sweepRecordings } from '#vision/process/recordings.ts';
import { VisionProcess } from '#vision/process/vision.ts';
import type { WeighingOutput } from '#weighing/outputs.ts';
import { CameraBook, visionSource } from './camera-book.ts';
import type { DeviceReport } from './devices.ts';
import { GalleryKeeper } from './gallery.ts';
import { StoreGallery } from './gallery-store.ts';
import { type Health, processorTemperature } from './health.ts';
import { ProcessorLoad } from './processor-load.ts';
import type { GatewaySetup } from './setup.ts';
import type { StoreLink } from './store-offer.ts';
import { visionSetup } from './vision-setup.ts';

/** How long codes are looked for in whole frames after a question to scan, and after motion outside of a session, ms. */
const askedForMs = 15_000;
const mayBeginMs = 5_000;
/** A movement follows a plate's rest at once, and its look is done after that, µs. */
const restsAfterUs = 2 * usPerSecond;
const sweepEveryUs = 60 * usPerSecond;
const loadEveryUs = 10 * usPerSecond;

export interface GatewayVisionOptions {
  readonly setup: GatewaySetup;
  /** Devices of the board that are cameras. */
  readonly cameras: readonly DeviceEntry[];
  readonly clock: Clock;
  readonly log: Logger;
  /** Passes what is seen to the pipeline. */
  readonly push: (input: PipelineInput) => void;
  readonly inSession: () => boolean;
  /** The catalogue in force. */
  readonly catalogue: () => Catalogue;
  /** Over which the store's gallery comes. */
  readonly uplink: StoreLink;
  /** A camera said for the first time what it is: the birth can tell. */
  readonly onIdentity: () => void;
  /** Module that the vision process runs; tests give another one. */
  readonly entry?: string | undefined;
}

/**
 * The gateway's side of the cameras: tells the vision process what moves, passes on what it sees, and shows its cameras
 * like any other device. Frames never come here.
 */
export class GatewayVision {
  /** Of the commands `gallery.…`. */
  readonly gallery: GalleryKeeper;
  readonly #storeGallery: StoreGallery;
  readonly #options: GatewayVisionOptions;
  readonly #process: VisionProcess;
  readonly #recordings: string;
  readonly #seen: ReadonlySet<string>;
  readonly #cancels = new Set<() => void>();
  readonly #book: CameraBook;
  /** Plates that have come to rest, until it is clear whether a movement follows. */
  readonly #resting = new Map<string, () => void>();
  readonly #processors = new ProcessorLoad();
  #stopped = false;

  constructor(options: GatewayVisionOptions) {
    const { setup, clock, log, cameras } = options;
    this.#options = options;
    this.#recordings = join(setup.dataFolder, 'recordings');
    const said = visionSetup(setup, cameras, this.#recordings);
    this.#seen = new Set(said.views.filter(({ purpose }) => purpose === 'things').map(({ plate }) => plate));
    this.#process = new VisionProcess({
      entry: options.entry ?? join(import.meta.dirname, 'vision-child.ts'),
      setup: said,
      lenses: () => this.#book.lenses(),
      memoryBytes: setup.config.vision.memoryMegabytes * 1_048_576,
      silentUs: setup.config.vision.silentMs * usPerMs,
      clock,
      log,
      random: createRandom((Date.now() ^ process.pid) >>> 0),
      onMessage: (message) => this.#hear(message),
      onFault: (fault) => this.#fault(visionSource, fault),
    });
    this.#book = new CameraBook({
      cameras,
      clock,
      onFault: (source, fault, atUs) => options.push({ kind: 'device-fault', source, atUs, fault }),
      onIdentity: options.onIdentity,
    });
    this.gallery = new GalleryKeeper({
      place: {
        path: setup.galleryPath,
        storePath: join(setup.dataFolder, 'store-gallery.cwg'),
        modelFolder: setup.modelFolder,
      },
      catalogue: options.catalogue,
      capture: async (camera, plate) => (await this.#process.ask({ kind: 'embed', camera, plate })).embedding,
      changed: (path) => this.#process.tell({ kind: 'gallery', path }),
    });
    this.#storeGallery = new StoreGallery({
      uplink: options.uplink,
      keeper: this.gallery,
      folder: setup.dataFolder,
      clock,
      log,
      push: options.push,
    });
  }

  get status(): VisionProcess['status'] {
    return this.#process.status;
  }

  /** Erases recordings whose time is over, and starts the process where there is something to look through. */
  start(): void {
    this.#sweep();
    this.#every(sweepEveryUs, () => this.#sweep());
    if (this.#options.cameras.length === 0 || !this.#options.setup.config.vision.enabled) return;
    this.#process.start();
    this.#storeGallery.start();
    this.#every(loadEveryUs, () => void this.#tellLoad());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const cancel of [...this.#cancels, ...this.#resting.values()]) cancel();
    await Promise.all([this.#process.stop(), this.#storeGallery.stop()]);
  }

  /** Hears what the scales say, in the moment in which it is decided on. */
  weighed(output: WeighingOutput): void {
    if (output.kind === 'fault' || !this.#seen.has(output.plate)) return;
    const { plate } = output;
    if (output.kind === 'movement') {
      const { startedAtUs, settledAtUs, massMg, whileAway } = output;
      // What happened before the start was seen by nobody.
      if (whileAway) return;
      const times = { startedAtUs: Math.round(startedAtUs), settledAtUs: Math.round(settledAtUs) };
      const asked = this.#process.look({ plate, ...times, sign: signOf(massMg) });
      if (!asked) this.#options.log.debug({ plate }, 'nobody could look at a movement');
      return;
    }
    this.#resting.get(plate)?.();
    this.#resting.delete(plate);
    if (output.open) this.#process.tell({ kind: 'watch', plate, atUs: Math.round(output.atUs) });
    else this.#rests(plate);
  }

  /** What came to nothing has no look that ends the watching. */
  #rests(plate: string): void {
    const cancel = this.#options.clock.after(restsAfterUs, () => {
      this.#resting.delete(plate);
      this.#process.tell({ kind: 'quiet', plate });
    });
    this.#resting.set(plate, cancel);
  }

  /** Hears what was decided: where the shopper is asked to scan, the cameras look for codes as well. */
  decided(events: readonly CartEvent[]): void {
    for (const event of events) {
      if (event.type === 'basket.opened') this.#process.tell({ kind: 'trip' });
      if (event.type !== 'item.unresolved' || event.data.ask !== 'scan-it') continue;
      this.#process.tell({ kind: 'expect-code', plate: event.data.plate, forMs: askedForMs });
    }
  }

  /** The cameras, as the supervisor of other devices reports those. */
  reports(): DeviceReport[] {
    const { running, health } = this.#process.status;
    const absent = running ? 'opening' : this.#isOn ? 'waiting' : 'closed';
    return this.#book.reports(health?.cameras, absent);
  }

  /** What `gateway.health` says of it; undefined where the board has no cameras. */
  health(): Health['vision'] {
    if (this.#options.cameras.length === 0) return undefined;
    const { running, restarts, backend, model, looked, health } = this.#process.status;
    const { slowedBy, inferenceMs, recordingUntilUs, gallery } = health ?? {};
    const { version: storeGallery, fault: storeGalleryFault } = this.#storeGallery.status;
    return {
      running,
      restarts,
      looked,
      looksPerMinute: Math.round((health?.looksPerSecond ?? 0) * 60),
      framesDropped: health?.cameras.reduce((sum, camera) => sum + camera.framesDropped, 0) ?? 0,
      ...(backend === '' ? {} : { backend, model }),
      ...(slowedBy === undefined ? {} : { slowedBy }),
      ...(inferenceMs === undefined ? {} : { inferenceUs: Math.round(inferenceMs * 1000) }),
      ...(health === undefined ? {} : { rssBytes: health.residentBytes }),
      ...(recordingUntilUs === undefined ? {} : { recordingS: this.#secondsUntil(recordingUntilUs) }),
      ...(gallery === undefined ? {} : { gallery }),
      ...(storeGallery === undefined ? {} : { storeGallery }),
      ...(storeGalleryFault === undefined ? {} : { storeGalleryFault }),
    };
  }

  get longestRecordingS(): number {
    return this.#options.setup.config.vision.recording.longestS;
  }

  /** Starts a technician's recording. Rejects with a coded VisionError. */
  async record(
    camera: string,
    seconds: number,
  ): Promise<{ path: string; seconds: number; erasedAt: number }> {
    this.#assertCamera(camera);
    const { path, erasedAt } = await this.#process.ask({ kind: 'record', camera, seconds });
    return { path, seconds, erasedAt };
  }

  /** Ends and erases all recordings, also where the process is away. Resolves with how many files there were. */
  async erase(): Promise<number> {
    if (this.#process.status.running) return (await this.#process.ask({ kind: 'erase' })).files;
    return (await sweepRecordings(this.#recordings, this.#options.clock.utcMs(), true)).erased;
  }

  #assertCamera(camera: string): void {
    const ids = this.#options.cameras.map(({ id }) => id);
    if (ids.includes(camera)) return;
    const known = ids.length === 0 ? 'none' : ids.join(', ');
    throw new VisionError('CW-VIS-020', `there is no camera ${camera}; the board has ${known}`);
  }

  get #isOn(): boolean {
    return !this.#stopped && this.#options.setup.config.vision.enabled;
  }

  #secondsUntil(atUs: number): number {
    return Math.max(0, Math.ceil((atUs - this.#options.clock.nowUs()) / usPerSecond));
  }

  #hear(message: ToldByVision): void {
    const { push, clock, inSession } = this.#options;
    switch (message.kind) {
      case 'looked': {
        const seen = sightingOf(message, this.#options.catalogue(), clock.nowUs());
        if (seen !== undefined) push(seen);
        return;
      }
      case 'code': {
        const { camera, data, symbology } = message;
        push({ kind: 'scan', source: camera, atUs: clock.nowUs(), data, symbology });
        return;
      }
      case 'motion':
        if (!inSession()) {
          this.#process.tell({ kind: 'expect-code', plate: message.plate, forMs: mayBeginMs });
        }
        return;
      case 'lens':
        this.#book.learn(message.camera, message.normal);
        return;
      case 'fault':
        this.#fault(message.source, message.fault);
        return;
      case 'health':
        for (const camera of message.health.cameras) this.#book.see(camera, this.#generation);
        return;
      case 'ready':
        this.#book.endOld(visionSource, Number.NEGATIVE_INFINITY, this.#generation);
        this.#options.log.info({ backend: message.backend, model: message.model }, 'vision running');
        return;
    }
  }

  #fault(source: string, fault: DeviceFault): void {
    this.#book.fault(source, fault, this.#generation, this.#options.clock.nowUs());
  }

  /** Which of the processes it is, one after the other. */
  get #generation(): number {
    return this.#process.status.restarts;
  }

  async #tellLoad(): Promise<void> {
    const milliCelsius = await processorTemperature();
    const busyPpm = this.#processors.busyPpm();
    this.#process.tell({
      kind: 'load',
      ...(busyPpm === undefined ? {} : { busyPpm }),
      ...(milliCelsius === undefined ? {} : { milliCelsius }),
    });
  }

  #sweep(): void {
    const { clock, log } = this.#options;
    sweepRecordings(this.#recordings, clock.utcMs()).then(
      ({ erased }) => {
        if (erased > 0) log.info({ erased }, 'recordings of frames were erased');
      },
      (error: unknown) => log.error({ err: describeError(error) }, 'recordings of frames can not be erased'),
    );
  }

  #every(periodUs: number, action: () => void): void {
    const cancel = this.#options.clock.after(periodUs, () => {
      this.#cancels.delete(cancel);
      if (this.#stopped) return;
      action();
      this.#every(periodUs, action);
    });
    this.#cancels.add(cancel);
  }
}

function signOf(massMg: number): -1 | 0 | 1 {
  return massMg === 0 ? 0 : massMg > 0 ? 1 : -1;
}
