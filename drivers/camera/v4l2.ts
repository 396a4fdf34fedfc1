import { z } from 'zod';
import { type Driver, type DriverContext, driverContract } from '../driver.ts';
import { DriverError } from '../errors.ts';
import type { VideoFrame, VideoLayout, VideoOffer, VideoPort } from '../ports/ports.ts';
import { CameraDevice } from './camera-device.ts';
import { measureJpeg } from './jpeg.ts';
import { frameOptions, videoMatch } from './options.ts';
import { type Unpacker, unpackerFor } from './pixels.ts';
import { applySettings, settingOptions } from './v4l2-settings.ts';

const jpegFormats: readonly string[] = ['MJPG', 'JPEG'];
/** By their names in options. What needs no decoding comes first; of two that serve, the one that is cheaper to read. */
const formatNames = {
  yuv420: 'YU12',
  nv12: 'NV12',
  yuyv: 'YUYV',
  mjpeg: 'MJPG',
  rgb: 'RGB3',
  grey: 'GREY',
} as const;
/** A camera may be this much slower than asked for: 29.97 is 30. */
const slower = 0.95;
const mostNamed = 24;

const options = z.strictObject({
  match: videoMatch,
  ...frameOptions,
  format: z
    .enum(['auto', 'yuv420', 'nv12', 'yuyv', 'mjpeg', 'rgb', 'grey'])
    .default('auto')
    .describe(
      'How pictures come: auto takes an uncompressed format that the camera has in this size and rate, else mjpeg. Default auto.',
    ),
  ...settingOptions,
});
type V4l2Options = z.infer<typeof options>;

/**
 * A USB (UVC) or other camera through the kernel's own interface, V4L2: frames are read from its mapped buffers by this
 * process, without another program between, and without ever waiting in the kernel.
 */
export const v4l2: Driver<V4l2Options> = {
  contract: driverContract,
  name: 'v4l2',
  kind: 'camera',
  options,

  async discover({ ports }) {
    return (await ports.list('video')).map(({ identity }) => identity);
  },

  async open(chosen, context) {
    const port = await context.ports.video({ match: chosen.match });
    try {
      const layout = await agree(port, chosen);
      await applySettings(port, chosen);
      return deviceOf(port, layout, chosen, context);
    } catch (error) {
      await port.close();
      throw error;
    }
  },
};

/** Settles format, size and rate. Rejects with CW-DRV-020 and what the camera offers where it has other ones. */
async function agree(port: VideoPort, chosen: V4l2Options): Promise<VideoLayout> {
  const { width, height, framesPerSecond } = chosen;
  const offers = await port.offers(Object.values(formatNames));
  const pixelFormat = choose(offers, chosen);
  const layout = await port.setFormat({ pixelFormat, width, height });
  const refused = (what: string) =>
    new DriverError('CW-DRV-020', `the camera ${what}; it offers: ${describe(offers)}`, {
      details: { offers: offers.map(describeOffer).slice(0, mostNamed) },
    });
  const same = layout.pixelFormat === pixelFormat && layout.width === width && layout.height === height;
  if (!same) {
    const made = `${layout.pixelFormat} ${layout.width}×${layout.height}`;
    throw refused(`makes ${made} of ${pixelFormat} ${width}×${height}`);
  }
  const rate = await port.setRate(framesPerSecond);
  if (rate !== undefined && rate < framesPerSecond * slower) {
    const asked = `${pixelFormat} ${width}×${height}`;
    throw refused(`has ${rounded(rate)} frames a second of ${asked}, not ${framesPerSecond}`);
  }
  return layout;
}

/** The camera's name of the format to ask for. Throws CW-DRV-020 where no format comes in this size. */
function choose(
  offers: readonly VideoOffer[],
  { format, width, height, framesPerSecond }: V4l2Options,
): string {
  if (format !== 'auto') return formatNames[format];
  const known = Object.values(formatNames);
  const fitting = offers.filter(
    ({ least, most }) => least[0] <= width && width <= most[0] && least[1] <= height && height <= most[1],
  );
  const fast = fitting.filter(
    ({ framesPerSecond: rate }) => rate === undefined || rate >= framesPerSecond * slower,
  );
  const best = known.find((name) =>
    (fast.length > 0 ? fast : fitting).some(({ pixelFormat }) => pixelFormat === name),
  );
  if (best !== undefined) return best;
  // A camera that lists nothing is asked all the same.
  if (offers.length === 0) return formatNames.yuyv;
  throw new DriverError('CW-DRV-020', `the camera has no ${width}×${height}; it offers: ${describe(offers)}`);
}

