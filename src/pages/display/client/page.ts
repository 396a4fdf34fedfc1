import type { DisplaySettings, DisplayState, ShownProduct } from '../source.ts';
import type { Language } from './language.ts';
import type { Sentence } from './words/words.ts';

/** What the shopper has opened; what the basket's state demands comes before it. */
export type View = 'trip' | 'find' | 'offers' | 'settings' | 'line' | 'pay' | 'end';

/** A look-up under way: by pictures, or with the keyboard on the screen. */
export interface Finding {
  readonly text: string;
  readonly typing: boolean;
  /** The question that it answers. */
  readonly event?: string;
  /** What was picked and now has to be put in, with the cart's mass at that moment, mg. */
  readonly picked?: { readonly product: ShownProduct; readonly fromMg?: number };
}

/** Everything that decides what is to be seen. */
export interface Page {
  readonly state: DisplayState;
  readonly settings: DisplaySettings;
  readonly language: Language;
  readonly sound: boolean;
  readonly view: View;
  readonly produce: readonly ShownProduct[];
  readonly finding: Finding;
  /** Number of the line that is said not to be the shopper's. */
  readonly line?: number;
  /** Something touched that did not work, or did, until the next touch. */
  readonly note?: { readonly sentence: Sentence; readonly bad: boolean };
  /** The gateway doesn't answer. */
  readonly lost: boolean;
}

export const noFinding: Finding = { text: '', typing: false };
