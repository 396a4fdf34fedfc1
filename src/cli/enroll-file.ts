import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { toGtin14 } from '#base/gtin.ts';
import { plainCause } from '#base/system-error.ts';
import { loadCatalogue } from '#catalogue/load.ts';
import type { Catalogue } from '#catalogue/products.ts';
import { loadConfig } from '#config/load.ts';
import { VisionError } from '#vision/errors.ts';
import { enrol } from '#vision/gallery/enrol.ts';
import { type GalleryFile, writeGallery } from '#vision/gallery/file.ts';
import { emptyGallery, withoutLook } from '#vision/gallery/gallery.ts';
import { galleryInForce } from '#vision/gallery/in-force.ts';
import { type EnrolledTold, tellEnrolled } from '#vision/gallery/told.ts';
import { loadModel, type Model } from '#vision/models/load.ts';
import { type ConfigChoice, chooseConfigOrDemo } from './config-file.ts';
import type { Embedded, EnrolOptions, Gallery, Looks, ProductNames } from './enroll-gallery.ts';
import { CliError } from './errors.ts';
import { notice, shortPath } from './terminal.ts';
import { modelPath } from './vision-eyes.ts';

interface Choice extends ConfigChoice {
  readonly gallery?: string;
  readonly model?: string;
}

/** The model of these options: the one that is named, the configuration's, or the usual one. Rejects with CW-VIS-001 or -003. */
export async function chooseModel({ model, config }: Choice): Promise<Model> {
  if (model !== undefined) return await loadModel(modelPath(model));
  if (config === undefined) return await loadModel(modelPath('groceries'));
  return await loadModel((await loadConfig(config, process.env)).paths.model);
}

/** The product's key in a gallery that no catalogue says more of: its GTIN with 14 digits, or its PLU. Throws CW-CLI-001. */
export function productNumber({ gtin, plu }: ProductNames): string {
  const number = gtin === undefined ? plu : toGtin14(gtin);
  if (number !== undefined && (gtin !== undefined || /^\d{4,5}$/.test(number))) return number;
  const what =
    gtin === undefined
      ? `--plu ${plu}: must have 4 or 5 digits`
      : `--gtin ${gtin}: its check digit or its length is wrong`;
  throw new CliError('CW-CLI-001', what);
}

/** A gallery's file with its model, and the catalogue of the configuration that names them. */
export class GalleryOnDisk implements Gallery {
  readonly name: string;
  readonly model: Model;
  readonly #path: string;
  readonly #catalogue: Catalogue | undefined;

  /**
   * The gallery and model of these options; what they leave out is that of the configuration. Rejects with the coded error
   * of what is missing.
   */
  static async open(choice: Choice): Promise<GalleryOnDisk> {
    const { gallery, model, config } = choice;
    if (gallery !== undefined && config === undefined) {
      return new GalleryOnDisk(resolve(gallery), await chooseModel(choice));
    }
    const { paths } = await loadConfig(
      chooseConfigOrDemo(undefined, config === undefined ? {} : { config }),
      process.env,
    );
    const catalogue = paths.catalogue === undefined ? undefined : await loadCatalogue(paths.catalogue);
    return new GalleryOnDisk(
      gallery === undefined ? paths.gallery : resolve(gallery),
      await loadModel(model === undefined ? paths.model : modelPath(model)),
      catalogue,
    );
  }

  private constructor(path: string, model: Model, catalogue?: Catalogue) {
    this.name = shortPath(path);
    this.#path = path;
    this.model = model;
    this.#catalogue = catalogue;
  }

  async enroll({ embeddings }: Embedded, options: EnrolOptions): Promise<EnrolledTold> {
    const { space, dimensions } = this.model.manifest;
    const gallery = (await this.#inForce())?.gallery ?? emptyGallery(space, dimensions);
    const enrolled = enrol(gallery, this.#lookOf(options), embeddings, options);
    return tellEnrolled(enrolled, await this.#write(enrolled.gallery));
  }

  async remove(product: ProductNames): Promise<{ look: string; removed: boolean }> {
    const look = this.#lookOf(product);
    const file = await this.#inForce();
    const rest = file === undefined ? undefined : withoutLook(file.gallery, look);
    const removed = rest !== undefined && rest !== file?.gallery;
    if (removed) await this.#write(rest);
    return { look, removed };
  }

  async list(): Promise<Looks> {
    const isThere = await stat(this.#path).then(
      () => true,
      () => false,
    );
    const file = await this.#inForce();
    if (!isThere && file !== undefined)
      notice(`there is no ${this.name} yet: this is what comes with the model`);
    return { version: file?.version, looks: file?.gallery.looks ?? [] };
  }

  #inForce(): Promise<GalleryFile | undefined> {
    return galleryInForce(this.#path, this.model);
  }

  async #write(gallery: Parameters<typeof writeGallery>[1]): Promise<string> {
    try {
      return await writeGallery(this.#path, gallery);
    } catch (cause) {
      if (cause instanceof VisionError) throw cause;
      throw new CliError('CW-CLI-004', `${this.name} can't be written: ${plainCause(cause)}`, { cause });
    }
  }

  /** The product's key: what the catalogue says, or its GTIN or PLU. Throws CW-CLI-001 for what is none. */
  #lookOf(product: ProductNames): string {
    if (product.look !== undefined) return product.look;
    const number = productNumber(product);
    const catalogue = this.#catalogue;
    if (catalogue === undefined) {
      notice(`its key in the gallery is ${number}; where a catalogue names another one, give its --config`);
      return number;
    }
    const found = (product.gtin === undefined ? catalogue.byPlu : catalogue.byGtin).get(number);
    if (found === undefined) {
      notice(`the catalogue ${catalogue.version} has no product ${number} yet; it is filed under its number`);
    }
    return found?.look ?? number;
  }
}
