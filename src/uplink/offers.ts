import { subtle } from 'node:crypto';
import type { Infer } from '#events/fields.ts';
import type { manifest } from '#events/mqtt-payloads.ts';

/** What the store says of a file on `_store/{what}`; its parts lie below. */
export type Manifest = Infer<typeof manifest>;
export type ManifestPart = Manifest['parts'][number];

/** A part is a message of its own, well below what a gateway takes of its broker (256 KiB). */
const largestPart = 131_072;
const mostParts = 1_024;
const partName = /^[a-z0-9-]{1,64}$/;

/** A file as it is offered: each part goes to `_store/{what}/{name}`, the manifest to `_store/{what}`. */
export async function cutIntoParts(
  bytes: Uint8Array,
  version: string,
): Promise<{ readonly manifest: Manifest; readonly parts: ReadonlyMap<string, Uint8Array> }> {
  const parts = new Map<string, Uint8Array>();
  const listed: ManifestPart[] = [];
  for (let at = 0; at < bytes.length; at += largestPart) {
    const part = bytes.subarray(at, at + largestPart);
    // Named by what is in it: parts of another version never stand in the place of one that is being fetched.
    const sha256 = await sha256Hex(part);
    parts.set(sha256, part);
    listed.push({ name: sha256, sha256, size: part.length });
  }
  const manifest = { version, sha256: await sha256Hex(bytes), size: bytes.length, parts: listed };
  return { manifest, parts };
}

/** Why a file of at most `largest` bytes can't be fetched by a manifest; undefined where it can. */
export function offerProblem({ size, parts }: Manifest, largest: number): string | undefined {
  if (size > largest) return `it would have ${size} bytes, ${largest} at most`;
  if (parts.length > mostParts) return `it would have ${parts.length} parts, ${mostParts} at most`;
  for (const part of parts) {
    if (!partName.test(part.name)) return 'a part has a name that no topic can have';
    if (part.size < 1 || part.size > largestPart) {
      return `a part would have ${part.size} bytes, 1 to ${largestPart} are taken`;
    }
  }
  const sum = parts.reduce((total, part) => total + part.size, 0);
  return sum === size ? undefined : `its parts have ${sum} bytes together, ${size} are announced`;
}

/** Lower-case hexadecimal. On a thread of the pool: 16 MB would hold up the one that reads load cells. */
export async function sha256Hex(bytes: Uint8Array): Promise<string> {
  const hash = await subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return Buffer.from(hash).toString('hex');
}
