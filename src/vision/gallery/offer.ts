import { subtle } from 'node:crypto';
import type { Infer } from '#events/fields.ts';
import type { manifest } from '#events/mqtt-payloads.ts';
import { VisionError } from '../errors.ts';
import { type GalleryFile, largestFile } from './file.ts';

/** What the store says of its gallery on `_store/gallery`. */
export type Manifest = Infer<typeof manifest>;
export type ManifestPart = Manifest['parts'][number];
/** A manifest that a gallery can be fetched by. */
export type GalleryOffer = Manifest & { readonly space: string };

/** A part is a message of its own, well below what a gateway takes of its broker (256 KiB). */
const largestPart = 131_072;
const mostParts = 1_024;
const partName = /^[a-z0-9-]{1,64}$/;

/** A gallery's file as it is offered: each part goes to `_store/gallery/{name}`, the manifest to `_store/gallery`. */
export async function offerGallery(
  bytes: Uint8Array,
  { gallery, version }: GalleryFile,
): Promise<{ readonly manifest: GalleryOffer; readonly parts: ReadonlyMap<string, Uint8Array> }> {
  const parts = new Map<string, Uint8Array>();
  const listed: ManifestPart[] = [];
  for (let at = 0; at < bytes.length; at += largestPart) {
    const part = bytes.subarray(at, at + largestPart);
    // Named by what is in it: parts of another version never stand in the place of one that is being fetched.
    const sha256 = await sha256Hex(part);
    parts.set(sha256, part);
    listed.push({ name: sha256, sha256, size: part.length });
  }
  const manifest = {
    version,
    sha256: await sha256Hex(bytes),
    size: bytes.length,
    parts: listed,
    space: gallery.space,
  };
  return { manifest, parts };
}

/** Throws CW-VIS-024 unless a gallery within bounds can be fetched by it. */
export function checkOffer(offered: Manifest): GalleryOffer {
  const { space, size, parts } = offered;
  if (space === undefined) throw unusable('it names no model (space)');
  if (size > largestFile) throw unusable(`it would have ${size} bytes, ${largestFile} at most`);
  if (parts.length > mostParts) throw unusable(`it would have ${parts.length} parts, ${mostParts} at most`);
  for (const part of parts) {
    if (!partName.test(part.name)) throw unusable('a part has a name that no topic can have');
    if (part.size < 1 || part.size > largestPart) {
      throw unusable(`a part would have ${part.size} bytes, 1 to ${largestPart} are taken`);
    }
  }
  const sum = parts.reduce((total, part) => total + part.size, 0);
  if (sum !== size) throw unusable(`its parts have ${sum} bytes together, ${size} are announced`);
  return { ...offered, space };
}

/** Lower-case hexadecimal. On a thread of the pool: 16 MB would hold up the one that reads load cells. */
export async function sha256Hex(bytes: Uint8Array): Promise<string> {
  const hash = await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return Buffer.from(hash).toString('hex');
}

function unusable(why: string): VisionError {
  return new VisionError('CW-VIS-024', `what the store says of its gallery is not usable: ${why}`);
}
