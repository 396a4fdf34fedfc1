import type { PipelineInput } from '#pipeline/inputs.ts';

/** What really happened, for scoring; never shown to the pipeline. The same words as a trace's `truth` lines. */
export interface Truth {
  readonly kind: 'added' | 'removed' | 'taken' | 'returned' | 'misplaced';
  /** 14 digits; left out for a thing without a code. */
  readonly gtin?: string;
  readonly plu?: string;
  readonly count: number;
  readonly plate?: string;
  /** False where the catalogue doesn't have the product: then a question is the right answer. */
  readonly listed?: false;
}

/** What a simulated world yields, in order of time. */
export type SimulationItem =
  | { readonly kind: 'input'; readonly input: PipelineInput }
  | { readonly kind: 'truth'; readonly atUs: number; readonly truth: Truth }
  | { readonly kind: 'end'; readonly atUs: number };

/** When an item happens, µs. */
export function itemTime(item: SimulationItem): number {
  return item.kind === 'input' ? item.input.atUs : item.atUs;
}
