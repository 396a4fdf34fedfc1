import type { en } from './en.ts';

/** A sentence that depends on a number: one wording for each of the language's own plural forms (CLDR). */
export type Plural = Partial<Record<Intl.LDMLPluralRule, string>> & { readonly other: string };

/** Every sentence of the page in one language: a language that lacks one does not pass the type check. */
export type Words = {
  readonly [Name in keyof typeof en]: (typeof en)[Name] extends string ? string : Plural;
};

/** Names of sentences that are fixed, and of those that depend on a number. */
export type Sentence = {
  [Name in keyof typeof en]: (typeof en)[Name] extends string ? Name : never;
}[keyof typeof en];
export type Counted = Exclude<keyof typeof en, Sentence>;
