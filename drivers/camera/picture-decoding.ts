import { describeError } from '#base/errors.ts';
import { DriverError } from '../errors.ts';
import type { PicturePort } from '../ports/ports.ts';
import type { CameraFrame } from './camera-device.ts';

/** Decoded pictures are kept in memory, bytes. */
const mostBytes = 256 * 1024 * 1024;
const mostPixels = 64 * 1024 * 1024;

/**
 * The pictures that are no JPEG, decoded; JPEGs are frames as they are. Rejects with CW-DRV-004 for one that can't be
 * read, and CW-DRV-020 where together they are too big.
 */
export async function decodePictures(port: PicturePort): Promise<Map<string, CameraFrame>> {
  const decoded = new Map<string, CameraFrame>();
  let bytes = 0;
  for (const name of port.names) {
    if (/\.jpe?g$/i.test(name) || decoded.has(name)) continue;
    const frame = await decode(name, port.read(name));
    bytes += frame.data.length;
    if (bytes > mostBytes) {
      const message = 'decoded, the pictures that are no JPEG are too big together; make JPEGs of them';
      throw new DriverError('CW-DRV-020', message);
    }
    decoded.set(name, frame);
  }
  return decoded;
}

async function decode(
  name: string,
  content: Uint8Array,
): Promise<CameraFrame & { readonly data: Uint8Array }> {
  try {
    const { default: sharp } = await import('sharp');
    const { data, info } = await sharp(content, { limitInputPixels: mostPixels })
      .removeAlpha()
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`it has ${info.channels} channels`);
    return { width: info.width, height: info.height, format: 'rgb24', data };
  } catch (cause) {
    throw new DriverError('CW-DRV-004', `${name} is no picture that can be read: ${describeError(cause)}`, {
      cause,
    });
  }
}
