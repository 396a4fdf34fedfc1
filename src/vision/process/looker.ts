import type { Clock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { usPerMs } from '#base/units.ts';
import type { Change, FoundThing } from '../change/compare.ts';
import type { Picture, Region } from '../pictures/picture.ts';
import type { CameraEye } from './camera-eye.ts';
import type { Looked, LookRequest, SeenThing } from './messages.ts';
import type { EyesParts, Recognizer } from './parts.ts';
import type { FramePair, PlateEye } from './plate-eye.ts';

/**
 * So long after a movement settled a frame at rest is waited for; then a frame with a hand in it has to do. Decisions
 * wait 800 ms for a sighting, and comparing and recognizing takes its time too.
 */
const restWithinUs = 550 * usPerMs;

export interface LookerOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly parts: Pick<EyesParts, 'compare'>;
  readonly recognizer: () => Recognizer | undefined;
}

/** The pictures of a look, and what of them shows the plate. */
interface Views {
  readonly earlier: Picture;
  readonly later: Picture;
  readonly region: Region;
}

type Seen = Omit<Looked, 'kind' | 'id' | 'camera' | 'plate' | 'settledAtUs'>;

/** Finds out what one camera saw of a movement. */
export class Looker {
  readonly #options: LookerOptions;

  constructor(options: LookerOptions) {
    this.#options = options;
  }

  /**
   * Compares and recognizes a picture of nothing, so that what is compiled when it is first needed is there before a
   * decision waits for it. Never rejects.
   */
  async warm(): Promise<void> {
    const side = 320;
    const pictures = [0, 1].map((shift) => ({
      width: side,
      height: side,
      format: 'grey' as const,
      stride: side,
      data: Uint8Array.from({ length: side * side }, (_, at) => ((at + shift) * 2_654_435_761) >>> 24),
    }));
    const [before, after] = pictures;
    if (before === undefined || after === undefined) return;
    const region = { left: 0, top: 0, width: side, height: side };
    try {
      for (let times = 0; times < 3; times++) {
        this.#options.parts.compare({ before, after, region, sign: 1 });
        await this.#options.recognizer()?.recognize(after, region);
      }
    } catch (error) {
      this.#options.log.warn({ err: describeError(error) }, 'nothing could be compared for a try');
    }
  }

  /** Never rejects: what goes wrong is an outcome. */
  async look(request: LookRequest, camera: CameraEye, plate: PlateEye): Promise<Looked> {
    const { id } = request;
    let seen: Seen;
    try {
      seen = await this.#seen(request, camera, plate);
    } catch (error) {
      this.#options.log.warn({ camera: camera.id, err: describeError(error) }, 'a look failed');
      seen = nothing('failed', request.settledAtUs);
    }
    // Motion that is still there belongs to what comes next.
    plate.quiet();
    const { plate: of, settledAtUs } = request;
    return { kind: 'looked', id, camera: camera.id, plate: of, settledAtUs, ...seen };
  }

  async #seen(request: LookRequest, camera: CameraEye, plate: PlateEye): Promise<Seen> {
    const frames = await this.#frames(request, camera, plate);
    if (frames === undefined) return nothing('no-frames', request.settledAtUs);
    const { before, after, beforeThat, afterThat } = frames;
    const wanted = [before, after, ...(beforeThat === undefined ? [] : [beforeThat])];
    const all = afterThat === undefined ? wanted : [...wanted, afterThat];
    const seen = await camera.withPictures(all, async (pictures) => {
      const [earlier, later] = pictures;
      const region = later === undefined ? undefined : plate.region(later);
      if (earlier === undefined || later === undefined || region === undefined) return undefined;
      if (earlier.width !== later.width || earlier.height !== later.height) return undefined;
      const change = this.#options.parts.compare({
        before: earlier,
        after: later,
        region,
        sign: request.sign,
        beforeThat: beforeThat === undefined ? undefined : pictures[2],
        afterThat: afterThat === undefined ? undefined : pictures.at(-1),
      });
      plate.changed(change, later, after.atUs);
      const { outcome } = change;
      if (outcome === 'nothing-changed' || outcome === 'hand-only') return nothing(outcome, after.atUs);
      return await this.#recognized(change, { earlier, later, region }, after.atUs);
    });
    return seen ?? nothing('no-frames', after.atUs);
  }

  async #recognized(
    { things: found }: Change,
    { earlier, later, region }: Views,
    atUs: number,
  ): Promise<Seen> {
    const recognizer = this.#options.recognizer();
    if (recognizer === undefined || found.length === 0) return nothing('failed', atUs);
    const things: SeenThing[] = [];
    for (const thing of found) {
      const picture = thing.change === 'came' ? later : earlier;
      const { candidates, unknownPpm, ambiguous } = await recognizer.recognize(picture, thing.crop);
      const { change, moved } = thing;
      things.push({ change, moved, box: boxIn(region, thing), candidates, unknownPpm, ambiguous });
    }
    return { atUs, outcome: 'seen', things, enrolledPpm: recognizer.enrolledPpm };
  }

  /** Waits for a frame at rest after the movement, within the time that there is. */
  async #frames(
    { startedAtUs, settledAtUs }: LookRequest,
    camera: CameraEye,
    plate: PlateEye,
  ): Promise<FramePair | undefined> {
    const untilUs = settledAtUs + restWithinUs;
    for (;;) {
      const frames = plate.pair(startedAtUs, settledAtUs);
      if (frames?.complete === true || this.#options.clock.nowUs() >= untilUs) return frames;
      await camera.nextLook(untilUs);
    }
  }
}

function nothing(outcome: Looked['outcome'], atUs: number): Seen {
  return { atUs, outcome, things: [], enrolledPpm: 0 };
}

/** The box of a thing in thousandths of the plate's region. */
function boxIn(region: Region, { box }: Pick<FoundThing, 'box'>): SeenThing['box'] {
  const share = (from: number, to: number) => Math.max(0, Math.min(1_000, Math.round((1_000 * from) / to)));
  const left = share(box.left - region.left, region.width);
  const top = share(box.top - region.top, region.height);
  const right = share(box.left + box.width - region.left, region.width);
  const bottom = share(box.top + box.height - region.top, region.height);
  return [left, top, right - left, bottom - top];
}
