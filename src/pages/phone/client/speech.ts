import { de } from './words/de.ts';
import { en } from './words/en.ts';
import { it } from './words/it.ts';
import { tr } from './words/tr.ts';
import type { Sentence, Words } from './words/words.ts';

const all: Readonly<Record<string, Words>> = { en, de, it, tr };
const mgPerKg = 1_000_000;

/** The first of the phone's languages that the page speaks, else English; numbers and money by the browser's rules. */
export class Speech {
  readonly code: string;
  readonly #words: Words;

  constructor(wanted: readonly string[]) {
    this.code = wanted.map((tag) => tag.slice(0, 2).toLowerCase()).find((code) => code in all) ?? 'en';
    this.#words = all[this.code] ?? en;
  }

  /** A sentence, with `{name}` replaced by `values.name`. */
  say(sentence: Sentence, values: Readonly<Record<string, string>> = {}): string {
    return this.#words[sentence].replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
  }

  /** Minor units as money, with the decimals that the currency has. */
  money(minor: number, currency: string): string {
    const format = new Intl.NumberFormat(this.code, { style: 'currency', currency });
    return format.format(minor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
  }

  /** Kilograms with three decimals. */
  mass(massMg: number): string {
    return new Intl.NumberFormat(this.code, {
      style: 'unit',
      unit: 'kilogram',
      minimumFractionDigits: 3,
      maximumFractionDigits: 3,
    }).format(massMg / mgPerKg);
  }
}
