import type { Clock } from '#base/clock.ts';
import { isCoded } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { usPerMs, usPerSecond } from '#base/units.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { FrameReading } from '#readings/readings.ts';
import type { LensMemory } from '../change/lens-memory.ts';
import { VisionError } from '../errors.ts';
import type { Region } from '../pictures/picture.ts';
import { CameraEye } from './camera-eye.ts';
import { Looker } from './looker.ts';
import type { CameraHealth, FromVision, LookRequest, ToVision, VisionSetup } from './messages.ts';
import { Pace } from './pace.ts';
import type { EyesParts, Recognizer } from './parts.ts';
import type { PlateEye } from './plate-eye.ts';
import { FrameRecorder } from './recorder.ts';

/** How often the gateway hears that the process lives, µs. */
const healthEveryUs = usPerSecond;

export interface EyesOptions {
  readonly setup: VisionSetup;
  /** What earlier processes knew of the cameras' lenses. */
  readonly lenses: readonly LensMemory[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly parts: EyesParts;
  /** Loads model and gallery. Rejects with a coded VisionError. */
  readonly recognizer: (model: string) => Promise<Recognizer>;
  /** Cameras as their supervisor knows them. */
  readonly cameras: () => readonly Omit<CameraHealth, 'framesPerSecond' | 'framesDropped'>[];
  readonly residentBytes: () => number;
  /** Share of all processors that this process used since it was asked last, millionths. */
  readonly ownBusyPpm: () => number | undefined;
  readonly tell: (message: FromVision) => void;
}

type Asked<Kind extends ToVision['kind']> = Extract<ToVision, { readonly kind: Kind }>;

/** What runs in the vision process: takes frames of all cameras and the gateway's messages, and says what is seen. */
export class Eyes {
  readonly #options: EyesOptions;
  readonly #pace: Pace;
  readonly #cameras = new Map<string, CameraEye>();
  readonly #looker: Looker;
  readonly #recorder: FrameRecorder;
  #recognizer: Recognizer | undefined;
  #galleryFault: DeviceFault | undefined;
  #stopped = false;
  #cancelHealth: (() => void) | undefined;
  /** Frames of each camera at the last report. */
  #reported = { atUs: 0, frames: new Map<string, number>() };
  /** One after the other: a backend takes one call at a time. */
  #queue: Promise<void> = Promise.resolve();

  constructor(options: EyesOptions) {
    const tell = (message: FromVision) => {
      // What fails because it is being closed is no fault.
      if (!this.#stopped) options.tell(message);
    };
    const { setup, clock, log, parts } = options;
    this.#options = { ...options, tell };
    this.#pace = new Pace(setup);
    this.#looker = new Looker({ clock, log, parts, recognizer: () => this.#recognizer });
    this.#recorder = new FrameRecorder({
      clock,
      log,
      folder: setup.recordings,
      keepUs: setup.keepRecordingUs,
      mostBytes: setup.recordingBytes,
    });
    const ring = {
      bytes: Math.floor(setup.ringBytes / Math.max(1, setup.devices.length)),
      spanUs: setup.ringUs,
    };
    for (const { id, driver } of setup.devices) {
      const views = setup.views.filter(({ camera }) => camera === id);
      const lens = options.lenses.find(({ camera }) => camera === id);
      this.#cameras.set(
        id,
        new CameraEye({ id, driver, views, lens, ring, clock, pace: this.#pace, parts, tell }),
      );
    }
  }

