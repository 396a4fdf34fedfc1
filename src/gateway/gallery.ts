import { z } from 'zod';
import { toGtin14 } from '#base/gtin.ts';
import type { Catalogue } from '#catalogue/products.ts';
import type { Handler } from '#commands/desk.ts';
import { CommandError } from '#commands/errors.ts';
import type { PlainMap } from '#events/fields.ts';
import { VisionError } from '#vision/errors.ts';
import { type Enrolled, enrol } from '#vision/gallery/enrol.ts';
import { checkSpace, readGalleryIfAny, writeGallery } from '#vision/gallery/file.ts';
import { emptyGallery, type Gallery, withoutLook } from '#vision/gallery/gallery.ts';
import { parseArguments } from './arguments.ts';

/** What the keeper needs of the vision process; absent where the board has no camera that recognizes things. */
export interface Eyes {
  /** `space` of the model in use. Rejects with a coded error while none is loaded. */
  space(): Promise<string>;
  /** Embeddings of what a camera sees on a plate now. Rejects with a coded error. */
  capture(camera: string, plate: string): Promise<readonly Int8Array[]>;
  /** The gallery's file was replaced. */
  galleryChanged(path: string): void;
}

export interface GalleryKeeperOptions {
  /** The gallery's file; it may not exist yet. */
  readonly path: string;
  readonly catalogue: Pick<Catalogue, 'version' | 'byGtin' | 'byPlu'>;
  readonly eyes?: Eyes | undefined;
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
      .array(z.instanceof(Uint8Array, { error: 'must be bytes' }))
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

  /** The commands `gallery.…`, by name. */
  static handlers(keeper: GalleryKeeper): ReadonlyMap<string, Handler> {
    return new Map<string, Handler>([
      ['gallery.enroll', (args) => keeper.#enroll(parseArguments('gallery.enroll', enrollArgs, args))],
      ['gallery.remove', (args) => keeper.#remove(parseArguments('gallery.remove', removeArgs, args))],
      ['gallery.list', (args) => keeper.#list(parseArguments('gallery.list', listArgs, args))],
      ['gallery.capture', (args) => keeper.#capture(parseArguments('gallery.capture', captureArgs, args))],
    ]);
  }

  #enroll(args: z.infer<typeof enrollArgs>): Promise<PlainMap> {
    const look = this.#lookOf(args);
    const embeddings = args.embeddings.map(signed);
    return this.#inTurn(async () => {
      const gallery = await this.#galleryFor(args.space, embeddings[0]?.length ?? 0);
      const { replace, keepAll } = args;
      const enrolled = enrol(gallery, look, embeddings, { replace, keepAll });
      return { ...enrolledData(enrolled), ...(await this.#replace(enrolled.gallery)) };
    });
  }

  #remove(args: z.infer<typeof removeArgs>): Promise<PlainMap> {
    const look = this.#lookOf(args);
    return this.#inTurn(async () => {
      const file = await readGalleryIfAny(this.#options.path);
      const rest = file === undefined ? undefined : withoutLook(file.gallery, look);
      if (file === undefined || rest === undefined || rest === file.gallery) return { look, removed: false };
      return { look, removed: true, ...(await this.#replace(rest)) };
    });
  }

  #list({ from, count }: z.infer<typeof listArgs>): Promise<PlainMap> {
    return this.#inTurn(async () => {
      const file = await readGalleryIfAny(this.#options.path);
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

  async #capture({ camera, plate }: z.infer<typeof captureArgs>): Promise<PlainMap> {
    const { eyes } = this.#options;
    if (eyes === undefined) {
      throw new VisionError(
        'CW-VIS-019',
        'this device recognizes nothing: no camera of its board looks at things, or no model is configured',
      );
    }
    const embeddings = await eyes.capture(camera, plate);
    return {
      space: await eyes.space(),
      embeddings: embeddings.map(
        ({ buffer, byteOffset, length }) => new Uint8Array(buffer, byteOffset, length),
      ),
    };
  }

  /** The gallery as it is, or an empty one; of the model that made the embeddings, where that is known. */
  async #galleryFor(space: string | undefined, dimensions: number): Promise<Gallery> {
    const { path, eyes } = this.#options;
    const file = await readGalleryIfAny(path);
    const wanted = space ?? (await eyes?.space());
    if (file !== undefined) {
      // What was all removed may begin anew with another model.
      if (wanted !== undefined && file.gallery.looks.length > 0) checkSpace(file.gallery, wanted, path);
      if (file.gallery.looks.length > 0) return file.gallery;
    }
    const of = wanted ?? file?.gallery.space;
    if (of !== undefined) return emptyGallery(of, dimensions);
    throw new CommandError(
      'CW-CMD-008',
      'gallery.enroll: the gallery is empty and no model is in use; give space, the SHA-256 that the manifest of the embeddings’ model names',
    );
  }

  async #replace(gallery: Gallery): Promise<{ readonly version: string; readonly total: number }> {
    const { path, eyes } = this.#options;
    const version = await writeGallery(path, gallery);
    eyes?.galleryChanged(path);
    return { version, total: gallery.looks.length };
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
const toPpm = (cosine: number) => Math.round(cosine * 1_000_000);

/** What was done, for the answer: pictures are numbered from 1, as they were sent. */
function enrolledData(enrolled: Enrolled): PlainMap {
  const { look, pictures, references, rejected, confused, nearest } = enrolled;
  return {
    look,
    pictures,
    references,
    rejected: rejected.map(({ picture, resembles }) => ({
      picture: picture + 1,
      ...(resembles === undefined ? {} : { resembles }),
    })),
    confused: confused.map(({ picture, look: other }) => ({ picture: picture + 1, look: other })),
    ...(nearest === undefined
      ? {}
      : { nearest: { look: nearest.look, cosinePpm: toPpm(nearest.cosine), similar: nearest.similar } }),
  };
}
