import { ScanningError, shown } from '../errors.ts';
import type { GsElement } from '../meaning.ts';
import { strangeCharacter } from './characters.ts';
import { entryOf, lengthsOf } from './dictionary.ts';
import { isCheckDigit, linters } from './linters.ts';
import type { AiEntry, Component } from './specification.ts';

/** The dictionary's entry of an application identifier. @throws ScanningError CW-SCN-020 where there is none */
export function assigned(ai: string): AiEntry {
  const entry = entryOf(ai);
  if (entry !== undefined) return entry;
  throw new ScanningError(
    'CW-SCN-020',
    `${shown(ai)} is no GS1 application identifier; scan the code again, or have its maker correct it.`,
  );
}

/** An identifier as messages name it: `(10) BATCH/LOT`. */
export function named(ai: string, { title }: AiEntry): string {
  return title === '' ? `(${ai})` : `(${ai}) ${title}`;
}

/**
 * Checks the value of one element against its components: length, characters, content.
 *
 * @throws ScanningError CW-SCN-020 to -024, and CW-SCN-001 for wrong check digits and check characters
 */
export function checkElement({ ai, value }: GsElement): void {
  const entry = assigned(ai);
  const { minimum, maximum } = lengthsOf(entry);
  let rest = value;
  for (const component of entry.components) {
    if (rest === '' && component.optional === true) break;
    const part = rest.slice(0, component.maximum);
    rest = rest.slice(component.maximum);
    if (part.length < component.minimum) throw tooShort(ai, value, entry, minimum);
    checkComponent(ai, part, component, entry);
  }
  if (rest !== '') {
    throw new ScanningError(
      'CW-SCN-022',
      `${named(ai, entry)} has at most ${maximum} characters, not the ${value.length} of ${shown(value)}: ` +
        'the FNC1 after it is missing. Have the label corrected, or the scanner set to send FNC1 as GS (0x1D).',
    );
  }
}

/** The error of a value that ends before its format does. */
export function tooShort(ai: string, value: string, entry: AiEntry, minimum: number): ScanningError {
  return new ScanningError(
    'CW-SCN-021',
    `${named(ai, entry)} needs ${minimum} characters at least and ${shown(value)} ends early; scan it again.`,
  );
}

function checkComponent(ai: string, part: string, component: Component, entry: AiEntry): void {
  const strange = strangeCharacter(component.type, part);
  if (strange !== undefined) {
    throw new ScanningError(
      'CW-SCN-023',
      `${named(ai, entry)} can't hold ${shown(strange)}, which is in ${shown(part)}; scan it again.`,
    );
  }
  for (const name of component.checks ?? []) {
    const problem = linters[name]?.(part);
    if (problem === undefined) continue;
    throw new ScanningError(
      isCheckDigit(name) ? 'CW-SCN-001' : 'CW-SCN-024',
      `${named(ai, entry)} has ${problem} in ${shown(part)}; scan it again, or have its maker correct it.`,
    );
  }
}
