import { usPerSecond } from '#base/units.ts';
import type { PlateEntry } from '#config/board.ts';
import type { Picture } from '#vision/pictures/picture.ts';
import { drawArm, drawBasket } from './backdrops.ts';
import { type LaidScene, type Light, layScene, type PlacedThing, place, takePicture } from './compose.ts';
import type { SizedCutout } from './cutouts.ts';
import type { Film, Scene, SeenHand, SeenThing } from './film.ts';
import { sceneAt } from './film.ts';
import { drawPackage, packageLengthMm } from './packages.ts';

/** A plate in a camera's picture. */
export interface PlateInView {
  readonly plate: string;
  /** From the plate's centre to its cells' outermost, mm. */
  readonly halfMm: readonly [x: number, y: number];
  /** Its part of the picture [left, top, width, height]; all of it where left out. */
  readonly region?: readonly [number, number, number, number] | undefined;
}

interface StudioOptions {
  readonly width: number;
  readonly height: number;
  readonly views: readonly PlateInView[];
  readonly cutouts: ReadonlyMap<string, SizedCutout>;
  /** Of the baskets' looks, hands, light and noise. */
  readonly seed: number;
}

/** Beyond the cells a plate goes on for so many mm. */
const marginMm = 110;
/** Length of an arm that reaches in, mm. */
const armMm = 460;
const armKinds = 4;
/** A bag of produce is put down about upright. */
const bagTilt = 36;
/** Lamps are driven by the mains: bands of a rolling shutter, and slow changes of the light around. */
const flickerShare = 0.025;

/** How a plate's mm lie in a picture: its longer side along the longer side of its region. */
interface Projection {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly pixelsPerMm: number;
  readonly alongY: boolean;
}

interface Drawn extends SizedCutout {
  readonly upright: boolean;
}

interface Stage {
  readonly view: PlateInView;
  readonly projection: Projection;
  /** What lies there by now, and what it was made of. */
  laid: LaidScene;
  laidOf: string;
  readonly empty: LaidScene;
}

/** Which plates of a board a camera shows: those that name it, else the first that weighs. */
export function viewsOf(plates: readonly PlateEntry[], camera: string): PlateInView[] {
  const half = ({ cells = [] }: PlateEntry): readonly [number, number] => {
    const most = (axis: 0 | 1) => Math.max(120, ...cells.map(({ positionMm }) => Math.abs(positionMm[axis])));
    return [most(0), most(1)];
  };
  const named = plates.flatMap((entry) =>
    entry.cameras
      .filter(({ id }) => id === camera)
      .map(({ region }) => ({
        plate: entry.id,
        halfMm: half(entry),
        ...(region === undefined ? {} : { region }),
      })),
  );
  const first = plates.find(({ cells }) => cells !== undefined) ?? plates[0];
  return named.length > 0 || first === undefined ? named : [{ plate: first.id, halfMm: half(first) }];
}

/** Takes pictures of films: the same options, film and time give the same picture. */
export class Studio {
  readonly #options: StudioOptions;
  readonly #stages: readonly Stage[];
  readonly #packages = new Map<string, Drawn>();
  readonly #arms = new Map<string, PlacedThing['cutout']>();

