import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom, type Random } from '#base/random.ts';
import { drawArm, drawBasket } from '#simulation/pictures/backdrops.ts';
import {
  boxOfPlaced,
  type Camera,
  compose,
  type Light,
  type PlacedThing,
} from '#simulation/pictures/compose.ts';
import { type Cutout, cutOut } from '#simulation/pictures/cutout.ts';
import type { Picture, Region } from '#vision/pictures/picture.ts';

/** What happens between two pictures of a basket. */
export const sceneKinds = [
  'put',
  'taken',
  'taken-from-below',
  'pushed-aside',
  'put-with-hand',
  'unchanged',
  'hand',
] as const;
export type SceneKind = (typeof sceneKinds)[number];

export interface ChangeScene {
  readonly kind: SceneKind;
  readonly before: Picture;
  readonly after: Picture;
  readonly afterThat: Picture | undefined;
  readonly region: Region;
  readonly sign: -1 | 0 | 1;
  /** Where the thing is that came or went, on the picture that shows it. */
  readonly truth: Region | undefined;
}

const [width, height] = [640, 480];

/** Cut-outs of the groceries in test/fixtures/groceries-change, in the order of their names. */
export async function loadCutouts(): Promise<Cutout[]> {
  const { default: sharp } = await import('sharp');
  const folder = join(import.meta.dirname, '../../fixtures/groceries-change');
  const names = readdirSync(folder).filter((name) => name.endsWith('.jpg'));
  return Promise.all(
    names.sort().map(async (name) => {
      const { data, info } = await sharp(readFileSync(join(folder, name)))
        .removeAlpha()
        .raw()
        .toBuffer({ resolveWithObject: true });
      return cutOut({
        width: info.width,
        height: info.height,
        format: 'rgb24',
        stride: info.width * 3,
        data: new Uint8Array(data.buffer, data.byteOffset, data.length),
      });
    }),
  );
}

/** How rough the conditions of a scene are: factors on light changes, noise and shake. */
interface Roughness {
  readonly light: number;
  readonly noise: number;
  readonly shake: number;
}

const between = (random: Random, low: number, high: number) => low + (high - low) * random.next();

function drawLight(random: Random, { light }: Roughness): Light {
  return {
    gain: Math.exp(between(random, -0.3, 0.3) * light),
    warmth: 1 + between(random, -0.07, 0.07) * light,
    slope: between(random, -0.15, 0.15) * light,
    flicker: {
      amplitude: between(random, 0, 0.1) * light,
      lines: between(random, 120, 400),
      phase: random.next(),
    },
  };
}

function drawCamera(random: Random, { noise, shake }: Roughness): Camera {
  return {
    dx: between(random, -5, 5) * shake,
    dy: between(random, -4, 4) * shake,
    angle: between(random, -0.3, 0.3) * shake,
    noise: between(random, 1, 5) * noise,
  };
}

/** A thing somewhere in the basket, 12 to 40 % of the frame's height large. */
function drawThing(random: Random, cutouts: readonly Cutout[]): PlacedThing {
  const cutout = cutouts[random.integer(cutouts.length)] as Cutout;
  const size = between(random, 0.16, 0.42) * height;
  return {
    cutout,
    x: between(random, 0.22, 0.78) * width,
    y: between(random, 0.25, 0.75) * height,
    scale: size / Math.hypot(cutout.width, cutout.height),
    angle: random.next() * 360,
    shadow: between(random, 0.15, 0.5),
  };
}

/** An arm that reaches in from a side, by so much of the frame's height. */
function drawReach(random: Random, depth: number): PlacedThing {
  const length = 330;
  const cutout = drawArm(length, random.integer(1 << 30));
  const side = random.integer(3);
  const along = between(random, 0.25, 0.75);
  const inside = depth * height - length / 2;
  const tilt = between(random, -20, 20);
  const placed = { cutout, scale: 1, shadow: 0.3 };
  if (side === 0) return { ...placed, x: along * width, y: inside, angle: tilt };
  if (side === 1) return { ...placed, x: inside, y: along * height, angle: -90 + tilt };
  return { ...placed, x: width - inside, y: along * height, angle: 90 + tilt };
}

/** A thing pushed by 4 to 9 % of the width, turned a little. */
function push(thing: PlacedThing, random: Random): PlacedThing {
  const way = random.next() * 2 * Math.PI;
  const far = between(random, 0.04, 0.09) * width;
  return {
    ...thing,
    x: thing.x + far * Math.cos(way),
    y: thing.y + far * Math.sin(way),
    angle: thing.angle + between(random, -4, 4),
  };
}

/** Draws a scene: the same seed gives the same one. */
export function drawScene(
  kind: SceneKind,
  seed: number,
  cutouts: readonly Cutout[],
  roughness: Roughness = { light: 1, noise: 1, shake: 1 },
): ChangeScene {
  const random = createRandom(seed);
  const basket = drawBasket(width, height, random.integer(1 << 30));
  // A well filled basket, in which some things hide others.
  const crowded = kind === 'taken-from-below';
  const others = crowded ? 8 + random.integer(17) : random.integer(6) + (kind === 'pushed-aside' ? 1 : 0);
  const lying = Array.from({ length: others }, () => drawThing(random, cutouts));
  const thing = drawThing(random, cutouts);
  const reach = drawReach(random, between(random, 0.2, 0.55));
  const moment = (things: readonly PlacedThing[]) => {
    const camera = drawCamera(random, roughness);
    const light = drawLight(random, roughness);
    return { camera, picture: compose(basket, things, light, camera, random.integer(1 << 30)), light };
  };
  const changes = kind !== 'unchanged' && kind !== 'hand';
  const pushed =
    kind === 'pushed-aside' ? lying.map((one, at) => (at === 0 ? push(one, random) : one)) : lying;
  const above = crowded ? random.integer(others + 1) : 0;
  const after = moment([
    ...pushed.slice(0, others - above),
    ...(changes ? [thing] : []),
    ...pushed.slice(others - above),
    ...(kind === 'hand' || kind === 'put-with-hand' ? [reach] : []),
  ]);
  const before = moment(lying);
  const taken = kind === 'taken' || crowded;
  const reaches = kind === 'hand' || kind === 'put-with-hand';
  const moving = { ...reach, x: reach.x + between(random, 4, 9), y: reach.y + between(random, 4, 9) };
  const things = [...pushed, ...(changes ? [thing] : []), moving];
  const later = () => compose(basket, things, after.light, after.camera, random.integer(1 << 30));
  return {
    kind,
    before: taken ? after.picture : before.picture,
    after: taken ? before.picture : after.picture,
    afterThat: reaches ? later() : undefined,
    region: { left: 16, top: 12, width: width - 32, height: height - 24 },
    sign: !changes ? 0 : taken ? -1 : 1,
    truth: changes ? boxOfPlaced(thing, { width, height }, after.camera) : undefined,
  };
}

/** Intersection over union of two boxes. */
export function overlap(one: Region, other: Region): number {
  const x = Math.min(one.left + one.width, other.left + other.width) - Math.max(one.left, other.left);
  const y = Math.min(one.top + one.height, other.top + other.height) - Math.max(one.top, other.top);
  if (x <= 0 || y <= 0) return 0;
  return (x * y) / (one.width * one.height + other.width * other.height - x * y);
}