function describe(offers: readonly VideoOffer[]): string {
  if (offers.length === 0) return 'nothing that it lists';
  const named = offers.slice(0, mostNamed).map(describeOffer);
  const more = offers.length > mostNamed ? [`and ${offers.length - mostNamed} more`] : [];
  return [...named, ...more].join(', ');
}

function describeOffer({ pixelFormat, least, most, framesPerSecond }: VideoOffer): string {
  const range = least.join('×') === most.join('×') ? '' : `${least.join('×')} to `;
  const rate = framesPerSecond === undefined ? '' : ` at ${rounded(framesPerSecond)}`;
  return `${pixelFormat} ${range}${most.join('×')}${rate}`;
}

const rounded = (rate: number) => Math.round(rate * 100) / 100;

function deviceOf(
  port: VideoPort,
  layout: VideoLayout,
  { framesPerSecond }: V4l2Options,
  context: DriverContext,
): CameraDevice {
  const isJpeg = jpegFormats.includes(layout.pixelFormat);
  const unpacker = isJpeg ? undefined : unpackerFor(layout);
  if (!isJpeg && unpacker === undefined) {
    const rows = `rows of ${layout.bytesPerLine} bytes for ${layout.width} pixels of ${layout.pixelFormat}`;
    throw new DriverError('CW-DRV-020', `the camera has ${rows}, which can't be; take another format`);
  }
  const device: CameraDevice = new CameraDevice(context, {
    identity: port.identity,
    framesPerSecond,
    begin: () => port.begin(),
    close: () => port.close(),
  });
  const reader = new FrameReader(device, layout, unpacker);
  port.listen({ data: (frame, atUs) => reader.read(frame, atUs), lost: (error) => device.lost(error) });
  return device;
}

/** Asserts what the kernel hands over, and turns it into frames. */
class FrameReader {
  readonly #device: CameraDevice;
  readonly #layout: VideoLayout;
  readonly #unpacker: Unpacker | undefined;
  #sequence: number | undefined;

  constructor(device: CameraDevice, layout: VideoLayout, unpacker: Unpacker | undefined) {
    this.#device = device;
    this.#layout = layout;
    this.#unpacker = unpacker;
  }

  read({ data, sequence, damaged }: VideoFrame, atUs: number): void {
    if (this.#sequence !== undefined) {
      const missed = (sequence - this.#sequence - 1) >>> 0;
      // A camera that starts over counts from 0.
      if (missed < 0x8000_0000) this.#device.missed(missed);
    }
    this.#sequence = sequence;
    if (!this.#device.wants(atUs)) return;
    if (damaged) this.#device.damaged('the camera says that it is incomplete');
    else if (this.#unpacker === undefined) this.#readJpeg(data, atUs);
    else this.#readRaw(this.#unpacker, data, atUs);
  }

  #readRaw(unpacker: Unpacker, data: Uint8Array, atUs: number): void {
    const { cameraBytes, bytes, shape } = unpacker;
    if (data.length < cameraBytes) {
      this.#device.damaged(`it has ${data.length} of ${cameraBytes} bytes`);
      return;
    }
    const copyTo = (target: Uint8Array) => unpacker.unpack(data, target);
    this.#device.frame({ ...shape, assembly: { bytes, copyTo } }, atUs);
  }

  #readJpeg(data: Uint8Array, atUs: number): void {
    const { width, height } = this.#layout;
    const picture = measureJpeg(data);
    if ('why' in picture) this.#device.damaged(picture.why);
    else if (picture.width !== width || picture.height !== height) {
      this.#device.damaged(`it has ${picture.width}×${picture.height} pixels, not ${width}×${height}`);
    } else this.#device.frame({ width, height, format: 'mjpeg', data: picture.data }, atUs);
  }
}
