/**
 * Prior weights of what a shopper does between two moments of rest. They are relative to each other; the ones a store
 * may want to change are configuration.
 */
export const priors = {
  /** A fresh scan is placed in the next movement that begins. */
  scanPlaced: 0.93,
  /** A scan that comes once a movement has begun, and before it settles or after another announced it, is about it. */
  scanDuring: 0.4,
  /** A scan that was asked about, or that waits with another question, is placed in this one. */
  oldScanPlaced: 0.4,
  /** A scan that movements passed by before something else was scanned: squared if that happened twice. */
  overtakenScanPlaced: 0.1,
  /** A scan that comes after the latest movement has settled, and that no scan announced, is about it rather than the next. */
  lateScan: 0.85,
  /** A scan that waits with the question was of the thing, although it didn't explain it alone. */
  ownScan: 0.5,
  /** Each further product, or unscanned further unit, that scans after the fact explain together. */
  lateFurther: 0.1,
  /** An exchange that nobody scanned when it happened is so much less likely to be what a late scan (not a pick) explains. */
  lateExchange: 0.005,
  /** What was overtaken goes in beside what was scanned since, rather than alone. */
  overtakenBeside: 0.1,
  /** A product that the shopper picked for this very question. */
  pickedPlaced: 0.97,
  /** One more unit than was scanned; squared for two more. */
  extraUnit: 0.02,
  /** The same while other scanned products go in with it. */
  extraUnitBeside: 0.003,
  /** Something is put in without a scan, alone: about one shopper in eight scans after placing … */
  unscanned: 0.12,
  /** … loose produce, which has no code to be scanned, where a camera names it; spread over all produce … */
  unscannedProduce: 0.3,
  /** … beside something scanned: two things follow each other so closely that they settle together one time in four … */
  unscannedBeside: 0.03,
  /** … or two such things at once. */
  unscannedPair: 0.003,
  /** What lies in the cart already is so much likelier than the average product to be put in without a scan: one for each child. */
  boughtAlready: 3,
  /** What was taken out, and nobody could name, comes back. */
  putBack: 0.04,
  /** One thing is taken out, two, or three at once. */
  removed: [0, 0.05, 0.005, 0.001, 0.0003],
  /** A thing that was asked about is so much likelier to be the one taken out again. */
  askedRemoved: 5,
  /** One thing comes out while scanned ones go in, two, or three: by the number taken out. */
  exchanged: [1, 0.1, 0.01, 0.001, 0.0001],
  /** Something comes out while something unscanned goes in. */
  unscannedSwap: 0.01,
  /** Something happened and left nothing: a hand, a bump, a bag shifted. */
  nothing: 0.3,
  /** Each further unit of one product in one movement. */
  furtherUnit: 0.12,
} as const;

/**
 * Where mass alone has to vouch for a unit that nobody scanned, the probability left for everything else must be this
 * many times smaller than usual (0.1 % instead of 3 %): among thousands of products some always weigh just that, the
 * priors of carelessness are the least certain numbers here, and asking costs a scan while a wrong charge costs trust.
 */
export const unsupportedStrictness = 30;

/** What a disturbance may leave behind although nothing was put in or taken out (friction, a bag leaning), mg. */
export const disturbanceSdMg = 1_500;
/** The same where a thing was lifted and set down again, maybe somewhere else: corners and repeatability of a plate, mg. */
export const setDownSdMg = 700;

/**
 * How often a thing that was put in or taken out leaves a camera's view as it was: it lies under others, behind them, or is
 * as dark as they are. Measured on composites where the camera sees the whole basket: of 200 things put in none, of 60 taken
 * from below up to 24 others 2 (docs/benchmarks.md, Eyes). Ten times that by judgement, for what composites have not:
 * corners that no camera sees, goods of one colour, bags. An unchanged view is to say little.
 */
export const unseenByCamera = 0.3;

/**
 * How often a camera tells of a thing that came or went where none did: a shadow, a shift, a sleeve. Cautious as well.
 */
export const seenOfNothing = 0.15;

/** How often a plate becomes lighter, and heavier again, between two plateaus, by what happens meanwhile. By judgement. */
export const dipPriors = {
  /** An exchange: all is out before anything comes in … */
  cleanExchange: 0.5,
  /** … or what goes in is in before anything goes out: nothing dips. */
  exchangeWithout: 0.3,
  /** Something is lifted and set down again where nothing else happens, … */
  liftedAlone: 0.1,
  /** … or beside what is put in or taken out: to make room. */
  liftedBeside: 0.005,
  /** What is lifted to be set down again is one thing, rather than several. */
  oneThing: 0.8,
} as const;

/** Prior weights at a shelf plate. */
export const shelfPriors = {
  taken: 0.6,
  returnedAfterTake: 0.25,
  returned: 0.06,
  /** Somebody restocks beside the shoppers, without saying so: its own goods, several at once. */
  restocked: 0.15,
  misplacedAfterTake: 0.1,
  misplaced: 0.01,
  swapped: 0.05,
  takenTwoKinds: 0.02,
  unknownAdded: 0.05,
  unknownRemoved: 0.02,
  /** A line of a grocery receipt is 1.2 to 1.4 units: 1/(1 − 0.25) is 1.33. */
  furtherUnit: 0.25,
  furtherRestocked: 0.8,
} as const;
/** Most units of one product in one movement at a shelf. */
export const shelfMaximumUnits = 12;
/** How long a take makes a return likely, µs. */
export const takeMemoryUs = 20 * 60_000_000;
/** How long before and after a movement a sighting may be about it, µs. */
export const lookMemoryUs = 4_000_000;
/** Scans kept at once per device; older ones are asked about. */
export const maximumScans = 12;
/** Questions kept open at once; the oldest is given up. */
export const maximumQuestions = 64;
/** A set of this many alternatives is enumerated one by one; larger ones count as a density. */
export const maximumPairs = 4_000;
export const maximumSwaps = 500;
export const maximumRemovalSets = 12_000;
