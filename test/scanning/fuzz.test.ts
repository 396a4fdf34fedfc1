import test from 'ava';
import fc from 'fast-check';
import { describeError } from '#base/errors.ts';
import { ScanningError } from '#scanning/errors.ts';
import { applicationIdentifiers, entryOf } from '#scanning/gs1/dictionary.ts';
import { encodeElementString, parseElementString } from '#scanning/gs1/element-string.ts';
import { interpretScan } from '#scanning/interpret.ts';
import { elementsWith, elementValue } from './samples.ts';
import { checked, gs, refused, rules, scan } from './support.ts';

const options = { seed: 20261122, numRuns: 3000 };

const symbology = fc.oneof(
  fc.constantFrom(
    '',
    ']E0',
    ']E1',
    ']E3',
    ']E4',
    ']I0',
    ']I1',
    ']I2',
    ']C0',
    ']C1',
    ']e0',
    ']d1',
    ']d2',
    ']Q1',
    ']Q3',
    ']X',
  ),
  fc
    .tuple(fc.constantFrom(...'ABCDEFabcdefXQz'), fc.constantFrom(...'0123456789a'))
    .map(([a, b]) => `]${a}${b}`),
  fc.string({ maxLength: 5 }),
);

/** True when `data` means something or is refused with a code; anything else thrown is a defect. */
function understoodOrRefused(data: Uint8Array, identifier: string): boolean {
  try {
    return interpretScan(data, identifier, rules).meaning !== undefined;
  } catch (error) {
    if (error instanceof ScanningError) return error.message.length > 10 && error.message.length < 600;
    throw new Error(`not a ScanningError: ${describeError(error)}`, { cause: error });
  }
}

test('arbitrary bytes under any identifier mean something or are refused with a code', (t) => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), symbology, understoodOrRefused), options);
  t.pass();
});

test('text that looks like codes means something or is refused with a code', (t) => {
  const piece = fc.constantFrom(
    ...['01', '09506000134352', '10', 'ABC', gs, '(01)', '3103', '001750', '3922', '4006381333931', ']C1'],
    ...[
      'https://',
      'id.gs1.org',
      '/01/',
      '/',
      '?',
      '17=',
      '261100',
      '&',
      '%',
      '%2F',
      '%ff',
      '-',
      ' ',
      '\r\n',
      '8110',
    ],
    ...['20', '99', '978', '4011', 'QR-', 'Ä', '\u{1f34c}', '\0', '0', '9'],
  );
  const text = fc.array(piece, { maxLength: 12 }).map((all) => new TextEncoder().encode(all.join('')));
  fc.assert(fc.property(text, symbology, understoodOrRefused), options);
  t.pass();
});

test('a valid element string with one character changed, lost or added never fails in another way', (t) => {
  const ai = fc.constantFrom(...applicationIdentifiers);
  const change = fc.constantFrom('', gs, '0', '9', 'A', '~', 'ß');
  fc.assert(
    fc.property(ai, fc.nat(), change, fc.integer({ min: 0, max: 1 }), (start, position, insert, removed) => {
      const entry = entryOf(start);
      if (entry === undefined) return false;
      const text = new TextDecoder().decode(
        encodeElementString(elementsWith(start, elementValue(entry, true))),
      );
      const at = position % (text.length + 1);
      const changed = text.slice(0, at) + insert + text.slice(at + removed);
      return understoodOrRefused(new TextEncoder().encode(changed), ']C1');
    }),
    options,
  );
  t.pass();
});

test('what reads as an element string encodes to one that reads the same', (t) => {
  const piece = fc.constantFrom(
    '01',
    '09506000134352',
    '10',
    'ABC',
    gs,
    '3103',
    '001750',
    '17261100',
    '21S',
    '30',
    '7',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
      let elements: ReturnType<typeof parseElementString>;
      try {
        elements = parseElementString(pieces.join(''));
      } catch (error) {
        return error instanceof ScanningError;
      }
      const again = parseElementString(new TextDecoder().decode(encodeElementString(elements)));
      return JSON.stringify(again) === JSON.stringify(elements);
    }),
    options,
  );
  t.pass();
});

test('a single wrong digit never turns a product into another one', (t) => {
  fc.assert(
    fc.property(
      fc.stringMatching(/^[3-8][0-9]{11}$/),
      fc.nat(12),
      fc.integer({ min: 1, max: 9 }),
      (body, at, by) => {
        const right = checked(body);
        const wrong = right.slice(0, at) + String((Number(right[at]) + by) % 10) + right.slice(at + 1);
        try {
          scan(wrong, ']E0');
          return false;
        } catch (error) {
          return error instanceof ScanningError && error.code === 'CW-SCN-001';
        }
      },
    ),
    options,
  );
  t.pass();
});

test('bytes that are no text, nothing at all, and more than a symbol holds are refused by name', (t) => {
  refused(t, () => interpretScan(new Uint8Array([0xff, 0xfe]), ']Q1', rules), 'CW-SCN-004');
  refused(t, () => interpretScan(new Uint8Array([0x82, 0xa0]), '', rules), 'CW-SCN-004');
  for (const nothing of ['', '\r\n', '\n\n\n']) refused(t, () => scan(nothing, ']Q1'), 'CW-SCN-002');
  refused(t, () => interpretScan(new Uint8Array(7090), ']Q1', rules), 'CW-SCN-003');
  t.is(scan('9'.repeat(7089), ']Q1').meaning, 'unknown');
});

test('the longest and most awkward codes are answered at once', (t) => {
  const repeated = (text: string) => text.repeat(Math.floor(7000 / text.length));
  const awkward = [
    repeated('/01/09506000134352').replace(/^/, 'https://a.example'),
    repeated('/8010/1234').replace(/^/, 'https://a.example'),
    `https://a.example/01/09506000134352?${repeated('17=261100&')}`,
    `${repeated('\r\n')}x`,
    repeated('1 '),
    `${repeated('1-')}x`,
    repeated('(01)09506000134352'),
    repeated('0109506000134352'),
    repeated(`10A${gs}`),
    repeated('%2'),
    `https://a.example/01/09506000134352/10/${repeated('%41')}`,
  ];
  for (const text of awkward) {
    for (const identifier of ['', ']C1', ']Q1', ']E0']) {
      const before = performance.now();
      understoodOrRefused(new TextEncoder().encode(text), identifier);
      const tookMs = performance.now() - before;
      // Typically a few ms; the bound only has to tell linear from exponential on a busy machine.
      t.true(tookMs < 1000, `${text.slice(0, 40)} under "${identifier}" took ${tookMs.toFixed(0)} ms`);
    }
  }
});
