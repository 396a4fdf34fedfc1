import { FusionError } from './errors.ts';
import { ofOneThing } from './observations.ts';
import { lookMemoryUs, takeMemoryUs } from './priors.ts';
import type {
  Change,
  FusionState,
  Lot,
  OldLook,
  PendingScan,
  PlateOptions,
  Question,
  SeenLook,
  Take,
  WaitingScan,
  Window,
} from './types.ts';

/** What is known of one plate. */
export interface PlateMemory {
  readonly options: PlateOptions;
  /** Since when it has not been at rest. */
  openSinceUs: number | undefined;
  /** When scans that waited for it to come to rest are tried on open questions. */
  retryAtUs: number | undefined;
  /** What an ended trip left on it: this much may be taken out without a question, mg. */
  unloadMg: number;
  /** Since when its scale has been out of order. */
  blindSinceUs: number | undefined;
  lots: Lot[];
  windows: Window[];
}

/** A plate that never comes to rest holds up questions no longer than this, µs. */
const longestOpenUs = 10_000_000;
/** A question about what was weighed waits no longer than this for the movement that follows, µs. */
const longestMovingUs = 4_000_000;

/** Everything fusion remembers between observations. */
export class Memory {
  nowUs = 0;
  readonly plates = new Map<string, PlateMemory>();
  scans: PendingScan[] = [];
  /** Scans of codes that the catalogue doesn't have, the latest of each code, oldest first. */
  unlisted: WaitingScan[] = [];
  readonly questions = new Map<string, Question>();
  takes: Take[] = [];
  looks: SeenLook[] = [];
  #nextLot = 1;

  constructor(plates: readonly PlateOptions[]) {
    for (const options of plates) {
      this.plates.set(options.id, {
        options,
        openSinceUs: undefined,
        retryAtUs: undefined,
        unloadMg: 0,
        blindSinceUs: undefined,
        lots: [],
        windows: [],
      });
    }
  }

  /** Throws CW-FUS-001 for a plate the board doesn't have. */
  plate(id: string): PlateMemory {
    const plate = this.plates.get(id);
    if (plate === undefined) {
      const known = [...this.plates.keys()].join(', ');
      throw new FusionError(
        'CW-FUS-001',
        `The board has no plate "${id}", only: ${known}. Check the board profile.`,
      );
    }
    return plate;
  }

  lotId(): string {
    return `lot-${this.#nextLot++}`;
  }

  /** Plates that a scanner's scans may be about: those that list it, or every cart plate. */
  platesOf(source: string): string[] {
    const all = [...this.plates.values()].map((plate) => plate.options);
    const listed = all.filter((plate) => plate.scanners.includes(source));
    const chosen = listed.length > 0 ? listed : all.filter((plate) => plate.kind === 'cart');
    return chosen.map((plate) => plate.id);
  }

  scansFor(plate: string): PendingScan[] {
    return this.scans.filter((pending) => pending.plates.includes(plate));
  }

  /** Scans of unlisted things that may have gone in with a change. */
  unlistedFor(change: Change): WaitingScan[] {
    return this.unlisted.filter(
      (waiting) => waiting.plates.includes(change.plate) && waiting.holdUntilUs >= change.startedAtUs,
    );
  }

  /** Something else is scanned: what movements passed by since its own scan is likely no longer at hand. */
  overtake(plates: readonly string[]): void {
    for (const pending of [...this.scans, ...this.unlisted]) {
      if (pending.passed !== true || !pending.plates.some((id) => plates.includes(id))) continue;
      delete pending.passed;
      pending.overtaken = (pending.overtaken ?? 0) + 1;
    }
  }

  /**
   * When a window is closed. Not while its cart plate moves again: what was weighed may be part of a thing that a hand is still
   * lowering, and whoever asks in the middle of a movement asks about half of it.
   */
  windowDeadlineUs({ options, openSinceUs }: PlateMemory, { deadlineUs }: Window): number {
    if (options.kind !== 'cart' || openSinceUs === undefined || openSinceUs > deadlineUs) return deadlineUs;
    return deadlineUs + longestMovingUs;
  }

  /** When a pending scan has to be asked about; later while something is happening that may be its placing. */
  scanDeadlineUs(pending: PendingScan): number {
    let deadline = pending.holdUntilUs;
    for (const id of pending.plates) {
      const plate = this.plates.get(id);
      if (plate?.openSinceUs !== undefined) deadline = Math.max(deadline, plate.openSinceUs + longestOpenUs);
      for (const window of plate?.windows ?? []) deadline = Math.max(deadline, window.deadlineUs + 1);
    }
    return deadline;
  }

