import { z } from 'zod';
import { type Driver, type DriverContext, driverContract } from '../driver.ts';
import { DriverError } from '../errors.ts';
import type { ProgramPort } from '../ports/ports.ts';
import { CameraDevice } from './camera-device.ts';
import { FrameStream } from './frame-stream.ts';
import { failureOf, type ListedCamera, parseCameras, parseConfigured } from './libcamera-text.ts';
import { frameOptions } from './options.ts';

/** Rows of raw frames are this long or a multiple: then they have no padding, whichever chip makes them. */
const rowUnit = 64;
const mostListBytes = 65_536;
/** Together less than what opening may take, µs. */
const listWithinUs = 3_000_000;
const firstFrameWithinUs = 5_500_000;
/** What the program says of its streams may come a little after the first frame, as it comes on another pipe, µs. */
const saidWithinUs = 200_000;

const untouched = 'Default: automatic.';

const options = z
  .strictObject({
    camera: z
      .strictObject({
        path: z
          .string()
          .startsWith('/')
          .optional()
          .describe('Its path in the device tree, as listed in brackets.'),
        model: z.string().min(1).optional().describe('Its sensor: imx219, imx296, imx477, imx708, …'),
      })
      .default({})
      .describe(
        'Which of the cameras it is, as `rpicam-vid --list-cameras` tells them. Default: the only one.',
      ),
    ...frameOptions,
    format: z
      .enum(['yuv420', 'mjpeg'])
      .default('yuv420')
      .describe(
        'How pictures come: yuv420 (no loss, nothing to decode) or mjpeg (fewer bytes). Default yuv420.',
      ),
    rotation: z
      .union([z.literal(0), z.literal(180)])
      .default(0)
      .describe('Turns the picture of a camera that hangs upside down, degrees. Default 0.'),
    exposureUs: z
      .int()
      .min(10)
      .max(1_000_000)
      .optional()
      .describe(`Exposure time, µs. A short one keeps hands and goods sharp. ${untouched}`),
    gain: z.number().min(1).max(64).optional().describe(`Analogue gain, a factor. ${untouched}`),
    focusDioptres: z
      .number()
      .min(0)
      .max(32)
      .optional()
      .describe(`Focus of a lens that moves, as 1 / distance in m: 2 is half a metre. ${untouched}`),
    whiteBalance: z
      .enum(['auto', 'incandescent', 'tungsten', 'fluorescent', 'indoor', 'daylight', 'cloudy'])
      .default('auto')
      .describe('Kind of the light. Default auto.'),
    whiteBalanceGains: z
      .tuple([z.number().min(0.1).max(32), z.number().min(0.1).max(32)])
      .optional()
      .describe('Gains of red and blue, in place of whiteBalance. Default none.'),
    flickerHz: z
      .union([z.literal(50), z.literal(60)])
      .optional()
      .describe('Frequency of the mains, against flicker of lamps. Default: not looked after.'),
    program: z
      .enum(['rpicam-vid', 'libcamera-vid'])
      .default('rpicam-vid')
      .describe('The program: libcamera-vid on systems before 2024. Default rpicam-vid.'),
  })
  .refine(({ width }) => width % rowUnit === 0, {
    error: `must be a multiple of ${rowUnit}: other rows are padded, differently on each model`,
    path: ['width'],
  })
  .refine(({ height }) => height % 2 === 0, { error: 'must be even', path: ['height'] });
type LibcameraOptions = z.infer<typeof options>;

/** A camera on the CSI connector of a Raspberry Pi, through the program of its maker. */
export const libcamera: Driver<LibcameraOptions> = {
  contract: driverContract,
  name: 'libcamera',
  kind: 'camera',
  options,

  async open(chosen, context) {
    const camera = chooseCamera(await listCameras(chosen, context), chosen);
    const port = await openProgram(chosen, argumentsFor(chosen, camera), context);
    try {
      return await begin(port, camera, chosen, context);
    } catch (error) {
      await port.close();
      throw error;
    }
  },
};

function openProgram(
  { program }: LibcameraOptions,
  args: readonly string[],
  { ports }: DriverContext,
): Promise<ProgramPort> {
  const install =
    'on Raspberry Pi OS: sudo apt-get install rpicam-apps-lite (elsewhere use a USB camera, driver v4l2)';
  return ports.program({ program, arguments: args, install });
}

/** The command line: no preview, no end, each frame written as soon as it is there. */
function argumentsFor(chosen: LibcameraOptions, { index }: ListedCamera): string[] {
  const { exposureUs, gain, focusDioptres, whiteBalance, whiteBalanceGains, flickerHz } = chosen;
  const given = (name: string, value: number | string | undefined) =>
    value === undefined ? [] : [`--${name}`, String(value)];
  return [
    ...['--nopreview', '--timeout', '0', '--flush', '--output', '-'],
    ...given('camera', index),
    ...given('codec', chosen.format),
    ...given('width', chosen.width),
    ...given('height', chosen.height),
    ...given('framerate', chosen.framesPerSecond),
    ...given('rotation', chosen.rotation === 0 ? undefined : chosen.rotation),
    ...given('shutter', exposureUs),
    ...given('gain', gain),
    ...(focusDioptres === undefined
      ? []
      : ['--autofocus-mode', 'manual', '--lens-position', String(focusDioptres)]),
    ...(whiteBalanceGains === undefined
      ? given('awb', whiteBalance === 'auto' ? undefined : whiteBalance)
      : given('awbgains', whiteBalanceGains.join(','))),
    ...given('flicker-period', flickerHz === undefined ? undefined : `${Math.round(500_000 / flickerHz)}us`),
  ];
}

