import type {
  BasketStatus,
  EventView,
  PlateStatus,
  StatusSnapshot,
  StatusSource,
  StatusUpdate,
} from '#pages/status/source.ts';

const utcMs = Date.UTC(2026, 10, 22, 10, 4, 0);

const cell = (id: string, counts: number) => ({ id, counts, ratePerSecond: 80 });

export const cartPlate: PlateStatus = {
  id: 'basket',
  kind: 'cart',
  maxMg: 30_000_000,
  intervalMg: 5_000,
  divisionMg: 1_000,
  tareMg: 0,
  netMg: 4_236_000,
  grossMg: 4_236_000,
  stable: true,
  moving: false,
  cells: [cell('cell-fl', 84_213), cell('cell-fr', 91_402), cell('cell-rl', 79_988), cell('cell-rr', 88_150)],
};

const totals = { currency: 'EUR', finalMinor: 1_247, estimateMinor: 179, atTill: 0, items: 6, open: 1 };

export const basket: BasketStatus = {
  session: 'f3a9c2d17b60e5aa',
  revision: 7,
  state: 'open',
  lines: [
    {
      line: 1,
      gtin: '04006381333931',
      name: 'Soy drink, 1 l',
      count: 2,
      unitPriceMinor: 199,
      priceMinor: 398,
      priceStatus: 'final',
      entry: 'scan',
    },
    {
      line: 2,
      gtin: '08076800195057',
      name: 'Spaghetti n° 5, 500 g',
      count: 1,
      unitPriceMinor: 189,
      priceMinor: 189,
      priceStatus: 'final',
      entry: 'scan',
    },
    {
      line: 3,
      gtin: '03017620422003',
      name: 'Hazelnut spread, 400 g',
      count: 1,
      unitPriceMinor: 349,
      priceMinor: 349,
      priceStatus: 'final',
      entry: 'weight',
    },
    {
      line: 4,
      gtin: '05449000000996',
      name: 'Cola, 330 ml',
      count: 1,
      unitPriceMinor: 311,
      priceMinor: 311,
      priceStatus: 'final',
      entry: 'scan',
    },
    {
      line: 5,
      plu: '4011',
      name: 'Bananas',
      count: 1,
      massMg: 1_002_000,
      unitPriceMinor: 179,
      priceMinor: 179,
      priceStatus: 'estimate',
      entry: 'manual',
    },
  ],
  totals,
  questions: ['00000000-0000-8000-8000-000000000009'],
  ledger: '0123456789abcdef',
  sequence: 42,
};

let sequence = 0;

/** The JSON view of an event; ids count up, times lie `secondsAgo` before the source's clock. */
export function makeEvent(
  type: string,
  data: Record<string, unknown>,
  options: { secondsAgo?: number; causes?: readonly string[] } = {},
): EventView {
  sequence++;
  const time = utcMs - (options.secondsAgo ?? 0) * 1000;
  return {
    id: `00000000-0000-8000-8000-${String(sequence).padStart(12, '0')}`,
    sequence,
    type,
    time,
    timeQuality: 'synced',
    atUs: 600_000_000 - (options.secondsAgo ?? 0) * 1e6,
    ...(options.causes === undefined ? {} : { causes: options.causes }),
    data,
  };
}

/** A status source whose every word a test decides. */
export class ScriptedSource implements StatusSource {
  current: StatusSnapshot;
  readonly #listeners = new Set<(update: StatusUpdate) => void>();

  constructor(change: Partial<StatusSnapshot> = {}) {
    this.current = {
      store: 'store-7',
      device: 'cart-0042',
      software: 'cartwright/0.1.0',
      startedAt: utcMs - 11_220_000,
      atUs: 600_000_000,
      plates: [cartPlate],
      devices: [
        {
          id: 'bridge',
          driver: 'virtual-cells',
          state: 'running',
          identity: { vendor: 'Cartwright', model: 'four-cell bridge', serial: 'V-0042' },
          ratePerMinute: 19_200,
        },
        {
          id: 'handle-scanner',
          driver: 'virtual-scanner',
          state: 'running',
          identity: { model: 'handle scanner' },
          ratePerMinute: 4,
        },
        { id: 'imu', driver: 'virtual-motion', state: 'running', identity: {}, ratePerMinute: 6_000 },
      ],
      broker: {
        url: 'mqtt://127.0.0.1:1883',
        connected: true,
        protocol: '5',
        sinceMs: utcMs - 3_600_000,
        outboxEvents: 0,
        outboxBytes: 81_920,
        outboxMaxBytes: 268_435_456,
        published: 412,
        dropped: 0,
      },
      clock: { utcMs, quality: 'synced' },
      questions: [],
      ...change,
    };
  }

  /** Pages that watch, by way of the server: 0 or 1. */
  get watchers(): number {
    return this.#listeners.size;
  }

  snapshot(): StatusSnapshot {
    return this.current;
  }

  subscribe(listener: (update: StatusUpdate) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(update: StatusUpdate): void {
    for (const listener of this.#listeners) listener(update);
  }

  /** Changes the snapshot and tells what changed of health and basket. */
  change(change: Partial<StatusSnapshot>): void {
    this.current = { ...this.current, ...change };
    const { plates, devices, broker, clock, basket: now, questions } = this.current;
    this.tell({ kind: 'health', plates, devices, broker, clock });
    this.tell({ kind: 'basket', questions, ...(now === undefined ? {} : { basket: now }) });
  }
}
