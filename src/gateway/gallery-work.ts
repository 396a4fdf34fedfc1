import type { PlainMap } from '#events/fields.ts';
import { enrol } from '#vision/gallery/enrol.ts';
import { checkSpace, type GalleryFile, readGalleryIfAny, writeGallery } from '#vision/gallery/file.ts';
import { emptyGallery, type Gallery, withoutLook } from '#vision/gallery/gallery.ts';
import { galleryInForce } from '#vision/gallery/in-force.ts';
import { tellEnrolled } from '#vision/gallery/told.ts';
import { loadModel } from '#vision/models/load.ts';
import {
  type Adopted,
  type Adoption,
  adoptGallery,
  type GalleryPlace,
  readAdopted,
} from './gallery-adopt.ts';

/** Something to be done with a gallery's file; it takes a while where the gallery is large. */
export type GalleryJob =
  | {
      readonly kind: 'enroll';
      readonly look: string;
      readonly embeddings: readonly Int8Array[];
      readonly space?: string | undefined;
      readonly replace: boolean;
      readonly keepAll: boolean;
    }
  | { readonly kind: 'remove'; readonly look: string }
  | { readonly kind: 'list'; readonly from: number; readonly count: number };

/** The same for the store's gallery. */
export type StoreGalleryJob =
  | { readonly kind: 'adopted' }
  | { readonly kind: 'adopt'; readonly received: string; readonly sha256: string };

/** What came of it, and whether the file was replaced. */
export interface GalleryDone {
  /** For the answer to a command. */
  readonly data: PlainMap;
  readonly changed: boolean;
  readonly adopted?: Adopted;
  readonly adoption?: Adoption;
}

/** Does it. Rejects with a coded VisionError or the system's. */
export async function doGalleryJob(
  place: GalleryPlace,
  job: GalleryJob | StoreGalleryJob,
): Promise<GalleryDone> {
  if (job.kind === 'adopted') return { data: {}, changed: false, adopted: await readAdopted(place) };
  if (job.kind === 'adopt') {
    const adoption = await adoptGallery(place, job.received, job.sha256);
    return { data: {}, changed: true, adoption };
  }
  return await doCommand(place, job);
}

async function doCommand(place: GalleryPlace, job: GalleryJob): Promise<GalleryDone> {
  const file = await inForce(place);
  switch (job.kind) {
    case 'enroll': {
      const gallery = await galleryFor(place, file, job);
      const enrolled = enrol(gallery, job.look, job.embeddings, job);
      const version = await writeGallery(place.path, enrolled.gallery);
      return { data: tellEnrolled(enrolled, version), changed: true };
    }
    case 'remove': {
      const { look } = job;
      const rest = file === undefined ? undefined : withoutLook(file.gallery, look);
      if (rest === undefined || rest === file?.gallery)
        return { data: { look, removed: false }, changed: false };
      const version = await writeGallery(place.path, rest);
      return { data: { look, removed: true, version, total: rest.looks.length }, changed: true };
    }
    case 'list':
      return { data: listed(file, job), changed: false };
  }
}

function listed(file: GalleryFile | undefined, { from, count }: { from: number; count: number }): PlainMap {
  if (file === undefined) return { total: 0, looks: [] };
  const { space, looks } = file.gallery;
  return {
    version: file.version,
    space,
    total: looks.length,
    looks: looks
      .slice(from, from + count)
      .map(({ look, references, pictures }) => ({ look, references, pictures })),
  };
}

/** The device's gallery, or the model's own where there is none. A model that is missing has none. */
async function inForce({ path, modelFolder }: GalleryPlace): Promise<GalleryFile | undefined> {
  const model = await loadModel(modelFolder).catch(() => undefined);
  return model === undefined ? await readGalleryIfAny(path) : await galleryInForce(path, model);
}

/** The gallery to add embeddings of that model to: the one in force, or an empty one. */
async function galleryFor(
  { path, modelFolder }: GalleryPlace,
  file: GalleryFile | undefined,
  { space, embeddings }: Extract<GalleryJob, { kind: 'enroll' }>,
): Promise<Gallery> {
  if (file !== undefined) {
    if (space !== undefined) checkSpace(file.gallery, space, path);
    return file.gallery;
  }
  if (space !== undefined) return emptyGallery(space, embeddings[0]?.length ?? 0);
  const { manifest } = await loadModel(modelFolder);
  return emptyGallery(manifest.space, manifest.dimensions);
}
