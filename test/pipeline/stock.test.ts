import test from 'ava';
import fc from 'fast-check';
import { parseCatalogue, parsePlanogram } from '#catalogue/parse.ts';
import type { Catalogue, Planogram } from '#catalogue/products.ts';
import { planogramWithin } from '#catalogue/swap.ts';
import type { CartEvent, EventOf } from '#events/event.ts';
import { Cart, token } from './support.ts';

const gtin = '04006381333931';
const jar = (priceMinor: number) => ({
  gtin,
  name: 'A jar',
  sale: 'each',
  priceMinor,
  grossMg: { mean: 412_000, sd: 2_600 },
  look: 'jar',
});
const tin = {
  gtin: '04311501043271',
  name: 'A tin',
  sale: 'each',
  priceMinor: 250,
  grossMg: { mean: 230_000, sd: 900 },
};

function stocked(version: string, products: readonly object[], further: object = {}): Catalogue {
  return parseCatalogue({ catalogue: 1, version, currency: 'EUR', products, ...further });
}

const old = stocked('old', [jar(199), tin]);

function give(cart: Cart, stock: { readonly catalogue?: Catalogue; readonly planogram?: Planogram }): void {
  cart.nowUs += 1;
  cart.pipeline.accept({ kind: 'store', atUs: cart.nowUs, stock, files: {} });
}

function begin(): Cart {
  const cart = new Cart({ catalogue: old });
  cart.wait(2);
  cart.command('session.begin', { token });
  return cart;
}

function scan(cart: Cart, code = '4006381333931'): void {
  cart.nowUs += 1;
  cart.pipeline.accept({
    kind: 'scan',
    source: 'handle',
    atUs: cart.nowUs,
    data: new TextEncoder().encode(code),
    symbology: ']E0',
  });
}

const linesOf = (events: readonly CartEvent[]) =>
  events.filter((event): event is EventOf<'basket.line'> => event.type === 'basket.line');

test('a new catalogue prices what comes after it; a line keeps price and version that it was made with', (t) => {
  const cart = begin();
  scan(cart);
  cart.put(412_000);
  give(cart, { catalogue: stocked('new', [jar(299), tin]) });
  scan(cart);
  cart.put(412_000);
  const [first, second] = linesOf(cart.events);
  t.like(first?.data, { line: 1, priceMinor: 199, catalogue: 'old' });
  t.like(second?.data, { line: 2, priceMinor: 299, catalogue: 'new' });
  t.is(first?.versions.catalogue, undefined, 'the test begins without versions');
  t.is(second?.versions.catalogue, 'new', 'and every event names what it was decided with');
  t.is(second?.data.totals.toPayMinor, 498);
});

test('it waits for what is being decided on', (t) => {
  const cart = begin();
  scan(cart);
  cart.massMg += 200_000;
  cart.wait(0.4);
  cart.massMg += 212_000;
  give(cart, { catalogue: stocked('new', [jar(299), tin]) });
  t.is(cart.pipeline.stock.catalogue.version, 'old', 'the plate is not at rest');
  cart.wait(3);
  t.is(cart.pipeline.stock.catalogue.version, 'new');
  t.like(
    linesOf(cart.events)[0]?.data,
    { priceMinor: 199, catalogue: 'old' },
    'decided by the one in force when it began',
  );
});

test('something that never comes to rest does not hold it back for ever', (t) => {
  const cart = begin();
  give(cart, {});
  for (let i = 0; i < 5; i++) {
    cart.massMg += 50_000;
    cart.wait(0.2);
  }
  give(cart, { catalogue: stocked('new', [jar(299)]) });
  for (let i = 0; i < 400 && cart.pipeline.stock.catalogue.version === 'old'; i++) {
    cart.massMg += i % 2 === 0 ? 150_000 : -150_000;
    cart.wait(0.2);
  }
  t.is(cart.pipeline.stock.catalogue.version, 'new');
});

