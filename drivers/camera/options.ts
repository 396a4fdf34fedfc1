import { z } from 'zod';

/** Biggest side of a picture, pixels. */
const mostPixels = 8192;

/** Which camera of the kernel's own interface a profile means. */
export const videoMatch = z
  .strictObject({
    vendorId: usbId().optional().describe('USB vendor id, four lower-case hexadecimal digits.'),
    productId: usbId().optional().describe('USB product id, four lower-case hexadecimal digits.'),
    serial: z.string().min(1).optional().describe('USB serial number.'),
    topology: z
      .string()
      .min(1)
      .optional()
      .describe('Where it is plugged in, as the kernel writes it: 1-1.2.'),
    path: z
      .string()
      .regex(/^\/dev\/v4l\/by-(?:id|path)\//, 'a path that stays: below /dev/v4l/by-id or /dev/v4l/by-path')
      .optional()
      .describe('A path that stays: below /dev/v4l/by-id or /dev/v4l/by-path.'),
    name: z
      .string()
      .min(1)
      .optional()
      .describe('What the camera calls itself, as `cartwright devices` shows it.'),
  })
  .default({})
  .describe('Which of the attached cameras it is; all that is given must fit. Default: the only one.');

function usbId() {
  return z.string().regex(/^[0-9a-f]{4}$/, 'four lower-case hexadecimal digits');
}

/** Size and rate of what a camera delivers. */
export const frameOptions = {
  width: z.int().min(16).max(mostPixels).default(1280).describe('Width, pixels. Default 1280.'),
  height: z.int().min(16).max(mostPixels).default(720).describe('Height, pixels. Default 720.'),
  framesPerSecond: z
    .number()
    .min(0.5)
    .max(120)
    .default(10)
    .describe('Frames a second; of a faster camera some are left out. Default 10.'),
};
