import { createRandom } from '#base/random.ts';
import { boxMean } from '#vision/change/planes.ts';
import type { Picture, Region } from '#vision/pictures/picture.ts';
import type { Cutout } from './cutout.ts';

/** A thing in a picture: its middle in pixels, its size as a factor, turned clockwise by `angle` degrees. */
export interface PlacedThing {
  readonly cutout: Cutout;
  readonly x: number;
  readonly y: number;
  readonly scale: number;
  readonly angle: number;
  /** How much light its shadow takes, 0 … 1; 0.35 unless told. */
  readonly shadow?: number;
}

/** The light of a moment. Factors of 1 and 0 change nothing. */
export interface Light {
  readonly gain?: number;
  /** Of red against blue: 1.1 is a warmer light. */
  readonly warmth?: number;
  /** Change of brightness from left to right, share of the middle's. */
  readonly slope?: number;
  /** Bands of mains flicker in a rolling shutter: share of the brightness, lines of a period, phase in turns. */
  readonly flicker?: { readonly amplitude: number; readonly lines: number; readonly phase: number };
}

/** The camera at a moment. */
export interface Camera {
  /** Where the scene is moved to, pixels, and turned about the middle, degrees. */
  readonly dx?: number;
  readonly dy?: number;
  readonly angle?: number;
  /** Standard deviation of the noise of a mid-grey pixel, levels. */
  readonly noise?: number;
  /** Radius of a blur, pixels. */
  readonly blur?: number;
}

/**
 * Puts things into a picture, the last on top, each with a soft shadow, and takes it with a camera in a light.
 *
 * @param background rgb24: the empty basket, or a shelf
 * @param seed of the noise: the same one gives the same picture
 */
export function compose(
  background: Picture,
  things: readonly PlacedThing[],
  light: Light,
  camera: Camera,
  seed: number,
): Picture {
  const scene = layScene(background);
  for (const thing of things) place(scene, thing);
  return takePicture(scene, light, camera, seed);
}

/** What is in front of a camera, as light: three values a pixel. */
export interface LaidScene {
  readonly width: number;
  readonly height: number;
  readonly pixels: Float32Array;
}

/** A scene of a background (rgb24) alone. */
export function layScene(background: Picture): LaidScene {
  const { width, height } = background;
  const pixels = new Float32Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    pixels.set(
      background.data.subarray(y * background.stride, y * background.stride + width * 3),
      y * width * 3,
    );
  }
  return { width, height, pixels };
}

/** Puts a thing on top of what a scene holds, with its shadow. */
export function place({ pixels, width, height }: LaidScene, thing: PlacedThing): void {
  castShadow(pixels, width, height, thing);
  paint(pixels, width, height, thing);
}

/** Takes a picture of a scene, which stays as it is. @param seed of the noise */
export function takePicture(
  { pixels, width, height }: LaidScene,
  light: Light,
  camera: Camera,
  seed: number,
): Picture & { readonly data: Uint8Array<ArrayBuffer> } {
  const radius = Math.round(camera.blur ?? 0);
  const aimed = aim(pixels, width, height, camera);
  const seen = radius > 0 && aimed === pixels ? pixels.slice() : aimed;
  if (radius > 0) blur(seen, width, height, radius);
  return {
    width,
    height,
    format: 'rgb24',
    stride: width * 3,
    data: expose(seen, width, light, camera, seed),
  };
}

/** The box of a placed thing in a picture of that size, cut off at its edges; where a camera is moved by (dx, dy), there. */
export function boxOfPlaced(
  thing: PlacedThing,
  picture: Pick<Picture, 'width' | 'height'>,
  camera: Camera = {},
): Region {
  const { cutout } = thing;
  const turn = rotation(thing.angle);
  const view = rotation(camera.angle ?? 0);
  let [left, top, right, bottom] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 0, 0];
  for (let y = 0; y < cutout.height; y++) {
    for (let x = 0; x < cutout.width; x++) {
      if ((cutout.alpha[y * cutout.width + x] ?? 0) < 128) continue;
      const fromMiddleX = (x + 0.5 - cutout.width / 2) * thing.scale;
      const fromMiddleY = (y + 0.5 - cutout.height / 2) * thing.scale;
      const sceneX = thing.x + fromMiddleX * turn.cos - fromMiddleY * turn.sin - picture.width / 2;
      const sceneY = thing.y + fromMiddleX * turn.sin + fromMiddleY * turn.cos - picture.height / 2;
      const seenX = sceneX * view.cos - sceneY * view.sin + picture.width / 2 + (camera.dx ?? 0);
      const seenY = sceneX * view.sin + sceneY * view.cos + picture.height / 2 + (camera.dy ?? 0);
      left = Math.min(left, seenX);
      right = Math.max(right, seenX);
      top = Math.min(top, seenY);
      bottom = Math.max(bottom, seenY);
    }
  }
  const x = Math.max(0, Math.floor(left));
  const y = Math.max(0, Math.floor(top));
  return {
    left: x,
    top: y,
    width: Math.max(0, Math.min(picture.width, Math.ceil(right)) - x),
    height: Math.max(0, Math.min(picture.height, Math.ceil(bottom)) - y),
  };
}