async function listCameras(chosen: LibcameraOptions, context: DriverContext): Promise<ListedCamera[]> {
  const port = await openProgram(chosen, ['--list-cameras'], context);
  try {
    const parts: Uint8Array[] = [];
    let bytes = 0;
    await within(context, listWithinUs, 'the list of cameras', (resolve) =>
      port.listen({
        data: (part) => {
          if (bytes < mostListBytes) parts.push(part.slice());
          bytes += part.length;
        },
        lost: () => resolve(undefined),
      }),
    );
    const text = [Buffer.concat(parts).toString('utf8'), ...port.messages()].join('\n');
    const cameras = parseCameras(text);
    if (cameras.length > 0) return cameras;
    throw failureOf(chosen.program, /no cameras/i.test(text) ? ['no cameras available'] : port.messages());
  } finally {
    await port.close();
  }
}

function chooseCamera(cameras: readonly ListedCamera[], { camera }: LibcameraOptions): ListedCamera {
  const { path, model } = camera;
  const fitting = cameras.filter(
    (one) => (path === undefined || one.path === path) && (model === undefined || one.model === model),
  );
  const [first, second] = fitting;
  const list = (all: readonly ListedCamera[]) => all.map((one) => `${one.model} (${one.path})`).join(', ');
  if (first !== undefined && second === undefined) return first;
  if (first === undefined) {
    const what = [model, path].filter((part) => part !== undefined).join(' at ');
    throw new DriverError('CW-DRV-004', `there is no camera ${what}; attached: ${list(cameras)}`);
  }
  throw new DriverError(
    'CW-DRV-014',
    `${fitting.length} cameras fit: ${list(fitting)}; say which by camera.path`,
  );
}

/** Resolves with the device once a frame of the size that was asked for has come. */
async function begin(
  port: ProgramPort,
  camera: ListedCamera,
  chosen: LibcameraOptions,
  context: DriverContext,
): Promise<CameraDevice> {
  const { program, framesPerSecond } = chosen;
  const device: CameraDevice = new CameraDevice(context, {
    identity: { model: camera.model, address: camera.path },
    framesPerSecond,
    close: async () => {
      stream.end();
      await port.close();
    },
  });
  let began = () => {};
  const stream: FrameStream = new FrameStream(context.clock, chosen, device, {
    whole: () => began(),
    misshapen: (why) =>
      device.lost(new DriverError('CW-DRV-006', `${program} writes something else: ${why}`)),
  });
  await within(context, firstFrameWithinUs, 'the first frame', (resolve, reject) => {
    began = () => resolve(undefined);
    let isBegun = false;
    port.listen({
      data: (bytes, atUs) => {
        stream.push(bytes, atUs);
        isBegun = true;
      },
      lost: (error) => {
        stream.end();
        device.lost(error);
        reject(isBegun ? error : failureOf(program, port.messages()));
      },
    });
  });
  if (!(await isAsserted(port, chosen, context))) stream.mindGaps();
  return device;
}

/**
 * Rejects with CW-DRV-020 where the program says that it made another size or format of what was asked for. False where
 * it says nothing.
 */
async function isAsserted(
  port: ProgramPort,
  { program, width, height }: LibcameraOptions,
  { clock }: DriverContext,
): Promise<boolean> {
  if (parseConfigured(port.messages()) === undefined) {
    await new Promise<void>((resolve) => {
      clock.after(saidWithinUs, resolve);
    });
  }
  const made = parseConfigured(port.messages());
  if (made === undefined) return false;
  if (made.width === width && made.height === height && /^YUV420/i.test(made.format)) return true;
  const words = `${made.width}×${made.height} ${made.format} of ${width}×${height}`;
  throw new DriverError('CW-DRV-020', `${program} makes ${words}; ask for a size that the camera has`);
}

async function within<Result>(
  { clock, id }: DriverContext,
  limitUs: number,
  what: string,
  run: (resolve: (result: Result) => void, reject: (error: unknown) => void) => void,
): Promise<Result> {
  let cancel = () => {};
  try {
    return await new Promise<Result>((resolve, reject) => {
      cancel = clock.after(limitUs, () => {
        const message = `${id}: ${what} did not come within ${limitUs / 1_000_000} s; check the ribbon cable on both ends`;
        reject(new DriverError('CW-DRV-011', message));
      });
      run(resolve, reject);
    });
  } finally {
    cancel();
  }
}
