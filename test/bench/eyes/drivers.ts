import { z } from 'zod';
import { createRandom } from '#base/random.ts';
import { Ticker } from '#drivers/camera/ticker.ts';
import type { Driver } from '#drivers/driver.ts';
import { FrameFile } from './frames.ts';
import { lies, places, type Side, sides } from './timeline.ts';

/** Drivers of the benchmark of the eyes: load cells in the gateway's process, a camera in the vision process. */
const timeline = { windowUs: z.int().positive(), everyUs: z.int().positive() };
const identity = { vendor: 'cartwright', model: 'bench' };
const noFaults = { subscribe: () => () => {} };

/** A cell of each plate. */
const cellOf = (side: Side, place: number) => `cell-${side}-${place}`;
/** Every plate, with its cell. */
export const allPlates = sides.flatMap((side) =>
  Array.from({ length: places }, (_, place) => ({ side, place, cell: cellOf(side, place) })),
);
export const zeroCounts = 80_000;
export const milligramsPerCount = 2;
const samplesPerSecond = 80;
/** Things of each place weigh so much more than those of the one before, mg. */
const massOf = (place: number) => 300_000 + 50_000 * place;

/** `cells` are those of all plates: whoever checks the board looks for them there. */
const cellOptions = z.strictObject({ ...timeline, cells: z.array(z.string()) });

const cells: Driver<z.infer<typeof cellOptions>> = {
  contract: 1,
  name: 'bench-cells',
  kind: 'load-cell',
  options: cellOptions,
  async open(when, { clock }) {
    const random = createRandom(1);
    let ticker: Ticker | undefined;
    return {
      identity,
      faults: noFaults,
      start: async (sink) => {
        let sequence = 0;
        ticker = new Ticker(clock, samplesPerSecond, (atUs) => {
          for (const { side, place, cell } of allPlates) {
            const massMg = lies(when, side, place, atUs) ? massOf(place) : 0;
            const counts = zeroCounts + Math.round(massMg / milligramsPerCount) + random.integer(60);
            sink({ kind: 'cell', source: cell, atUs, counts, sequence });
          }
          sequence += 1;
        });
        ticker.start();
      },
      stop: async () => ticker?.stop(),
    };
  },
};

const cameraOptions = z.strictObject({
  ...timeline,
  /** File that `writeFrames` made. */
  frames: z.string(),
  width: z.int().positive().multipleOf(4),
  height: z.int().positive().multipleOf(4),
  framesPerSecond: z.number().positive(),
});

const camera: Driver<z.infer<typeof cameraOptions>> = {
  contract: 1,
  name: 'bench-eye',
  kind: 'camera',
  options: cameraOptions,
  async open({ frames, width, height, framesPerSecond, ...when }, { id, clock }) {
    const file = new FrameFile(frames, { width, height });
    let ticker: Ticker | undefined;
    return {
      identity,
      faults: noFaults,
      start: async (sink) => {
        ticker = new Ticker(clock, framesPerSecond, (atUs) => {
          const data = file.take((place) => lies(when, 'seen', place, atUs));
          sink({ kind: 'frame', source: id, atUs, width, height, format: 'yuv420', data });
        });
        ticker.start();
      },
      stop: async () => {
        ticker?.stop();
        file.close();
      },
    };
  },
};

export const drivers = [cells, camera];