  /** Begins to report, and loads the model. Resolves when `ready` was said, whether there is a model or not. */
  async start(): Promise<void> {
    const { clock, tell } = this.#options;
    this.#reported = { atUs: clock.nowUs(), frames: new Map() };
    this.#report();
    let recognizer: Recognizer | undefined;
    try {
      const { model } = this.#options.setup;
      if (model !== undefined) recognizer = await this.#options.recognizer(model);
    } catch (error) {
      this.#fault(faultOf(error, 'CW-VIS-005'));
    }
    this.#recognizer = recognizer;
    await this.#looker.warm();
    this.#tellGallery();
    tell({ kind: 'ready', backend: recognizer?.backend ?? '', model: recognizer?.model ?? '' });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelHealth?.();
    for (const camera of this.#cameras.values()) camera.close();
    await this.#recorder.stop();
    await this.#queue;
    await this.#recognizer?.close();
    await this.#options.parts.close();
  }

  /** HOT PATH: every frame of every camera. Its bytes are borrowed for the call. */
  frame(reading: FrameReading): void {
    this.#recorder.frame(reading);
    this.#cameras.get(reading.source)?.frame(reading);
  }

  /** Takes a message of the gateway. Never throws. */
  handle(message: ToVision): void {
    switch (message.kind) {
      case 'look':
        this.#look(message);
        break;
      case 'watch':
        for (const [, plate] of this.#seeing(message.plate)) {
          plate.watch(message.atUs, this.#options.clock.nowUs());
        }
        break;
      case 'quiet':
        for (const [, plate] of this.#seeing(message.plate)) plate.quiet();
        break;
      case 'expect-code': {
        const untilUs = this.#options.clock.nowUs() + message.forMs * usPerMs;
        for (const [, plate] of this.#seeing(message.plate)) plate.expect(untilUs);
        break;
      }
      case 'trip':
        for (const camera of this.#cameras.values()) camera.forget();
        break;
      case 'gallery':
        this.#inTurn(() => this.#gallery(message.path));
        break;
      case 'embed':
        this.#inTurn(() => this.#embed(message));
        break;
      case 'record':
        void this.#answered(message.id, () => this.#record(message));
        break;
      case 'erase':
        void this.#answered(message.id, async () => {
          const files = await this.#recorder.erase();
          this.#options.tell({ kind: 'erased', id: message.id, files });
        });
        break;
      case 'load':
        this.#loaded(message);
        break;
      case 'begin':
      case 'stop':
        break;
    }
  }

  /** What this process itself takes is no reason for it to step back. */
  #loaded({ milliCelsius, busyPpm }: Asked<'load'>): void {
    const own = this.#options.ownBusyPpm() ?? 0;
    this.#pace.loaded(milliCelsius, busyPpm === undefined ? undefined : Math.max(0, busyPpm - own));
  }

  /** Views of a plate, with their cameras. */
  #seeing(plate: string): (readonly [CameraEye, PlateEye])[] {
    return [...this.#cameras.values()].flatMap((camera) =>
      camera.plates.filter(({ view }) => view.plate === plate).map((eye) => [camera, eye] as const),
    );
  }

  #look(request: LookRequest): void {
    for (const [camera, plate] of this.#seeing(request.plate)) {
      if (plate.view.purpose !== 'things') continue;
      // Waiting for a frame at rest holds up nobody else; what is heavy comes one after the other by itself.
      void this.#looker.look(request, camera, plate).then((looked) => this.#options.tell(looked));
    }
  }

  async #gallery(path: string): Promise<void> {
    await this.#recognizer?.readGallery(path).catch(() => undefined);
    this.#tellGallery();
  }

