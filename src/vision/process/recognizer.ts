import { toPpm } from '#base/units.ts';
import { galleryInForce } from '../gallery/in-force.ts';
import { Lookup } from '../gallery/lookup.ts';
import { recognize } from '../gallery/recognize.ts';
import type { Recognition } from '../gallery/types.ts';
import { embedForEnrolment } from '../gallery/views.ts';
import type { Backend } from '../models/backend.ts';
import { openBackend } from '../models/backends.ts';
import { loadModel, type Model } from '../models/load.ts';
import type { Picture, Region } from '../pictures/picture.ts';
import { Sampler } from '../pictures/sample.ts';
import type { VisionSetup } from './messages.ts';
import type { Recognizer } from './parts.ts';
import { patient, Turns } from './turns.ts';

/**
 * Opens the model, then its gallery: a product can be enrolled also where the gallery can't be used. Rejects with a coded
 * VisionError where the model can't.
 */
export async function loadRecognizer({
  model: path,
  backend: name,
  threads,
  gallery,
  looks,
}: Pick<VisionSetup, 'backend' | 'threads' | 'gallery' | 'looks'> & {
  readonly model: string;
}): Promise<Recognizer> {
  const model = await loadModel(path);
  const recognizer = new ModelRecognizer(await openBackend(name, model, { threads }), model, looks);
  // What is wrong with it is kept in `galleryProblem`.
  await recognizer.readGallery(gallery).catch(() => undefined);
  return recognizer;
}

class ModelRecognizer implements Recognizer {
  readonly backend: string;
  readonly model: string;
  inferenceMs: number | undefined;
  galleryProblem: unknown;
  galleryVersion: string | undefined;
  readonly #backend: Backend;
  readonly #model: Model;
  readonly #looks: ReadonlySet<string>;
  readonly #sampler: Sampler;
  readonly #pixels: Uint8Array;
  #lookup: Lookup | undefined;
  #enrolledPpm = 0;
  /** A backend takes one call after the other; looks go before enrolments. */
  readonly #turns = new Turns();

  constructor(backend: Backend, model: Model, looks: readonly string[]) {
    const { side, name } = backend;
    this.backend = name;
    this.model = `${model.manifest.name} ${model.manifest.version}`;
    this.#backend = backend;
    this.#model = model;
    this.#looks = new Set(looks);
    this.#sampler = new Sampler(side);
    this.#pixels = new Uint8Array(side * side * 3);
  }

  get enrolledPpm(): number {
    return this.#enrolledPpm;
  }

  async recognize(picture: Picture, crop: Region): Promise<Recognition> {
    return await this.#turns.take(async () => {
      const lookup = this.#lookup;
      if (lookup === undefined) return { candidates: [], unknownPpm: 0, cosine: -1, ambiguous: false };
      this.#sampler.sample(picture, crop, this.#pixels);
      const started = performance.now();
      const embedding = await this.#backend.embed(this.#pixels, 1);
      this.inferenceMs = performance.now() - started;
      return recognize(lookup, embedding, this.#model.manifest);
    });
  }

  async embed(picture: Picture, crop: Region): Promise<Int8Array> {
    return await embedForEnrolment(patient(this.#backend, this.#turns), picture, crop);
  }

  async readGallery(path: string | undefined): Promise<void> {
    try {
      const found = await galleryInForce(path, this.#model);
      this.#lookup = found === undefined ? undefined : new Lookup(found.gallery);
      const enrolled = found?.gallery.looks.filter(({ look }) => this.#looks.has(look)).length ?? 0;
      this.#enrolledPpm = toPpm(enrolled / Math.max(1, this.#looks.size));
      this.galleryVersion = found?.version;
      this.galleryProblem = undefined;
    } catch (error) {
      this.galleryProblem = error;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#turns.idle();
    await this.#backend.close();
  }
}
