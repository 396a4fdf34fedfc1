import { usPerSecond } from '#base/units.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { VisionCode } from '../errors.ts';
import type { Picture } from '../pictures/picture.ts';
import { createReduced, type Reduced, reduce, wholeOf } from '../pictures/reduced.ts';
import { isElsewhere, type LensMemory, type LensNormal, rimOf } from './lens-memory.ts';
import { slopes } from './planes.ts';
import { Registration } from './register.ts';
import { sharpnessOf } from './sharpness.ts';

/** How a camera's view is judged. */
export interface LensOptions {
  /** What `sharpnessOf` gives for a clean lens; learned from the first frames where left out. */
  readonly sharpness?: number | undefined;
  /** The same picture again and again is a fault; not for a camera that plays still pictures. */
  readonly repeats: 'fault' | 'allowed';
  /** What the processes before knew: what is normal, and which faults stand until they are seen to be over. */
  readonly memory?: Pick<LensMemory, 'normal' | 'standing'> | undefined;
}

const columns = 128;
/** Frames from which sharpness and place are learned. */
const learned = 8;
/** A view spans at least so many levels between its 5 % and 95 % brightness, and is brighter than that somewhere. */
const leastSpan = 14;
/** Of a view at least this share is edges, of so many levels a value. */
const leastEdges = 0.003;
const edgeSlope = 3;
/** Share of the learned sharpness below which a lens is dirty; cleared a little above. */
const blurredBelow = 0.5;
const sharpAbove = 0.6;
/** A sharpness that rose by so much is a new normal for the process after this one. */
const toldAgain = 1.1;
/** Share of the width by which the fixed parts may seem to lie elsewhere. */
const movedBeyond = 0.025;
/** The fixed parts (rim of a basket, edge of a shelf) are looked for in this share of the frame at each side. */
const rim = 0.14;
/** Share of its own learned agreement below which the fixed parts are not there any more. */
const leastAgreement = 0.4;

interface Judged {
  readonly fault: DeviceFault['fault'];
  readonly code: VisionCode;
  readonly message: string;
  readonly wellMessage: string;
  /** So long it must last, and so long be gone, µs. */
  readonly raiseUs: number;
  readonly clearUs: number;
}

const judged = {
  covered: {
    fault: 'integrity',
    code: 'CW-VIS-014',
    message: 'the lens is covered, or it is dark: there is nothing to see; uncover it, or light the place',
    wellMessage: 'the lens sees again',
    raiseUs: 2 * usPerSecond,
    clearUs: usPerSecond,
  },
  blurred: {
    fault: 'integrity',
    code: 'CW-VIS-015',
    message: 'the picture is far less sharp than it was: clean the lens, check its focus',
    wellMessage: 'the picture is sharp again',
    raiseUs: 15 * usPerSecond,
    clearUs: 3 * usPerSecond,
  },
  moved: {
    fault: 'integrity',
    code: 'CW-VIS-016',
    message: 'the camera sees the fixed parts elsewhere: put it back, or set its regions anew and restart',
    wellMessage: 'the camera sees the fixed parts where they were',
    raiseUs: 15 * usPerSecond,
    clearUs: 3 * usPerSecond,
  },
  frozen: {
    fault: 'stuck',
    code: 'CW-VIS-022',
    message: 'the camera repeats one picture bit for bit, which no sensor does; restart or replace it',
    wellMessage: 'the pictures of the camera change again',
    raiseUs: 3 * usPerSecond,
    clearUs: usPerSecond,
  },
} as const satisfies Record<string, Judged>;

/** One thing that may be wrong, with its hysteresis. */
class Lasting {
  readonly #judged: Judged;
  #sinceUs: number | undefined;
  #raised = false;

  constructor(what: Judged, standing: readonly string[] = []) {
    this.#judged = what;
    this.#raised = standing.includes(what.code);
  }

  get raised(): boolean {
    return this.#raised;
  }

