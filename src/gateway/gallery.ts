import { z } from 'zod';
import { toGtin14 } from '#base/gtin.ts';
import type { Catalogue } from '#catalogue/products.ts';
import { CommandError } from '#commands/errors.ts';
import type { PlainMap } from '#events/fields.ts';
import { enrol } from '#vision/gallery/enrol.ts';
import { checkSpace, type GalleryFile, readGalleryIfAny, writeGallery } from '#vision/gallery/file.ts';
import { emptyGallery, type Gallery, withoutLook } from '#vision/gallery/gallery.ts';
import { galleryInForce } from '#vision/gallery/in-force.ts';
import { tellEnrolled } from '#vision/gallery/told.ts';
import { loadModel } from '#vision/models/load.ts';
import { parseArguments } from './arguments.ts';

export interface GalleryKeeperOptions {
  /** The gallery's file; it may not exist yet. */
  readonly path: string;
  /** Folder of the model in use. */
  readonly modelFolder: string;
  readonly catalogue: Pick<Catalogue, 'version' | 'byGtin' | 'byPlu'>;
  /** Embeds what a camera sees on a plate now. Rejects with a coded error. */
  readonly capture: (camera: string, plate: string) => Promise<readonly Int8Array[]>;
  /** Hears that the gallery's file was replaced. */
  readonly changed: (path: string) => void;
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
    const look = this.#lookOf(args);
    const embeddings = args.embeddings.map(signed);
    return await this.#inTurn(async () => {
      const gallery = await this.#galleryFor(args.space, embeddings[0]?.length ?? 0);
      const { replace, keepAll } = args;
      const enrolled = enrol(gallery, look, embeddings, { replace, keepAll });
      return tellEnrolled(enrolled, await this.#replace(enrolled.gallery));
    });
  }

  /** `gallery.remove`: forgets a product. */
  async remove(given: unknown): Promise<PlainMap> {
    const look = this.#lookOf(parseArguments('gallery.remove', removeArgs, given));
    return await this.#inTurn(async () => {
      const file = await this.#inForce();
      const rest = file === undefined ? undefined : withoutLook(file.gallery, look);
      if (rest === undefined || rest === file?.gallery) return { look, removed: false };
      return { look, removed: true, version: await this.#replace(rest), total: rest.looks.length };
    });
  }

  /** `gallery.list`: what products it has, so many from the one with that number on. */
  async list(given: unknown): Promise<PlainMap> {
    const { from, count } = parseArguments('gallery.list', listArgs, given);
    return await this.#inTurn(async () => {
      const file = await this.#inForce();
      if (file === undefined) return { total: 0, looks: [] };
      const { space, looks } = file.gallery;
      const shown = looks.slice(from, from + count);
      return {
        version: file.version,
        space,
        total: looks.length,
        looks: shown.map(({ look, references, pictures }) => ({ look, references, pictures })),
      };
    });
  }

  /** `gallery.capture`: embeddings of what a camera sees now, to enrol here or elsewhere. */
  async capture(given: unknown): Promise<PlainMap> {
    const { camera, plate } = parseArguments('gallery.capture', captureArgs, given);
    const { modelFolder, capture } = this.#options;
    const embeddings = await capture(camera, plate);
    const { manifest } = await loadModel(modelFolder);
    return { space: manifest.space, embeddings: embeddings.map(unsigned) };
  }

  /** The gallery to add embeddings of that model to: the one in force, or an empty one. */
  async #galleryFor(space: string | undefined, dimensions: number): Promise<Gallery> {
    const file = await this.#inForce();
    if (file !== undefined) {
      if (space !== undefined) checkSpace(file.gallery, space, this.#options.path);
      return file.gallery;
    }
    if (space !== undefined) return emptyGallery(space, dimensions);
    const { manifest } = await loadModel(this.#options.modelFolder);
    return emptyGallery(manifest.space, manifest.dimensions);
  }

  /** The device's gallery, or the model's own where there is none. A model that is missing has none. */
  async #inForce(): Promise<GalleryFile | undefined> {
    const { path, modelFolder } = this.#options;
    const model = await loadModel(modelFolder).catch(() => undefined);
    return model === undefined ? await readGalleryIfAny(path) : await galleryInForce(path, model);
  }

  /** Resolves with the new version. */
  async #replace(gallery: Gallery): Promise<string> {
    const { path, changed } = this.#options;
    const version = await writeGallery(path, gallery);
    changed(path);
    return version;
  }

  #lookOf({ gtin, plu, look }: ProductArgs): string {
    if (look !== undefined) return look;
    const { catalogue } = this.#options;
    const found =
      gtin === undefined ? catalogue.byPlu.get(plu ?? '') : catalogue.byGtin.get(toGtin14(gtin) ?? gtin);
    if (found !== undefined) return found.look;
    throw new CommandError(
      'CW-CMD-008',
      `the catalogue ${catalogue.version} has no product ${gtin ?? plu}; check the number, update the catalogue, or name the key in the gallery with look`,
    );
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

const signed = ({ buffer, byteOffset, length }: Uint8Array) => new Int8Array(buffer, byteOffset, length);
const unsigned = ({ buffer, byteOffset, length }: Int8Array) => new Uint8Array(buffer, byteOffset, length);
