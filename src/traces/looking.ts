import { setImmediate as turn } from 'node:timers/promises';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { usPerMs, usPerSecond } from '#base/units.ts';
import type { Catalogue } from '#catalogue/products.ts';
import type { Board } from '#config/board.ts';
import { sightingOf } from '#pipeline/sightings.ts';
import type { FrameReading } from '#readings/readings.ts';
import { assembleParts } from '#vision/process/assemble.ts';
import { CameraEye } from '#vision/process/camera-eye.ts';
import { Looker } from '#vision/process/looker.ts';
import type { Looked, LookRequest } from '#vision/process/messages.ts';
import { Pace } from '#vision/process/pace.ts';
import type { Recognizer } from '#vision/process/parts.ts';
import type { PlateEye } from '#vision/process/plate-eye.ts';
import type { Movement } from '#weighing/outputs.ts';
import type { SightingLine } from './format.ts';

/** A frame of a trace; what it shows is read when its time comes. */
export interface TakenFrame {
  readonly source: string;
  readonly atUs: number;
  /** Undefined where it is missing or damaged. */
  read(): Promise<FrameReading | undefined>;
}

interface LookingOptions {
  readonly board: Board;
  readonly catalogue: Catalogue;
  readonly recognizer: Recognizer;
  /** In order of time. */
  readonly frames: readonly TakenFrame[];
  /** What the scales told, in order of time. */
  readonly movements: readonly Movement[];
}

export type Sighting = NonNullable<ReturnType<typeof sightingOf>>;

/** All frames of a trace are looked at, whatever rate they were taken at. */
const perSecond = 1_000;
const ring = { bytes: 64 * 1024 * 1024, spanUs: 6 * usPerSecond };
/** After so long a look does with the frames that there are: the looker's own limit and a little. */
const patienceUs = 600 * usPerMs;
/** What comparing and recognizing is taken to last, µs: in truth it differs from machine to machine. */
const lookingUs = 60 * usPerMs;

/** A sighting as a line of a trace. */
export function sightingLine(
  { source, atUs, plate, settledAtUs, outcome, things }: Sighting,
  originUs: number,
): SightingLine {
  return {
    kind: 'sighting',
    t: atUs - originUs,
    source,
    sighting: {
      outcome,
      things: [...things],
      ...(plate === undefined ? {} : { plate }),
      ...(settledAtUs === undefined ? {} : { settled: settledAtUs - originUs }),
    },
  };
}

interface OpenLook {
  readonly request: LookRequest;
  readonly eye: CameraEye;
  readonly plate: PlateEye;
  readonly looked: Promise<Looked>;
}

/**
 * What cameras say of the movements of a trace, by the very parts that the vision process looks with, in the time of the
 * trace. The sightings are in order of time. Codes in frames are not read: what was read is in the trace as scans.
 */
export async function lookThrough(options: LookingOptions): Promise<Sighting[]> {
  const looking = new Looking(options);
  try {
    for (const frame of options.frames) await looking.frame(frame);
    return await looking.finish();
  } finally {
    await looking.close();
  }
}

class Looking {
  readonly #options: LookingOptions;
  readonly #clock = new VirtualClock();
  readonly #parts = assembleParts();
  readonly #looker: Looker;
  readonly #eyes: readonly CameraEye[];
  #movements: readonly Movement[];
  #watched = 0;
  #open: OpenLook[] = [];
  #asked = 0;
  readonly #found: Sighting[] = [];

