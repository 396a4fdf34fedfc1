import { cutIntoParts, type Manifest, offerProblem } from '#uplink/offers.ts';
import { VisionError } from '../errors.ts';
import { type GalleryFile, largestFile } from './file.ts';

/** A manifest that a gallery can be fetched by. */
export type GalleryOffer = Manifest & { readonly space: string };

/** A gallery's file as it is offered: each part goes to `_store/gallery/{name}`, the manifest to `_store/gallery`. */
export async function offerGallery(
  bytes: Uint8Array,
  { gallery, version }: GalleryFile,
): Promise<{ readonly manifest: GalleryOffer; readonly parts: ReadonlyMap<string, Uint8Array> }> {
  const { manifest, parts } = await cutIntoParts(bytes, version);
  return { manifest: { ...manifest, space: gallery.space }, parts };
}

/** Throws CW-VIS-024 unless a gallery within bounds can be fetched by it. */
export function checkOffer(offered: Manifest): GalleryOffer {
  const { space } = offered;
  if (space === undefined) throw unusable('it names no model (space)');
  const problem = offerProblem(offered, largestFile);
  if (problem !== undefined) throw unusable(problem);
  return { ...offered, space };
}

function unusable(why: string): VisionError {
  return new VisionError('CW-VIS-024', `what the store says of its gallery is not usable: ${why}`);
}
