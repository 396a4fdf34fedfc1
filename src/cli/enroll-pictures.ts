import { describeError } from '#base/errors.ts';
import { VisionError } from '#vision/errors.ts';
import { embedForEnrolment } from '#vision/gallery/views.ts';
import { openBackend, usualBackend } from '#vision/models/backends.ts';
import type { Model } from '#vision/models/load.ts';
import { readPicture } from '#vision/pictures/decode.ts';
import type { Embedded } from './enroll-gallery.ts';

/** Embeds pictures of files; those that can't be read, and repeated ones, are told. Rejects with CW-VIS-017 where none can. */
export async function embedFiles(model: Model, files: readonly string[]): Promise<Embedded> {
  const backend = await openBackend(usualBackend(model), model, { threads: 1 });
  const embeddings: Int8Array[] = [];
  const names: string[] = [];
  const failed: string[] = [];
  try {
    for (const file of files) {
      try {
        const embedding = await embedForEnrolment(backend, await readPicture(file));
        // The same picture twice would count for two, and say nothing of the product's other sides.
        const twin = embeddings.findIndex((one) => Buffer.compare(bytesOf(one), bytesOf(embedding)) === 0);
        if (twin >= 0) {
          failed.push(`${file} is left out: it is the same picture as ${names[twin]}`);
          continue;
        }
        embeddings.push(embedding);
        names.push(file);
      } catch (error) {
        if (!(error instanceof VisionError)) throw error;
        failed.push(describeError(error));
      }
    }
  } finally {
    await backend.close();
  }
  if (embeddings.length > 0) return { space: model.manifest.space, embeddings, names, failed };
  throw new VisionError('CW-VIS-017', `no picture could be used: ${failed.join('; ')}`);
}

const bytesOf = ({ buffer, byteOffset, length }: Int8Array) => new Uint8Array(buffer, byteOffset, length);
