import { DriverError } from '../errors.ts';

/** A camera as `rpicam-vid --list-cameras` tells it. */
export interface ListedCamera {
  readonly index: number;
  /** Name of the sensor, `imx708`. */
  readonly model: string;
  /** Its biggest picture and its pixels, `4608x2592 10-bit RGGB`. */
  readonly mode: string;
  /** Path in the device tree: it stays where the camera is plugged in. */
  readonly path: string;
}

const cameraLine = /^\s*(\d{1,3})\s*:\s*(\S+)\s+\[([^\]]{0,200})\]\s+\(([^()\s]{1,300})\)\s*$/;
/** More than this is no list of cameras. */
const mostCameras = 16;

/** The cameras in the list that the program prints. */
export function parseCameras(text: string): ListedCamera[] {
  return text
    .split(/\r?\n/)
    .flatMap((line) => {
      const [, index, model, mode, path] = cameraLine.exec(line) ?? [];
      if (index === undefined || model === undefined || mode === undefined || path === undefined) return [];
      return [{ index: Number(index), model, mode, path }];
    })
    .slice(0, mostCameras);
}

/** Size and format of the stream that libcamera says it has set up; undefined where it has not said so. */
export function parseConfigured(
  lines: readonly string[],
): { readonly width: number; readonly height: number; readonly format: string } | undefined {
  for (const line of lines.toReversed()) {
    const [, width, height, format] =
      /configuring streams: \(0\) (\d+)x(\d+)-([A-Za-z0-9]+)/.exec(line) ?? [];
    if (width !== undefined && height !== undefined && format !== undefined) {
      return { width: Number(width), height: Number(height), format };
    }
  }
  return undefined;
}

/** Why the program did not begin, by what it said. */
export function failureOf(program: string, lines: readonly string[]): DriverError {
  const text = lines.join('\n');
  const said = lines.slice(-3).join(' | ');
  const quoted = said === '' ? 'it said nothing' : `it said: ${said}`;
  if (/in use by another process|failed to acquire camera|resource busy/i.test(text)) {
    return new DriverError('CW-DRV-003', `another program has the camera; end it (${quoted})`);
  }
  if (/permission denied/i.test(text)) {
    const todo =
      "add the gateway's user to the group video (`sudo usermod -aG video NAME`, then log in anew)";
    return new DriverError('CW-DRV-012', `${program} may not use the camera: ${todo} (${quoted})`);
  }
  if (/unrecognised option|invalid option|the argument .* is invalid/i.test(text)) {
    return new DriverError(
      'CW-DRV-020',
      `${program} is of a version that lacks an option; update it (${quoted})`,
    );
  }
  const todo = 'check the ribbon cable on both ends and dtoverlay in /boot/firmware/config.txt';
  return new DriverError('CW-DRV-004', `${program} delivers no pictures; ${todo} (${quoted})`);
}