function rotation(degrees: number): { cos: number; sin: number } {
  const angle = (degrees * Math.PI) / 180;
  return { cos: Math.cos(angle), sin: Math.sin(angle) };
}

/** Calls for each pixel that a placed thing may cover, with the place in its cutout. */
function forEachPixel(
  thing: PlacedThing,
  width: number,
  height: number,
  call: (x: number, y: number, u: number, v: number) => void,
): void {
  const { cutout, scale } = thing;
  const { cos, sin } = rotation(thing.angle);
  const reach = (Math.hypot(cutout.width, cutout.height) * scale) / 2 + 1;
  const lastY = Math.min(height - 1, Math.ceil(thing.y + reach));
  const lastX = Math.min(width - 1, Math.ceil(thing.x + reach));
  for (let y = Math.max(0, Math.floor(thing.y - reach)); y <= lastY; y++) {
    for (let x = Math.max(0, Math.floor(thing.x - reach)); x <= lastX; x++) {
      const fromMiddleX = (x + 0.5 - thing.x) / scale;
      const fromMiddleY = (y + 0.5 - thing.y) / scale;
      const u = fromMiddleX * cos + fromMiddleY * sin + cutout.width / 2 - 0.5;
      const v = -fromMiddleX * sin + fromMiddleY * cos + cutout.height / 2 - 0.5;
      if (u > -1 && v > -1 && u < cutout.width && v < cutout.height) call(x, y, u, v);
    }
  }
}

/** Cover and colour of a cutout between its pixels: [alpha 0 … 1, red, green, blue], colours weighted by their cover. */
function sample(cutout: Cutout, u: number, v: number, into: Float64Array): void {
  into.fill(0);
  const x = Math.floor(u);
  const y = Math.floor(v);
  for (let j = 0; j < 2; j++) {
    for (let i = 0; i < 2; i++) {
      if (x + i < 0 || y + j < 0 || x + i >= cutout.width || y + j >= cutout.height) continue;
      const at = (y + j) * cutout.width + x + i;
      const share = (i === 0 ? 1 - (u - x) : u - x) * (j === 0 ? 1 - (v - y) : v - y);
      const weight = (share * (cutout.alpha[at] ?? 0)) / 255;
      into[0] = (into[0] ?? 0) + weight;
      for (let channel = 0; channel < 3; channel++) {
        into[channel + 1] = (into[channel + 1] ?? 0) + weight * (cutout.rgb[at * 3 + channel] ?? 0);
      }
    }
  }
}

function paint(pixels: Float32Array, width: number, height: number, thing: PlacedThing): void {
  const at = new Float64Array(4);
  forEachPixel(thing, width, height, (x, y, u, v) => {
    sample(thing.cutout, u, v, at);
    const through = 1 - (at[0] ?? 0);
    const to = (y * width + x) * 3;
    for (let channel = 0; channel < 3; channel++) {
      pixels[to + channel] = (pixels[to + channel] ?? 0) * through + (at[channel + 1] ?? 0);
    }
  });
}

/** The lamp is above on the left: shadows lie to the right and below, and their edges are soft. */
function castShadow(pixels: Float32Array, width: number, height: number, thing: PlacedThing): void {
  const depth = thing.shadow ?? 0.35;
  if (depth <= 0) return;
  const distance = thing.cutout.height * thing.scale * 0.06 + 3;
  const softness = Math.max(1, Math.round(distance * 0.7));
  const reach = Math.hypot(thing.cutout.width, thing.cutout.height) * thing.scale * 0.5 + 3 * softness;
  // Only the part of the picture in which the shadow lies.
  const left = Math.max(0, Math.floor(thing.x + distance - reach));
  const top = Math.max(0, Math.floor(thing.y + distance - reach));
  const size = {
    width: Math.min(width, Math.ceil(thing.x + distance + reach)) - left,
    height: Math.min(height, Math.ceil(thing.y + distance + reach)) - top,
  };
  if (size.width <= 0 || size.height <= 0) return;
  const shade = new Float32Array(size.width * size.height);
  const at = new Float64Array(4);
  const moved = { ...thing, x: thing.x + distance - left, y: thing.y + distance - top };
  forEachPixel(moved, size.width, size.height, (x, y, u, v) => {
    sample(thing.cutout, u, v, at);
    shade[y * size.width + x] = at[0] ?? 0;
  });
  const scratch = new Float32Array(shade.length);
  for (let pass = 0; pass < 2; pass++) boxMean(shade, size, softness, scratch, shade);
  for (let pixel = 0; pixel < shade.length; pixel++) {
    const light = 1 - depth * (shade[pixel] ?? 0);
    if (light === 1) continue;
    const x = pixel % size.width;
    const to = ((top + (pixel - x) / size.width) * width + left + x) * 3;
    for (let index = to; index < to + 3; index++) pixels[index] = (pixels[index] ?? 0) * light;
  }
}

