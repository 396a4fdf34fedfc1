/** Eyes in virtual time, with parts whose answers the test chooses. */
import { setImmediate } from 'node:timers/promises';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { FrameReading } from '#readings/readings.ts';
import type { Change, Comparison } from '#vision/change/compare.ts';
import type { LensMemory, LensNormal } from '#vision/change/lens-memory.ts';
import type { WatchedFrame } from '#vision/codes/watch.ts';
import { VisionError } from '#vision/errors.ts';
import { Eyes } from '#vision/process/eyes.ts';
import type { FromVision, VisionSetup } from '#vision/process/messages.ts';
import type { LensWatch, Recognizer } from '#vision/process/parts.ts';
import { fromVisionSchema } from '#vision/process/schemas.ts';
import { setupOf } from './setup.ts';

const number = (data: Uint8Array) => data[1] ?? -1;

/** One thing that came. */
export const found: Change = {
  outcome: 'changed',
  things: [
    {
      change: 'came',
      box: { left: 1, top: 2, width: 3, height: 4 },
      crop: { left: 0, top: 0, width: 8, height: 8 },
      moved: false,
      score: 1,
    },
  ],
  changedShare: 0.1,
  shift: { dx: 0, dy: 0, agreement: 1 } as Change['shift'],
};

/** Eyes in virtual time. Frames are grey; their first byte says whether something moves (1), or that they are damaged (2). */
export class Bench {
  readonly clock = new VirtualClock(1_000_000);
  readonly told: FromVision[] = [];
  readonly compared: { before: number; after: number; sign: number }[] = [];
  readonly codesIn: WatchedFrame[] = [];
  readonly looked: number[] = [];
  change: Change = found;
  recognizer: Partial<Recognizer> | VisionError = {};
  codes: string[] = [];
  codesFail = false;
  lens: { normal: LensNormal | undefined; see: LensWatch['see'] } | undefined;
  readonly lensFaults: DeviceFault[] = [];
  readonly eyes: Eyes;

  constructor(setup: Partial<VisionSetup> = {}, lenses: readonly LensMemory[] = []) {
    this.eyes = new Eyes({
      setup: setupOf({ model: 'test', ...setup }),
      lenses,
      clock: this.clock,
      log: silentLogger,
      parts: {
        pictureOf: async (frame) => {
          if (frame.data[0] === 2) throw new VisionError('CW-VIS-007', 'it was cut');
          const { width, height, data } = frame;
          return { width, height, format: 'grey', stride: width, data };
        },
        watchRegion: () => ({
          see: (picture, _region, atUs) => {
            this.looked.push(atUs);
            return { moving: picture.data[0] === 1 };
          },
        }),
        watchLens: (_driver, memory) =>
          (this.lens = { normal: memory?.normal, see: () => this.lensFaults.splice(0) }),
        compare: ({ before, after, sign }: Comparison) => {
          if (before.width === 64) {
            this.compared.push({ before: number(before.data), after: number(after.data), sign });
          }
          return this.change;
        },
        watchCodes: () => ({
          see: async (frame) => {
            this.codesIn.push(frame);
            if (this.codesFail) throw new VisionError('CW-VIS-018', 'the thread ended');
            return this.codes.splice(0).map((text) => ({ data: Buffer.from(text), symbology: ']E0' }));
          },
          forget: () => {},
        }),
        close: async () => {},
      },
      recognizer: async () => {
        if (this.recognizer instanceof VisionError) throw this.recognizer;
        const usual: Recognizer = {
          backend: 'test',
          model: 'groceries',
          inferenceMs: 2,
          enrolledPpm: 500_000,
          galleryProblem: undefined,
          galleryVersion: 'ab12',
          recognize: async () => ({
            candidates: [{ look: 'apple', probabilityPpm: 800_000 }],
            unknownPpm: 200_000,
            cosine: 0.8,
            ambiguous: false,
          }),
          embed: async () => new Int8Array([1, 2, 3]),
          readGallery: async () => {},
          close: async () => {},
        };
        // As they are, so that what changes with time does.
        return Object.defineProperties(usual, Object.getOwnPropertyDescriptors(this.recognizer));
      },
      cameras: () => [{ id: 'camera', driver: 'files', state: 'running', identity: {}, frames: 1 }],
      residentBytes: () => 1,
      ownBusyPpm: () => 100_000,
      tell: (message) => this.told.push(fromVisionSchema.parse(message)),
    });
  }

  /** A frame now, of a number that comparisons are known by. */
  frame(number: number, state: 'still' | 'moving' | 'damaged' = 'still', source = 'camera'): void {
    const data = new Uint8Array(64 * 48);
    data[0] = ['still', 'moving', 'damaged'].indexOf(state);
    data[1] = number;
    const reading: FrameReading = {
      kind: 'frame',
      source,
      atUs: this.clock.nowUs(),
      width: 64,
      height: 48,
      format: 'grey',
      data,
    };
    this.eyes.frame(reading);
    // What was lent is written over at once.
    data.fill(255);
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms * 1000);
    for (let i = 0; i < 5; i++) await setImmediate();
  }

  /** Frames ten times a second for so long. */
  async film(numbers: readonly number[], state?: 'still' | 'moving' | 'damaged'): Promise<void> {
    for (const number of numbers) {
      this.frame(number, state);
      await this.pass(100);
    }
  }

  of<Kind extends FromVision['kind']>(kind: Kind): Extract<FromVision, { kind: Kind }>[] {
    return this.told.filter((one): one is Extract<FromVision, { kind: Kind }> => one.kind === kind);
  }
}
