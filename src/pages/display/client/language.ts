import { de } from './words/de.ts';
import { en } from './words/en.ts';
import { it } from './words/it.ts';
import { tr } from './words/tr.ts';
import type { Counted, Plural, Sentence, Words } from './words/words.ts';

const all: Readonly<Record<string, Words>> = { en, de, it, tr };
const mgPerKg = 1_000_000;
const mgPerG = 1_000;

type Values = Readonly<Record<string, string>>;

/** A language with its rules for plurals, numbers and money, which are the browser's (CLDR). */
export class Language {
  readonly code: string;
  readonly #words: Words;
  readonly #plural: Intl.PluralRules;
  readonly #money = new Map<string, Intl.NumberFormat>();

  /** English where a language isn't there. */
  constructor(code: string) {
    this.#words = all[code] ?? en;
    this.code = all[code] === undefined ? 'en' : code;
    this.#plural = new Intl.PluralRules(this.code);
  }

  /** A sentence, with `{name}` replaced by `values.name`. */
  say(sentence: Sentence, values: Values = {}): string {
    return put(this.#words[sentence] as string, values);
  }

  /** A sentence in the plural form that `count` needs. */
  count(sentence: Counted, count: number): string {
    const forms = this.#words[sentence] as Plural;
    const form = forms[this.#plural.select(count)] ?? forms.other;
    return put(form, { count: new Intl.NumberFormat(this.code).format(count) });
  }

  /** Minor units as money, with the decimals that the currency has. */
  money(minor: number, currency: string): string {
    const format = this.#moneyFormat(currency);
    return format.format(minor / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
  }

  /** `0.842 kg` or `412 g`, to the interval of the scale; no line ends within it. */
  mass(massMg: number, divisionMg = mgPerG): string {
    const rounded = Math.round(massMg / divisionMg) * divisionMg;
    const inKg = Math.abs(rounded) >= mgPerKg;
    return new Intl.NumberFormat(this.code, {
      style: 'unit',
      unit: inKg ? 'kilogram' : 'gram',
      minimumFractionDigits: inKg ? 3 : 0,
      maximumFractionDigits: inKg ? 3 : 0,
    })
      .format(rounded / (inKg ? mgPerKg : mgPerG))
      .replaceAll(' ', '\u00a0');
  }

  percent(ppm: number): string {
    return new Intl.NumberFormat(this.code, { style: 'percent' }).format(Math.floor(ppm / 10_000) / 100);
  }

  /** `a, b and c` in the language's own way. */
  list(parts: readonly string[]): string {
    return new Intl.ListFormat(this.code).format(parts);
  }

  /** In the order of the language's alphabet. */
  sort<Of>(things: readonly Of[], nameOf: (thing: Of) => string): readonly Of[] {
    const collator = new Intl.Collator(this.code);
    return [...things].sort((a, b) => collator.compare(nameOf(a), nameOf(b)));
  }

  /** Letters without case and marks, so that `kopru` finds `Köprü` and `IRMIK` finds `ırmik`. */
  plain(text: string): string {
    return text
      .toLocaleLowerCase(this.code)
      .normalize('NFD')
      .replace(/\p{M}/gu, '')
      .replaceAll('ı', 'i')
      .replaceAll('ß', 'ss');
  }

  #moneyFormat(currency: string): Intl.NumberFormat {
    const known = this.#money.get(currency);
    if (known !== undefined) return known;
    const format = new Intl.NumberFormat(this.code, { style: 'currency', currency });
    this.#money.set(currency, format);
    return format;
  }
}

/** A language's own name, to choose it by. */
export function languageName(code: string): string {
  return all[code]?.language ?? code;
}

function put(sentence: string, values: Values): string {
  return sentence.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}
