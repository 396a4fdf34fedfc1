import { resolve } from 'node:path';
import type {
  DisplaySettings,
  DisplaySource,
  DisplayState,
  DisplayUpdate,
  Outcome,
  ShownBasket,
  ShownDeal,
  ShownProduct,
  ShownQuestion,
} from '#pages/display/source.ts';

type Line = ShownBasket['lines'][number];

const produceItem = (plu: string, name: string, priceMinor: number, look: string): ShownProduct => ({
  plu,
  name,
  sale: 'weight',
  priceMinor,
  picture: `api/pictures/${look}`,
});

export const bananas = produceItem('4011', 'Bananas', 179, 'Banana');
const apples = produceItem('4016', 'Red Delicious apples', 299, 'Red-Delicious');
export const produce: readonly ShownProduct[] = [
  bananas,
  apples,
  produceItem('4017', 'Granny Smith apples', 279, 'Granny-Smith'),
  produceItem('4020', 'Golden Delicious apples', 269, 'Golden-Delicious'),
  produceItem('4053', 'Lemons', 249, 'Lemon'),
  produceItem('4048', 'Limes', 459, 'Lime'),
  produceItem('4012', 'Navel oranges', 219, 'Orange'),
  produceItem('4664', 'Tomatoes on the vine', 349, 'Vine-Tomato'),
  produceItem('4062', 'Cucumbers', 189, 'Cucumber'),
  produceItem('4081', 'Aubergines', 329, 'Aubergine'),
  produceItem('4688', 'Red peppers', 399, 'Red-Bell-Pepper'),
  produceItem('4093', 'Yellow onions', 149, 'Yellow-Onion'),
  produceItem('4608', 'Garlic', 899, 'Garlic'),
  produceItem('4612', 'Ginger', 599, 'Ginger'),
  produceItem('4629', 'Leeks', 299, 'Leek'),
  produceItem('4046', 'Small avocados', 649, 'Avocado'),
  produceItem('4030', 'Kiwifruit', 399, 'Kiwi'),
  produceItem('4562', 'Loose carrots', 129, 'Carrots'),
];

export const lines: readonly Line[] = [
  {
    line: 1,
    gtin: '08076800195057',
    name: 'Barilla Spaghetti n° 5, 500 g',
    count: 3,
    unitPriceMinor: 129,
    priceMinor: 387,
    priceStatus: 'final',
    entry: 'scan',
    savedMinor: 129,
    savings: [{ promotion: 'p4', name: '3 for 2', savedMinor: 129 }],
  },
  {
    line: 2,
    gtin: '05449000000996',
    name: 'Mineral water, 1.5 l',
    count: 6,
    unitPriceMinor: 59,
    priceMinor: 354,
    priceStatus: 'final',
    entry: 'scan',
    depositMinor: 150,
  },
  {
    line: 3,
    gtin: '08000500037560',
    name: 'Red wine, 0.75 l',
    count: 1,
    unitPriceMinor: 599,
    priceMinor: 599,
    priceStatus: 'final',
    entry: 'scan',
    minimumAge: 18,
    approved: false,
  },
  {
    line: 4,
    plu: '4011',
    name: 'Bananas',
    count: 1,
    massMg: 1_002_000,
    unitPriceMinor: 179,
    priceMinor: 179,
    priceStatus: 'estimate',
    entry: 'manual',
  },
];

/** Two crates on the lower rack, which weighs nothing. */
export const crates: Line = {
  line: 5,
  gtin: '02000000000107',
  name: 'Mineral water, 6 × 1.5 l',
  count: 2,
  unitPriceMinor: 239,
  priceMinor: 478,
  priceStatus: 'final',
  entry: 'scan',
  depositMinor: 300,
  unweighed: 2,
};

const id = (number: number) => `00000000-0000-8000-8000-${String(number).padStart(12, '0')}`;

/** A basket of these lines; totals are added up here. */
export function basketOf(kept: readonly Line[], change: Partial<ShownBasket> = {}): ShownBasket {
  const sum = (of: (line: Line) => number) => kept.reduce((total, line) => total + of(line), 0);
  const at = (status: Line['priceStatus']) => (line: Line) =>
    line.priceStatus === status ? line.priceMinor : 0;
  const finalMinor = sum(at('final'));
  const estimateMinor = sum(at('estimate'));
  const savedMinor = sum((line) => line.savedMinor ?? 0);
  const depositMinor = sum((line) => line.depositMinor ?? 0);
  const toPayMinor = finalMinor - savedMinor + depositMinor;
  return {
    session: 'f3a9c2d17b60e5aa',
    revision: 7,
    state: 'open',
    lines: kept,
    totals: {
      currency: 'EUR',
      finalMinor,
      estimateMinor,
      atTill: kept.filter(({ priceStatus }) => priceStatus === 'at-till').length,
      items: sum(({ count }) => count),
      open: change.questions?.length ?? 0,
      savedMinor,
      depositMinor,
      toPayMinor,
      probableMinor: toPayMinor + estimateMinor,
    },
    questions: [],
    ledger: '0123456789abcdef',
    sequence: 42,
    ...change,
  };
}

