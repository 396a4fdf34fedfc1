import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { usPerMs, usPerSecond } from '#base/units.ts';
import type { Board } from '#config/board.ts';
import { loadCutouts } from '#simulation/pictures/cutouts.ts';
import { type Film, movesWithin } from '#simulation/pictures/film.ts';
import { Studio, viewsOf } from '#simulation/pictures/studio.ts';

/** A picture that was taken. */
interface TakenPicture {
  readonly source: string;
  readonly atUs: number;
  /** Relative to the trace's folder. */
  readonly path: string;
}

interface PicturesOptions {
  readonly board: Board;
  readonly film: Film;
  readonly seed: number;
  readonly endUs: number;
  /** Where `frames/` is made. */
  readonly folder: string;
}

const width = 640;
const height = 480;
const framesPerSecond = 6;
/** Pictures are taken from so long before a hand comes until so long after it has gone, µs. */
const beforeUs = 600 * usPerMs;
const afterUs = 1_000 * usPerMs;
const quality = 88;

/** Takes pictures through all cameras of a board around what is moved, as JPEG files beside the trace. */
export async function takePictures(options: PicturesOptions): Promise<TakenPicture[]> {
  const { board, film, seed, endUs, folder } = options;
  const { default: sharp } = await import('sharp');
  const cutouts = await loadCutouts();
  await mkdir(join(folder, 'frames'), { recursive: true });
  const taken: TakenPicture[] = [];
  const cameras = [...new Set(board.plates.flatMap((plate) => plate.cameras.map(({ id }) => id)))];
  const studios = cameras.map((id) => {
    const views = viewsOf(board.plates, id);
    return { id, views, studio: new Studio({ ...sizeFor(views), views, cutouts, seed }) };
  });
  for (let shot = 0; ; shot++) {
    const atUs = Math.round((shot * usPerSecond) / framesPerSecond);
    if (atUs > endUs) return taken;
    for (const { id, views, studio } of studios) {
      if (!views.some(({ plate }) => movesWithin(film, plate, atUs - afterUs, atUs + beforeUs))) continue;
      const picture = studio.picture(film, atUs, shot);
      const path = `frames/${String(taken.length).padStart(6, '0')}.jpg`;
      const raw = { width: picture.width, height: picture.height, channels: 3 as const };
      const jpeg = await sharp(picture.data, { raw }).jpeg({ quality }).toBuffer();
      await writeFile(join(folder, path), jpeg);
      taken.push({ source: id, atUs, path });
    }
  }
}

/** As large as its regions ask for. */
function sizeFor(views: ReturnType<typeof viewsOf>): { width: number; height: number } {
  return {
    width: Math.max(width, ...views.map(({ region }) => (region === undefined ? 0 : region[0] + region[2]))),
    height: Math.max(
      height,
      ...views.map(({ region }) => (region === undefined ? 0 : region[1] + region[3])),
    ),
  };
}