  /** @param bad undefined where this frame says nothing about it: then it is not counted for either side */
  judge(bad: boolean | undefined, atUs: number): DeviceFault[] {
    const { fault, code, message, wellMessage, raiseUs, clearUs } = this.#judged;
    if (bad === undefined || bad === this.#raised) {
      this.#sinceUs = undefined;
      return [];
    }
    this.#sinceUs ??= atUs;
    if (atUs - this.#sinceUs < (bad ? raiseUs : clearUs)) return [];
    this.#sinceUs = undefined;
    this.#raised = bad;
    return [bad ? { fault, code, message } : { fault, code, message: wellMessage, cleared: true }];
  }
}

/** What was learned of a clean lens in its place. It is kept in memory only, as frames are. */
interface Reference {
  readonly luma: Float32Array;
  readonly registration: Registration;
  readonly agreement: number;
}

/**
 * Watches a camera's view over time: covered, dirty or out of focus, moved, frozen. Each must last (a hand before the lens
 * for a second is no fault), and is told once, and once when it is over. What is normal is learned from the first frames at
 * rest, so a camera should be well and in place when the gateway starts; a later process learns only from frames that are
 * as sharp as the processes before knew them, and show the fixed parts where those did.
 */
export class LensHealth {
  readonly #options: LensOptions;
  readonly #covered: Lasting;
  readonly #blurred: Lasting;
  readonly #moved: Lasting;
  readonly #frozen: Lasting;
  #seen: Reduced | undefined;
  #size = '';
  #checksum: number | undefined;
  #sum: Float32Array | undefined;
  #sharpest: number[] = [];
  #reference: Reference | undefined;
  /** Of a clean lens; rises with what is seen. */
  #sharpness: number | undefined;
  #normal: LensNormal | undefined;

  constructor(options: LensOptions) {
    const { normal, standing } = options.memory ?? {};
    this.#options = options;
    this.#covered = new Lasting(judged.covered, standing);
    this.#blurred = new Lasting(judged.blurred, standing);
    this.#moved = new Lasting(judged.moved, standing);
    this.#frozen = new Lasting(judged.frozen, standing);
    this.#normal = normal;
    this.#sharpness = options.sharpness ?? normal?.sharpness;
  }

  /** What is normal here, for the process after this one; another object where it has changed. */
  get normal(): LensNormal | undefined {
    return this.#normal;
  }

