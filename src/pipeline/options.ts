import type { BasketState } from '#basket/basket.ts';
import type { Catalogue, Planogram } from '#catalogue/products.ts';
import type { BasketConfig } from '#config/basket.ts';
import type { Board, Calibration } from '#config/board.ts';
import type { FusionConfig, WeighingConfig } from '#config/schema.ts';
import type { CartEvent } from '#events/event.ts';
import type { Ledger } from '#events/ledger.ts';
import type { FusionState } from '#fusion/fusion.ts';
import type { Judgement } from '#fusion/judgement.ts';
import type { LearnedProduct } from '#fusion/learned.ts';
import type { WeighingOutput } from '#weighing/outputs.ts';
import type { WeighingState } from '#weighing/weigher.ts';
import type { SavedFault } from './faults.ts';
import type { Stock } from './shop.ts';
import type { SavedUpkeep } from './upkeep.ts';

/** What survives a restart: written in the transaction that stores the events it follows from. Plain JSON. */
export interface PipelineState {
  readonly atUs: number;
  readonly weighing: WeighingState;
  readonly fusion: FusionState;
  readonly basket: BasketState;
  /** Radio tags that were seen, EPCs in hexadecimal. */
  readonly tags?: readonly string[];
  /** Faults that were told and whose end was not. */
  readonly faults?: readonly SavedFault[];
  /** What ended trips taught of products. */
  readonly learned?: readonly LearnedProduct[];
  /** Plates that staff work on, and what was counted on shelves. */
  readonly upkeep?: readonly SavedUpkeep[];
}

export interface PipelineOptions {
  readonly ledger: Ledger;
  readonly board: Board;
  readonly calibration: Calibration | undefined;
  readonly catalogue: Catalogue;
  readonly planogram: Planogram | undefined;
  readonly weighing: WeighingConfig;
  /** Acceleration of gravity where the device is used, µm/s²; undefined where that is not known. */
  readonly gravityUmS2?: number | undefined;
  readonly fusion: FusionConfig;
  readonly tokenPattern: RegExp;
  /** A code that makes its shopper a known one; none where left out. */
  readonly loyaltyPattern?: RegExp | undefined;
  /** As the schema has it where left out. */
  readonly basket?: BasketConfig | undefined;
  /** Keeps session ids of different ledgers apart; in the daemon the ledger's id. */
  readonly sessionSalt: string;
  /** Takes each event in the order of its sequence. */
  readonly sink: (event: CartEvent) => void;
  /** Hears what the scales say, after it was decided on: cameras are asked to look. It changes no decision by itself. */
  readonly onWeighed?: ((output: WeighingOutput) => void) | undefined;
  /** Hears what each decision and question about a change was judged by, right after its event; it costs nothing where nobody does. */
  readonly onJudged?: ((judgement: Judgement) => void) | undefined;
  /** Hears that another catalogue or planogram came into force, as the store gave them. */
  readonly onStock?: ((given: Stock) => void) | undefined;
  /** What an earlier run of the same ledger knew at its last event. */
  readonly state?: PipelineState | undefined;
  /** Monotonic time at which this run begins, µs. */
  readonly startUs: number;
}
