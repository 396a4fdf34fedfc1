import { usPerMs, usPerSecond } from '#base/units.ts';
import type { Product } from '#catalogue/products.ts';
import type { CartEvent } from '#events/event.ts';
import type { PipelineInput } from '#pipeline/inputs.ts';
import type { Pipeline } from '#pipeline/pipeline.ts';
import type { Movement } from '#weighing/outputs.ts';
import { type Claim, Ledger } from './claims.ts';
import { type Engine, makePipeline, type Shop } from './engines.ts';

/** So long after settling a scan is waited for, and so long a scan waits for its thing: as the gateway does. */
const waitUs = 800 * usPerMs;
const holdUs = 15 * usPerSecond;
/** A scan so long after a thing that was put in without one is still of that thing. */
const lateUs = 5 * usPerSecond;

interface Held {
  readonly product: Product;
  count: number;
}

/**
 * What one would write first: what is put in is what was scanned last, as often as the mass says; without a scan it is the
 * product of the nearest mass; what is taken out is the line of the nearest mass. It has the gateway's own scales, never
 * asks, and never doubts.
 */
export class NaiveEngine implements Engine {
  readonly ledger = new Ledger();
  readonly decisionMs: readonly number[] = [];
  readonly weighs = true;
  onMovement: (movement: Movement) => void = () => {};
  readonly #shop: Shop;
  readonly #pipeline: Pipeline;
  readonly #inside: Held[] = [];
  #scan: { readonly product: Product; readonly atUs: number } | undefined;
  #waiting: Movement[] = [];
  #guess: { readonly claim: Claim; readonly movement: Movement; readonly held: Held } | undefined;
  #claims = 0;

  constructor(shop: Shop) {
    this.#shop = shop;
    this.#pipeline = makePipeline(
      shop,
      (event) => this.#hear(event),
      (movement) => {
        this.#waiting.push(movement);
        this.onMovement(movement);
      },
    );
  }

  get nowUs(): number {
    return this.#pipeline.nowUs;
  }

  accept(input: PipelineInput): boolean {
    this.#due(input.atUs);
    if (input.kind === 'command' && input.command === 'item.identify') {
      const { gtin, plu } = input.args;
      const product = this.#shop.catalogue.byKey.get(gtin === undefined ? `plu:${plu}` : `gtin:${gtin}`);
      if (product !== undefined) this.#scanned(product, input.atUs);
      return true;
    }
    this.#pipeline.accept(input);
    this.#due(input.atUs);
    return true;
  }

  advance(atUs: number): void {
    this.#pipeline.advance(atUs);
    this.#due(atUs);
  }

  #hear(event: CartEvent): void {
    if (event.type !== 'scan.read') return;
    const { gtin, plu } = event.data;
    const product = this.#shop.catalogue.byKey.get(gtin === undefined ? `plu:${plu}` : `gtin:${gtin}`);
    if (product !== undefined) this.#scanned(product, event.atUs);
  }

  #scanned(product: Product, atUs: number): void {
    const guess = this.#guess;
    this.#guess = undefined;
    if (guess !== undefined && atUs - guess.claim.atUs <= lateUs) {
      this.ledger.corrected.add(guess.claim.id);
      this.#inside.splice(this.#inside.indexOf(guess.held), 1);
      this.#add(product, guess.movement, atUs, guess.claim.id);
      return;
    }
    this.#scan = { product, atUs };
  }

  #due(atUs: number): void {
    for (const movement of [...this.#waiting]) {
      const scan = this.#scan;
      const shelf = this.#isShelf(movement.plate);
      const named = !shelf && movement.massMg > 0 && scan !== undefined && atUs - scan.atUs <= holdUs;
      if (!named && !shelf && movement.massMg > 0 && atUs < movement.settledAtUs + waitUs) continue;
      this.#waiting.splice(this.#waiting.indexOf(movement), 1);
      if (shelf) this.#onShelf(movement, atUs);
      else if (movement.massMg <= 0) this.#remove(movement, atUs);
      else if (named && scan !== undefined) {
        this.#scan = undefined;
        this.#add(scan.product, movement, atUs);
      } else this.#guessOf(movement, atUs);
    }
  }

  #isShelf(plate: string): boolean {
    return this.#shop.board.plates.find(({ id }) => id === plate)?.kind === 'shelf';
  }

  #guessOf(movement: Movement, atUs: number): void {
    const product = nearest(this.#shop.catalogue.products, movement.massMg);
    if (product === undefined) return;
    const claim = this.#claim(product, 1, 1, movement, atUs);
    const held = { product, count: 1 };
    this.#inside.push(held);
    this.#guess = { claim, movement, held };
  }

  #add(product: Product, movement: Movement, atUs: number, corrects?: string): void {
    const count = countOf(product, movement.massMg);
    this.#inside.push({ product, count });
    this.#claim(product, 1, count, movement, atUs, corrects);
  }

  #remove(movement: Movement, atUs: number): void {
    const products = this.#inside.map((held) => held.product);
    const product = nearest(products, -movement.massMg);
    const held = this.#inside.find((one) => one.product === product);
    if (product === undefined || held === undefined) return;
    const count = Math.min(held.count, countOf(product, -movement.massMg));
    held.count -= count;
    if (held.count === 0) this.#inside.splice(this.#inside.indexOf(held), 1);
    this.#claim(product, -1, count, movement, atUs);
  }

  #onShelf(movement: Movement, atUs: number): void {
    const { planogram, catalogue } = this.#shop;
    const keys = planogram?.byPlate.get(movement.plate) ?? [];
    const home = keys.flatMap((key) => catalogue.byKey.get(key) ?? []);
    const product = nearest(home, Math.abs(movement.massMg));
    if (product === undefined) return;
    this.#claim(
      product,
      movement.massMg > 0 ? 1 : -1,
      countOf(product, Math.abs(movement.massMg)),
      movement,
      atUs,
    );
  }

  #claim(
    product: Product,
    sign: 1 | -1,
    count: number,
    movement: Movement,
    atUs: number,
    corrects?: string,
  ): Claim {
    const { plate, massMg, startedAtUs, settledAtUs } = movement;
    const id = `naive ${this.#claims++}`;
    const said = { product: product.key, sign, count, plate, massMg, startedAtUs, settledAtUs, atUs };
    const claim: Claim = { id, ...said, probabilityPpm: 1_000_000, corrects };
    this.ledger.claims.push(claim);
    return claim;
  }
}

function nearest(products: readonly Product[], massMg: number): Product | undefined {
  const distance = ({ grossMg }: Product) => Math.abs((grossMg?.mean ?? Number.POSITIVE_INFINITY) - massMg);
  return products.reduce<Product | undefined>(
    (best, one) => (best === undefined || distance(one) < distance(best) ? one : best),
    undefined,
  );
}

/** How many units a mass is, one to four (nobody takes more at once); a handful of produce is one whatever it weighs. */
function countOf({ sale, grossMg }: Product, massMg: number): number {
  if (sale === 'weight' || grossMg === undefined) return 1;
  return Math.min(4, Math.max(1, Math.round(massMg / grossMg.mean)));
}
