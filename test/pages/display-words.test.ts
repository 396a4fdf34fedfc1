import { globSync, readFileSync } from 'node:fs';
import test from 'ava';
import { unbroken } from '#pages/client/names.ts';
import { Language } from '#pages/display/client/language.ts';
import { de } from '#pages/display/client/words/de.ts';
import { en } from '#pages/display/client/words/en.ts';
import { it } from '#pages/display/client/words/it.ts';
import { tr } from '#pages/display/client/words/tr.ts';

const all = { en, de, it, tr } as const;
type Entry = string | Readonly<Record<string, string>>;
const entries = (words: object) => Object.entries(words) as [string, Entry][];
const places = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(([place]) => place).sort();
const textsOf = (entry: Entry) => (typeof entry === 'string' ? [entry] : Object.values(entry));

for (const [code, words] of Object.entries(all)) {
  test(`every sentence in ${code} has the places that the English one has, and is not English`, (t) => {
    const english = new Map(entries(en));
    let same = 0;
    for (const [name, entry] of entries(words)) {
      const [model = ''] = textsOf(english.get(name) ?? '');
      for (const text of textsOf(entry)) {
        t.deepEqual(places(text), places(model), name);
        t.not(text.trim(), '', name);
        if (text === model) same += 1;
      }
    }
    // Some are the same in several languages: `{count} × {price}`, "No".
    if (code !== 'en') t.true(same <= 4, `${same} sentences are English`);
  });

  test(`${code} has a wording for every plural form that its numbers up to ten thousand need`, (t) => {
    const rules = new Intl.PluralRules(code);
    const needed = new Set(Array.from({ length: 10_001 }, (_, count) => rules.select(count)));
    for (const [name, entry] of entries(words)) {
      if (typeof entry === 'string') continue;
      for (const form of needed) t.true(form in entry, `${name}: ${form}`);
    }
  });
}

test('there is no sentence that no screen says', (t) => {
  const sources = globSync('src/pages/display/client/**/*.ts')
    .filter((path) => !path.includes('/words/'))
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');
  const unused = Object.keys(en).filter((name) => name !== 'language' && !sources.includes(`'${name}'`));
  t.deepEqual(unused, []);
});

test('no line ends between a number and its unit, and other names stay as they are', (t) => {
  t.is(unbroken('Spaghetti n° 5, 500 g'), 'Spaghetti n° 5, 500\u00a0g');
  t.is(unbroken('Acqua 1,5 L'), 'Acqua 1,5\u00a0L');
  t.is(unbroken('7 gute Gründe, 6 kleine'), '7 gute Gründe, 6 kleine');
});

test('money has the decimals of its currency, mass its unit, and marks are no obstacle to a search', (t) => {
  const german = new Language('de');
  t.is(german.money(123_456, 'EUR'), '1.234,56\u00a0€');
  t.is(german.money(500, 'JPY'), '500\u00a0¥');
  t.is(german.money(12_345, 'KWD'), '12,345\u00a0KWD');
  t.is(german.mass(999_400), '999\u00a0g');
  t.is(german.mass(1_002_400), '1,002\u00a0kg');
  t.is(german.mass(1_247_000, 5_000), '1,245\u00a0kg');
  t.is(german.plain('Süßkirsche'), 'susskirsche');
  const turkish = new Language('tr');
  t.is(turkish.plain('IRMIK'), turkish.plain('ırmık'));
  t.is(turkish.count('items', 1), '1 ürün');
  t.is(new Language('xx').code, 'en');
});
