import { z } from 'zod';
import { attributeNumber, attributeNumbers, firstOf, readNumber } from '../attributes/numbers.ts';
import { type Driver, type DriverContext, driverContract } from '../driver.ts';
import { DriverError } from '../errors.ts';
import { type PolledTools, polledDevice } from '../polled/polled-device.ts';
import type { AttributePort } from '../ports/ports.ts';
import { MotionStream } from './motion-stream.ts';
import { axesOption, type Vector } from './mounting.ts';

const options = z.strictObject({
  name: z.string().min(1).describe("The IIO device's name, such as `adxl345`, `lis3dh_accel` or `bmi160`."),
  parent: z
    .string()
    .min(1)
    .optional()
    .describe('Which one where there are several: the device it belongs to, such as `1-0053`.'),
  samplesPerSecond: z
    .number()
    .min(5)
    .max(100)
    .default(50)
    .describe('How often it is asked, times a second (5 to 100). Each is three reads of attributes.'),
  axes: axesOption,
});
type Settings = z.infer<typeof options>;

const axes = ['x', 'y', 'z'] as const;
const mmPerM = 1_000;
/** Without a reading for so long it is missing, µs. */
const silenceUs = 700_000;
/** What no accelerometer measures, mm/s² (1,000 g): as the limit of what can be true. */
const beyondMmS2 = 9_806_650;

type Matrix = readonly [Vector, Vector, Vector];

/** The kernel's mounting matrix, `1, 0, 0; 0, 1, 0; 0, 0, 1`. Throws DriverError CW-DRV-006 where it is none. */
export function mountMatrix(name: string, text: string): Matrix {
  const numbers = attributeNumbers(name, text);
  if (numbers.length !== 9) {
    throw new DriverError('CW-DRV-006', `the attribute ${name} holds ${numbers.length} numbers, not 9`);
  }
  const row = (index: number): Vector => [
    numbers[3 * index] ?? 0,
    numbers[3 * index + 1] ?? 0,
    numbers[3 * index + 2] ?? 0,
  ];
  return [row(0), row(1), row(2)];
}

/** Turned by the matrix. */
export function turned(matrix: Matrix, [x, y, z]: Vector): Vector {
  const dot = ([a, b, c]: Vector) => a * x + b * y + c * z;
  return [dot(matrix[0]), dot(matrix[1]), dot(matrix[2])];
}

/** An accelerometer that the kernel knows (IIO), asked through its attributes. */
export const iioAccelerometer: Driver<Settings> = {
  contract: driverContract,
  name: 'iio-accelerometer',
  kind: 'motion',
  options,
  async open(chosen, context) {
    const { name, parent, samplesPerSecond } = chosen;
    const port = await context.ports.attributes({ subsystem: 'iio', name, parent });
    const sensor = new IioAccelerometer(port, chosen, context);
    return polledDevice(
      {
        identity: { model: name, ...port.identity },
        port,
        periodUs: 1_000_000 / samplesPerSecond,
        silenceUs,
        setUp: (tools) => sensor.setUp(tools),
        round: (tools) => sensor.round(tools),
      },
      context,
    );
  },
};

class IioAccelerometer {
  readonly #port: AttributePort;
  readonly #settings: Settings;
  readonly #context: DriverContext;
  /** m/s² a count, by axis. */
  #scale: Vector = [0, 0, 0];
  /** Counts to add before scaling, by axis. */
  #offset: Vector = [0, 0, 0];
  #matrix: Matrix | undefined;
  #stream: MotionStream | undefined;
  #lastUs = Number.NEGATIVE_INFINITY;

  constructor(port: AttributePort, settings: Settings, context: DriverContext) {
    this.#port = port;
    this.#settings = settings;
    this.#context = context;
  }

  async setUp({ faults }: PolledTools): Promise<void> {
    const has = new Set(await this.#port.list());
    if (!axes.every((axis) => has.has(`in_accel_${axis}_raw`))) {
      throw new DriverError(
        'CW-DRV-020',
        `${this.#settings.name} has no in_accel_x_raw, in_accel_y_raw and in_accel_z_raw: it is no accelerometer of three axes`,
      );
    }
    this.#scale = await this.#each(has, 'scale');
    this.#offset = await this.#each(has, 'offset');
    const matrix = firstOf(['in_accel_mount_matrix', 'in_mount_matrix', 'mount_matrix'], has);
    this.#matrix = matrix === undefined ? undefined : mountMatrix(matrix, await this.#port.read(matrix));
    await this.#setRate(has);
    // Counts are turned into thousandths of mm/s² before the stream sees them, as scales may differ by axis.
    this.#stream ??= new MotionStream(
      { source: this.#context.id, axes: this.#settings.axes, mmS2PerCount: 1, limit: beyondMmS2 },
      faults,
    );
  }

  async round({ deliver }: PolledTools): Promise<void> {
    const { clock } = this.#context;
    const beganUs = clock.nowUs();
    const counts = await Promise.all(
      axes.map(async (axis) => {
        const name = `in_accel_${axis}_raw`;
        return attributeNumber(name, await this.#port.read(name));
      }),
    );
    const own: Vector = [this.#mmS2(counts, 0), this.#mmS2(counts, 1), this.#mmS2(counts, 2)];
    // The three were read one after the other: their middle is nearest to all of them.
    const atUs = Math.max(Math.round((beganUs + clock.nowUs()) / 2), this.#lastUs + 1);
    this.#lastUs = atUs;
    const vector = this.#matrix === undefined ? own : turned(this.#matrix, own);
    this.#stream?.sample(vector, atUs, deliver);
  }

  #mmS2(counts: readonly number[], axis: 0 | 1 | 2): number {
    return ((counts[axis] ?? 0) + this.#offset[axis]) * this.#scale[axis] * mmPerM;
  }

  /** An attribute that is one for all axes or one for each. Rejects with CW-DRV-020 where there is no scale. */
  async #each(has: ReadonlySet<string>, what: 'scale' | 'offset'): Promise<Vector> {
    const of = async (axis: string) => {
      const name = firstOf([`in_accel_${axis}_${what}`, `in_accel_${what}`], has);
      if (name !== undefined) return readNumber(this.#port, name);
      if (what === 'offset') return 0;
      throw new DriverError('CW-DRV-020', `${this.#settings.name} does not say its scale (in_accel_scale)`);
    };
    return [await of('x'), await of('y'), await of('z')];
  }

  /** The slowest rate of its own that is no slower than it is asked; what it doesn't offer is left as it is. */
  async #setRate(has: ReadonlySet<string>): Promise<void> {
    const rate = firstOf(['in_accel_sampling_frequency', 'sampling_frequency'], has);
    const available = rate === undefined ? undefined : `${rate}_available`;
    if (rate === undefined || available === undefined || !has.has(available)) return;
    const words = (await this.#port.read(available)).split(/\s+/).filter((word) => word !== '');
    const fit = words
      .map((word) => ({ word, rate: Number(word) }))
      .filter((choice) => choice.rate >= this.#settings.samplesPerSecond)
      .sort((a, b) => a.rate - b.rate)[0];
    if (fit !== undefined) await this.#port.write(rate, fit.word);
  }
}
