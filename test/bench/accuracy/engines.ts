import type { Catalogue, Planogram } from '#catalogue/products.ts';
import type { Board } from '#config/board.ts';
import { fusionSchema, weighingSchema } from '#config/schema.ts';
import type { CartEvent } from '#events/event.ts';
import { Ledger as EventLedger } from '#events/ledger.ts';
import type { PipelineInput } from '#pipeline/inputs.ts';
import { Pipeline } from '#pipeline/pipeline.ts';
import { simulatedCalibration } from '#simulation/hardware.ts';
import type { Movement } from '#weighing/outputs.ts';
import { Ledger } from './claims.ts';

/** What decides on a trip: the gateway's pipeline, or something to compare it with. */
export interface Engine {
  readonly ledger: Ledger;
  readonly nowUs: number;
  /** Whether anything is weighed; cameras look by themselves where nothing is. */
  readonly weighs: boolean;
  /** Hears of each movement that settled: cameras look then. */
  onMovement: (movement: Movement) => void;
  /** CPU time of each input that brought a decision or a question, ms; empty unless it is measured. */
  readonly decisionMs: readonly number[];
  /** Answers false for a command that was refused. */
  accept(input: PipelineInput): boolean;
  advance(atUs: number): void;
}

/** What of the evidence an engine gets. */
export interface Evidence {
  readonly scans: boolean;
  readonly mass: boolean;
  readonly looks: boolean;
}

export interface Shop {
  readonly board: Board;
  readonly catalogue: Catalogue;
  readonly planogram: Planogram | undefined;
}

const everything: Evidence = { scans: true, mass: true, looks: true };
const decisions = /^(?:item|shelf)\.(?!stock)/;

/** A pipeline as the daemon runs it, on a device that knows nothing yet. */
export function makePipeline(
  { board, catalogue, planogram }: Shop,
  sink: (event: CartEvent) => void,
  onMovement: (movement: Movement) => void,
): Pipeline {
  return new Pipeline({
    ledger: new EventLedger(
      { store: 'bench', device: 'bench-0001', ledger: '0011223344556677' },
      { boot: 1, nextSequence: 1, versions: { software: 'bench' } },
    ),
    board,
    calibration: simulatedCalibration(board),
    catalogue,
    planogram,
    weighing: weighingSchema.parse({}),
    fusion: fusionSchema.parse({}),
    tokenPattern: /^QR-/u,
    sessionSalt: 'bench',
    startUs: 0,
    sink,
    onWeighed: (output) => {
      if (output.kind === 'movement') onMovement(output);
    },
  });
}

/** The gateway's own pipeline, with all evidence or a part of it. */
export class PipelineEngine implements Engine {
  readonly ledger = new Ledger();
  readonly decisionMs: number[] = [];
  onMovement: (movement: Movement) => void = () => {};
  readonly #pipeline: Pipeline;
  readonly #evidence: Evidence;
  readonly #timed: boolean;
  readonly #catalogue: Catalogue;
  #decided = 0;

  /** @param timed measures what decisions cost, which slows everything down by about a third */
  constructor(shop: Shop, evidence: Evidence = everything, timed = false) {
    this.#evidence = evidence;
    this.#timed = timed;
    this.#catalogue = shop.catalogue;
    this.#pipeline = makePipeline(
      evidence.mass ? shop : { ...shop, board: withoutScales(shop.board) },
      (event) => {
        if (decisions.test(event.type)) this.#decided += 1;
        this.ledger.take(event);
      },
      (movement) => this.onMovement(movement),
    );
  }

  get nowUs(): number {
    return this.#pipeline.nowUs;
  }

  get weighs(): boolean {
    return this.#evidence.mass;
  }

  /** Key of the product that looks like that. */
  productOf(look: string): string | undefined {
    return this.#catalogue.byLook.get(look)?.[0]?.key;
  }

  accept(input: PipelineInput): boolean {
    if (!this.#gets(input)) return true;
    if (!this.#timed) return this.#pipeline.accept(input)?.status !== 'refused';
    const before = this.#decided;
    const started = process.threadCpuUsage();
    const outcome = this.#pipeline.accept(input);
    if (this.#decided > before) {
      const { user, system } = process.threadCpuUsage(started);
      this.decisionMs.push((user + system) / 1_000);
    }
    return outcome?.status !== 'refused';
  }

  advance(atUs: number): void {
    this.#pipeline.advance(atUs);
  }

  #gets(input: PipelineInput): boolean {
    const { scans, mass, looks } = this.#evidence;
    if (input.kind === 'scan') return scans || isToken(input.data);
    if (input.kind === 'command') return scans || !input.command.startsWith('item.');
    if (input.kind === 'sighting') return looks;
    return mass || input.kind !== 'cell';
  }
}

const isToken = (data: Uint8Array) => new TextDecoder().decode(data.subarray(0, 3)) === 'QR-';

/** The same board without scales: goods are known by their scans alone. */
function withoutScales(board: Board): Board {
  return {
    ...board,
    plates: board.plates.map(({ cells: _, ...plate }) => ({ ...plate, kind: 'unweighed' as const })),
  };
}