  constructor(options: LookingOptions) {
    this.#options = options;
    this.#movements = options.movements.filter(({ whileAway }) => !whileAway);
    this.#looker = new Looker({
      clock: this.#clock,
      log: silentLogger,
      parts: this.#parts,
      recognizer: () => options.recognizer,
    });
    const pace = new Pace({ restPerSecond: perSecond, watchPerSecond: perSecond, warmMilliCelsius: 100_000 });
    const ids = new Set(options.board.plates.flatMap(({ cameras }) => cameras.map(({ id }) => id)));
    this.#eyes = [...ids].map(
      (id) =>
        new CameraEye({
          id,
          driver: 'files',
          views: options.board.plates.flatMap(({ id: plate, cameras }) =>
            cameras
              .filter((camera) => camera.id === id)
              .map(({ region }) => ({ plate, camera: id, region, purpose: 'things' as const })),
          ),
          ring,
          clock: this.#clock,
          pace,
          parts: { ...this.#parts, watchCodes: () => ({ see: async () => [], forget: () => {} }) },
          tell: () => {},
        }),
    );
  }

  async frame(taken: TakenFrame): Promise<void> {
    await this.#until(taken.atUs);
    const eye = this.#eyes.find(({ id }) => id === taken.source);
    const reading = eye === undefined ? undefined : await taken.read();
    if (eye === undefined || reading === undefined) return;
    const before = eye.latest;
    const looked = eye.nextLook(Number.MAX_SAFE_INTEGER);
    eye.frame(reading);
    if (eye.latest !== before) await looked;
    await this.#settleComplete();
  }

  /** Looks that still wait do with what there is. */
  async finish(): Promise<Sighting[]> {
    const lastUs = this.#movements.reduce((last, { settledAtUs }) => Math.max(last, settledAtUs), 0);
    await this.#until(Math.max(this.#clock.nowUs(), lastUs) + 2 * patienceUs);
    return this.#found.sort((a, b) => a.atUs - b.atUs);
  }

  async close(): Promise<void> {
    await this.#parts.close();
  }

  /** Moves on to a time; movements that begin or settle on the way are watched and looked at. */
  async #until(untilUs: number): Promise<void> {
    for (;;) {
      const begun = this.#movements[this.#watched];
      const settled = this.#movements[this.#asked];
      const overdue = this.#open[0];
      const beginsUs = begun?.startedAtUs ?? Number.POSITIVE_INFINITY;
      const settlesUs = settled?.settledAtUs ?? Number.POSITIVE_INFINITY;
      const givesUpUs = (overdue?.request.settledAtUs ?? Number.POSITIVE_INFINITY) + patienceUs;
      const nextUs = Math.min(beginsUs, settlesUs, givesUpUs);
      if (nextUs > untilUs) break;
      this.#clock.advanceTo(nextUs);
      if (nextUs === beginsUs && begun !== undefined) {
        this.#watched += 1;
        for (const { plate } of this.#seeing(begun.plate)) plate.watch(begun.startedAtUs, nextUs);
      } else if (nextUs === settlesUs && settled !== undefined) {
        this.#asked += 1;
        this.#ask(settled);
        await this.#settleComplete();
      } else if (overdue !== undefined) {
        this.#open.shift();
        await this.#tell(overdue);
      }
    }
    this.#clock.advanceTo(untilUs);
  }

  #seeing(plate: string): { readonly eye: CameraEye; readonly plate: PlateEye }[] {
    return this.#eyes.flatMap((eye) =>
      eye.plates.filter(({ view }) => view.plate === plate).map((seeing) => ({ eye, plate: seeing })),
    );
  }

  #ask({ plate, massMg, ...movement }: Movement): void {
    const startedAtUs = Math.round(movement.startedAtUs);
    const settledAtUs = Math.round(movement.settledAtUs);
    const sign = massMg === 0 ? 0 : massMg > 0 ? 1 : -1;
    const request = { kind: 'look', id: this.#asked, plate, startedAtUs, settledAtUs, sign } as const;
    for (const seeing of this.#seeing(plate)) {
      this.#open.push({ request, ...seeing, looked: this.#looker.look(request, seeing.eye, seeing.plate) });
    }
  }

  /** Tells of the looks whose frames are there, so that when they are told depends on the trace alone. */
  async #settleComplete(): Promise<void> {
    await turn();
    const done = this.#open.filter(
      ({ plate, request }) => plate.pair(request.startedAtUs, request.settledAtUs)?.complete === true,
    );
    this.#open = this.#open.filter((one) => !done.includes(one));
    for (const one of done) await this.#tell(one);
  }

  async #tell({ looked }: OpenLook): Promise<void> {
    const seen = sightingOf(await looked, this.#options.catalogue, this.#clock.nowUs() + lookingUs);
    if (seen !== undefined) this.#found.push(seen);
  }
}
