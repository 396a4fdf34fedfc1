import { readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CatalogueError, type CatalogueFinding, StockError } from '#catalogue/errors.ts';
import { maximumCatalogueBytes } from '#catalogue/load.ts';
import type { Catalogue, Planogram } from '#catalogue/products.ts';
import type { PipelineInput } from '#pipeline/inputs.ts';
import type { Stock } from '#pipeline/shop.ts';
import { type Manifest, offerProblem, sha256Hex } from '#uplink/offers.ts';
import { readCatalogueApart, readPlanogramApart } from './stock-work.ts';
import { type FollowerContext, StoreOffer } from './store-offer.ts';
import { storedPath } from './stored-stock.ts';

type What = 'catalogue' | 'planogram';
type StoreInput = Extract<PipelineInput, { kind: 'store' }>;

interface StoreStockOptions extends Omit<FollowerContext, 'push'> {
  readonly device: string;
  /** Files in force at the start. */
  readonly paths: { readonly catalogue: string; readonly planogram?: string | undefined };
  readonly push: (input: Extract<PipelineInput, { kind: 'device-fault' | 'store' }>) => void;
  /** What the pipeline has in force. */
  readonly stock: () => Stock;
  /** Hears that another version is in force, and on the disk. */
  readonly onInForce: () => void;
  /** Reads and checks files; on a thread of its own where left out. */
  readonly read?:
    | {
        readonly catalogue: (path: string) => Promise<Catalogue>;
        readonly planogram: (path: string) => Promise<Planogram>;
      }
    | undefined;
}

const leftOver = /^store-(?:catalogue|planogram)\.[0-9a-f]{16}\.json$/;

/** A file that was checked and waits for the pipeline to put it in force. */
interface Waiting {
  readonly content: Catalogue | Planogram;
  readonly path: string;
  readonly sha256: string;
}

/**
 * Follows the store's catalogue and this device's planogram: what is offered and not in force is fetched, checked and given to the
 * pipeline, which puts it in force between two decisions; then its file becomes the one that the next start begins with.
 */
export class StoreStock {
  readonly #options: StoreStockOptions;
  readonly #offers: Readonly<Record<What, StoreOffer>>;
  readonly #waiting = new Map<What, Waiting>();
  /** SHA-256 of the files in force, once they were looked at. */
  readonly #inForce = new Map<What, string>();
  #turn: Promise<void> = Promise.resolve();

  constructor(options: StoreStockOptions) {
    this.#options = options;
    this.#offers = { catalogue: this.#follow('catalogue'), planogram: this.#follow('planogram') };
  }

  start(): void {
    this.#turn = this.#turn.then(() => this.#sweep());
    this.#offers.catalogue.start();
    this.#offers.planogram.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#offers.catalogue.stop(), this.#offers.planogram.stop()]);
    await this.#turn;
  }

  /** The pipeline has put something in force: its file takes the place of the one before. @param given as the store gave it */
  adopted(given: Stock): void {
    for (const what of ['catalogue', 'planogram'] as const) {
      const waiting = this.#waiting.get(what);
      if (waiting === undefined || waiting.content !== given[what]) continue;
      this.#waiting.delete(what);
      this.#inForce.set(what, waiting.sha256);
      this.#turn = this.#turn.then(() => this.#keep(what, waiting));
    }
  }

  /** What waited when an earlier run ended is fetched again. */
  async #sweep(): Promise<void> {
    const { folder } = this.#options;
    const names = await readdir(folder).catch(() => []);
    const mine = new Set([...this.#waiting.values()].map(({ path }) => path));
    for (const name of names.filter((one) => leftOver.test(one))) {
      const path = join(folder, name);
      if (!mine.has(path)) await rm(path, { force: true });
    }
  }

  async #keep(what: What, { path, content }: Waiting): Promise<void> {
    const { log, folder, onInForce } = this.#options;
    try {
      await rename(path, storedPath(folder, what));
    } catch (error) {
      log.error(
        { err: error, what },
        "what the store gave is in force, but can't be kept for the next start",
      );
    }
    log.info({ what, version: content.version }, `the store's ${what} is in force`);
    onInForce();
    // It may wait for a product of this catalogue.
    if (what === 'catalogue') this.#offers.planogram.again();
  }

