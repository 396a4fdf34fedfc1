import { combine } from './changes.ts';
import type { Memory } from './memory.ts';
import type { Change } from './types.ts';

/** Plates that touch carry at most this part of what is put onto their neighbour. */
const mostPart = 0.15;
/** Both are pressed, and come to rest, within so long of each other, µs. */
const togetherUs = 1_500_000;
/** Changes are remembered so long, µs. */
const rememberUs = 10_000_000;

/**
 * Shelf plates that a jammed divider or a pack between them couples: what is taken from one shows on its neighbour too, a
 * little, at the same moment and with the same sign. Only what the neighbour's own goods don't explain is taken for that.
 */
export class Coupling {
  readonly #memory: Memory;
  #recent: Change[] = [];

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /** Hears of every change of a shelf's plate. */
  settled(change: Change): void {
    const fromUs = change.settledAtUs - rememberUs;
    this.#recent = [...this.#recent.filter((other) => other.settledAtUs >= fromUs), change];
  }

  /** True where a change is what a much larger one of a neighbour carried over. */
  carries(change: Change): boolean {
    return this.#beside(change).some((other) => isPartOf(change, other));
  }

  /** A change with what it carried over to its neighbours; undefined where there was nothing. */
  whole(change: Change): Change | undefined {
    const carried = this.#beside(change).filter((other) => isPartOf(other, change));
    if (carried.length === 0) return undefined;
    return { ...combine([change, ...carried]), plate: change.plate };
  }

  /** Changes of the neighbours at the same moment. */
  #beside({ plate, startedAtUs, settledAtUs }: Change): Change[] {
    const plates = [...this.#memory.plates.keys()];
    const at = plates.indexOf(plate);
    const next = [plates[at - 1], plates[at + 1]].filter(
      (id) => id !== undefined && this.#memory.plates.get(id)?.options.kind === 'shelf',
    );
    return this.#recent.filter(
      (other) =>
        next.includes(other.plate) &&
        other.startedAtUs <= settledAtUs &&
        startedAtUs <= other.settledAtUs &&
        Math.abs(other.settledAtUs - settledAtUs) <= togetherUs,
    );
  }
}

function isPartOf(small: Change, large: Change): boolean {
  const part = small.massMg / large.massMg;
  return part > 0 && part <= mostPart;
}
