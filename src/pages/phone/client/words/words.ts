import type { en } from './en.ts';

/** Every sentence of the page in one language: a language that lacks one does not pass the type check. */
export type Words = { readonly [Name in keyof typeof en]: string };
export type Sentence = keyof Words;
