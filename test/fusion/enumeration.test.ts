import test from 'ava';
import fc from 'fast-check';
import { type CartContext, enumerateCart, type Limits } from '#fusion/hypotheses.ts';
import { Learned } from '#fusion/learned.ts';
import { gateZ } from '#fusion/likelihood.ts';
import { MassIndex } from '#fusion/mass-index.ts';
import { posterior } from '#fusion/posterior.ts';
import { priors } from '#fusion/priors.ts';
import { RemovalSets } from '#fusion/removals.ts';
import { Sightings } from '#fusion/sightings.ts';
import type { Lot, PendingScan } from '#fusion/types.ts';
import { catalogueOf, defaultConfig, each } from './harness.ts';

const seed = 20261123;
const shop = Array.from({ length: 14 }, (_, i) => each(`p${i}`, 90 + i * 37 + (i % 3) * 5, 1.5 + (i % 4)));
const catalogue = catalogueOf(shop);
const learned = new Learned(catalogue, 180);
const index = new MassIndex(shop);

interface Inside {
  readonly product: number;
  readonly count: number;
  readonly offMg: number;
  readonly asked: boolean;
}
const inside = fc.record({
  product: fc.nat({ max: shop.length - 1 }),
  count: fc.integer({ min: 1, max: 3 }),
  offMg: fc.integer({ min: -4_000, max: 4_000 }),
  asked: fc.boolean(),
});

function lotOf({ product, count, offMg, asked }: Inside, i: number): Lot {
  const { key, grossMg } = shop[product] ?? { key: '', grossMg: undefined };
  const [mean, sd] = [grossMg?.mean ?? 0, grossMg?.sd ?? 0];
  return {
    id: `lot-${i}`,
    product: key,
    count,
    massMg: count * mean + offMg,
    varMg2: 1e6,
    unitMeanMg: mean,
    unitVarMg2: sd * sd,
    event: '',
    entry: 'scan',
    atUs: 0,
    ...(asked ? { question: 'q' } : {}),
  };
}

interface Taken {
  readonly name: string;
  readonly weight: number;
}

/** Every set of up to four lots with every count, one by one, that weighs `massMg` within the gate. */
function allSets(lots: readonly Lot[], most: number, massMg: number, varMg2: number): Taken[] {
  const ones = new RemovalSets(lots, catalogue, 1).singles;
  const found: Taken[] = [];
  const visit = (from: number, names: readonly string[], mean: number, variance: number, weight: number) => {
    const size = names.length;
    const d = massMg - mean;
    if (size > 0 && d * d <= gateZ * gateZ * (varMg2 + variance)) {
      let kinds = 1;
      for (let i = 0; i < size; i++) kinds = (kinds * (lots.length - i)) / (i + 1);
      const prior = (weight * (priors.removed[size] ?? 0)) / kinds;
      found.push({ name: names.join(' '), weight: prior });
    }
    if (size === most) return;
    for (const [i, lot] of lots.entries()) {
      if (i < from) continue;
      for (const { parts, meanMg, varMg2: more } of ones) {
        const [part] = parts;
        if (part === undefined || part.lot !== lot) continue;
        const factor =
          priors.furtherUnit ** (part.count - 1) * (lot.question === undefined ? 1 : priors.askedRemoved);
        visit(i + 1, [...names, `${lot.id}×${part.count}`], mean + meanMg, variance + more, weight * factor);
      }
    }
  };
  visit(0, [], 0, 0, 1);
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

test('sets of things taken out are found one and all, listed or put together, and what is left out weighs no more than is said', (t) => {
  fc.assert(
    fc.property(
      fc.array(inside, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 80_000, max: 2_500_000 }),
      fc.constantFrom(3, 20, 60, 12_000),
      (things, massMg, limit) => {
        const lots = things.map(lotOf);
        const sets = new RemovalSets(lots, catalogue, 4, limit);
        const name = (parts: readonly { lot?: Lot; count: number }[]) =>
          parts.map(({ lot, count }) => `${lot?.id}×${count}`).join(' ');
        const found: Taken[] = [...sets.matches(massMg, 4e6, 4)].map(({ parts, logPrior }) => ({
          name: name(parts),
          weight: Math.exp(logPrior),
        }));
        let bound = 0;
        for (const deep of sets.deeper(massMg, 4e6, 4)) {
          const most = Math.exp(deep.logBound) * Math.sqrt(2 * Math.PI * 4e6);
          if (deep.sets === undefined) bound += most;
          else {
            const some = [...deep.sets()].map(({ parts, logPrior }) => ({
              name: name(parts),
              weight: Math.exp(logPrior),
            }));
            if (some.reduce((sum, { weight }) => sum + weight, 0) > most * (1 + 1e-9)) return false;
            found.push(...some);
          }
        }
        const all = allSets(lots, 4, massMg, 4e6);
        const left = new Map(all.map(({ name: one, weight }) => [one, weight]));
        for (const { name: one, weight } of found) {
          if (Math.abs((left.get(one) ?? 0) - weight) > 1e-9 * weight) return false;
          left.delete(one);
        }
        return [...left.values()].reduce((sum, weight) => sum + weight, 0) <= bound * (1 + 1e-9);
      },
    ),
    { seed, numRuns: 400 },
  );
  t.pass();
});

