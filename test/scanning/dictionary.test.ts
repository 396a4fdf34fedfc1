import { readFileSync } from 'node:fs';
import test from 'ava';
import { checkAssociations } from '#scanning/gs1/associations.ts';
import { applicationIdentifiers, entryOf, identifierAt, lengthsOf } from '#scanning/gs1/dictionary.ts';
import { checkElement } from '#scanning/gs1/element.ts';
import {
  encodeElementString,
  formatElementString,
  parseElementString,
} from '#scanning/gs1/element-string.ts';
import { isCheckDigit, linters } from '#scanning/gs1/linters.ts';
import { dictionaryModule, readDictionary } from '#scanning/gs1/read-dictionary.ts';
import type { AiEntry } from '#scanning/gs1/specification.ts';
import { interpretScan } from '#scanning/interpret.ts';
import { componentValue, elementsWith, elementValue, strangers, withCompanions } from './samples.ts';
import { gs, refused, rules } from './support.ts';

const folder = new URL('../../src/scanning/gs1/', import.meta.url);
const text = readFileSync(new URL('gs1-syntax-dictionary.txt', folder), 'utf8');

const everyAi = (action: (ai: string, entry: AiEntry) => void): number => {
  for (const ai of applicationIdentifiers) {
    const entry = entryOf(ai);
    if (entry !== undefined) action(ai, entry);
  }
  return applicationIdentifiers.length;
};

test('the generated tables are those of the dictionary beside them', (t) => {
  const generated = readFileSync(new URL('generated/application-identifiers.ts', folder), 'utf8');
  t.is(generated, dictionaryModule(readDictionary(text)), 'run node scripts/generate-gs1.ts');
});

test('a line of the dictionary that is not understood names itself', (t) => {
  t.throws(() => readDictionary('# comment\n01 *? N14,csum novelty=1 # GTIN'), {
    message: /line 2.*novelty=1/,
  });
  t.throws(() => readDictionary('01 *? # GTIN'), { message: /line 1/ });
  t.throws(() => readDictionary('GTIN N14'), { message: /line 1/ });
});

test('every check that the dictionary names is implemented', (t) => {
  const named = new Set(
    readDictionary(text).flatMap(({ components }) => components.flatMap(({ checks }) => checks ?? [])),
  );
  t.true(named.size >= 34);
  t.deepEqual(
    [...named].filter((name) => linters[name] === undefined),
    [],
  );
});

test('more than five hundred application identifiers are known, each found at the start of its element', (t) => {
  const count = everyAi((ai) => t.is(identifierAt(`${ai}0000`, 0), ai));
  t.true(count > 500, `${count}`);
});

test('a valid element of every identifier, with what it requires, survives encoding and reading', (t) => {
  everyAi((ai, entry) => {
    for (const optional of [false, true]) {
      const elements = elementsWith(ai, elementValue(entry, optional));
      const data = encodeElementString(elements);
      const transmitted = new TextDecoder().decode(data);
      t.deepEqual(parseElementString(transmitted), elements, formatElementString(elements));
      for (const symbology of [']C1', ']e0', ']d2', ']Q3', ']J1']) {
        const meaning = interpretScan(data, symbology, rules);
        t.not(meaning.meaning, 'unknown', formatElementString(elements));
        t.deepEqual(interpretScan(data, symbology, rules), meaning);
      }
    }
  });
});

test('FNC1 may be missing after every element of predefined length, and is harmless there', (t) => {
  everyAi((ai, entry) => {
    if (!entry.predefined) return;
    const elements = [...elementsWith(ai, elementValue(entry, false)), { ai: '99', value: 'A' }];
    const bare = new TextDecoder().decode(encodeElementString(elements));
    const value = elements[0]?.value ?? '';
    t.true(bare.startsWith(`${ai}${value}${elements[1]?.ai ?? ''}`));
    t.deepEqual(parseElementString(bare.replace(`${ai}${value}`, `${ai}${value}${gs}`)), elements);
  });
});

test('FNC1 missing after any other element of fixed length is an error, never a guess', (t) => {
  let count = 0;
  everyAi((ai, entry) => {
    const { minimum, maximum } = lengthsOf(entry);
    if (entry.predefined || minimum !== maximum) return;
    count++;
    refused(t, () => parseElementString(`${ai}${elementValue(entry, false)}99A`), 'CW-SCN-022', ai);
  });
  t.true(count >= 20, `${count}`);
});

test('a character that its format does not allow is refused in every component of every identifier', (t) => {
  everyAi((ai, entry) => {
    entry.components.forEach((component, index) => {
      const parts = entry.components.map((other) => componentValue(other));
      parts[index] = `${strangers[component.type]}${(parts[index] ?? '').slice(1)}`;
      refused(
        t,
        () => checkElement({ ai, value: parts.join('') }),
        'CW-SCN-023',
        `(${ai}) component ${index}`,
      );
    });
  });
});

test('a value too short or too long is refused for every identifier', (t) => {
  everyAi((ai, entry) => {
    const { minimum, maximum } = lengthsOf(entry);
    const shortest = elementValue(entry, false).slice(0, minimum - 1);
    refused(t, () => checkElement({ ai, value: shortest }), 'CW-SCN-021', `(${ai}) ${shortest}`);
    const full = entry.components.map((component) => {
      const value = componentValue(component);
      return component.checks === undefined && component.minimum !== component.maximum
        ? value.padEnd(component.maximum, '2')
        : value;
    });
    const longest = full.join('');
    if (longest.length !== maximum) return;
    refused(t, () => checkElement({ ai, value: `${longest}2` }), 'CW-SCN-022', `(${ai})`);
  });
});

test('content that a check of the dictionary refuses is refused for every identifier that has the check', (t) => {
  const tried = new Set<string>();
  everyAi((ai, entry) => {
    entry.components.forEach((component, index) => {
      for (const name of component.checks ?? []) {
        // A numeric GTIN, SSCC or GLN always begins with digits: the type refuses the rest before this check can.
        if (name.startsWith('gcppos') && component.type === 'N') {
          tried.add(name);
          continue;
        }
        tried.add(name);
        const parts = entry.components.map((other) => componentValue(other));
        parts[index] = componentValue(component, name);
        const code = isCheckDigit(name) ? 'CW-SCN-001' : 'CW-SCN-024';
        refused(t, () => checkElement({ ai, value: parts.join('') }), code, `(${ai}) ${name}`);
      }
    });
  });
  t.deepEqual(
    Object.keys(linters).filter((name) => !tried.has(name)),
    [],
  );
});

test('what an identifier requires must be there, for every identifier that requires something', (t) => {
  let count = 0;
  everyAi((ai, entry) => {
    if (entry.requires.length === 0) return;
    count++;
    refused(t, () => checkAssociations([{ ai, value: elementValue(entry, false) }]), 'CW-SCN-025', `(${ai})`);
  });
  t.true(count > 300, `${count}`);
});

test('what an identifier excludes must not be there, for every pair that the dictionary excludes', (t) => {
  let count = 0;
  everyAi((ai, entry) => {
    for (const pattern of entry.excludes) {
      const matching = new RegExp(`^${pattern.replaceAll('n', '[0-9]')}$`);
      for (const rival of applicationIdentifiers.filter((other) => other !== ai && matching.test(other))) {
        t.is(withCompanions([ai, rival]), undefined);
        const elements = [...elementsWith(ai, elementValue(entry, false)), { ai: rival, value: '1' }];
        refused(t, () => checkAssociations(elements), 'CW-SCN-026', `(${ai}) with (${rival})`);
        count++;
      }
    }
  });
  t.true(count > 400, `${count}`);
});