/** The scene moved and turned; what is beyond its edge looks as the edge. */
function aim(pixels: Float32Array, width: number, height: number, camera: Camera): Float32Array {
  const { dx = 0, dy = 0, angle = 0 } = camera;
  if (dx === 0 && dy === 0 && angle === 0) return pixels;
  const { cos, sin } = rotation(-angle);
  const seen = new Float32Array(pixels.length);
  const limited = (value: number, most: number) => Math.max(0, Math.min(most, value));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const fromMiddleX = x - width / 2 - dx;
      const fromMiddleY = y - height / 2 - dy;
      const u = limited(fromMiddleX * cos - fromMiddleY * sin + width / 2, width - 1.001);
      const v = limited(fromMiddleX * sin + fromMiddleY * cos + height / 2, height - 1.001);
      const [left, top] = [Math.floor(u), Math.floor(v)];
      const [right, below] = [u - left, v - top];
      const from = (top * width + left) * 3;
      for (let channel = 0; channel < 3; channel++) {
        const upper = (pixels[from + channel] ?? 0) * (1 - right) + (pixels[from + 3 + channel] ?? 0) * right;
        const next = from + width * 3 + channel;
        const lower = (pixels[next] ?? 0) * (1 - right) + (pixels[next + 3] ?? 0) * right;
        seen[(y * width + x) * 3 + channel] = upper * (1 - below) + lower * below;
      }
    }
  }
  return seen;
}

function blur(pixels: Float32Array, width: number, height: number, radius: number): void {
  const plane = new Float32Array(width * height);
  const scratch = new Float32Array(width * height);
  for (let channel = 0; channel < 3; channel++) {
    for (let pixel = 0; pixel < plane.length; pixel++) plane[pixel] = pixels[pixel * 3 + channel] ?? 0;
    for (let pass = 0; pass < 2; pass++) boxMean(plane, { width, height }, radius, scratch, plane);
    for (let pixel = 0; pixel < plane.length; pixel++) pixels[pixel * 3 + channel] = plane[pixel] ?? 0;
  }
}

/** Normal deviates, made once: a picture needs a million, drawn from these. */
const deviates = (() => {
  const random = createRandom(0x0ca5);
  return Float32Array.from({ length: 65536 }, () => random.gaussian());
})();

/** Light and noise; the noise of a pixel grows with the root of its brightness (photons), upon that of the read-out. */
function expose(
  pixels: Float32Array,
  width: number,
  light: Light,
  camera: Camera,
  seed: number,
): Uint8Array<ArrayBuffer> {
  const { gain = 1, warmth = 1, slope = 0, flicker } = light;
  const noise = camera.noise ?? 0;
  const random = createRandom(seed);
  const colour = [gain * Math.sqrt(warmth), gain, gain / Math.sqrt(warmth)] as const;
  const spreads = Float32Array.from(
    { length: 256 },
    (_, level) => noise * Math.sqrt(0.3 + (0.7 * level) / 128),
  );
  const data = new Uint8ClampedArray(pixels.length);
  const height = pixels.length / (width * 3);
  const along = Float32Array.from({ length: width }, (_, x) => 1 + slope * (x / width - 0.5));
  let at = 0;
  for (let y = 0; y < height; y++) {
    const turns = flicker === undefined ? 0 : y / flicker.lines + flicker.phase;
    const factor = flicker === undefined ? 1 : 1 + flicker.amplitude * Math.sin(2 * Math.PI * turns);
    const [red, green, blue] = [factor * colour[0], factor * colour[1], factor * colour[2]];
    let next = 0;
    for (let x = 0; x < width; x++) {
      const here = along[x] ?? 1;
      // A run of deviates of a random start for each few pixels: drawing each one would take most of the time.
      if ((x & 15) === 0) next = random.integer(deviates.length - 48);
      for (let channel = 0; channel < 3; channel++) {
        const level = (pixels[at] ?? 0) * here * (channel === 0 ? red : channel === 1 ? green : blue);
        const spread = spreads[level < 0 ? 0 : level > 255 ? 255 : level | 0] ?? 0;
        data[at++] = level + spread * (deviates[next++] ?? 0);
      }
    }
  }
  return new Uint8Array(data.buffer);
}
