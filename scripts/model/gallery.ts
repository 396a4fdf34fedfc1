import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeGallery } from '../../src/vision/gallery/file.ts';
import { galleryOf } from '../../src/vision/gallery/gallery.ts';
import { loadModel } from '../../src/vision/models/load.ts';

/** Turns what `package.py` left in a model's folder, the directions of its classes, into the gallery that ships with it. */
const directions = z.strictObject({ looks: z.array(z.string()), embeddings: z.array(z.array(z.int())) });

const folder = process.argv[2] ?? 'config/models/groceries';
const { manifest } = await loadModel(folder);
const from = join(folder, 'gallery.json');
const { looks, embeddings } = directions.parse(JSON.parse(await readFile(from, 'utf8')));
const references = looks.map((look, index) => ({ look, embedding: Int8Array.from(embeddings[index] ?? []) }));
const path = join(folder, 'gallery.cwg');
await writeGallery(path, galleryOf(manifest.space, manifest.dimensions, references));
await rm(from);
process.stdout.write(`${path}: ${looks.length} looks\n`);
