import { readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeError } from '#base/errors.ts';
import type { Product } from '#catalogue/products.ts';
import { GatewayError } from './errors.ts';

/** Pictures of produce that come with the software. */
const ownFolder = fileURLToPath(new URL('../../config/cutouts/', import.meta.url));
const endings: ReadonlySet<string> = new Set(['.webp', '.png', '.jpg']);
const named = /^[\w-]{1,128}$/;

/** Which products there are pictures of, and where. Only files that were there at the start can be asked for. */
export class ProductPictures {
  readonly #files: ReadonlyMap<string, string>;

  private constructor(files: ReadonlyMap<string, string>) {
    this.#files = files;
  }

  /**
   * Lists the pictures that come with the software and those of `folder`, which come first.
   * Rejects with CW-GWY-006 where that can't be read.
   */
  static async list(folder?: string): Promise<ProductPictures> {
    const files = new Map<string, string>();
    for (const from of folder === undefined ? [ownFolder] : [ownFolder, folder]) {
      const names = await readdir(from).catch((cause: unknown) => {
        throw new GatewayError(
          'CW-GWY-006',
          `the pictures of products can't be read: ${describeError(cause)}; set display.pictures to a folder, or leave it out`,
          { cause },
        );
      });
      for (const name of names) {
        const key = name.slice(0, -extname(name).length);
        if (endings.has(extname(name).toLowerCase()) && named.test(key)) files.set(key, join(from, name));
      }
    }
    return new ProductPictures(files);
  }

  /** Name of a product's picture: by GTIN, PLU or look. */
  nameOf({ gtin, plu, look }: Pick<Product, 'gtin' | 'plu' | 'look'>): string | undefined {
    return [gtin, plu, look].find((key) => key !== undefined && this.#files.has(key));
  }

  /** The file of a name that `nameOf` gave. */
  file(name: string): string | undefined {
    return this.#files.get(name);
  }
}
