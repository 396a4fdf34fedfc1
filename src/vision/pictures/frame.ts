import type { FrameReading } from '#readings/readings.ts';
import { VisionError } from '../errors.ts';
import { decodePicture } from './decode.ts';
import { assertPicture, bytesOf, rowBytes } from './layout.ts';
import type { Picture } from './picture.ts';

/** A frame whose pixels lie open. */
type RawFrame = FrameReading & { readonly format: Picture['format'] };

/** Whether a frame need not be decoded. */
export function isRaw(frame: FrameReading): frame is RawFrame {
  return frame.format !== 'mjpeg';
}

/**
 * An uncompressed frame as a picture: the same bytes, not a copy, so what borrows the frame borrows them too. Rows of
 * frames follow each other without padding. Throws CW-VIS-008 where size and bytes do not fit.
 */
export function pictureOfRaw(frame: RawFrame): Picture {
  const { width, height, format, data, range } = frame;
  const picture: Picture = { width, height, format, stride: rowBytes(frame), data, range };
  assertPicture(picture);
  const expected = bytesOf(picture);
  if (data.length !== expected) {
    throw new VisionError(
      'CW-VIS-008',
      `a frame of ${frame.source} has ${data.length} bytes; ${width} × ${height} pixels of ${format} are ${expected}`,
    );
  }
  return picture;
}

/**
 * A frame as a picture; MJPEG is decoded. The frame's bytes must stay what they are until the promise is settled.
 * Rejects with CW-VIS-007 where it is damaged, with CW-VIS-008 where it is not of the size that it claims.
 */
export async function pictureOf(frame: FrameReading): Promise<Picture> {
  if (isRaw(frame)) return pictureOfRaw(frame);
  const picture = await decodePicture(frame.data, { upright: false, name: `a frame of ${frame.source}` });
  if (picture.width === frame.width && picture.height === frame.height) return picture;
  throw new VisionError(
    'CW-VIS-008',
    `a frame of ${frame.source} should have ${frame.width} × ${frame.height} pixels and has ${picture.width} × ${picture.height}`,
  );
}
