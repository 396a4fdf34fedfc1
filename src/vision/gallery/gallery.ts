import { VisionError } from '../errors.ts';
import { bytesProblem } from './embedding.ts';
import type { Reference } from './types.ts';

/** What is kept of one look. */
export interface GalleryLook {
  /** Its key: the catalogue's `look`, a GTIN or a PLU. */
  readonly look: string;
  /** Rows of the matrix that belong to it. */
  readonly references: number;
  /** Pictures that the first of them, the mean, was made of. */
  readonly pictures: number;
}

/** References of products, all of one model. Never changed: adding and removing give another one. */
export interface Gallery {
  /** `space` of the model's manifest: SHA-256 in hexadecimal. */
  readonly space: string;
  /** Values of an embedding. */
  readonly dimensions: number;
  readonly looks: readonly GalleryLook[];
  /** Row after row, those of a look one after the other in the order of `looks`; values of -127 … 127. */
  readonly matrix: Int8Array;
}

/** 10,000 products of five references; with keys and lengths that stays below 16 MB on disk and in memory. */
export const mostReferences = 50_000;
/** References of one look, at most; enrolling keeps fewer. */
export const mostReferencesOfLook = 16;
/** UTF-8 bytes of a look's key. */
const longestLook = 96;

/** A gallery that holds nothing yet. */
export function emptyGallery(space: string, dimensions: number): Gallery {
  return { space, dimensions, looks: [], matrix: new Int8Array(0) };
}

/** A gallery of these references, in the order in which their looks first come. Throws as `withLook` does. */
export function galleryOf(space: string, dimensions: number, references: readonly Reference[]): Gallery {
  const byLook = Map.groupBy(references, ({ look }) => look);
  let rows = 0;
  for (const [look, { length }] of byLook) {
    checkLook(look, length);
    rows += length;
  }
  checkRoom(rows);
  const matrix = new Int8Array(rows * dimensions);
  let at = 0;
  for (const { embedding } of [...byLook.values()].flat()) {
    checkReference(embedding, dimensions);
    matrix.set(embedding, at);
    at += dimensions;
  }
  const looks = [...byLook].map(([look, { length }]) => ({ look, references: length, pictures: length }));
  return { space, dimensions, looks, matrix };
}

/** References of a look, views of the matrix; none where the gallery doesn't have it. */
export function referencesOf(gallery: Gallery, look: string): Int8Array[] {
  const { dimensions, matrix } = gallery;
  let row = 0;
  for (const entry of gallery.looks) {
    if (entry.look === look) {
      return Array.from({ length: entry.references }, (_, index) =>
        matrix.subarray((row + index) * dimensions, (row + index + 1) * dimensions),
      );
    }
    row += entry.references;
  }
  return [];
}

/**
 * The gallery with these as the look's only references; its place among the looks stays. Throws CW-VIS-011 where there
 * is no room, CW-VIS-017 for a key that can't be one, RangeError for embeddings that `toBytes` did not make.
 */
export function withLook(
  gallery: Gallery,
  look: string,
  references: readonly Int8Array[],
  pictures: number,
): Gallery {
  checkLook(look, references.length);
  for (const embedding of references) checkReference(embedding, gallery.dimensions);
  const entry = { look, references: references.length, pictures };
  const known = gallery.looks.some((one) => one.look === look);
  const looks = known
    ? gallery.looks.map((one) => (one.look === look ? entry : one))
    : [...gallery.looks, entry];
  return rebuilt(gallery, looks, new Map([[look, references]]));
}

/** The gallery without a look; the same one where it doesn't have it. */
export function withoutLook(gallery: Gallery, look: string): Gallery {
  const looks = gallery.looks.filter((one) => one.look !== look);
  return looks.length === gallery.looks.length ? gallery : rebuilt(gallery, looks, new Map());
}

function rebuilt(
  gallery: Gallery,
  looks: readonly GalleryLook[],
  replaced: ReadonlyMap<string, readonly Int8Array[]>,
): Gallery {
  const { dimensions } = gallery;
  const rows = looks.reduce((sum, { references }) => sum + references, 0);
  checkRoom(rows);
  const starts = new Map<string, number>();
  let row = 0;
  for (const { look, references } of gallery.looks) {
    starts.set(look, row);
    row += references;
  }
  const matrix = new Int8Array(rows * dimensions);
  let at = 0;
  for (const { look, references } of looks) {
    const start = (starts.get(look) ?? 0) * dimensions;
    const kept = gallery.matrix.subarray(start, start + references * dimensions);
    for (const values of replaced.get(look) ?? [kept]) {
      matrix.set(values, at);
      at += values.length;
    }
  }
  return { ...gallery, looks, matrix };
}

/** Throws CW-VIS-011 where so many references are too many for one gallery. */
export function checkRoom(references: number): void {
  if (references <= mostReferences) return;
  throw new VisionError(
    'CW-VIS-011',
    `the gallery would have ${references} references, ${mostReferences} at most; remove products that are no longer sold`,
  );
}

function checkLook(look: string, references: number): void {
  if (references < 1 || references > mostReferencesOfLook) {
    throw new RangeError(`a look has ${references} references; 1 to ${mostReferencesOfLook} are kept`);
  }
  const problem = lookProblem(look);
  if (problem !== undefined) throw new VisionError('CW-VIS-017', `the look ${problem}`);
}

/** What keeps a text from being a look's key, or undefined. */
export function lookProblem(look: string): string | undefined {
  if (look === '') return 'has an empty key';
  if (!look.isWellFormed() || /\p{Cc}/u.test(look)) {
    return `${JSON.stringify(look.slice(0, 40))} has characters that can't be shown`;
  }
  return Buffer.byteLength(look) > longestLook
    ? `"${look.slice(0, 40)}…" is longer than ${longestLook} bytes`
    : undefined;
}

function checkReference(embedding: Int8Array, dimensions: number): void {
  if (embedding.length !== dimensions) {
    throw new RangeError(`an embedding has ${embedding.length} values, the gallery's have ${dimensions}`);
  }
  const problem = bytesProblem(embedding);
  if (problem !== undefined) throw new RangeError(`an embedding ${problem}`);
}