test('an attempt to pay is gone through with the catalogue that it was begun with', (t) => {
  const cart = begin();
  scan(cart);
  cart.put(412_000);
  cart.wait(3);
  cart.command('basket.checkout', {});
  give(cart, { catalogue: stocked('new', [jar(299), tin]) });
  cart.wait(90);
  t.is(cart.pipeline.stock.catalogue.version, 'old');
  cart.command('checkout.cancel', {});
  t.is(cart.pipeline.stock.catalogue.version, 'new');
});

test('another currency, or another way of taxing, waits for the trip to be over', (t) => {
  for (const further of [
    { currency: 'CHF' },
    { taxes: { included: false, rates: [] } },
    { timeZone: 'Asia/Tokyo' },
  ]) {
    const cart = begin();
    give(cart, { catalogue: stocked('new', [jar(299)], further) });
    scan(cart);
    cart.put(412_000);
    cart.wait(70);
    t.is(cart.pipeline.stock.catalogue.version, 'old', JSON.stringify(further));
    cart.command('session.end', {});
    t.is(cart.pipeline.stock.catalogue.version, 'new');
  }
});

test('what lies in the basket stays known until the trip is over, though the new catalogue lacks it', (t) => {
  const cart = begin();
  scan(cart);
  cart.put(412_000);
  give(cart, { catalogue: stocked('new', [tin]) });
  cart.wait(1);
  t.is(cart.pipeline.stock.catalogue.version, 'new');
  cart.put(-412_000);
  cart.wait(2);
  t.is(linesOf(cart.events).at(-1)?.data.count, 0, 'it is taken off when it is taken out');
  scan(cart, '4311501043271');
  cart.put(230_000);
  cart.command('session.end', {});
  cart.wait(1);
  t.false(cart.pipeline.stock.catalogue.byKey.has(`gtin:${gtin}`), 'then it is forgotten');
});

test('a planogram comes into force the same way, without what the catalogue lacks', (t) => {
  const cart = new Cart({ catalogue: old });
  const planogram = parsePlanogram(
    {
      planogram: 1,
      version: 'p-2',
      plates: [
        { plate: 'basket', gtin },
        { plate: 'basket', gtin: tin.gtin },
      ],
    },
    old,
  );
  give(cart, { planogram });
  t.is(cart.pipeline.stock.planogram, planogram);
  t.is(cart.pipeline.versions.planogram, 'p-2');
  give(cart, { catalogue: stocked('new', [tin]) });
  t.deepEqual([...(cart.pipeline.stock.planogram?.byProduct.keys() ?? [])], [`gtin:${tin.gtin}`]);
  give(cart, { catalogue: old });
  t.is(cart.pipeline.stock.planogram?.byProduct.size, 2, 'what was left out is back with its product');
  t.is(planogramWithin(planogram, old), planogram);
});

test('a catalogue that comes at any moment of a trip loses nothing and breaks nothing', (t) => {
  const runs = Math.min(60, Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 60));
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 11 }), { maxLength: 24 }), (acts) => {
      const cart = begin();
      let inBasket = 0;
      acts.forEach((act, index) => {
        if (act < 4) {
          scan(cart);
          cart.put(412_000);
          inBasket += 1;
        } else if (act < 6 && inBasket > 0) {
          cart.put(-412_000);
          inBasket -= 1;
        } else if (act === 6) cart.wait(0.4);
        else {
          const products = act % 2 === 0 ? [jar(100 + index), tin] : [jar(100 + index)];
          give(cart, { catalogue: stocked(`v-${index}`, products) });
        }
      });
      cart.wait(3);
      const last = cart.pipeline.snapshot();
      const units = last?.lines.reduce((sum, { count }) => sum + count, 0);
      const goods = last?.lines.reduce((sum, { priceMinor }) => sum + priceMinor, 0);
      return units === inBasket && last?.totals.finalMinor === goods && last?.questions.length === 0;
    }),
    { numRuns: runs, seed: 7 },
  );
  t.pass();
});