  /** What is wrong with the gallery, where that is something else than before. */
  #tellGallery(): void {
    const problem = this.#recognizer?.galleryProblem;
    const before = this.#galleryFault;
    this.#galleryFault = problem === undefined ? undefined : faultOf(problem, 'CW-VIS-009');
    if (before?.message === this.#galleryFault?.message) return;
    if (before !== undefined) this.#fault({ ...before, cleared: true });
    if (this.#galleryFault !== undefined) this.#fault(this.#galleryFault);
  }

  async #embed(asked: Asked<'embed'>): Promise<void> {
    const { tell } = this.#options;
    await this.#answered(asked.id, async () => {
      const recognizer = this.#recognizer;
      if (recognizer === undefined) {
        throw new VisionError(
          'CW-VIS-001',
          'no model is loaded, so nothing can be enrolled; see the faults of vision',
        );
      }
      const embedding = await this.#embedView(recognizer, asked);
      tell({ kind: 'embedded', id: asked.id, embedding });
    });
  }

  /**
   * What a camera sees now of a plate: what was put in last, cut out as a look cuts it out; where nothing was, the middle of
   * its region, where whoever enrols holds the thing.
   */
  async #embedView(recognizer: Recognizer, { camera, plate }: Asked<'embed'>): Promise<Int8Array> {
    const eye = this.#cameras.get(camera);
    const view = eye?.plates.find((one) => one.view.plate === plate);
    const latest = eye?.latest;
    if (eye === undefined || view === undefined || latest === undefined) {
      const seen = [...this.#cameras].flatMap(([id, { plates }]) =>
        plates.map((one) => `${id} sees ${one.view.plate}`),
      );
      const why =
        view === undefined
          ? `no camera ${camera} sees plate ${plate} (${seen.join(', ')})`
          : `${camera} delivers no frames`;
      throw new VisionError('CW-VIS-017', `${why}; nothing was enrolled`);
    }
    const embedding = await eye.withPictures([latest], async ([picture]) => {
      const region = picture === undefined ? undefined : view.region(picture);
      if (picture === undefined || region === undefined) return undefined;
      return await recognizer.embed(picture, view.lately(picture, latest.atUs) ?? middleOf(region));
    });
    if (embedding !== undefined) return embedding;
    throw new VisionError(
      'CW-VIS-017',
      `plate ${plate} is not in the pictures of ${camera}; nothing was enrolled`,
    );
  }

  async #record({ id, camera, seconds }: Asked<'record'>): Promise<void> {
    const format = this.#cameras.get(camera)?.format;
    if (format === undefined) {
      throw new VisionError('CW-VIS-020', `${camera} delivers no frames; there is nothing to record`);
    }
    const { path, untilUs, erasedAt } = await this.#recorder.start(camera, format, seconds);
    this.#options.log.warn({ camera, seconds }, 'a recording of frames begins on this device');
    this.#options.tell({ kind: 'recording', id, camera, path, untilUs, erasedAt });
  }

  async #answered(id: number, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const code = isCoded(error) ? error.code : 'CW-VIS-006';
      this.#options.tell({ kind: 'refused', id, code, message: messageOf(error) });
    }
  }

  #inTurn(work: () => Promise<void>): void {
    this.#queue = this.#queue.then(work);
  }

  #fault(fault: DeviceFault): void {
    this.#options.tell({ kind: 'fault', source: 'vision', fault, atUs: this.#options.clock.nowUs() });
  }

  #report(): void {
    const { clock, cameras, residentBytes, tell } = this.#options;
    const nowUs = clock.nowUs();
    const seconds = (nowUs - this.#reported.atUs) / usPerSecond;
    const { frames: before } = this.#reported;
    const all = cameras();
    this.#reported = { atUs: nowUs, frames: new Map(all.map(({ id, frames }) => [id, frames])) };
    const slowedBy = this.#pace.slowedBy;
    const inferenceMs = this.#recognizer?.inferenceMs;
    const gallery = this.#recognizer?.galleryVersion;
    const recordingUntilUs = this.#recorder.untilUs;
    tell({
      kind: 'health',
      health: {
        cameras: all.map((camera) => ({
          ...camera,
          framesPerSecond: seconds > 0 ? (camera.frames - (before.get(camera.id) ?? 0)) / seconds : 0,
          framesDropped: this.#cameras.get(camera.id)?.dropped ?? 0,
        })),
        looksPerSecond: this.#pace.perSecond(true),
        residentBytes: residentBytes(),
        ...(slowedBy === undefined ? {} : { slowedBy }),
        ...(inferenceMs === undefined ? {} : { inferenceMs }),
        ...(gallery === undefined ? {} : { gallery }),
        ...(recordingUntilUs === undefined ? {} : { recordingUntilUs }),
      },
    });
    this.#cancelHealth = clock.after(healthEveryUs, () => this.#report());
  }
}

/** The largest square in the middle of a region. */
function middleOf({ left, top, width, height }: Region): Region {
  const side = Math.min(width, height);
  return { left: left + (width - side) / 2, top: top + (height - side) / 2, width: side, height: side };
}

/** @param code where the error has none */
function faultOf(error: unknown, code: VisionError['code']): DeviceFault {
  return {
    fault: 'configuration',
    code: isCoded(error) ? error.code : code,
    message: messageOf(error),
    channel: code === 'CW-VIS-009' ? 'gallery' : 'model',
  };
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 1_000);
}
