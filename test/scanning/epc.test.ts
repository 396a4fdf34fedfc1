import test from 'ava';
import fc from 'fast-check';
import { gtinCheckDigit } from '#base/gtin.ts';
import { interpretTag } from '#scanning/epc.ts';

const tag = (hexadecimal: string) => interpretTag(Uint8Array.from(Buffer.from(hexadecimal, 'hex')));

/** Writes fields as bits, left to right, and fills up with zeros. */
function bits(bytes: number, ...fields: readonly (readonly [value: bigint, length: number])[]): Uint8Array {
  const text = fields.map(([value, length]) => value.toString(2).padStart(length, '0')).join('');
  const padded = text.padEnd(bytes * 8, '0');
  return Uint8Array.from({ length: bytes }, (_, i) => Number.parseInt(padded.slice(i * 8, i * 8 + 8), 2));
}

const prefixBits = [40, 37, 34, 30, 27, 24, 20];

test('the example of the EPC Tag Data Standard is read as its GTIN and serial number', (t) => {
  // urn:epc:tag:sgtin-96:3.0614141.812345.6789
  t.deepEqual(tag('3074257bf7194e4000001a85'), {
    meaning: 'product',
    gtin: '80614141123458',
    serial: '6789',
  });
});

test('every GTIN comes back from its tag, whatever the length of its company prefix', (t) => {
  const digits = (length: number) =>
    fc.array(fc.nat(9), { minLength: length, maxLength: length }).map((list) => list.join(''));
  fc.assert(
    fc.property(
      fc.nat(6).chain((partition) =>
        fc.record({
          partition: fc.constant(partition),
          prefix: digits(12 - partition),
          item: digits(partition + 1),
          serial: fc.bigInt(0n, (1n << 38n) - 1n),
          filter: fc.bigInt(0n, 7n),
        }),
      ),
      ({ partition, prefix, item, serial, filter }) => {
        const size = prefixBits[partition] ?? 0;
        const epc = bits(
          12,
          [0x30n, 8],
          [filter, 3],
          [BigInt(partition), 3],
          [BigInt(prefix), size],
          [BigInt(item), 44 - size],
          [serial, 38],
        );
        const body = `${item[0]}${prefix}${item.slice(1)}`;
        const gtin = `${body}${gtinCheckDigit(body)}`;
        t.deepEqual(interpretTag(epc), { meaning: 'product', gtin, serial: serial.toString() });
      },
    ),
    { seed: 20261123, numRuns: 2_000 },
  );
});

test('a serial number of letters is read from the long scheme', (t) => {
  const text = (value: string) =>
    [...value.padEnd(20, '\0')].map((character) => [BigInt(character.charCodeAt(0)), 7] as const);
  const epc = bits(25, [0x36n, 8], [1n, 3], [5n, 3], [614141n, 24], [712345n, 20], ...text('32a/b'));
  t.deepEqual(interpretTag(epc), { meaning: 'product', gtin: '70614141123451', serial: '32a/b' });
});

test('other schemes, damaged and short tags are unknown, and nothing is thrown', (t) => {
  // An SSCC, a partition that does not exist, a company prefix beyond its digits, a tag cut short.
  for (const hexadecimal of [
    '3174257bf7194e4000001a85',
    '301c257bf7194e4000001a85',
    '30ffffffffffffffffffffff',
    '3074',
    '',
  ]) {
    t.deepEqual(tag(hexadecimal), { meaning: 'unknown', text: hexadecimal });
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (epc) => {
      const { meaning } = interpretTag(epc);
      t.true(meaning === 'unknown' || meaning === 'product');
    }),
    { seed: 20261123, numRuns: Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 20_000) },
  );
});
