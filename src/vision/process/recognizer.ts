import { readGalleryIfAny } from '../gallery/file.ts';
import { galleryInForce } from '../gallery/in-force.ts';
import { Lookup } from '../gallery/lookup.ts';
import { recognize } from '../gallery/recognize.ts';
import type { Recognition } from '../gallery/types.ts';
import { embedForEnrolment } from '../gallery/views.ts';
import type { Backend } from '../models/backend.ts';
import { openBackend } from '../models/backends.ts';
import { loadModel } from '../models/load.ts';
import type { ModelManifest } from '../models/manifest.ts';
import type { Picture, Region } from '../pictures/picture.ts';
import { Sampler } from '../pictures/sample.ts';
import type { VisionSetup } from './messages.ts';
import type { Recognizer } from './parts.ts';

/**
 * Opens the model and its gallery: the configured one, or where that isn't there the one that came with the model.
 * Rejects with a coded VisionError.
 */
export async function loadRecognizer({
  model: path,
  backend: name,
  threads,
  gallery,
}: Pick<VisionSetup, 'backend' | 'threads' | 'gallery'> & { readonly model: string }): Promise<Recognizer> {
  const model = await loadModel(path);
  const found = await galleryInForce(gallery, model);
  const backend = await openBackend(name, model, { threads });
  return new ModelRecognizer(
    backend,
    model.manifest,
    found === undefined ? undefined : new Lookup(found.gallery),
  );
}

class ModelRecognizer implements Recognizer {
  readonly backend: string;
  readonly model: string;
  inferenceMs: number | undefined;
  readonly #backend: Backend;
  readonly #manifest: ModelManifest;
  readonly #sampler: Sampler;
  readonly #pixels: Uint8Array;
  #lookup: Lookup | undefined;
  /** A backend takes one call after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(backend: Backend, manifest: ModelManifest, lookup: Lookup | undefined) {
    const { side, name } = backend;
    this.backend = name;
    this.model = `${manifest.name} ${manifest.version}`;
    this.#backend = backend;
    this.#manifest = manifest;
    this.#lookup = lookup;
    this.#sampler = new Sampler(side);
    this.#pixels = new Uint8Array(side * side * 3);
  }

  get hasGallery(): boolean {
    return this.#lookup !== undefined && this.#lookup.looks.length > 0;
  }

  async recognize(picture: Picture, crop: Region): Promise<Recognition> {
    return await this.#inTurn(async () => {
      const lookup = this.#lookup;
      if (lookup === undefined) return { candidates: [], unknownPpm: 0, cosine: -1, ambiguous: false };
      this.#sampler.sample(picture, crop, this.#pixels);
      const started = performance.now();
      const embedding = await this.#backend.embed(this.#pixels, 1);
      this.inferenceMs = performance.now() - started;
      return recognize(lookup, embedding, this.#manifest);
    });
  }

  async embed(picture: Picture, crop?: Region): Promise<Int8Array> {
    return await this.#inTurn(() => embedForEnrolment(this.#backend, picture, crop));
  }

  async readGallery(path: string): Promise<void> {
    const found = await readGalleryIfAny(path, this.#manifest.space);
    if (found !== undefined) this.#lookup = new Lookup(found.gallery);
  }

  async close(): Promise<void> {
    await this.#turn;
    await this.#backend.close();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}