export const chooseApples: ShownQuestion = {
  event: id(9),
  kind: 'ambiguous',
  ask: 'choose',
  massMg: 842_000,
  candidates: [
    { ...apples, count: 1, massMg: 840_000 },
    { ...produceItem('4017', 'Granny Smith apples', 279, 'Granny-Smith'), count: 1, massMg: 850_000 },
    { ...produceItem('4020', 'Golden Delicious apples', 269, 'Golden-Delicious'), count: 1, massMg: 846_000 },
  ],
};

/** Scanned, and nothing was put in since. */
export const scannedCrate: ShownQuestion = {
  event: id(8),
  kind: 'scanned-not-placed',
  ask: 'place-it',
  massMg: 0,
  candidates: [
    { gtin: '02000000000114', name: 'Beer, crate of 20', sale: 'each', priceMinor: 1_399, count: 1 },
  ],
};

export const deals: readonly ShownDeal[] = [
  {
    id: 'd1',
    title: 'Tomato sauce, 400 g',
    titles: { de: 'Tomatensoße, 400 g' },
    place: 'Aisle 4',
    priceMinor: 99,
    beforeMinor: 149,
    why: 'basket',
  },
  {
    id: 'd2',
    title: 'Lemons',
    titles: { de: 'Zitronen' },
    place: 'Fruit & vegetables',
    priceMinor: 199,
    beforeMinor: 249,
    picture: 'api/pictures/Lemon',
    why: 'near',
  },
  { id: 'd3', title: 'Bread of the week', titles: {}, priceMinor: 249, why: 'store' },
];

export const idle: DisplayState = {
  device: 'cart-0042',
  atUs: 600_000_000,
  catalogue: 'test-1',
  currency: 'EUR',
  questions: [],
  weight: { netMg: 4_236_000, stable: true, divisionMg: 1_000 },
  camera: 'on',
  troubles: [],
  connected: true,
  alerts: [],
  deals: [],
};

/** A display source whose every word a test decides, and that remembers what was touched. */
export class ScriptedDisplay implements DisplaySource {
  readonly settings: DisplaySettings;
  readonly acts: { readonly command: string; readonly args: object; readonly transaction: string }[] = [];
  /** What `act` answers; a test may change it. */
  answer: (command: string) => Outcome | Promise<Outcome> = () => ({ status: 'done', data: {} });
  current: DisplayState;
  readonly #listeners = new Set<(update: DisplayUpdate) => void>();

  constructor(change: Partial<DisplayState> = {}, settings: Partial<DisplaySettings> = {}) {
    this.current = { ...idle, ...change };
    this.settings = { languages: ['en', 'de', 'it', 'tr'], pixelsPerInch: 149, tones: true, ...settings };
  }

  /** Pages that watch. */
  get watchers(): number {
    return this.#listeners.size;
  }

  state(): DisplayState {
    return this.current;
  }

  produce(): readonly ShownProduct[] {
    return produce;
  }

  pictureFile(name: string): string | undefined {
    const known = produce.some(({ picture }) => picture === `api/pictures/${name}`);
    return known ? resolve(`config/cutouts/${name}.webp`) : undefined;
  }

  subscribe(listener: (update: DisplayUpdate) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async act(command: string, args: Readonly<Record<string, unknown>>, transaction: string): Promise<Outcome> {
    this.acts.push({ command, args, transaction });
    return await this.answer(command);
  }

  tell(update: DisplayUpdate): void {
    for (const listener of this.#listeners) listener(update);
  }

  /** Changes the state and tells it. */
  change(change: Partial<DisplayState>): void {
    this.current = { ...this.current, ...change };
    this.tell({ kind: 'state', state: this.current });
  }

  /** Begins anew, and tells it. */
  reset(change: Partial<DisplayState>): void {
    this.current = { ...idle, ...change };
    this.tell({ kind: 'state', state: this.current });
  }

  /** Takes keys away that `change` can't. */
  without(...names: readonly ('basket' | 'phone' | 'unpaid' | 'ageRefused')[]): void {
    const kept = Object.entries(this.current).filter(
      ([name]) => !(names as readonly string[]).includes(name),
    );
    this.current = Object.fromEntries(kept) as unknown as DisplayState;
    this.tell({ kind: 'state', state: this.current });
  }

  weigh(netMg: number, stable = true): void {
    const weight = { netMg, stable, divisionMg: 1_000 };
    this.current = { ...this.current, weight };
    this.tell({ kind: 'weight', atUs: this.current.atUs, weight });
  }
}
