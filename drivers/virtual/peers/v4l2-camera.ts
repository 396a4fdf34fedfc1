import type { Clock } from '#base/clock.ts';
import type { DeviceIdentity } from '../../driver.ts';
import { DriverError } from '../../errors.ts';
import type { VideoControl, VideoFormat, VideoFrame, VideoLayout, VideoOffer } from '../../ports/ports.ts';
import type { PeerWire, VideoPeer } from '../peer-ports.ts';
import { jpegMarkers } from './test-picture.ts';

export interface V4l2CameraOptions {
  readonly offers: readonly VideoOffer[];
  /** Bytes that each row has behind its pixels. */
  readonly padding?: number;
  /** By number, with what each is set to. */
  readonly controls?: ReadonlyMap<number, VideoControl & { value: number; readonly step?: number }>;
}

/**
 * A camera as the kernel shows it: of what it is asked for it makes the nearest that it has, silently, as real ones do,
 * and delivers frames at its own rate while it streams.
 */
export class V4l2CameraPeer implements VideoPeer {
  readonly identity: DeviceIdentity = {
    vendor: 'Cartwright',
    model: 'simulated camera',
    serial: 'SIM-CAM-1',
  };
  /** How long the next frames stay away. */
  silent = false;
  /** Frames come cut off, and without a word of the driver. */
  cutOff = false;
  /** The driver says of frames that they are damaged. */
  flagged = false;
  /** Other bytes in place of the next frame. */
  instead: Uint8Array | undefined;
  readonly #clock: Clock;
  readonly #options: V4l2CameraOptions;
  #layout: VideoLayout = { pixelFormat: 'YUYV', width: 0, height: 0, bytesPerLine: 0, range: 'limited' };
  #framesPerSecond = 30;
  #sequence = 0;
  #wire: PeerWire<VideoFrame> | undefined;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, options: V4l2CameraOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  opened(wire: PeerWire<VideoFrame>): void {
    this.#wire = wire;
    this.#sequence = 0;
  }

  closed(): void {
    this.#cancel?.();
    this.#wire = undefined;
  }

  async offers(pixelFormats: readonly string[]): Promise<readonly VideoOffer[]> {
    return this.#options.offers.filter(({ pixelFormat }) => pixelFormats.includes(pixelFormat));
  }

  async setFormat(format: VideoFormat): Promise<VideoLayout> {
    const { offers, padding = 0 } = this.#options;
    const ofFormat = offers.filter(({ pixelFormat }) => pixelFormat === format.pixelFormat);
    const fitting = ofFormat.find(({ least, most }) => format.width >= least[0] && format.width <= most[0]);
    const offer = fitting ?? ofFormat[0] ?? offers[0];
    if (offer === undefined) throw new DriverError('CW-DRV-020', 'it has no format at all');
    const { pixelFormat, least, most, framesPerSecond = 30 } = offer;
    const width = Math.min(Math.max(format.width, least[0]), most[0]);
    const height = Math.min(Math.max(format.height, least[1]), most[1]);
    const pixelBytes = { YUYV: 2, RGB3: 3 }[pixelFormat] ?? 1;
    const bytesPerLine = pixelFormat === 'MJPG' ? 0 : width * pixelBytes + padding;
    this.#framesPerSecond = framesPerSecond;
    this.#layout = { pixelFormat, width, height, bytesPerLine, range: 'limited' };
    return this.#layout;
  }

  async setRate(framesPerSecond: number): Promise<number | undefined> {
    this.#framesPerSecond = Math.min(framesPerSecond, this.#framesPerSecond);
    return this.#framesPerSecond;
  }

  async control(id: number): Promise<VideoControl | undefined> {
    return this.#options.controls?.get(id);
  }

  async setControl(id: number, value: number): Promise<number> {
    const control = this.#options.controls?.get(id);
    if (control === undefined) throw new DriverError('CW-DRV-020', 'there is no such control');
    const step = control.step ?? 1;
    control.value = Math.round(value / step) * step;
    return control.value;
  }

  async begin(): Promise<void> {
    this.#next();
  }

  #next(): void {
    this.#cancel = this.#clock.after(1_000_000 / this.#framesPerSecond, () => {
      this.#next();
      if (this.silent) return;
      this.#sequence = (this.#sequence + 1) >>> 0;
      const whole = this.instead ?? this.#picture();
      this.instead = undefined;
      const data = this.cutOff ? whole.subarray(0, whole.length >> 1) : whole;
      this.#wire?.send({ data, sequence: this.#sequence, damaged: this.flagged });
    });
  }

  #picture(): Uint8Array {
    const { pixelFormat, width, height, bytesPerLine } = this.#layout;
    if (pixelFormat === 'MJPG') return jpegMarkers(width, height, this.#sequence);
    const rows = pixelFormat === 'YU12' || pixelFormat === 'NV12' ? Math.ceil(height * 1.5) : height;
    return new Uint8Array(bytesPerLine * rows).fill(this.#sequence & 0xff);
  }
}
