import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { describeError } from '#base/errors.ts';
import { SimulationError } from '../errors.ts';
import type { Cutout } from './cutout.ts';

const folder = fileURLToPath(new URL('../../../config/cutouts/', import.meta.url));

const listSchema = z.object({
  cutouts: z.literal(1),
  looks: z.record(
    z.string().regex(/^[\w-]+$/),
    z.object({ widthMm: z.number().positive(), massMg: z.number().positive() }),
  ),
});

/** The cut-out of a look, with its true size and mass. */
export interface SizedCutout {
  readonly cutout: Cutout;
  readonly widthMm: number;
  /** What is to be seen on it weighs so much: more of it is drawn larger. */
  readonly massMg: number;
}

/** Loads all cut-outs that are there, by look. Rejects with CW-SIM-009. */
export async function loadCutouts(from: string = folder): Promise<ReadonlyMap<string, SizedCutout>> {
  try {
    const { looks } = listSchema.parse(JSON.parse(await readFile(join(from, 'cutouts.json'), 'utf8')));
    const { default: sharp } = await import('sharp');
    const loaded = Object.entries(looks).map(async ([look, size]) => {
      const { data, info } = await sharp(await readFile(join(from, `${look}.webp`)))
        .ensureAlpha()
        .raw()
        .toBuffer({ resolveWithObject: true });
      return [look, { ...size, cutout: split(data, info.width, info.height) }] as const;
    });
    return new Map(await Promise.all(loaded));
  } catch (cause) {
    throw new SimulationError(
      'CW-SIM-009',
      `the cut-outs in ${from} can't be used: ${describeError(cause)}`,
      {
        cause,
      },
    );
  }
}

function split(rgba: Uint8Array, width: number, height: number): Cutout {
  const rgb = new Uint8Array(width * height * 3);
  const alpha = new Uint8Array(width * height);
  for (let pixel = 0; pixel < alpha.length; pixel++) {
    rgb.set(rgba.subarray(pixel * 4, pixel * 4 + 3), pixel * 3);
    alpha[pixel] = rgba[pixel * 4 + 3] ?? 0;
  }
  return { width, height, rgb, alpha };
}