  /** Sightings that may be about a change, oldest first. */
  looksFor(change: Change): SeenLook[] {
    return this.looks.filter(
      (seen) =>
        (seen.plate === undefined || seen.plate === change.plate) &&
        seen.atUs >= change.startedAtUs - lookMemoryUs &&
        seen.atUs <= change.settledAtUs + lookMemoryUs &&
        isOf(seen, change),
    );
  }

  /** Forgets what is too old to matter. */
  prune(): void {
    const looksFrom = this.nowUs - 4 * lookMemoryUs;
    if (this.looks.some((seen) => seen.atUs < looksFrom)) {
      this.looks = this.looks.filter((seen) => seen.atUs >= looksFrom);
    }
    const heldFrom = this.nowUs - longestOpenUs;
    if (this.unlisted.some(({ holdUntilUs }) => holdUntilUs < heldFrom)) {
      this.unlisted = this.unlisted.filter(({ holdUntilUs }) => holdUntilUs >= heldFrom);
    }
    const takesFrom = this.nowUs - takeMemoryUs;
    if (this.takes.some((take) => take.atUs < takesFrom)) {
      this.takes = this.takes.filter((take) => take.atUs >= takesFrom);
    }
  }

  /** A copy as plain JSON. */
  save(): FusionState {
    return structuredClone({
      fusion: 1,
      atUs: this.nowUs,
      nextLot: this.#nextLot,
      plates: [...this.plates.values()].map((plate) => ({
        id: plate.options.id,
        ...(plate.openSinceUs === undefined ? {} : { openSinceUs: plate.openSinceUs }),
        ...(plate.retryAtUs === undefined ? {} : { retryAtUs: plate.retryAtUs }),
        ...(plate.unloadMg === 0 ? {} : { unloadMg: plate.unloadMg }),
        lots: plate.lots,
        windows: plate.windows,
      })),
      scans: this.scans,
      ...(this.unlisted.length === 0 ? {} : { unlisted: this.unlisted }),
      questions: [...this.questions.values()],
      takes: this.takes,
      looks: this.looks,
    });
  }

  /** Takes over a saved state; what it says of plates the board no longer has is left out. Throws CW-FUS-005. */
  restore(saved: FusionState): void {
    if (saved.fusion !== 1) {
      throw new FusionError(
        'CW-FUS-005',
        `The saved state has format ${String(saved.fusion)}; this version reads format 1. Start without it.`,
      );
    }
    const state = structuredClone(saved);
    this.nowUs = state.atUs;
    this.#nextLot = state.nextLot;
    for (const from of state.plates) {
      const plate = this.plates.get(from.id);
      if (plate === undefined) continue;
      plate.openSinceUs = from.openSinceUs;
      plate.retryAtUs = from.retryAtUs;
      plate.unloadMg = from.unloadMg ?? 0;
      plate.lots = [...from.lots];
      plate.windows = [...from.windows];
    }
    this.scans = [...state.scans];
    this.unlisted = [...(state.unlisted ?? [])];
    this.questions.clear();
    for (const question of state.questions) {
      if (this.plates.has(question.plate)) this.questions.set(question.event, question);
    }
    this.takes = [...state.takes];
    this.looks = state.looks.map((seen) => ('candidates' in seen ? ofThings(seen) : seen));
  }
}

/** A sighting that was saved when they were of one thing. */
function ofThings({ candidates, unknownPpm, ...seen }: OldLook): SeenLook {
  return { ...seen, ...ofOneThing({ candidates, unknownPpm }) };
}

/** A change may be several movements; times of sightings are whole µs. */
function isOf({ settledAtUs }: SeenLook, change: Change): boolean {
  if (settledAtUs === undefined) return true;
  return settledAtUs >= change.startedAtUs - 1 && settledAtUs <= change.settledAtUs + 1;
}

/** Names of the fields that hold times, all monotonic µs. */
const timeFields = new Set([
  'atUs',
  'openSinceUs',
  'retryAtUs',
  'startedAtUs',
  'settledAtUs',
  'deadlineUs',
  'holdUntilUs',
  'askedAtUs',
  'withdrawAtUs',
]);

function shifted(value: unknown, deltaUs: number): unknown {
  if (Array.isArray(value)) return value.map((item) => shifted(item, deltaUs));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      timeFields.has(name) && typeof item === 'number' ? item + deltaUs : shifted(item, deltaUs),
    ]),
  );
}

/**
 * The same state under another clock: every time moves by `deltaUs` (after a reboot, the new clock's now minus the
 * saved `atUs`). Times before the new clock's start become negative; events report them as 0.
 */
export function rebase(state: FusionState, deltaUs: number): FusionState {
  return shifted(state, deltaUs) as FusionState;
}