  constructor(options: StudioOptions) {
    this.#options = options;
    this.#stages = options.views.map((view, index) => {
      const projection = project(view, options);
      const empty = layScene(drawBasket(projection.width, projection.height, options.seed + index));
      return { view, projection, empty, laid: empty, laidOf: '' };
    });
  }

  /** The picture of a moment. @param atUs time of the world @param shot number of the picture: its noise */
  picture(film: Film, atUs: number, shot: number): Picture & { readonly data: Uint8Array<ArrayBuffer> } {
    const { width, height, seed } = this.#options;
    const whole: LaidScene = { width, height, pixels: new Float32Array(width * height * 3) };
    const only = this.#stages[0];
    let seen = whole;
    for (const stage of this.#stages) {
      const scene = this.#scene(stage, sceneAt(film, stage.view.plate, atUs));
      const { projection } = stage;
      if (this.#stages.length === 1 && projection.width === width && projection.height === height)
        seen = scene;
      else insert(scene, whole, projection);
    }
    if (only === undefined) seen.pixels.fill(90);
    const light = lightAt(atUs, seed, height);
    return takePicture(seen, light, { noise: 2 }, (seed ^ Math.imul(shot + 1, 0x9e3779b1)) >>> 0);
  }

  #scene(stage: Stage, { lying, hands }: Scene): LaidScene {
    const carried = new Set(hands.filter(({ holds }) => holds).map(({ thing }) => thing.id));
    const still = lying.filter(({ id }) => !carried.has(id));
    const laidOf = still.map(({ id, at }) => `${id} ${at.join(' ')}`).join('/');
    if (laidOf !== stage.laidOf) {
      stage.laid = copyOf(stage.empty);
      for (const thing of still) this.#put(stage.laid, stage.projection, thing, 0);
      stage.laidOf = laidOf;
    }
    if (hands.length === 0) return stage.laid;
    const scene = copyOf(stage.laid);
    const arms = new Set<string>();
    for (const hand of hands) {
      const away = (1 - hand.reach) * stage.projection.width * 0.55;
      if (hand.holds) this.#put(scene, stage.projection, hand.thing, -away);
      const where = `${Math.round(hand.thing.at[0] / 100)} ${Math.round(hand.thing.at[1] / 100)}`;
      // Pieces that are handled together are in one hand.
      if (!arms.has(where)) this.#reachIn(scene, stage.projection, hand, away);
      arms.add(where);
    }
    return scene;
  }

  #put(scene: LaidScene, projection: Projection, thing: SeenThing, dx: number): void {
    const { cutout, widthMm, massMg, upright } = this.#cutoutOf(thing);
    const [x, y] = toPixels(projection, thing.at);
    const scale = ((widthMm * projection.pixelsPerMm) / cutout.width) * Math.cbrt(thing.massMg / massMg);
    const angle = upright ? (thing.angle / 360 - 0.5) * bagTilt : thing.angle;
    place(scene, { cutout, scale, angle, x: x + dx, y });
  }

  #reachIn(scene: LaidScene, projection: Projection, { thing }: SeenHand, away: number): void {
    const length = Math.round(armMm * projection.pixelsPerMm);
    const kind = thing.id % armKinds;
    const name = `${kind} ${length}`;
    const cutout = this.#arms.get(name) ?? drawArm(length, this.#options.seed + kind);
    this.#arms.set(name, cutout);
    const [x, y] = toPixels(projection, thing.at);
    // From the left: the handle is there, and who pushes the cart. Its fingers end at the thing's middle.
    place(scene, { cutout, scale: 1, angle: -90, x: x - away - length / 2 + 8, y });
  }

  #cutoutOf({ look, key, massMg }: SeenThing): Drawn {
    const known = look === undefined ? undefined : this.#options.cutouts.get(look);
    if (known !== undefined) return { ...known, upright: true };
    const made = this.#packages.get(key);
    if (made !== undefined) return made;
    const lengthMm = packageLengthMm(massMg);
    const cutout = drawPackage(key, lengthMm);
    const widthMm = (lengthMm * cutout.width) / cutout.height;
    const sized: Drawn = { cutout, widthMm, massMg, upright: false };
    this.#packages.set(key, sized);
    return sized;
  }
}

function project({ halfMm, region }: PlateInView, picture: { width: number; height: number }): Projection {
  const [left, top, width, height] = region ?? [0, 0, picture.width, picture.height];
  const [spanX, spanY] = [2 * (halfMm[0] + marginMm), 2 * (halfMm[1] + marginMm)];
  const alongY = spanY >= spanX === width >= height;
  const [across, down] = alongY ? [spanY, spanX] : [spanX, spanY];
  return { left, top, width, height, alongY, pixelsPerMm: Math.min(width / across, height / down) };
}

/** Where a point of the plate is within its region. A cart's front is on the right, a shelf's left on the left. */
function toPixels({ width, height, pixelsPerMm, alongY }: Projection, [x, y]: readonly [number, number]) {
  const [across, down] = alongY ? [y, x] : [x, -y];
  return [width / 2 + across * pixelsPerMm, height / 2 + down * pixelsPerMm] as const;
}

function lightAt(atUs: number, seed: number, lines: number): Light {
  const seconds = atUs / usPerSecond;
  const turn = (period: number) => Math.sin(2 * Math.PI * (seconds / period + (seed % 97) / 97));
  return {
    gain: 1 + 0.02 * turn(23),
    warmth: 1 + 0.01 * turn(31),
    flicker: { amplitude: flickerShare, lines: lines * 0.6, phase: (seconds * 7.3) % 1 },
  };
}

function copyOf({ width, height, pixels }: LaidScene): LaidScene {
  return { width, height, pixels: pixels.slice() };
}

function insert(scene: LaidScene, whole: LaidScene, { left, top }: Projection): void {
  const width = Math.min(scene.width, whole.width - left);
  const height = Math.min(scene.height, whole.height - top);
  for (let y = 0; y < height && width > 0; y++) {
    const from = y * scene.width * 3;
    whole.pixels.set(scene.pixels.subarray(from, from + width * 3), ((top + y) * whole.width + left) * 3);
  }
}
