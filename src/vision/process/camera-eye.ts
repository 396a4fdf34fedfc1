import type { Clock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import { usPerSecond } from '#base/units.ts';
import type { DeviceFault } from '#readings/faults.ts';
import { frameBytes } from '#readings/frames.ts';
import type { FrameReading } from '#readings/readings.ts';
import type { LensMemory, LensNormal } from '../change/lens-memory.ts';
import type { WatchedFrame } from '../codes/watch.ts';
import type { Picture } from '../pictures/picture.ts';
import type { FromVision, PlateView } from './messages.ts';
import type { Pace } from './pace.ts';
import type { CodeEyes, EyesParts, LensWatch } from './parts.ts';
import { PlateEye } from './plate-eye.ts';
import { FrameRing, type KeptFrame, type RingOptions } from './ring.ts';

export interface CameraEyeOptions {
  readonly id: string;
  readonly driver: string;
  readonly views: readonly PlateView[];
  /** What earlier processes knew of its lens. */
  readonly lens?: LensMemory | undefined;
  readonly ring: RingOptions;
  readonly clock: Clock;
  readonly pace: Pace;
  readonly parts: Pick<EyesParts, 'pictureOf' | 'watchRegion' | 'watchLens' | 'watchCodes'>;
  readonly tell: (message: FromVision) => void;
}

/** A camera that delivers nothing for so long, or for as long as the ring is deep, is gone, µs. */
const goneUs = 5 * usPerSecond;
/** Movements are compared over a few frames; a ring that holds fewer is blind, because those at rest are held. */
const fewestFrames = 5;

/** So many damaged frames in a row are a fault of the camera. */
const mostDamaged = 5;

/**
 * One camera: keeps some of its frames, looks at the latest of them one after the other, and knows of each plate that it
 * sees which frames are at rest.
 */
export class CameraEye {
  readonly id: string;
  readonly plates: readonly PlateEye[];
  readonly #options: CameraEyeOptions;
  readonly #ring: FrameRing;
  readonly #lens: LensWatch;
  /** What the gateway knows to be normal for the lens. */
  #normal: LensNormal | undefined;
  readonly #codes = new Map<PlateEye, CodeEyes>();
  readonly #waiting = new Set<() => void>();
  /** Faults that stand, with what was said of them. */
  readonly #told = new Map<string, string>();
  #pending: KeptFrame | undefined;
  #looking = false;
  #nextUs = Number.NEGATIVE_INFINITY;
  #dropped = 0;
  #format: FrameReading['format'] | undefined;
  #cancelExpiry: (() => void) | undefined;
  #damaged = 0;
  /** Codes that this version can't look for are told once. */
  #codesFailed = false;

  constructor(options: CameraEyeOptions) {
    this.#options = options;
    this.id = options.id;
    this.#ring = new FrameRing(options.ring);
    this.#lens = options.parts.watchLens(options.driver, options.lens);
    this.#normal = options.lens?.normal;
    this.plates = options.views.map((view) => new PlateEye(view, this.#ring, options.parts.watchRegion()));
    for (const plate of this.plates) {
      const [left, top, width, height] = plate.view.region ?? [];
      const region =
        left === undefined || top === undefined || width === undefined || height === undefined
          ? undefined
          : { left, top, width, height };
      this.#codes.set(plate, options.parts.watchCodes(options.id, plate.view.purpose, region));
    }
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** Takes a frame, whose bytes are borrowed for this call: it is copied into the ring where its time has come. */
  frame(reading: FrameReading): void {
    const { clock, pace } = this.#options;
    const { atUs } = reading;
    this.#format = reading.format;
    const busy = this.plates.some((plate) => plate.busy(clock.nowUs()));
    const periodUs = usPerSecond / pace.perSecond(busy);
    // Further ahead than a period is what was set at another rate.
    const nextUs = this.#nextUs > atUs + 1.2 * periodUs ? atUs : this.#nextUs;
    if (atUs < nextUs - periodUs / 10) return;
    this.#nextUs = (nextUs > atUs - periodUs ? nextUs : atUs) + periodUs;
    const bytes = frameBytes(reading);
    if (fewestFrames * bytes > this.#options.ring.bytes) this.#tooLarge(bytes);
    const kept = this.#ring.push(reading);
    if (kept === undefined) {
      this.#dropped += 1;
      return;
    }
    this.#cancelExpiry ??= clock.after(usPerSecond, () => this.#expire());
    this.#pending = kept;
    if (!this.#looking) void this.#lookAtLatest();
  }

  /** Resolves when a further frame was looked at, or at `untilUs`. */
  nextLook(untilUs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#waiting.delete(done);
        cancel();
        resolve();
      };
      const cancel = this.#options.clock.after(Math.max(0, untilUs - this.#options.clock.nowUs()), done);
      this.#waiting.add(done);
    });
  }

  /** Another trip begins: codes that lay in view are gone. */
  forget(): void {
    for (const codes of this.#codes.values()) codes.forget();
  }

  /** Format of its frames; undefined where none came so far. */
  get format(): FrameReading['format'] | undefined {
    return this.#format;
  }

  /** Ends what goes on by itself. */
  close(): void {
    this.#cancelExpiry?.();
    this.#cancelExpiry = undefined;
  }

  #expire(): void {
    const { clock, ring } = this.#options;
    const nowUs = clock.nowUs();
    const newestUs = this.#ring.latest?.atUs ?? Number.NEGATIVE_INFINITY;
    if (nowUs - newestUs > Math.max(goneUs, ring.spanUs)) for (const plate of this.plates) plate.release();
    this.#ring.expire(nowUs);
    this.#cancelExpiry =
      this.#ring.latest === undefined ? undefined : clock.after(usPerSecond, () => this.#expire());
  }

  /** The latest frame that was kept. */
  get latest(): KeptFrame | undefined {
    return this.#ring.latest;
  }

  /**
   * Frames as pictures, in `use` alone: afterwards their bytes may be overwritten. Undefined where one of them is gone.
   * Rejects as decoding does.
   */
  async withPictures<T>(
    frames: readonly KeptFrame[],
    use: (pictures: readonly Picture[]) => Promise<T> | T,
  ): Promise<T | undefined> {
    const holds = frames.map((frame) => this.#ring.hold(frame));
    try {
      const readings = frames.flatMap((frame) => this.#ring.read(frame) ?? []);
      if (readings.length < frames.length) return undefined;
      return await use(await Promise.all(readings.map((one) => this.#options.parts.pictureOf(one))));
    } finally {
      for (const release of holds) release?.();
    }
  }

  /** Never rejects. A frame that came meanwhile is next; those in between are not looked at. */
  async #lookAtLatest(): Promise<void> {
    this.#looking = true;
    for (let kept = this.#pending; kept !== undefined; kept = this.#pending) {
      this.#pending = undefined;
      const frame = kept;
      try {
        await this.withPictures([frame], ([picture]) => {
          if (picture !== undefined) this.#lookAt(frame, picture);
        });
        this.#whole();
      } catch (error) {
        this.#broken(error);
      }
      for (const done of [...this.#waiting]) done();
    }
    this.#looking = false;
  }

  #lookAt(kept: KeptFrame, picture: Picture): void {
    const { clock, tell } = this.#options;
    const { atUs } = kept;
    let moving = false;
    for (const plate of this.plates) {
      const region = plate.region(picture);
      if (region === undefined) {
        this.#beside(plate.view, picture);
        continue;
      }
      const sight = plate.see(kept, picture, region);
      moving ||= sight.moving;
      const { camera, plate: id } = plate.view;
      if (sight.began && !plate.weighed(clock.nowUs())) tell({ kind: 'motion', camera, plate: id, atUs });
      const moved = sight.moving ? (sight.where ?? [region]) : [];
      const expected = plate.expects(clock.nowUs());
      if (expected || moved.length > 0) void this.#readCodes(plate, { picture, atUs, moved, expected });
    }
    // It says each fault once by itself, and the end of those that an earlier process told.
    for (const fault of this.#lens.see(picture, atUs, moving)) this.#tell(fault);
    const { normal } = this.#lens;
    if (normal === undefined || normal === this.#normal) return;
    this.#normal = normal;
    tell({ kind: 'lens', camera: this.id, normal });
  }

  /** Nobody waits for this: the picture is copied, and what is found is told. Never rejects. */
  async #readCodes(plate: PlateEye, frame: WatchedFrame): Promise<void> {
    try {
      for (const { data, symbology } of (await this.#codes.get(plate)?.see(frame)) ?? []) {
        const { atUs } = frame;
        const told = { camera: this.id, plate: plate.view.plate, atUs, data, symbology };
        this.#options.tell({ kind: 'code', ...told });
      }
      if (this.#codesFailed) this.#codesFault('codes are looked for again', true);
    } catch (error) {
      if (!this.#codesFailed) this.#codesFault(describeError(error), false);
    }
  }

  #codesFault(message: string, cleared: boolean): void {
    this.#codesFailed = !cleared;
    this.#fault({ fault: 'integrity', code: 'CW-VIS-018', message, channel: 'codes', cleared });
  }

  #beside({ plate, region }: PlateView, { width, height }: Picture): void {
    const message = `the region ${region?.join(', ')} of plate ${plate} lies beside the pictures of ${this.id}, which are ${width} × ${height}; correct it in the board profile`;
    this.#fault({ fault: 'configuration', code: 'CW-VIS-008', message });
  }

  #tooLarge(bytes: number): void {
    const message = `a frame of ${this.id} has ${bytes} bytes, the ring ${this.#options.ring.bytes} for each camera, which has to hold ${fewestFrames}; give it more (vision.ringMegabytes), or take smaller frames`;
    this.#fault({ fault: 'configuration', code: 'CW-VIS-023', message });
  }

  /** What was said before is not said again. */
  #fault(fault: DeviceFault): void {
    const key = `${fault.channel ?? ''}/${fault.fault}/${fault.code}`;
    const text = fault.cleared === true ? '' : fault.message;
    if ((this.#told.get(key) ?? '') === text) return;
    this.#told.set(key, text);
    this.#tell(fault);
  }

  #tell(fault: DeviceFault): void {
    this.#options.tell({ kind: 'fault', source: this.id, fault, atUs: this.#options.clock.nowUs() });
  }

  #broken(error: unknown): void {
    this.#damaged += 1;
    if (this.#damaged !== mostDamaged) return;
    const message = `${mostDamaged} frames of ${this.id} in a row could not be used: ${describeError(error)}`;
    this.#fault({ fault: 'integrity', code: 'CW-VIS-007', message, channel: 'frames' });
  }

  #whole(): void {
    if (this.#damaged >= mostDamaged) {
      const message = 'frames can be used again';
      this.#fault({ fault: 'integrity', code: 'CW-VIS-007', message, channel: 'frames', cleared: true });
    }
    this.#damaged = 0;
  }
}
