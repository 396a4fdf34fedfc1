import { createRandom, type Random } from '#base/random.ts';
import type { Catalogue, Product } from '#catalogue/products.ts';
import type { Board } from '#config/board.ts';
import { fusionSchema, weighingSchema } from '#config/schema.ts';
import type { CartEvent } from '#events/event.ts';
import { Ledger } from '#events/ledger.ts';
import { Pipeline } from '#pipeline/pipeline.ts';
import { simulatedCalibration } from '#simulation/hardware.ts';
import { playScenario } from '#simulation/play.ts';
import { parseScenario, type Scenario } from '#simulation/scenario.ts';
import type { TimedTruth } from '#traces/replay.ts';
import { type Score, score } from '#traces/score.ts';

type Step = Record<string, unknown>;
/**
 * When a shopper is asked, at the latest, seconds after the thing was let go: a toss settles within 1.5 s and its scan is
 * waited for 1.6 s. What is taken out before that is asked about by nobody, and nothing is charged for it.
 */
const askedAfter = 3.5;
const hands = ['drop', 'place', 'lower', 'toss'];

/** Products that a shopper can scan and whose mass tells them from `other`: 4.65 sigma, so that 1 % are confused. */
const tellsApart = (one: Product, other: Product) =>
  Math.abs((one.grossMg?.mean ?? 0) - (other.grossMg?.mean ?? 0)) >
  4.65 * Math.hypot(one.grossMg?.sd ?? 0, other.grossMg?.sd ?? 0);

/**
 * A shopper's trip by chance, `acts` long: scan and put, put and scan, take out, two at once, something no shop sells,
 * the wrong product under a scan (taken out when asked), pushing, leaning, knocking.
 */
export function randomTrip(seed: number, acts: number, catalogue: Catalogue): Scenario {
  const random = createRandom(seed);
  const sold = catalogue.products.filter((product) => product.sale === 'each' && product.gtin !== undefined);
  const any = (): Product => {
    const product = sold[random.integer(sold.length)];
    if (product === undefined) throw new Error('the catalogue sells nothing by the piece');
    return product;
  };
  const inside: (string | undefined)[] = [];
  const steps: Step[] = [{ scan: { session: 'QR-TEST-0001' } }];
  for (let act = 0; act < acts; act++) steps.push(...randomAct(random, any, inside, act));
  return parseScenario(
    {
      scenario: 1,
      name: `random-trip-${seed}`,
      title: 'A trip by chance.',
      board: 'demo-cart',
      catalogue: 'config/catalogues/demo.json',
      seed,
      steps,
    },
    process.cwd(),
  );
}

function randomAct(random: Random, any: () => Product, inside: (string | undefined)[], act: number): Step[] {
  const how = hands[random.integer(hands.length)];
  const product = any();
  const { gtin } = product;
  const kind = random.next();
  if (kind < 0.55) {
    inside.push(gtin);
    return [{ scan: { gtin } }, { put: { gtin, how } }];
  }
  if (kind < 0.67) {
    inside.push(gtin);
    return [{ put: { gtin, how } }, { scan: { gtin }, after: 0.5 + 2 * random.next() }];
  }
  if (kind < 0.77 && inside.length > 0) {
    const [taken] = inside.splice(random.integer(inside.length), 1);
    // The hand lets go of one thing before it reaches for the next.
    return [{ take: { gtin: taken }, after: 2.2 }];
  }
  if (kind < 0.82) return [{ push: { seconds: 2, speed: 0.8 } }];
  if (kind < 0.86) return [{ lean: { kg: 2, seconds: 1.5 } }];
  if (kind < 0.9) {
    inside.push(gtin, gtin);
    return [{ scan: { gtin } }, { scan: { gtin } }, { put: { gtin, count: 2, how: 'place' } }];
  }
  if (kind < 0.94) {
    const name = `thing ${act}`;
    const unlisted = { name, grossMg: 100_000 + random.integer(900_000) };
    return [{ put: { unlisted, how } }, { take: { unlisted: name }, after: askedAfter }];
  }
  if (kind < 0.97) return [{ knock: {} }];
  let other = any();
  while (!tellsApart(product, other)) other = any();
  return [
    { scan: { gtin } },
    { put: { gtin: other.gtin, how } },
    { take: { gtin: other.gtin }, after: askedAfter },
  ];
}

/** Plays a trip in the simulated world through the daemon's pipeline, in virtual time, and scores it. */
export function scoreTrip(
  scenario: Scenario,
  board: Board,
  catalogue: Catalogue,
): { readonly score: Score; readonly events: readonly CartEvent[] } {
  const events: CartEvent[] = [];
  const truths: TimedTruth[] = [];
  const pipeline = new Pipeline({
    ledger: new Ledger(
      { store: 'test-store', device: 'cart-0001', ledger: '0011223344556677' },
      { boot: 1, nextSequence: 1, versions: { software: 'test' } },
    ),
    board,
    calibration: simulatedCalibration(board),
    catalogue,
    planogram: undefined,
    weighing: weighingSchema.parse({}),
    fusion: fusionSchema.parse({}),
    tokenPattern: /^QR-/u,
    sessionSalt: 'test',
    startUs: 0,
    sink: (event) => events.push(event),
  });
  for (const item of playScenario({ scenario, board, catalogue })) {
    if (item.kind === 'input') pipeline.accept(item.input);
    else if (item.kind === 'truth') truths.push({ truth: item.truth, atUs: item.atUs });
    else pipeline.advance(item.atUs);
  }
  return { score: score(truths, events), events };
}

export interface TripTally {
  trips: number;
  truths: number;
  decided: number;
  asked: number;
  missed: number;
  wrong: number;
  unlisted: number;
  unlistedAsked: number;
  /** What to look at: seed and what went wrong. */
  readonly faults: string[];
}

/** Scores `trips` random trips, seeds from `firstSeed`. */
export function tallyTrips(firstSeed: number, trips: number, board: Board, catalogue: Catalogue): TripTally {
  const tally: TripTally = {
    trips,
    truths: 0,
    decided: 0,
    asked: 0,
    missed: 0,
    wrong: 0,
    unlisted: 0,
    unlistedAsked: 0,
    faults: [],
  };
  for (let seed = firstSeed; seed < firstSeed + trips; seed++) {
    const { score: result } = scoreTrip(randomTrip(seed, 12, catalogue), board, catalogue);
    tally.truths += result.truths;
    tally.decided += result.decided + result.decidedAfterAsking;
    tally.asked += result.asked;
    tally.missed += result.missed;
    tally.wrong += result.wrong;
    tally.unlisted += result.unlisted;
    tally.unlistedAsked += result.unlistedAsked;
    for (const { type, product, atUs } of result.wrongEvents) {
      tally.faults.push(`seed ${seed}: wrong ${type} ${product} at ${atUs} µs`);
    }
    for (const { verdict, kind, product, atUs } of result.verdicts) {
      if (verdict === 'missed') tally.faults.push(`seed ${seed}: missed ${kind} ${product} at ${atUs} µs`);
    }
  }
  return tally;
}
