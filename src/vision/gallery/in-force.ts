import { join } from 'node:path';
import type { Model } from '../models/load.ts';
import { type GalleryFile, readGalleryIfAny } from './file.ts';

/** The gallery that comes with a model, of the classes that it was trained on. */
const ownGallery = 'gallery.cwg';

/**
 * The gallery that a model's embeddings are looked up in: the device's own file, or until there is one, what came with the
 * model. Undefined where there is neither. Rejects with CW-VIS-009 or, for one of another model, CW-VIS-010.
 */
export async function galleryInForce(
  path: string | undefined,
  { folder, manifest }: Pick<Model, 'folder' | 'manifest'>,
): Promise<GalleryFile | undefined> {
  const device = path === undefined ? undefined : await readGalleryIfAny(path, manifest.space);
  return device ?? (await readGalleryIfAny(join(folder, ownGallery), manifest.space));
}
