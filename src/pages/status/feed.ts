import type {
  EventView,
  PlateWeight,
  StatusPicture,
  StatusSource,
  StatusUpdate,
  WeightHistory,
} from './source.ts';

/** The plot's minute: ten points a second while somebody looks, fewer while nobody does. */
const historyLength = 600;
const historyUs = 60_000_000;
const eventsKept = 200;
const weightsEveryMs = 100;

interface Sample {
  readonly atUs: number;
  readonly netMg: ReadonlyMap<string, number | null>;
  readonly unrest: number;
}

/**
 * Watches a source for all clients together: thins weights out to ten a second, and remembers the last minute of them and
 * the latest events, so that a page opened now shows what led here.
 */
export class StatusFeed {
  readonly #source: StatusSource;
  readonly #listeners = new Set<(update: StatusUpdate) => void>();
  readonly #samples: Sample[] = [];
  readonly #events: EventView[] = [];
  #unsubscribe: (() => void) | undefined;
  #pending: Extract<StatusUpdate, { kind: 'weights' }> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(source: StatusSource) {
    this.#source = source;
  }

  start(): void {
    this.#unsubscribe = this.#source.subscribe((update) => this.#take(update));
  }

  stop(): void {
    this.#unsubscribe?.();
    clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  /** Subscribes to updates as clients shall see them; the returned function unsubscribes. */
  on(listener: (update: StatusUpdate) => void): () => void {
    this.#listeners.add(listener);
    this.#source.watch?.(true);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#source.watch?.(false);
    };
  }

  /** What a client that comes now has to know. */
  picture(): StatusPicture {
    return { ...this.#source.snapshot(), history: this.#history(), events: this.#events };
  }

  #take(update: StatusUpdate): void {
    if (update.kind === 'weights') {
      this.#pending = update;
      this.#timer ??= setTimeout(() => this.#flushWeights(), weightsEveryMs).unref();
      return;
    }
    if (update.kind === 'event') {
      this.#events.push(update.event);
      if (this.#events.length > eventsKept) this.#events.shift();
    }
    this.#emit(update);
  }

  #flushWeights(): void {
    this.#timer = undefined;
    const update = this.#pending;
    if (update === undefined) return;
    this.#pending = undefined;
    this.#samples.push({
      atUs: update.atUs,
      netMg: new Map(update.plates.map((plate) => [plate.id, plate.netMg ?? null])),
      unrest: unrestOf(update.plates),
    });
    while (
      this.#samples.length > historyLength ||
      update.atUs - (this.#samples[0]?.atUs ?? update.atUs) > historyUs
    )
      this.#samples.shift();
    this.#emit(update);
  }

  #emit(update: StatusUpdate): void {
    for (const listener of this.#listeners) listener(update);
  }

  #history(): WeightHistory {
    const plates = new Set(this.#samples.flatMap((sample) => [...sample.netMg.keys()]));
    return {
      atUs: this.#samples.map((sample) => sample.atUs),
      netMg: Object.fromEntries(
        [...plates].map((id) => [id, this.#samples.map((sample) => sample.netMg.get(id) ?? null)]),
      ),
      unrest: this.#samples.map((sample) => sample.unrest),
    };
  }
}

/** 2 while the cart moves, 1 while a plate is not at rest, else 0. */
export function unrestOf(plates: readonly PlateWeight[]): number {
  if (plates.some((plate) => plate.moving)) return 2;
  return plates.some((plate) => !plate.stable) ? 1 : 0;
}
