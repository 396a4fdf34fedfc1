import type { Clock } from '#base/clock.ts';
import type { CameraDevice, CameraFrame, FrameContent } from './camera-device.ts';
import { yuv420Bytes } from './pixels.ts';
import { JpegSplitter, RawSplitter, type Splitter } from './splitters.ts';

/** A JPEG of a camera is smaller than its pixels uncompressed; a little is added for what small ones have around them. */
const roomBytes = 65_536;
/** Between two frames a program writes nothing for at least this part of a period. */
const gapPart = 1 / 3;
/** So many more gaps came in the middle of a frame than between two: frames are longer or shorter than they should be. */
const mostMisaligned = 5;
/** What a gap between frames takes off that: frames of 5/4 of their size are between with every fourth one. */
const forgiven = 0.25;

export interface StreamShape {
  readonly width: number;
  readonly height: number;
  readonly format: 'yuv420' | 'mjpeg';
  readonly framesPerSecond: number;
}

/** What comes of a stream besides frames for the device. */
export interface StreamListener {
  /** A whole frame was cut out, whether the device wants it or not. */
  whole(): void;
  /** The stream does not consist of such frames. */
  misshapen(why: string): void;
}

/**
 * Frames from the bytes that a program writes. Of those that come at once only the newest reaches the device; a frame of
 * another size than agreed is damaged.
 */
export class FrameStream {
  readonly #clock: Clock;
  readonly #shape: StreamShape;
  readonly #device: CameraDevice;
  readonly #listener: StreamListener;
  readonly #splitter: Splitter;
  #last: CameraFrame | undefined;
  #newest: { readonly frame: CameraFrame; readonly atUs: number } | undefined;
  #cancel: (() => void) | undefined;
  #heardUs: number | undefined;
  #mindsGaps = false;
  #misaligned = 0;

  constructor(clock: Clock, shape: StreamShape, device: CameraDevice, listener: StreamListener) {
    this.#clock = clock;
    this.#shape = shape;
    this.#device = device;
    this.#listener = listener;
    const { width, height, format } = shape;
    const sink = {
      frame: (
        content: FrameContent,
        atUs: number,
        size: { readonly width: number; readonly height: number },
      ) => {
        if (size.width === width && size.height === height)
          this.#whole({ width, height, format, ...content }, atUs);
        else device.damaged(`it has ${size.width}×${size.height} pixels, not ${width}×${height}`);
      },
      damaged: (why: string) => device.damaged(why),
    };
    this.#splitter =
      format === 'mjpeg'
        ? new JpegSplitter(yuv420Bytes(width, height) + roomBytes, sink)
        : new RawSplitter(shape, yuv420Bytes(width, height), sink);
  }

  /** The frame that was the newest when the stream ended. */
  get last(): CameraFrame | undefined {
    return this.#last;
  }

  /**
   * From now on raw frames, which have no marks, are judged by the gaps between them, as nothing else shows their size.
   * Not where the program has said it: on a machine that is overloaded there are gaps within frames, too.
   */
  mindGaps(): void {
    this.#mindsGaps = true;
  }

  push(bytes: Uint8Array, atUs: number): void {
    if (this.#mindsGaps) this.#mindGap(atUs);
    this.#splitter.push(bytes, atUs);
  }

  end(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#newest = undefined;
  }

  #mindGap(atUs: number): void {
    const gapUs = atUs - (this.#heardUs ?? atUs);
    this.#heardUs = atUs;
    if (
      !(this.#splitter instanceof RawSplitter) ||
      gapUs < (1_000_000 / this.#shape.framesPerSecond) * gapPart
    ) {
      return;
    }
    this.#misaligned = Math.max(0, this.#misaligned + (this.#splitter.isBetween ? -forgiven : 1));
    if (this.#misaligned < mostMisaligned) return;
    this.#misaligned = 0;
    const { width, height } = this.#shape;
    this.#listener.misshapen(
      `frames have not the ${yuv420Bytes(width, height)} bytes of ${width}×${height} pixels`,
    );
  }

  #whole(frame: CameraFrame, atUs: number): void {
    this.#listener.whole();
    if (this.#newest !== undefined) this.#device.overtaken(1);
    this.#newest = { frame, atUs };
    this.#last = frame;
    this.#cancel ??= this.#clock.after(0, () => this.#deliver());
  }

  #deliver(): void {
    this.#cancel = undefined;
    const newest = this.#newest;
    this.#newest = undefined;
    if (newest !== undefined && this.#device.wants(newest.atUs))
      this.#device.frame(newest.frame, newest.atUs);
  }
}
