import type { Machine } from './machine.ts';
import { isOurs, make, missing, type Part, unmake, unmakeParents } from './parts.ts';

/** How something stands before setup touches it. */
type Look =
  | { readonly state: 'done'; readonly what: string }
  /** What would be done, a line each. */
  | { readonly state: 'needed'; readonly plan: readonly string[] }
  /** Not asked for, or not to be had here; nothing is done and setup goes on. */
  | { readonly state: 'left'; readonly why: string };

/** One thing that setup sees to. `look` rejects with a coded error where it is impossible. */
export interface Step {
  readonly title: string;
  look(machine: Machine): Look | Promise<Look>;
  /** Does what `look` found needed; may be cut short anywhere and done again. */
  act(machine: Machine): Promise<void>;
  /** Takes away what it brought, and answers what, a line each. */
  undo(machine: Machine, purge: boolean): Promise<readonly string[]>;
}

/** Files, folders and links, and what has to be told to the system when they change. */
interface PartsStep {
  readonly title: string;
  readonly what: string;
  readonly parts: (machine: Machine) => readonly Part[];
  /** More that may be needed: what, or undefined. */
  readonly also?: (machine: Machine) => string | undefined;
  /** After parts have changed, or where `also` found something. */
  readonly changed?: (machine: Machine) => Promise<void>;
  /** After they were taken away. */
  readonly removed?: (machine: Machine) => Promise<void>;
}

/** A step that brings parts. */
export function partsStep({ title, what, parts, also, changed, removed }: PartsStep): Step {
  return {
    title,
    look(machine) {
      const plan = parts(machine).flatMap((part) => missing(machine, part) ?? []);
      const more = also?.(machine);
      if (more !== undefined) plan.push(more);
      return plan.length === 0 ? { state: 'done', what } : { state: 'needed', plan };
    },
    async act(machine) {
      for (const part of parts(machine)) await make(machine, part);
      await changed?.(machine);
    },
    async undo(machine) {
      const lines = await unmakeAll(machine, parts(machine));
      if (lines.length > 0) await removed?.(machine);
      return lines;
    },
  };
}

/** Takes parts away, the last one first, and what they lay in. */
export async function unmakeAll(machine: Machine, parts: readonly Part[]): Promise<string[]> {
  const lines: string[] = [];
  for (const part of [...parts].reverse()) {
    if (!isOurs(machine, part.path)) continue;
    if (await unmake(machine, part)) lines.push(`removed ${part.path}`);
    await unmakeParents(machine, part.path);
  }
  return lines;
}