const scanned = (product: number, i: number): PendingScan => ({
  scan: { kind: 'scan', event: `s${i}`, source: 'scanner', atUs: i, product: shop[product]?.key ?? '' },
  plates: ['basket'],
  holdUntilUs: 1e9,
});

test('no probability differs from that of listing every explanation by more than what was left out', (t) => {
  fc.assert(
    fc.property(
      fc.array(inside, { maxLength: 7 }),
      fc.array(fc.nat({ max: shop.length - 1 }), { maxLength: 4 }),
      fc.integer({ min: -1_500_000, max: 2_000_000 }),
      fc.integer({ min: 300, max: 4_000 }),
      fc.option(fc.tuple(fc.nat({ max: shop.length - 1 }), fc.integer({ min: 50_000, max: 990_000 })), {
        nil: undefined,
      }),
      (things, scans, massMg, sigmaMg, seen) => {
        const change = {
          plate: 'basket',
          massMg,
          varMg2: sigmaMg * sigmaMg,
          startedAtUs: 1e6,
          settledAtUs: 2e6,
          whileAway: false,
          movements: [],
        };
        const candidates =
          seen === undefined ? [] : [{ look: shop[seen[0]]?.look ?? '', probabilityPpm: seen[1] }];
        const look = { event: 'l', source: 'camera', atUs: 2e6, outcome: 'seen' as const };
        const thing = { moved: false, candidates, unknownPpm: 5_000, ambiguous: false };
        const looks = seen === undefined ? [] : [{ ...look, things: [thing] }];
        const sightings = new Sightings(looks, catalogue, 0.7, 0.5);
        const context: CartContext = {
          catalogue,
          learned,
          index,
          config: defaultConfig,
          change,
          lots: things.map(lotOf),
          sightings,
          scans: scans.map(scanned),
          placedPrior: (pending) => 0.9 - 0.2 * (pending.scan.atUs % 3),
          unlistedOdds: 0,
          logFactor: (one) => sightings.logFactor(one),
          mostLogFactor: sightings.mostLogFactor,
        };
        const weigh = (limits?: Limits) => {
          const { found, logRest } = enumerateCart({
            ...context,
            ...(limits === undefined ? {} : { limits }),
          });
          return posterior(found, logRest);
        };
        const nothingLeft = Number.POSITIVE_INFINITY;
        const exact = weigh({
          gap: nothingLeft,
          deepGap: nothingLeft,
          pairs: nothingLeft,
          removals: nothingLeft,
        });
        const named = new Map(exact.ranked.map((one) => [outcome(one), one.probability]));
        for (const limits of [undefined, { gap: 2, deepGap: 1, pairs: nothingLeft, removals: 6 }]) {
          const pruned = weigh(limits);
          for (const one of pruned.ranked) {
            const truth = named.get(outcome(one)) ?? 0;
            if (truth < one.probability - 1e-9 || truth > one.probability + pruned.rest + 1e-9) return false;
          }
        }
        return exact.rest < 1e-3;
      },
    ),
    { seed, numRuns: 150 },
  );
  t.pass();
});

function outcome({ kind, parts }: ReturnType<typeof posterior>['ranked'][number]): string {
  const counts = new Map<string, number>();
  for (const { sign, product, count } of parts) {
    const name = `${sign}${product?.key}`;
    counts.set(name, (counts.get(name) ?? 0) + count);
  }
  return `${kind} ${[...counts].sort().join(' ')}`;
}
