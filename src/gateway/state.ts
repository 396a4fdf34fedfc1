import { describeError } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { Remembered } from '#commands/desk.ts';
import type { Pipeline, PipelineState } from '#pipeline/pipeline.ts';

const needed = ['weighing', 'fusion', 'basket'] as const;
/** Lists that came later: a state without them is whole. */
const lists = ['tags', 'faults', 'learned', 'upkeep'] as const;
const sections = [...needed, ...lists] as const;
const names = ['clock', ...sections] as const;
const damagedPrefix = 'damaged/';
const transactionPrefix = 'transaction/';

/** Key/value JSON text as the outbox keeps it. */
export type StoredState = Readonly<Record<string, string>>;
export type StateChanges = Record<string, string | null>;

/**
 * What the pipeline knew when its last event was stored. Undefined where nothing was saved. A section that can't be
 * read is a loud fault (`onDamage`), and the whole is left out: half a state would be worse than none.
 */
export function restorePipelineState(
  stored: StoredState,
  onDamage: (message: string) => void,
): PipelineState | undefined {
  if (names.every((name) => stored[name] === undefined)) return undefined;
  try {
    const clock = parseSection('clock', stored.clock);
    const [weighing, fusion, basket] = needed.map((name) => parseSection(name, stored[name]));
    const kept = lists
      .filter((name) => stored[name] !== undefined)
      .map((name) => {
        const list = parseSection(name, stored[name]);
        if (!Array.isArray(list)) throw new Error(`${name} is not a list`);
        return [name, list] as const;
      });
    const atUs = (clock as { atUs?: unknown }).atUs;
    if (!Number.isSafeInteger(atUs)) throw new Error('clock has no time');
    // Each room checks the version of its own section when it is built on it.
    return { atUs, weighing, fusion, basket, ...Object.fromEntries(kept) } as PipelineState;
  } catch (error) {
    onDamage(`the saved state is not readable: ${describeError(error)}; starting without it`);
    return undefined;
  }
}

/** What was built, on which state, and why it was not built on the one that was saved. */
export interface Built<T> {
  readonly value: T;
  readonly state: PipelineState | undefined;
  readonly damage: string | undefined;
}

/**
 * Builds on what an earlier run saved. State that is damaged, or of a version that a room doesn't read (after a
 * downgrade, say), must not keep a cart from selling: it is built anew then, and `damage` says why.
 * Throws what `build` throws without any state.
 */
export function buildOnSaved<T>(
  stored: StoredState,
  build: (state: PipelineState | undefined) => T,
): Built<T> {
  let damage: string | undefined;
  const state = restorePipelineState(stored, (message) => {
    damage = message;
  });
  if (state !== undefined) {
    try {
      return { value: build(state), state, damage: undefined };
    } catch (error) {
      damage = `the saved state can't be used: ${describeError(error)}; starting without it`;
    }
  }
  return { value: build(undefined), state: undefined, damage };
}

/** Keeps state that could not be used under another key, where the next save doesn't write over it. */
export function setAside(stored: StoredState): StateChanges {
  const kept: StateChanges = {};
  for (const name of names) {
    const text = stored[name];
    if (text !== undefined) kept[`${damagedPrefix}${name}`] = text;
  }
  return kept;
}

function parseSection(name: string, text: string | undefined): object {
  if (text === undefined) throw new Error(`${name} is missing`);
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) throw new Error(`${name} is not an object`);
  return value;
}

/** Transactions answered before the restart. */
export function restoreTransactions(stored: StoredState, log: Logger): Map<string, Remembered> {
  const remembered = new Map<string, Remembered>();
  for (const [key, text] of Object.entries(stored)) {
    if (!key.startsWith(transactionPrefix)) continue;
    try {
      remembered.set(key.slice(transactionPrefix.length), JSON.parse(text) as Remembered);
    } catch {
      log.error({ key, code: 'CW-GWY-003' }, 'a remembered transaction is not readable; it is forgotten');
    }
  }
  return remembered;
}

export const transactionKey = (transaction: string) => `${transactionPrefix}${transaction}`;

/** Notes which sections of the pipeline's state changed, so that only those are written. */
export class StateTracker {
  /** Empty lists are not written: most gateways have no tag reader, and no fault. */
  readonly #written = new Map<string, string>(lists.map((name) => [name, '[]']));

  #learned: unknown;

  constructor(stored: StoredState) {
    for (const [key, text] of Object.entries(stored)) this.#written.set(key, text);
  }

  /** The sections that differ from what was written last; they count as written from now on. */
  changes(pipeline: Pick<Pipeline, 'saveState'>): StateChanges {
    const state = pipeline.saveState();
    const changes: StateChanges = {};
    for (const name of sections) {
      const value = state[name];
      // Large, and the same array while nothing is learned.
      if (name === 'learned' && value === this.#learned) continue;
      if (name === 'learned') this.#learned = value;
      const text = JSON.stringify(value ?? []);
      if (this.#written.get(name) === text) continue;
      this.#written.set(name, text);
      changes[name] = text;
    }
    if (Object.keys(changes).length > 0 || !this.#written.has('clock')) {
      changes.clock = JSON.stringify({ atUs: state.atUs });
      this.#written.set('clock', changes.clock);
    }
    return changes;
  }
}
