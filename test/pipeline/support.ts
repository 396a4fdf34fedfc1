import { createRandom } from '#base/random.ts';
import type { Catalogue, Product } from '#catalogue/products.ts';
import { type Board, boardSchema, type Calibration } from '#config/board.ts';
import { configSchema } from '#config/schema.ts';
import type { EventType } from '#events/catalog.ts';
import type { CartEvent, EventOf } from '#events/event.ts';
import { Ledger } from '#events/ledger.ts';
import type { CommandOutcome } from '#pipeline/commands.ts';
import type { PipelineInput } from '#pipeline/inputs.ts';
import { Pipeline, type PipelineState } from '#pipeline/pipeline.ts';

export const jar: Product = {
  key: 'gtin:04006381333931',
  gtin: '04006381333931',
  name: 'A jar',
  sale: 'each',
  priceMinor: 199,
  grossMg: { mean: 412_000, sd: 2_600 },
  look: 'jar',
};
const apples: Product = {
  key: 'plu:4011',
  plu: '4011',
  name: 'Apples',
  sale: 'weight',
  priceMinorPerKg: 179,
  grossMg: { mean: 900_000, sd: 180_000 },
  look: 'apples',
};

export const catalogue: Catalogue = {
  version: 'test-1',
  currency: 'EUR',
  products: [jar, apples],
  byKey: new Map([jar, apples].map((product) => [product.key, product])),
  byGtin: new Map([['04006381333931', jar]]),
  byPlu: new Map([['4011', apples]]),
  byLook: new Map([
    ['jar', [jar]],
    ['apples', [apples]],
  ]),
  variableMeasure: [],
};

/** A cart on a complete scale, so that tests say what it weighs. */
export const board: Board = boardSchema.parse({
  profile: 1,
  name: 'bench',
  devices: [
    { id: 'scale', driver: 'any' },
    { id: 'handle', driver: 'any' },
  ],
  plates: [
    {
      id: 'basket',
      kind: 'cart',
      maxMg: 30_000_000,
      intervalMg: 5_000,
      divisionMg: 1_000,
      scale: 'scale',
      scanners: ['handle'],
    },
  ],
});

const config = configSchema.parse({ cartwright: 1, store: 's', device: 'd', board: 'b' });
export const token = 'QR-token-nobody-may-see';

export interface CartOptions {
  readonly calibration?: Calibration;
  readonly startUs?: number;
  readonly state?: PipelineState;
  readonly board?: Board;
  readonly catalogue?: Catalogue;
  readonly loyaltyPattern?: RegExp;
}

export function makePipeline(sink: (event: CartEvent) => void, options: CartOptions = {}): Pipeline {
  return new Pipeline({
    ledger: new Ledger(
      { store: 's', device: 'd', ledger: '0011223344556677' },
      { boot: 1, nextSequence: 1, versions: { software: 'test/1' } },
    ),
    board: options.board ?? board,
    calibration: options.calibration,
    catalogue: options.catalogue ?? catalogue,
    loyaltyPattern: options.loyaltyPattern,
    planogram: undefined,
    weighing: config.weighing,
    fusion: config.fusion,
    tokenPattern: new RegExp(config.session.tokenPattern, 'u'),
    sessionSalt: 'salt',
    startUs: options.startUs ?? 0,
    sink,
    state: options.state,
  });
}

/** A pipeline whose scale tells five times a second what lies on it. */
export class Cart {
  readonly events: CartEvent[] = [];
  readonly pipeline: Pipeline;
  nowUs: number;
  massMg = 0;
  readonly #random = createRandom(1);

  constructor(options: CartOptions = {}) {
    this.pipeline = makePipeline((event) => this.events.push(event), options);
    this.nowUs = options.startUs ?? 0;
  }

  wait(seconds: number): this {
    for (const untilUs = this.nowUs + seconds * 1e6; this.nowUs + 200_000 <= untilUs; ) {
      this.nowUs += 200_000;
      const massMg = this.massMg + 100 * this.#random.integer(3);
      this.pipeline.accept({ kind: 'scale', source: 'scale', atUs: this.nowUs, massMg, stable: true });
    }
    return this;
  }

  put(massMg: number): this {
    this.massMg += massMg;
    return this.wait(1);
  }

  tag(epc: string): this {
    this.nowUs += 1;
    const bytes = Uint8Array.from(Buffer.from(epc, 'hex'));
    this.pipeline.accept({ kind: 'tag', source: 'gate', atUs: this.nowUs, epc: bytes });
    return this;
  }

  scan(text: string, symbology = ''): this {
    this.nowUs += 1;
    const data = Uint8Array.from(Buffer.from(text));
    this.pipeline.accept({ kind: 'scan', source: 'handle', atUs: this.nowUs, data, symbology });
    return this;
  }

  command(command: string, args: Record<string, unknown> = {}): CommandOutcome | undefined {
    this.nowUs += 1;
    return this.pipeline.accept({ kind: 'command', atUs: this.nowUs, command, args });
  }

  give(input: PipelineInput): this {
    this.nowUs = input.atUs;
    this.pipeline.accept(input);
    return this;
  }

  of<Type extends EventType>(type: Type): EventOf<Type>[] {
    return this.events.filter((event) => event.type === type) as unknown as EventOf<Type>[];
  }
}
