import { readFile, rename, rm, stat } from 'node:fs/promises';
import { writeFileAtomic } from '#base/atomic-file.ts';
import { sha256Hex } from '#uplink/offers.ts';
import { VisionError } from '#vision/errors.ts';
import {
  checkSpace,
  decodeGallery,
  type GalleryFile,
  readGallery,
  readGalleryIfAny,
  writeGallery,
} from '#vision/gallery/file.ts';
import { galleryInForce } from '#vision/gallery/in-force.ts';
import { mergeGalleries } from '#vision/gallery/merge.ts';

import { loadModel, type Model } from '#vision/models/load.ts';

/** Where a device's gallery is. */
export interface GalleryPlace {
  /** The one in force; the file may not exist yet. */
  readonly path: string;
  /** The store's that was taken last, as it came; the file may not exist. */
  readonly storePath: string;
  /** Of the model in use. */
  readonly modelFolder: string;
}

/** Which of the store's galleries the device's own was made from. */
export interface Adopted {
  /** Of the whole file, in hexadecimal; missing where the device follows none. */
  readonly sha256?: string | undefined;
  readonly version?: string | undefined;
  /** Of the model in use. */
  readonly space: string;
}

/** What came of taking another one. */
export interface Adoption {
  readonly version: string;
  /** Looks in force now; of them the device's own; and those of the store's that were removed here. */
  readonly total: number;
  readonly kept: number;
  readonly removed: number;
  /** Where the device's file was put that could not be read or was of another model. */
  readonly aside?: string | undefined;
}

/** What is in force of the store's. Rejects with CW-VIS-001 or -003 where there is no model to recognize anything with. */
export async function readAdopted({ path, modelFolder, storePath }: GalleryPlace): Promise<Adopted> {
  const { manifest } = await loadModel(modelFolder);
  const { space } = manifest;
  // Whoever deletes the device's file wants the store's: it is taken anew.
  const bytes =
    (await stat(path).catch(() => undefined)) === undefined ? undefined : await readIfAny(storePath);
  const file = bytes === undefined ? undefined : await decodeGallery(bytes).catch(() => undefined);
  if (bytes === undefined || file === undefined) return { space };
  return { space, sha256: await sha256Hex(bytes), version: file.version };
}

/**
 * Takes a gallery of the store's that was received into a file: checks it, puts what was enrolled on the device on top, and
 * replaces the device's own. A power cut between the two files lets it be taken once more, with the same result. Rejects with
 * CW-VIS-009 to -011 or the system's error; then nothing has changed.
 *
 * @param received its file, which is removed
 * @param sha256 of the whole file, in hexadecimal
 */
export async function adoptGallery(place: GalleryPlace, received: string, sha256: string): Promise<Adoption> {
  const model = await loadModel(place.modelFolder);
  const bytes = await readFile(received);
  if ((await sha256Hex(bytes)) !== sha256) {
    throw new VisionError(
      'CW-VIS-009',
      "the store's gallery is not the one that was announced (its SHA-256 differs); publish it again",
    );
  }
  const file = await decodeGallery(bytes);
  checkModel(file, model);
  const { own, aside } = await ownGallery(place, model);
  const before = await galleryBefore(place, model);
  const merged =
    own === undefined
      ? { gallery: file.gallery, kept: 0, removed: 0 }
      : mergeGalleries(file.gallery, own.gallery, before?.gallery);
  await writeGallery(place.path, merged.gallery);
  await writeFileAtomic(place.storePath, bytes);
  await rm(received, { force: true });
  const { kept, removed, gallery } = merged;
  return { version: file.version, total: gallery.looks.length, kept, removed, aside };
}

function checkModel({ gallery }: GalleryFile, { manifest }: Model): void {
  checkSpace(gallery, manifest.space, 'of the store');
  if (gallery.dimensions === manifest.dimensions) return;
  throw new VisionError(
    'CW-VIS-009',
    `the store's gallery has embeddings of ${gallery.dimensions} values, its model makes ${manifest.dimensions}`,
  );
}

/** The device's own file. One that nothing can be recognized with is put aside rather than lost. */
async function ownGallery(
  { path }: GalleryPlace,
  { manifest }: Model,
): Promise<{ readonly own?: GalleryFile | undefined; readonly aside?: string }> {
  try {
    return { own: await readGalleryIfAny(path, manifest.space) };
  } catch (error) {
    if (!(error instanceof VisionError)) throw error;
    const aside = `${path}.aside`;
    await rename(path, aside);
    return { aside };
  }
}

/** What the device's own was made from: the store's version before, or what came with the model. */
async function galleryBefore({ storePath }: GalleryPlace, model: Model): Promise<GalleryFile | undefined> {
  const { space } = model.manifest;
  return await readGallery(storePath, space).catch(() =>
    galleryInForce(undefined, model).catch(() => undefined),
  );
}

async function readIfAny(path: string): Promise<Uint8Array | undefined> {
  return await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}
