import type { CartAct } from './cart-acts.ts';
import type { ShelfAct } from './shelf-acts.ts';
import type { Manner } from './shopper.ts';

/** How often each act happens, in parts of all. */
type Mix<Act extends string> = Readonly<Partial<Record<Act, number>>>;

export interface CartTier {
  readonly kind: 'cart';
  readonly manner: Manner;
  /** Acts of a trip, from and to. */
  readonly acts: readonly [number, number];
  readonly mix: Mix<CartAct>;
  /** A bag lies in the cart from the start, tared before the first thing. */
  readonly bagAtStart: number;
}

export interface ShelfTier {
  readonly kind: 'shelf';
  readonly acts: readonly [number, number];
  readonly mix: Mix<ShelfAct>;
}

export const tiers = {
  cooperative: {
    kind: 'cart',
    manner: {
      missesScan: 0.02,
      noticesMiss: 0.99,
      misreads: 0.001,
      ignores: 0,
      answersWrong: 0.002,
      pace: 1,
      rough: 0.06,
    },
    acts: [10, 16],
    bagAtStart: 0.2,
    mix: {
      'scan then place': 66,
      'place then scan': 2,
      'two equal, two scans': 3,
      'two equal, one by one': 3,
      'several scanned, placed together': 3,
      'take out': 5,
      'swap for one of the same mass, scanned': 0.5,
      'produce by look-up number': 6,
      'produce by label': 3,
      'cart moves on': 5,
      'onto a ramp': 0.5,
      'knocked against': 1,
      'slow lowering': 1,
      'put in while the cart moves': 0.5,
      'a hand leans, nothing else': 0.5,
    },
  },
  careless: {
    kind: 'cart',
    manner: {
      missesScan: 0.05,
      noticesMiss: 0.9,
      misreads: 0.003,
      ignores: 0.15,
      answersWrong: 0.015,
      pace: 0.8,
      rough: 0.18,
    },
    acts: [10, 16],
    bagAtStart: 0.15,
    mix: {
      'scan then place': 46,
      'place then scan': 8,
      'two equal, two scans': 3,
      'two equal, one by one': 3,
      'several scanned, placed together': 4,
      'several, not all scanned': 1.5,
      'scan twice, place once': 2,
      'scan, do not place': 1,
      'take out': 6,
      'take out one of alike': 1,
      'no scan': 3,
      'wrong item under a scan': 1,
      'swap for one of the same mass, scanned': 1,
      'one in while another goes out': 1,
      'a hand leans meanwhile': 2,
      'a hand leans, nothing else': 2,
      'put in while the cart moves': 3,
      'cart moves on': 4,
      'onto a ramp': 1,
      'knocked against': 2,
      'slow lowering': 2,
      'leaning on the rim': 1,
      'bag put in and tared': 1,
      'produce by look-up number': 4,
      'produce by label': 2,
      'produce by picture': 2,
      'not in the catalogue': 0.5,
    },
  },
  adversarial: {
    kind: 'cart',
    manner: {
      missesScan: 0.06,
      noticesMiss: 0.75,
      misreads: 0.005,
      ignores: 0.4,
      answersWrong: 0.04,
      pace: 0.75,
      rough: 0.25,
    },
    acts: [10, 16],
    bagAtStart: 0.15,
    mix: {
      'scan then place': 26,
      'place then scan': 6,
      'two equal, two scans': 3,
      'two equal, one by one': 2,
      'several scanned, placed together': 4,
      'take out': 6,
      'produce by look-up number': 3,
      'produce by label': 2,
      'cart moves on': 2,
      'several, not all scanned': 4,
      'scan twice, place once': 4,
      'scan, do not place': 2,
      'take out one of alike': 3,
      'no scan': 6,
      'wrong item under a scan': 6,
      'swap for one of the same mass, scanned': 3,
      'swap for one of the same mass, not scanned': 2,
      'one in while another goes out': 4,
      'a hand leans meanwhile': 4,
      'a hand leans, nothing else': 2,
      'put in while the cart moves': 4,
      'onto a ramp': 1.5,
      'knocked against': 2,
      'slow lowering': 3,
      'leaning on the rim': 3,
      'bag put in and tared': 2,
      'produce by picture': 3,
      'not in the catalogue': 3,
    },
  },
  shelf: {
    kind: 'shelf',
    acts: [12, 18],
    mix: {
      'take one': 34,
      'take several': 10,
      'take and return': 12,
      'return to the wrong plate': 7,
      'two plates at once': 7,
      'two people': 7,
      'two people at one plate': 4,
      'neighbour pressed': 5,
      'touched and left': 4,
      'moved about on its plate': 4,
      'restocked while shoppers are near': 4,
      'quiet for minutes': 2,
    },
  },
} as const satisfies Record<string, CartTier | ShelfTier>;

export type TierName = keyof typeof tiers;
export const tierNames = Object.keys(tiers) as TierName[];

/** Acts by which a shopper may mislead: at least 40 % of the adversarial tier. */
export const confusing: ReadonlySet<string> = new Set<CartAct>([
  'several, not all scanned',
  'scan twice, place once',
  'scan, do not place',
  'take out one of alike',
  'no scan',
  'wrong item under a scan',
  'swap for one of the same mass, scanned',
  'swap for one of the same mass, not scanned',
  'one in while another goes out',
  'a hand leans meanwhile',
  'a hand leans, nothing else',
  'put in while the cart moves',
  'onto a ramp',
  'slow lowering',
  'leaning on the rim',
  'bag put in and tared',
  'produce by picture',
  'not in the catalogue',
]);

/** One act of a mix by its share; `at` in [0, 1). */
export function drawAct<Act extends string>(mix: Mix<Act>, at: number): Act {
  const entries = Object.entries(mix) as [Act, number][];
  let left = at * entries.reduce((sum, [, share]) => sum + share, 0);
  for (const [act, share] of entries) {
    left -= share;
    if (left < 0) return act;
  }
  const last = entries.at(-1);
  if (last === undefined) throw new Error('a tier without acts');
  return last[0];
}
