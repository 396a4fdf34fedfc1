import test from 'ava';
import fc from 'fast-check';
import { HidPosAssembler, hidPosReports, longestCode } from '#drivers/scanner/hid-pos-report.ts';

const seed = 20_261_122;
const bytes = (text: string) => new TextEncoder().encode(text);

test('sixty characters travel as 56 and 4, the first marked as continued', (t) => {
  const data = bytes('0123456789'.repeat(6));
  const [first, second, ...more] = hidPosReports({ data, symbology: ']C1' });
  t.is(more.length, 0);
  t.deepEqual([...(first?.subarray(0, 5) ?? [])], [0x02, 56, 0x5d, 0x43, 0x31]);
  t.deepEqual(first?.subarray(5, 61), data.subarray(0, 56));
  t.is(first?.[63], 1);
  t.deepEqual(
    [...(second?.subarray(0, 9) ?? [])],
    [0x02, 4, 0x5d, 0x43, 0x31, 54, 55, 56, 57].map((b, i) => (i > 4 ? (data[56 + i - 5] ?? 0) : b)),
  );
  t.is(second?.[63], 0);
  const assembler = new HidPosAssembler();
  t.is(assembler.push(first ?? new Uint8Array()), undefined);
  t.deepEqual(assembler.push(second ?? new Uint8Array()), { data, symbology: ']C1' });
});

test('an EAN-13 is one report of 64 bytes', (t) => {
  const [report] = hidPosReports({ data: bytes('4006381333931'), symbology: ']E0' });
  t.is(report?.length, 64);
  t.is(report?.[1], 13);
  t.deepEqual(report?.subarray(18), new Uint8Array(46));
});

test('any bytes survive reports of either length convention', (t) => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 400 }),
      fc.constantFrom(']E0', ']Q1', ']d2', ']C1'),
      fc.boolean(),
      (data, symbology, lengthCountsOneMore) => {
        const quirks = { lengthCountsOneMore };
        const assembler = new HidPosAssembler(quirks);
        const codes = hidPosReports({ data, symbology }, quirks).map((report) => assembler.push(report));
        t.deepEqual(codes.pop(), { data, symbology });
        t.true(codes.every((code) => code === undefined));
      },
    ),
    { seed },
  );
});

test('noise on the wire is a coded error or a bounded code, and the next code is read', (t) => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 60, maxLength: 66 }), { maxLength: 8 }), (reports) => {
      const assembler = new HidPosAssembler();
      for (const report of reports) {
        report[0] = 2;
        try {
          const code = assembler.push(report);
          t.true((code?.data.length ?? 0) <= longestCode);
        } catch (error) {
          t.is((error as { code?: string }).code, 'CW-DRV-006');
        }
      }
      assembler.reset();
      const [good] = hidPosReports({ data: bytes('80019442'), symbology: ']E4' });
      t.deepEqual(assembler.push(good ?? new Uint8Array()), { data: bytes('80019442'), symbology: ']E4' });
    }),
    { seed },
  );
});

test('a continuation that never ends does not grow without bound', (t) => {
  const [endless] = hidPosReports({ data: new Uint8Array(112), symbology: ']Q1' });
  const assembler = new HidPosAssembler();
  t.throws(
    () => {
      for (let i = 0; i < 1_000; i++) assembler.push(endless ?? new Uint8Array());
    },
    { code: 'CW-DRV-006', message: /more than 4096/ },
  );
});

test('a code that changes its symbology half way is refused and forgotten', (t) => {
  const long = hidPosReports({ data: new Uint8Array(60).fill(65), symbology: ']Q1' });
  const other = hidPosReports({ data: bytes('4006381333931'), symbology: ']E0' });
  const assembler = new HidPosAssembler();
  assembler.push(long[0] ?? new Uint8Array());
  t.throws(() => assembler.push(other[0] ?? new Uint8Array()), { code: 'CW-DRV-006' });
  t.is(assembler.push(other[0] ?? new Uint8Array())?.symbology, ']E0');
});

test('what is no AIM identifier or too long can not be sent', (t) => {
  t.throws(() => hidPosReports({ data: bytes('1'), symbology: 'E0' }), { instanceOf: RangeError });
  t.throws(() => hidPosReports({ data: new Uint8Array(longestCode + 1), symbology: ']Q1' }), {
    instanceOf: RangeError,
  });
});
