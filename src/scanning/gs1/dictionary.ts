import { aiEntries } from './generated/application-identifiers.ts';
import type { AiEntry } from './specification.ts';

const byAi = new Map<string, AiEntry>();
/** Length of an application identifier by its first two digits: GS1 assigns them so that it is unique. */
const lengthByStart = new Map<string, number>();

for (const entry of aiEntries) {
  for (let number = Number(entry.from); number <= Number(entry.to); number++) {
    const ai = String(number).padStart(entry.from.length, '0');
    byAi.set(ai, entry);
    lengthByStart.set(ai.slice(0, 2), ai.length);
  }
}

/** Every assigned application identifier, in order. */
export const applicationIdentifiers: readonly string[] = [...byAi.keys()];

/** What the syntax dictionary says of an application identifier; `undefined` for an unassigned one. */
export function entryOf(ai: string): AiEntry | undefined {
  return byAi.get(ai);
}

/** The application identifier that `text` starts with at `position`; where it is not assigned, the digits in its place. */
export function identifierAt(text: string, position: number): string {
  return text.slice(position, position + (lengthByStart.get(text.slice(position, position + 2)) ?? 2));
}

/** Characters of a value: the fewest and the most. */
export function lengthsOf(entry: AiEntry): { minimum: number; maximum: number } {
  let minimum = 0;
  let maximum = 0;
  for (const component of entry.components) {
    if (component.optional !== true) minimum += component.minimum;
    maximum += component.maximum;
  }
  return { minimum, maximum };
}

/** The implied decimals of an identifier of which the last digit counts them (310n, 392n). */
export function impliedDecimals(ai: string): number {
  return Number(ai.slice(-1));
}
