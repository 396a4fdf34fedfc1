import { open } from 'node:fs/promises';
import type { Sharp, SharpOptions } from 'sharp';
import { describeError } from '#base/errors.ts';
import { plainCause } from '#base/system-error.ts';
import { VisionError } from '../errors.ts';
import { maximumPixels } from './layout.ts';
import type { Picture } from './picture.ts';

/** Largest compressed picture that is looked at: 64 MiB. */
const maximumBytes = 64 * 1024 * 1024;

type Sharpen = (bytes: Uint8Array, options: SharpOptions) => Sharp;
let sharpened: Promise<Sharpen> | undefined;

/** sharp, when first needed. It keeps no pictures: frames must not outlive their use. */
function loadSharp(): Promise<Sharpen> {
  sharpened ??= import('sharp').then(
    ({ default: sharp }) => {
      sharp.cache(false);
      sharp.concurrency(1);
      return sharp;
    },
    (error: unknown) => {
      sharpened = undefined;
      throw new VisionError(
        'CW-VIS-007',
        `the picture library (sharp) could not be loaded: ${describeError(error)}; is the software complete?`,
        { cause: error },
      );
    },
  );
  return sharpened;
}

/**
 * Decodes a JPEG, PNG or WebP picture (a frame of MJPEG is a JPEG) into `rgb24`, or `grey` where it has no colours.
 * `upright` turns it as its EXIF orientation says, which files have and frames have not. Transparent parts become
 * black; colour profiles are ignored, as they were in training. `name` says in errors what it was. Rejects with
 * CW-VIS-007 where it is damaged, cut, empty, in another format or of more than 50 megapixels.
 */
export async function decodePicture(
  bytes: Uint8Array,
  { upright, name = 'a picture' }: { readonly upright: boolean; readonly name?: string },
): Promise<Picture> {
  if (formatOf(bytes) === undefined) {
    const found = bytes.length === 0 ? 'is empty' : 'is neither JPEG nor PNG nor WebP';
    throw new VisionError('CW-VIS-007', `${name} ${found}`);
  }
  const sharp = await loadSharp();
  try {
    const decoder = sharp(bytes, {
      // Cameras send harmless oddities that are warnings; what is cut or wrong is an error.
      failOn: 'error',
      limitInputPixels: maximumPixels,
      autoOrient: upright,
      ignoreIcc: true,
    });
    const { data, info } = await decoder
      .flatten()
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    const { width, height, channels } = info;
    if (channels !== 1 && channels !== 3) throw new Error(`it has ${channels} channels`);
    return { width, height, format: channels === 1 ? 'grey' : 'rgb24', stride: width * channels, data };
  } catch (error) {
    if (error instanceof VisionError) throw error;
    const [cause = ''] = describeError(error).split('\n');
    throw new VisionError('CW-VIS-007', `${name} could not be decoded: ${cause}`, { cause: error });
  }
}

/** Reads and decodes a picture of a file, upright. Rejects with CW-VIS-007. */
export async function readPicture(path: string): Promise<Picture> {
  return decodePicture(await readBytes(path), { upright: true, name: path });
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    if (size <= maximumBytes) return await file.readFile();
    throw new VisionError('CW-VIS-007', `${path} has ${size} bytes; pictures may have ${maximumBytes}`);
  } catch (error) {
    if (error instanceof VisionError) throw error;
    throw new VisionError('CW-VIS-007', `${path} could not be read: ${plainCause(error)}`, { cause: error });
  }
}

/** By its first bytes: sharp would also take formats that nobody sends a gateway for good, such as SVG. */
function formatOf(bytes: Uint8Array): 'jpeg' | 'png' | 'webp' | undefined {
  const starts = (text: string, at = 0) =>
    bytes.length >= at + text.length && [...text].every((one, n) => bytes[at + n] === one.charCodeAt(0));
  if (starts('\xff\xd8\xff')) return 'jpeg';
  if (starts('\x89PNG\r\n\x1a\n')) return 'png';
  return starts('RIFF') && starts('WEBP', 8) ? 'webp' : undefined;
}