  #follow(what: What): StoreOffer {
    const { device } = this.#options;
    return new StoreOffer(this.#options, {
      topic: what === 'catalogue' ? '_store/catalogue' : `_store/planogram/${device}`,
      source: `store-${what}`,
      name: what,
      check: (offered) => checked(what, offered),
      isInForce: (offer) => this.#isInForce(what, offer),
      adopt: (received, offer) => this.#take(what, received, offer),
      failed: (message, cause) => offerError(message, cause),
      kindOf: (code) => (code === 'CW-CAT-014' ? 'configuration' : 'integrity'),
    });
  }

  async #isInForce(what: What, offer: Manifest): Promise<boolean> {
    const waiting = this.#waiting.get(what);
    if (waiting !== undefined) return waiting.sha256 === offer.sha256;
    let sha256 = this.#inForce.get(what);
    const path = this.#options.paths[what];
    if (sha256 === undefined && path !== undefined) {
      sha256 = await readFile(path).then(sha256Hex, () => undefined);
      if (sha256 !== undefined) this.#inForce.set(what, sha256);
    }
    return sha256 === offer.sha256;
  }

  async #take(what: What, received: string, offer: Manifest): Promise<void> {
    const { folder, clock, push } = this.#options;
    if ((await sha256Hex(await readFile(received))) !== offer.sha256) {
      throw offerError(
        `the store's ${what} is not the one that was announced (its SHA-256 differs); publish it again`,
      );
    }
    const stock = await this.#read(what, received);
    const content = stock[what];
    if (content === undefined || content.version !== offer.version) {
      throw offerError(
        `the store's ${what} says that it is version ${content?.version}, it was announced as ${offer.version}; publish it again`,
      );
    }
    if (stock.planogram !== undefined) this.#requireProducts(stock.planogram);
    // Numbered by content: one that waits is not written over by the next.
    const path = join(folder, `store-${what}.${offer.sha256.slice(0, 16)}.json`);
    await rename(received, path);
    this.#waiting.set(what, { content, path, sha256: offer.sha256 });
    push({ kind: 'store', atUs: clock.nowUs(), stock, files: { [what]: path } });
  }

  async #read(what: What, path: string): Promise<StoreInput['stock']> {
    const { catalogue, planogram } = this.#options.read ?? {
      catalogue: readCatalogueApart,
      planogram: readPlanogramApart,
    };
    return what === 'catalogue' ? { catalogue: await catalogue(path) } : { planogram: await planogram(path) };
  }

  /** Throws CW-CAT-014 where the catalogue that is or comes into force lacks a product of it. */
  #requireProducts(planogram: Planogram): void {
    const waiting = this.#waiting.get('catalogue')?.content;
    const catalogue =
      waiting !== undefined && 'products' in waiting ? waiting : this.#options.stock().catalogue;
    const missing: CatalogueFinding[] = [...planogram.byProduct.keys()]
      .filter((key) => !catalogue.byKey.has(key))
      .map((key) => ({
        code: 'CW-CAT-014',
        path: 'plates',
        found: key,
        expected: `a product of catalogue ${catalogue.version}`,
      }));
    const [first, ...rest] = missing;
    if (first !== undefined) throw new CatalogueError(first, rest, "the store's planogram");
  }
}

function checked(what: What, offered: Manifest): Manifest {
  const problem = offerProblem(offered, maximumCatalogueBytes);
  if (problem === undefined) return offered;
  throw offerError(`what the store says of its ${what} is not usable: ${problem}`);
}

function offerError(message: string, cause?: unknown): StockError {
  return new StockError('CW-CAT-019', message, { cause });
}
