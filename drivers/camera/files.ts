import { z } from 'zod';
import { type Driver, type DriverContext, driverContract } from '../driver.ts';
import { DriverError } from '../errors.ts';
import type { PicturePort } from '../ports/ports.ts';
import { CameraDevice, type CameraFrame } from './camera-device.ts';
import { openVideoFile } from './files-video.ts';
import { measureJpeg } from './jpeg.ts';
import { frameOptions } from './options.ts';
import { decodePictures } from './picture-decoding.ts';
import { Ticker } from './ticker.ts';

const file = z.string().min(1);
const fromWhere = 'from the working directory or else the installation';

const options = z
  .strictObject({
    folder: file.optional().describe(`Folder of pictures (JPEG, PNG, WebP), shown by name, ${fromWhere}.`),
    files: z.array(file).min(1).optional().describe(`Pictures, shown in this order, ${fromWhere}.`),
    schedule: z
      .array(
        z.strictObject({
          atMs: z.int().nonnegative().describe('From when on it is shown, ms after the start.'),
          file: file.describe('Picture.'),
        }),
      )
      .min(1)
      .optional()
      .describe(
        `Pictures and when each is shown, ${fromWhere}; the first one is also shown before its time.`,
      ),
    video: file
      .optional()
      .describe(`Video in any format that ffmpeg reads, ${fromWhere}; in real time only.`),
    everyMs: z
      .int()
      .min(1)
      .optional()
      .describe('How long each picture of a folder or list is shown, ms. Default: one frame.'),
    loop: z
      .boolean()
      .default(true)
      .describe('Begin again at the end; else the last picture stays. Default true.'),
    ...frameOptions,
    width: frameOptions.width.describe('Width of a video, pixels; pictures have their own. Default 1280.'),
    height: frameOptions.height.describe('Height of a video, pixels; pictures have their own. Default 720.'),
  })
  .refine(
    ({ folder, files, schedule, video }) =>
      [folder, files, schedule, video].filter((source) => source !== undefined).length === 1,
    { error: 'give exactly one of folder, files, schedule and video', path: ['folder'] },
  );
type FilesOptions = z.infer<typeof options>;

/**
 * Pictures or a video in place of a camera, for demos and tests, in the time of the gateway's clock: real or virtual. The
 * call `show` with `{ picture }`, a number from 0, shows that picture from then on.
 */
export const files: Driver<FilesOptions> = {
  contract: driverContract,
  name: 'files',
  kind: 'camera',
  options,

  async open(chosen, context) {
    const { folder, files: named, schedule, video } = chosen;
    if (video !== undefined) return openVideoFile(video, chosen, context);
    const port = await context.ports.pictures({
      folder,
      files: named ?? schedule?.map((entry) => entry.file),
    });
    try {
      const decoded = await decodePictures(port);
      return new Album(port, decoded, chosen, context).device;
    } catch (error) {
      await port.close();
      throw error;
    }
  },
};

/** Shows pictures at their time. */
class Album {
  readonly device: CameraDevice;
  readonly #port: PicturePort;
  readonly #decoded: ReadonlyMap<string, CameraFrame>;
  readonly #chosen: FilesOptions;
  #shown: number | undefined;

  constructor(
    port: PicturePort,
    decoded: ReadonlyMap<string, CameraFrame>,
    chosen: FilesOptions,
    context: DriverContext,
  ) {
    this.#port = port;
    this.#decoded = decoded;
    this.#chosen = chosen;
    const { framesPerSecond } = chosen;
    const ticker = new Ticker(context.clock, framesPerSecond, (atUs, sinceUs) => this.#show(atUs, sinceUs));
    this.device = new CameraDevice(context, {
      identity: port.identity,
      framesPerSecond,
      begin: async () => ticker.start(),
      close: async () => {
        ticker.stop();
        await port.close();
      },
      actions: ['show'],
      call: async (_action, args) => this.#choose(args),
    });
  }

  #choose(args: unknown): object {
    const given = z.strictObject({ picture: z.int().nonnegative() }).safeParse(args);
    const count = this.#port.names.length;
    if (!given.success || given.data.picture >= count) {
      throw new DriverError('CW-DRV-020', `show takes { picture }, a number from 0 to ${count - 1}`);
    }
    this.#shown = given.data.picture;
    return { picture: this.#shown };
  }

  #show(atUs: number, sinceUs: number): void {
    const name = this.#port.names[this.#shown ?? this.#pictureAt(sinceUs)];
    if (name === undefined || !this.device.wants(atUs)) return;
    try {
      const frame = this.#decoded.get(name) ?? this.#jpeg(name);
      if (frame !== undefined) this.device.frame(frame, atUs);
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      this.device.lost(error);
    }
  }

  #jpeg(name: string): CameraFrame | undefined {
    const picture = measureJpeg(this.#port.read(name));
    if (!('why' in picture)) return { ...picture, format: 'mjpeg' };
    this.device.damaged(`${name}: ${picture.why}`);
    return undefined;
  }

  #pictureAt(sinceUs: number): number {
    const { schedule, everyMs, framesPerSecond, loop } = this.#chosen;
    if (schedule !== undefined) {
      const next = schedule.findIndex(({ atMs }) => atMs * 1000 > sinceUs);
      return next < 0 ? schedule.length - 1 : Math.max(0, next - 1);
    }
    const eachUs = everyMs === undefined ? 1_000_000 / framesPerSecond : everyMs * 1000;
    // A frame's instant is rounded to whole µs.
    const count = Math.floor((sinceUs + 1) / eachUs);
    const { length } = this.#port.names;
    return loop ? count % length : Math.min(count, length - 1);
  }
}
