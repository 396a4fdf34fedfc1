import type { Picture, Region } from '../pictures/picture.ts';
import type { Reduced } from '../pictures/reduced.ts';
import type { Blob } from './blobs.ts';
import type { Shift } from './register.ts';

type Sides = Pick<Picture, 'width' | 'height'>;

/** The box of a blob in the pixels of the picture, whose values lie `shift` before those of the blob's. */
export function boxInPicture(
  blob: Pick<Blob, 'left' | 'top' | 'right' | 'bottom'>,
  reduced: Reduced,
  shift: Pick<Shift, 'dx' | 'dy'>,
  picture: Sides,
): Region {
  const { region } = reduced;
  const scaleX = region.width / reduced.width;
  const scaleY = region.height / reduced.height;
  const left = region.left + (blob.left - shift.dx) * scaleX;
  const top = region.top + (blob.top - shift.dy) * scaleY;
  const right = region.left + (blob.right - shift.dx) * scaleX;
  const bottom = region.top + (blob.bottom - shift.dy) * scaleY;
  const within = (value: number, most: number) => Math.max(0, Math.min(most, Math.round(value)));
  const x = within(left, picture.width - 1);
  const y = within(top, picture.height - 1);
  return {
    left: x,
    top: y,
    width: Math.max(1, within(right, picture.width) - x),
    height: Math.max(1, within(bottom, picture.height) - y),
  };
}

/** A thing is recognized with a little of its surroundings: share of its longer side, on each side. */
const margin = 0.1;

/**
 * The square around a box with a margin, moved to lie inside the picture; where the picture is narrower than that, a
 * rectangle as wide as the picture.
 */
export function squareAround(box: Region, picture: Sides): Region {
  const side = Math.round(Math.max(box.width, box.height) * (1 + 2 * margin));
  const width = Math.min(side, picture.width);
  const height = Math.min(side, picture.height);
  const place = (start: number, length: number, taken: number, most: number) =>
    Math.max(0, Math.min(most - taken, Math.round(start + (length - taken) / 2)));
  return {
    left: place(box.left, box.width, width, picture.width),
    top: place(box.top, box.height, height, picture.height),
    width,
    height,
  };
}
