import test from 'ava';
import fc from 'fast-check';
import { hx711Bytes, hx711Counts, hx711Maximum, hx711Minimum } from '#drivers/load-cell/hx711.ts';

test('codes are 24 bits of two’s complement, most significant byte first', (t) => {
  t.deepEqual([...hx711Bytes(1)], [0, 0, 1]);
  t.deepEqual([...hx711Bytes(-1)], [0xff, 0xff, 0xff]);
  t.deepEqual([...hx711Bytes(hx711Maximum)], [0x7f, 0xff, 0xff]);
  t.deepEqual([...hx711Bytes(hx711Minimum)], [0x80, 0, 0]);
  t.is(hx711Counts(Uint8Array.of(9, 0xff, 0xff, 0xfe), 1), -2);
});

test('every code survives its bytes', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: hx711Minimum, max: hx711Maximum }), (counts) => {
      t.is(hx711Counts(hx711Bytes(counts)), counts);
    }),
    { seed: 20_261_122 },
  );
});

test('what is no code of 24 bits is refused', (t) => {
  for (const counts of [hx711Maximum + 1, hx711Minimum - 1, 0.5, Number.NaN]) {
    t.throws(() => hx711Bytes(counts), { instanceOf: RangeError });
  }
  t.throws(() => hx711Counts(Uint8Array.of(1, 2)), { instanceOf: RangeError });
});
