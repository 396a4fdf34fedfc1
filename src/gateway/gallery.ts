import { Worker } from 'node:worker_threads';
import { z } from 'zod';
import { toGtin14 } from '#base/gtin.ts';
import type { Catalogue } from '#catalogue/products.ts';
import { CommandError } from '#commands/errors.ts';
import type { PlainMap } from '#events/fields.ts';
import { isVisionCode, VisionError } from '#vision/errors.ts';
import { loadModel } from '#vision/models/load.ts';
import { parseArguments } from './arguments.ts';
import type { Adopted, Adoption, GalleryPlace } from './gallery-adopt.ts';
import type { GalleryDone, GalleryJob, StoreGalleryJob } from './gallery-work.ts';
import type { GalleryTask, GalleryTold } from './gallery-worker.ts';

interface GalleryKeeperOptions {
  readonly place: GalleryPlace;
  readonly catalogue: () => Pick<Catalogue, 'version' | 'byGtin' | 'byPlu'>;
  /** Embeds what a camera sees on a plate now. Rejects with a coded error. */
  readonly capture: (camera: string, plate: string) => Promise<Int8Array>;
  /** Hears that the gallery's file was replaced. */
  readonly changed: (path: string) => void;
  /** Does a job; on a thread of its own, where left out. */
  readonly work?:
    | ((place: GalleryPlace, job: GalleryJob | StoreGalleryJob) => Promise<GalleryDone>)
    | undefined;
}

/** Bounds of one request: what fits into 64 KiB, and an answer into 256 KiB. */
const mostPictures = 64;
const mostListed = 1_000;

const product = {
  gtin: z.string().max(14).optional(),
  plu: z.string().max(6).optional(),
  look: z.string().min(1).max(96).optional(),
};
type ProductArgs = { readonly [Name in keyof typeof product]?: string | undefined };
const namesOne = ({ gtin, plu, look }: ProductArgs) =>
  [gtin, plu, look].filter((name) => name !== undefined).length === 1;
const oneName = 'needs either gtin, plu or look';

const enrollArgs = z
  .strictObject({
    ...product,
    embeddings: z
      .array(
        z.custom<Uint8Array>(
          (value) => value instanceof Uint8Array && value.length >= 8 && value.length <= 256,
          { error: 'must be 8 to 256 bytes' },
        ),
      )
      .min(1)
      .max(mostPictures),
    space: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lower-case hexadecimal')
      .optional(),
    replace: z.boolean().default(false),
    keepAll: z.boolean().default(false),
  })
  .refine(namesOne, oneName);
const removeArgs = z.strictObject(product).refine(namesOne, oneName);
const listArgs = z.strictObject({
  from: z.int().nonnegative().default(0),
  count: z.int().min(1).max(mostListed).default(mostListed),
});
const captureArgs = z.strictObject({ camera: z.string().min(1).max(128), plate: z.string().min(1).max(128) });

/**
 * Keeps the device's gallery: takes commands one after the other, reads the file anew for each (the command line may have
 * replaced it), replaces it as a whole and tells the vision process. Pictures never come here, only embeddings.
 */
export class GalleryKeeper {
  readonly #options: GalleryKeeperOptions;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: GalleryKeeperOptions) {
    this.#options = options;
  }

  /** `gallery.enroll`: makes references of embeddings. */
  async enroll(given: unknown): Promise<PlainMap> {
    const args = parseArguments('gallery.enroll', enrollArgs, given);
    const { space, replace, keepAll } = args;
    const embeddings = args.embeddings.map(signed);
    return await this.#answer({
      kind: 'enroll',
      look: this.#lookOf(args),
      embeddings,
      space,
      replace,
      keepAll,
    });
  }

  /** `gallery.remove`: forgets a product. */
  async remove(given: unknown): Promise<PlainMap> {
    const look = this.#lookOf(parseArguments('gallery.remove', removeArgs, given));
    return await this.#answer({ kind: 'remove', look });
  }

  /** `gallery.list`: what products it has, so many from the one with that number on. */
  async list(given: unknown): Promise<PlainMap> {
    const { from, count } = parseArguments('gallery.list', listArgs, given);
    return await this.#answer({ kind: 'list', from, count });
  }

  /** `gallery.capture`: an embedding of what a camera sees now, to enrol here or elsewhere. */
  async capture(given: unknown): Promise<PlainMap> {
    const { camera, plate } = parseArguments('gallery.capture', captureArgs, given);
    const { place, capture } = this.#options;
    const embedding = await capture(camera, plate);
    const { manifest } = await loadModel(place.modelFolder);
    return { space: manifest.space, embeddings: [unsigned(embedding)] };
  }

  /** Which of the store's galleries is in force, and the model's space. Rejects with a coded VisionError. */
  async adopted(): Promise<Adopted> {
    const { adopted } = await this.#do({ kind: 'adopted' });
    if (adopted === undefined) throw new TypeError('the thread that keeps the gallery told nothing');
    return adopted;
  }

  /** Puts a gallery of the store's in force. Rejects with a coded VisionError; then the old one stays. */
  async adopt(received: string, sha256: string): Promise<Adoption> {
    const { adoption } = await this.#do({ kind: 'adopt', received, sha256 });
    if (adoption === undefined) throw new TypeError('the thread that keeps the gallery told nothing');
    return adoption;
  }

  async #answer(job: GalleryJob): Promise<PlainMap> {
    return (await this.#do(job)).data;
  }

  /** Does one job after the other; the vision process hears of a new file. */
  #do(job: GalleryJob | StoreGalleryJob): Promise<GalleryDone> {
    const done = this.#turn.then(async () => {
      const { place, changed, work = onThread } = this.#options;
      const told = await work(place, job);
      if (told.changed) changed(place.path);
      return told;
    });
    this.#turn = done.catch(() => undefined);
    return done;
  }

  #lookOf({ gtin, plu, look }: ProductArgs): string {
    if (look !== undefined) return look;
    const catalogue = this.#options.catalogue();
    const found =
      gtin === undefined ? catalogue.byPlu.get(plu ?? '') : catalogue.byGtin.get(toGtin14(gtin) ?? gtin);
    if (found !== undefined) return found.look;
    throw new CommandError(
      'CW-CMD-008',
      `the catalogue ${catalogue.version} has no product ${gtin ?? plu}; check the number, update the catalogue, or name the key in the gallery with look`,
    );
  }
}

/**
 * Does a job on a thread of its own: reading, judging and writing a gallery of 10,000 products takes a few hundred ms of
 * a Raspberry Pi, which the thread that decides hasn't to spare. Rejects with the job's coded error.
 */
async function onThread(place: GalleryPlace, job: GalleryJob | StoreGalleryJob): Promise<GalleryDone> {
  const task: GalleryTask = { place, job };
  const worker = new Worker(new URL('./gallery-worker.ts', import.meta.url), {
    workerData: task,
    name: 'gallery',
  });
  const told = await new Promise<GalleryTold>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the thread that keeps the gallery ended')));
  });
  if (told.kind === 'done') return told;
  const { code, message } = told;
  if (code !== undefined && isVisionCode(code)) throw new VisionError(code, message);
  // What the system refuses of the store's may work later.
  const failure = job.kind === 'adopted' || job.kind === 'adopt' ? 'CW-VIS-024' : 'CW-VIS-009';
  throw new VisionError(failure, `the gallery can't be read or written: ${message}`);
}

const signed = ({ buffer, byteOffset, length }: Uint8Array) => new Int8Array(buffer, byteOffset, length);
const unsigned = ({ buffer, byteOffset, length }: Int8Array) => new Uint8Array(buffer, byteOffset, length);