  /**
   * Sees one frame; frames come in the order of their time, a few a second are enough.
   *
   * @param moving something moves in it: nothing is learned from it
   * @returns what became wrong with this frame, or right again
   * @throws {VisionError} CW-VIS-008 when the picture is shorter than its format asks for
   */
  see(picture: Picture, atUs: number, moving: boolean): readonly DeviceFault[] {
    const seen = this.#reduced(picture);
    const repeated = seen.checksum === this.#checksum;
    this.#checksum = seen.checksum;
    const covered = showsNothing(seen);
    const frozen = this.#options.repeats === 'allowed' || covered ? undefined : repeated;
    const faults = [...this.#covered.judge(covered, atUs), ...this.#frozen.judge(frozen, atUs)];
    if (covered || this.#covered.raised || this.#frozen.raised) {
      return [...faults, ...this.#blurred.judge(undefined, atUs), ...this.#moved.judge(undefined, atUs)];
    }
    const sharpness = sharpnessOf(picture);
    const blurred = this.#isBlurred(sharpness);
    // A blurred edge is found, but not to a fraction: the place is judged on sharp pictures.
    const moved = blurred === true || this.#blurred.raised ? undefined : this.#isMoved(seen);
    if (this.#reference === undefined && !moving && blurred !== true && moved !== true) {
      this.#learn(seen, sharpness);
    }
    return [...faults, ...this.#blurred.judge(blurred, atUs), ...this.#moved.judge(moved, atUs)];
  }

  #reduced(picture: Picture): Reduced {
    const size = `${picture.width} ${picture.height}`;
    if (this.#seen === undefined || this.#size !== size) {
      // Pictures of another size are of another mode of the camera, in which its sharpness is another one.
      if (this.#size !== '') this.#forget();
      this.#size = size;
      this.#seen = createReduced(wholeOf(picture), columns);
    }
    return reduce(picture, wholeOf(picture), this.#seen);
  }

  #forget(): void {
    this.#reference = undefined;
    this.#sum = undefined;
    this.#sharpest = [];
    this.#normal = undefined;
    this.#sharpness = this.#options.sharpness;
  }

  #learn(seen: Reduced, sharpness: number | undefined): void {
    this.#sum ??= new Float32Array(seen.luma.length);
    for (let at = 0; at < this.#sum.length; at++) this.#sum[at] = (this.#sum[at] ?? 0) + (seen.luma[at] ?? 0);
    this.#sharpest.push(sharpness ?? 0);
    if (this.#sharpest.length < learned) return;
    const luma = this.#sum.map((sum) => sum / learned);
    const registration = new Registration(seen);
    const { agreement } = registration.find(luma, seen.luma, 2, isAtRim(seen));
    const ordered = [...this.#sharpest].sort((a, b) => a - b);
    this.#sharpness ??= ordered[ordered.length >> 1] ?? 0;
    this.#reference = { luma, registration, agreement };
    // Where an earlier process learned the place, that stays it: else it would wander from one to the next.
    const rim = this.#normal?.rim ?? rimOf({ ...seen, luma });
    if (rim !== undefined) this.#normal = { sharpness: this.#sharpness, rim };
  }

  #isBlurred(sharpness: number | undefined): boolean | undefined {
    const normal = this.#sharpness ?? 0;
    if (sharpness === undefined || normal === 0) return undefined;
    if (this.#options.sharpness === undefined && sharpness > normal) this.#sharpen(sharpness, normal);
    const share = sharpness / normal;
    return share < (this.#blurred.raised ? sharpAbove : blurredBelow);
  }

  #sharpen(sharpness: number, normal: number): void {
    const risen = normal + 0.02 * (sharpness - normal);
    this.#sharpness = risen;
    if (this.#normal !== undefined && risen > toldAgain * this.#normal.sharpness) {
      this.#normal = { ...this.#normal, sharpness: risen };
    }
  }

  #isMoved(seen: Reduced): boolean | undefined {
    const reference = this.#reference;
    if (reference === undefined) {
      return this.#normal === undefined ? undefined : isElsewhere(this.#normal.rim, rimOf(seen), seen);
    }
    // Without edges at the rim nothing says where they are.
    if (reference.agreement < 0.3) return undefined;
    const reach = Math.round(0.1 * seen.width);
    const shift = reference.registration.find(reference.luma, seen.luma, reach, isAtRim(seen));
    if (shift.agreement < leastAgreement * reference.agreement) return true;
    const beyond = movedBeyond * (this.#moved.raised ? 0.7 : 1) * seen.width;
    return Math.hypot(shift.dx, shift.dy) > beyond;
  }
}

/** Where the fixed parts are looked for. */
function isAtRim({ width, height }: Reduced): (at: number) => boolean {
  const wide = rim * width;
  const high = rim * height;
  return (at) => {
    const x = at % width;
    const y = (at - x) / width;
    return x < wide || y < high || x >= width - wide || y >= height - high;
  };
}

/** Dark, of one brightness, or without edges. */
function showsNothing(seen: Reduced): boolean {
  const levels = new Uint32Array(256);
  for (const value of seen.luma) {
    const level = Math.max(0, Math.min(255, Math.round(value)));
    levels[level] = (levels[level] ?? 0) + 1;
  }
  const low = quantile(levels, 0.05 * seen.luma.length);
  const high = quantile(levels, 0.95 * seen.luma.length);
  if (high - low < leastSpan) return true;
  const alongX = new Float32Array(seen.luma.length);
  const alongY = new Float32Array(seen.luma.length);
  slopes(seen.luma, seen, alongX, alongY);
  let edges = 0;
  for (let at = 0; at < alongX.length; at++) {
    if (Math.abs(alongX[at] ?? 0) > edgeSlope || Math.abs(alongY[at] ?? 0) > edgeSlope) edges++;
  }
  return edges < leastEdges * alongX.length;
}

function quantile(levels: Uint32Array, wanted: number): number {
  let sum = 0;
  for (const [level, count] of levels.entries()) {
    sum += count;
    if (sum >= wanted) return level;
  }
  return levels.length - 1;
}
