import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeGallery } from '../../src/vision/gallery/file.ts';
import { emptyGallery, withLook } from '../../src/vision/gallery/gallery.ts';
import { loadModel } from '../../src/vision/models/load.ts';

/** Turns what `package.py` left in a model's folder, references of its classes, into the gallery that ships with it. */
const classes = z.array(
  z.strictObject({
    look: z.string(),
    pictures: z.int().positive(),
    references: z.array(z.array(z.int().min(-127).max(127))).min(1),
  }),
);

const folder = process.argv[2] ?? 'config/models/groceries';
const { manifest } = await loadModel(folder);
const from = join(folder, 'gallery.json');
let gallery = emptyGallery(manifest.space, manifest.dimensions);
for (const { look, references, pictures } of classes.parse(JSON.parse(await readFile(from, 'utf8')))) {
  const embeddings = references.map((values) => Int8Array.from(values));
  gallery = withLook(gallery, look, embeddings, pictures);
}
const path = join(folder, 'gallery.cwg');
await writeGallery(path, gallery);
await rm(from);
process.stdout.write(`${path}: ${gallery.looks.length} looks\n`);
