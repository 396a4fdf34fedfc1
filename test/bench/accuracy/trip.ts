import { createRandom } from '#base/random.ts';
import type { Planogram } from '#catalogue/products.ts';
import type { Board } from '#config/board.ts';
import { tokenPayload } from '#simulation/payloads.ts';
import { putDown } from '#simulation/physics/handling.ts';
import { Answers } from './answers.ts';
import { cartActs } from './cart-acts.ts';
import type { Goods } from './catalogue.ts';
import type { Engine, Shop } from './engines.ts';
import type { Looks } from './looks.ts';
import { Shelf, shelfActs } from './shelf-acts.ts';
import { Shopper } from './shopper.ts';
import { type Doing, type Keeper, Stage, type Thing } from './stage.ts';
import { type CartTier, drawAct, type ShelfTier, type TierName, tiers } from './tiers.ts';

/** What trips are played with. */
export interface Setting {
  readonly cart: Board;
  readonly shelf: Board;
  readonly goods: Goods;
  readonly looks: Looks;
}

interface TripOptions {
  readonly tier: TierName;
  readonly seed: number;
  readonly setting: Setting;
  /** Whether cameras say anything. */
  readonly cameras: boolean;
  readonly makeEngine: (shop: Shop) => Engine;
  readonly keeper?: Keeper | undefined;
}

/**
 * Plays one trip in the simulated world in virtual time, from the first thing to the checkout, with somebody who answers
 * what the engine asks. The same seed gives the same intentions to every engine; what is asked changes what follows.
 */
export function playTrip(options: TripOptions): { readonly stage: Stage; readonly shop: Shop } {
  const tier = tiers[options.tier];
  return tier.kind === 'cart' ? playCart(options, tier) : playShelf(options, tier);
}

/** What a trip of that tier and seed is played with: the planogram of a shelf depends on the seed. */
export function shopOf({ tier, seed, setting }: Pick<TripOptions, 'tier' | 'seed' | 'setting'>): Shop {
  const { catalogue } = setting.goods;
  if (tiers[tier].kind === 'cart') return { board: setting.cart, catalogue, planogram: undefined };
  return { board: setting.shelf, catalogue, planogram: makePlanogram(setting, seed) };
}

function playCart(options: TripOptions, tier: CartTier): { stage: Stage; shop: Shop } {
  const { setting, seed, cameras, makeEngine, keeper } = options;
  const shop = shopOf(options);
  const random = createRandom(seed).fork('plan');
  const stage = new Stage({
    board: shop.board,
    goods: setting.goods,
    looks: cameras ? setting.looks : undefined,
    seed,
    engine: makeEngine(shop),
    stock: [],
    climate: { startKelvin: 8 * (random.next() - 0.5), kelvinPerHour: 6 * (random.next() - 0.5) },
    keeper,
  });
  const plate = shop.board.plates.find(({ cells }) => cells !== undefined)?.id ?? '';
  const shopper = new Shopper(stage, tier.manner, plate);
  const count = tier.acts[0] + random.integer(tier.acts[1] - tier.acts[0] + 1);
  const acts = Array.from({ length: count }, () => drawAct(tier.mix, random.next()));
  stage.begin(tripOf(shopper, acts, random.next() < tier.bagAtStart));
  stage.play();
  return { stage, shop };
}

function* tripOf(shopper: Shopper, acts: readonly (keyof typeof cartActs)[], bag: boolean): Doing {
  const { stage } = shopper;
  const answers = new Answers(shopper);
  yield 3;
  stage.read(tokenPayload('QR-BENCH-0001'));
  yield 2;
  if (bag) {
    stage.label = 'bag put in and tared';
    const thing = stage.strange(shopper.between(20_000, 450_000), { forSale: false });
    stage.put([thing], shopper.plate, putDown('place', shopper.random), shopper.somewhere());
    yield 3;
    stage.command('tare', { plate: shopper.plate });
    yield 2;
  }
  for (const act of acts) {
    stage.label = act;
    yield* cartActs[act](shopper);
    yield* answers.look();
  }
  stage.label = 'checkout';
  yield 4;
  yield* answers.settleAll();
  yield 3;
  stage.command('session.end', {});
  yield 1;
}

function playShelf(options: TripOptions, tier: ShelfTier): { stage: Stage; shop: Shop } {
  const { setting, seed, cameras, makeEngine, keeper } = options;
  const shop = shopOf(options);
  const homes = shop.planogram?.byPlate ?? new Map<string, readonly string[]>();
  const random = createRandom(seed).fork('plan');
  const stock = stockOf(setting, shop, homes, seed);
  const stage = new Stage({
    board: shop.board,
    goods: setting.goods,
    looks: cameras ? setting.looks : undefined,
    seed,
    engine: makeEngine(shop),
    stock,
    climate: { startKelvin: 8 * (random.next() - 0.5), kelvinPerHour: 6 * (random.next() - 0.5) },
    homes,
    keeper,
  });
  const shelf = new Shelf(stage, stock, homes);
  const count = tier.acts[0] + random.integer(tier.acts[1] - tier.acts[0] + 1);
  const acts = Array.from({ length: count }, () => drawAct(tier.mix, random.next()));
  stage.begin(visitsOf(shelf, acts));
  stage.play();
  return { stage, shop };
}

function* visitsOf(shelf: Shelf, acts: readonly (keyof typeof shelfActs)[]): Doing {
  yield 5;
  for (const act of acts) {
    shelf.stage.label = act;
    yield* shelfActs[act](shelf);
    yield shelf.pause(4);
  }
  yield 6;
}

/** Goods of eight plates: neighbours are of one kind of mass now and then, one plate in four holds two products. */
function makePlanogram({ goods, shelf }: Setting, seed: number): Planogram {
  const random = createRandom(seed).fork('planogram');
  const light = goods.packaged.filter(({ grossMg }) => (grossMg?.mean ?? 0) < 1_300_000);
  const byPlate = new Map<string, readonly string[]>();
  const byProduct = new Map<string, string[]>();
  const used = new Set<string>();
  const fresh = () => {
    let product = goods.any(random, light);
    while (used.has(product.key)) product = goods.any(random, light);
    used.add(product.key);
    return product;
  };
  for (const { id } of shelf.plates) {
    const products = random.next() < 0.25 ? [fresh(), fresh()] : [fresh()];
    byPlate.set(
      id,
      products.map(({ key }) => key),
    );
    for (const { key } of products) byProduct.set(key, [id]);
  }
  return { version: `bench-${seed}`, byPlate, byProduct };
}

function stockOf(
  { goods }: Setting,
  { board, catalogue }: Shop,
  homes: ReadonlyMap<string, readonly string[]>,
  seed: number,
): Thing[] {
  const random = createRandom(seed).fork('stock');
  const things: Thing[] = [];
  for (const plate of board.plates) {
    for (const key of homes.get(plate.id) ?? []) {
      const product = catalogue.byKey.get(key);
      if (product === undefined) continue;
      const count = Math.min(8, Math.max(3, Math.floor(5_000_000 / (product.grossMg?.mean ?? 1_000_000))));
      for (let unit = 0; unit < count; unit++) {
        const at = [Math.round(60 * (random.next() - 0.5)), Math.round(60 * (random.next() - 0.5))] as const;
        const massMg = goods.draw(product, random);
        // Below zero: things of the stage itself count up from 0.
        things.push({
          id: -1 - things.length,
          product,
          forSale: true,
          massMg,
          lies: { plate: plate.id, at },
        });
      }
    }
  }
  return things;
}
