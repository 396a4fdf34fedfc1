import test from 'ava';
import fc from 'fast-check';
import {
  casBlock,
  casBlocks,
  casLine,
  casLines,
  parseCasBlock,
  parseCasLine,
} from '#drivers/scale/cas-protocol.ts';
import { ascii, DelimiterFramer, LayoutFramer, latin1 } from '#drivers/scale/framers.ts';
import {
  parseSicsOutcome,
  parseSicsTare,
  parseSicsText,
  parseSicsWeight,
  sicsCommand,
  sicsText,
  sicsWeight,
} from '#drivers/scale/mt-sics-protocol.ts';
import { parseScpStatus, parseScpWeight, scpAnswer, scpWeight } from '#drivers/scale/scp-01-protocol.ts';
import {
  parseToledoFrame,
  toledoAccepted,
  toledoStatus,
  toledoTare,
  toledoWeight,
} from '#drivers/scale/toledo-8217-protocol.ts';

const runs = { numRuns: Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 20_000), seed: 20_261_123 };
const refused = { code: 'CW-DRV-006' };
const kg = { unit: 'kg', decimals: 3 } as const;
const lb = { unit: 'lb', decimals: 2 } as const;

test('8217: weights as the manual shows them, gross and net, kilograms and pounds', (t) => {
  t.deepEqual(parseToledoFrame('00.415', kg), {
    condition: 'stable',
    massMg: 415_000,
    unit: 'kg',
    net: false,
  });
  t.deepEqual(parseToledoFrame('01.20', lb), {
    condition: 'stable',
    massMg: 544_311,
    unit: 'lb',
    net: false,
  });
  t.deepEqual(parseToledoFrame('00.403N', kg), {
    condition: 'stable',
    massMg: 403_000,
    unit: 'kg',
    net: true,
  });
  t.deepEqual(parseToledoFrame('00.000', kg), { condition: 'zero', massMg: 0, unit: 'kg', net: false });
  t.deepEqual(parseToledoFrame('00.000N', kg), { condition: 'stable', massMg: 0, unit: 'kg', net: true });
});

test('8217: a weight of the other unit is refused, for the protocol does not name it', (t) => {
  t.throws(() => parseToledoFrame('00.41', kg), { ...refused, message: /options unit and decimals/ });
  t.throws(() => parseToledoFrame('00.415', lb), refused);
  t.is(parseToledoFrame('00.415kg', kg).massMg, 415_000, 'an emulation that names its unit');
  t.throws(() => parseToledoFrame('00.415lb', kg), { ...refused, message: /option unit/ });
  for (const text of ['', '.', '00415', '000415', '-0.415', '00.415NN', '1234567.890', 'E']) {
    t.throws(() => parseToledoFrame(text, kg), refused, text);
  }
});

test('8217: grams without a point, where the scale is said to be set to them', (t) => {
  const grams = { unit: 'g', decimals: 0 } as const;
  t.deepEqual(parseToledoFrame('000415', grams), {
    condition: 'stable',
    massMg: 415_000,
    unit: 'g',
    net: false,
  });
  t.throws(() => parseToledoFrame('00.415', grams), refused);
  t.throws(() => toledoTare(12_000, grams), { code: 'CW-DRV-020' });
});

test('8217: each bit of the status byte is what the manual says', (t) => {
  const conditionOf = (status: number) => parseToledoFrame(`?${String.fromCharCode(status)}`, kg).condition;
  t.is(conditionOf(0b100_0001), 'motion');
  t.is(conditionOf(0b100_0010), 'over');
  t.is(conditionOf(0b100_0100), 'under-zero');
  t.is(conditionOf(0b100_1000), 're-zero');
  t.is(conditionOf(0b101_0000), 'zero');
  t.is(conditionOf(0b110_0001), 'motion', 'net');
  t.is(conditionOf(0b111_0000), 'motion', 'net, and the gross at zero');
  t.is(conditionOf(0b100_0000), 'motion', 'no weight and no reason');
  t.is(conditionOf(0b100_0011), 'over', 'over counts before motion');
  for (const text of ['?', '?0', '??', '?A1']) {
    if (text === '??') continue;
    t.throws(() => parseToledoFrame(text, kg), refused, text);
  }
  t.true(toledoAccepted(toledoStatus({ centreOfZero: true })));
  t.false(toledoAccepted(toledoStatus({ motion: true })));
  t.is(toledoAccepted('00.415'), undefined);
});

test('8217: a known tare is five digits, and only an exact one is sent', (t) => {
  t.is(toledoTare(12_000, kg), 'T00012');
  t.is(toledoTare(1_234_000, kg), 'T01234');
  t.throws(() => toledoTare(12_500, kg), { code: 'CW-DRV-020' });
  t.throws(() => toledoTare(0, kg), { code: 'CW-DRV-020' });
  t.throws(() => toledoTare(100_000_000, kg), { code: 'CW-DRV-020' });
});

test('8217: the parity bit of a line that lets it through is masked', (t) => {
  const framer = new DelimiterFramer({ start: 2, end: 13, longest: 16, mask: 0x7f });
  // 02 '0' '0' '.' '4' '1' '5' 0D with even parity: STX and 4 have an odd number of ones.
  const line = Uint8Array.of(0x82, 0x30, 0x30, 0x2e, 0xb4, 0xb1, 0x35, 0x8d);
  t.deepEqual(framer.push(line).map(latin1), ['00.415']);
});

test('SCP-01: answers of the manuals, with two, three and four status bytes, with and without S', (t) => {
  const stable = { condition: 'stable', massMg: 415_000, unit: 'kg' } as const;
  t.deepEqual(parseScpWeight('\n00.415KG\r\n00\r'), stable);
  t.deepEqual(parseScpWeight('\n00.415KG\r\nS00\r'), stable);
  t.deepEqual(parseScpWeight('\n00.415kg\r\n0p0\r'), { ...stable, net: false });
  t.deepEqual(parseScpWeight('\n00.415KG\r\nS0pp0\r'), { ...stable, net: false });
  t.deepEqual(parseScpWeight('\n00.403KG\r\n0p4\r'), { ...stable, massMg: 403_000, net: true });
  t.deepEqual(parseScpWeight('\n 0415g \r\n00\r'), { ...stable, unit: 'g' });
  t.deepEqual(parseScpWeight('\n000.000KG\r\n20\r'), { condition: 'zero', massMg: 0, unit: 'kg' });
  t.deepEqual(parseScpWeight('\n00.415KG\r\n10\r'), { ...stable, condition: 'motion' });
});

test('SCP-01: pounds and ounces of one weight are one mass', (t) => {
  // 2 lb 3.5 oz = 35.5 oz
  t.deepEqual(parseScpWeight('\n2LB 03.5OZ\r\nS00\r'), {
    condition: 'stable',
    massMg: 1_006_408,
    unit: 'oz',
  });
});

test('SCP-01: each bit of the status bytes is what the manual says', (t) => {
  const said = (status: string) => parseScpWeight(`\n------\r\n${status}\r`);
  t.deepEqual(said('40'), { condition: 'fault', what: 'RAM error' });
  t.deepEqual(said('80'), { condition: 'fault', what: 'EEPROM error' });
  t.deepEqual(said('04'), { condition: 'fault', what: 'ROM error' });
  t.deepEqual(said('08'), { condition: 'calibrate' });
  t.deepEqual(said('01'), { condition: 'under-zero' });
  t.deepEqual(said('02'), { condition: 'over' });
  t.deepEqual(said('0p8'), { condition: 're-zero', net: false });
  t.deepEqual(parseScpWeight('\n^^^^^^^^kg\r\nS0rp0\r'), { condition: 'over', net: false });
  t.deepEqual(parseScpWeight('\n________kg\r\nS0qp0\r'), { condition: 'under-zero', net: false });
  t.deepEqual(parseScpWeight('\n--------kg\r\nS0px0\r'), { condition: 're-zero', net: false });
  t.deepEqual(parseScpWeight('\nS10\r'), { condition: 'motion' }, 'status alone');
});

test('SCP-01: status bytes that contradict themselves, weights without a beginning and unknown units are refused', (t) => {
  for (const frame of [
    '',
    '\n\r',
    '\n00.415KG\r\n\r',
    '\n00.415KG\r\n0\r',
    '\n00.415KG\r\n0p\r',
    '\n00.415KG\r\np0\r',
    '\n00.415KG\r\n00000\r',
    '415KG\r\n00\r',
    '\n00.415CWT\r\n00\r',
    '\n------\r\n00\r',
    '\n00\r',
  ]) {
    t.throws(() => parseScpWeight(frame), refused, JSON.stringify(frame));
  }
  t.is(parseScpStatus('\n?\r'), undefined);
  t.true(parseScpStatus('\n20\r')?.zero);
});

test('CAS: a block of the manual, its check byte and its signs', (t) => {
  // S, blank, 12.345, kg: 53^20^31^32^2E^33^34^35^6B^67 = 60
  const block = Uint8Array.of(1, 2, ...ascii('S 12.345kg'), 0x60, 3, 4);
  t.deepEqual(parseCasBlock(block), { condition: 'stable', massMg: 12_345_000, unit: 'kg' });
  t.deepEqual([...casBlock(true, 12_345_000, 'kg', 3)], [...block]);
  t.like(parseCasBlock(casBlock(false, -5_000, 'kg', 3)), { condition: 'motion', massMg: -5_000 });
  t.like(parseCasBlock(casBlock(true, 'overflow', 'kg', 3)), { condition: 'over' });
  for (let at = 2; at < 13; at++) {
    const damaged = block.slice();
    damaged[at] = (damaged[at] ?? 0) ^ 0x04;
    t.throws(() => parseCasBlock(damaged), refused, `byte ${at}`);
  }
});

test('CAS: a thousand blocks in a row are read, in pieces of any size', (t) => {
  const masses = Array.from({ length: 1_000 }, (_, grams) => grams * 1_000);
  const stream = masses.flatMap((massMg) => [6, ...casBlock(true, massMg, 'kg', 3)]);
  for (const piece of [1, 7, 15, 16, 64]) {
    const framer = new LayoutFramer(casBlocks);
    const read: (number | undefined)[] = [];
    for (let at = 0; at < stream.length; at += piece) {
      for (const frame of framer.push(Uint8Array.from(stream.slice(at, at + piece)))) {
        if (frame.length > 1) read.push(parseCasBlock(frame).massMg);
      }
    }
    t.deepEqual(read, masses, `${piece}`);
  }
});

test('CAS: the 22 bytes of the manuals, gross and net, stable, unstable and over', (t) => {
  const line = (text: string, lamps = 0xc4) => {
    const bytes = ascii(text);
    bytes[7] = lamps;
    return bytes;
  };
  // CI-150A, PDS: 13.5 kg is 0 0 0 0 1 3 . 5
  t.deepEqual(parseCasLine(line('ST,GS,1_,000013.5 kg\r\n')), {
    condition: 'stable',
    massMg: 13_500_000,
    unit: 'kg',
    net: false,
  });
  t.like(parseCasLine(line('US,NT,1_,-00013.5 kg\r\n')), {
    condition: 'motion',
    massMg: -13_500_000,
    net: true,
  });
  t.deepEqual(parseCasLine(line('OL,GS,1_,         kg\r\n')), { condition: 'over', net: false });
  t.is(parseCasLine(line('ST,GS,1_,0000.000 kg\r\n', 0xc5)).condition, 'zero');
  t.is(parseCasLine(line('ST,GS,1_,   415.0  g\r\n')).massMg, 415_000);
  t.is(parseCasLine(line('ST,GS,1_,  0.0150  t\r\n')).massMg, 15_000_000);
  t.is(line('ST,GS,1_,000013.5 kg\r\n').length, 22);
  for (const text of ['ST,GS,1_,000013.5 kN\r\n', 'ST,GS,1_,0000a3.5 kg\r\n', 'ST,GS,1_;000013.5 kg\r\n']) {
    t.throws(() => parseCasLine(line(text)), refused, text);
  }
});

test('CAS: relays in place of the blank may be any byte, a line feed too', (t) => {
  const framer = new LayoutFramer(casLines);
  for (let relays = 0; relays < 256; relays++) {
    const line = casLine({ state: 'ST', net: false, massMg: 415_000, unit: 'kg', decimals: 3, zero: false });
    line[17] = relays;
    t.deepEqual(
      framer.push(line).map((frame) => parseCasLine(frame).massMg),
      [415_000],
      `${relays}`,
    );
  }
});

test('MT-SICS: weights of the manual, stable, dynamic, refused, over and under', (t) => {
  t.deepEqual(parseSicsWeight('S S     100.00 g'), { condition: 'stable', massMg: 100_000, unit: 'g' });
  t.deepEqual(parseSicsWeight('S D      -0.415 kg'), { condition: 'motion', massMg: -415_000, unit: 'kg' });
  t.deepEqual(parseSicsWeight('S I'), { condition: 'motion' });
  t.deepEqual(parseSicsWeight('S +'), { condition: 'over' });
  t.deepEqual(parseSicsWeight('S -'), { condition: 'under-zero' });
  t.deepEqual(parseSicsWeight('S S  Error 10b'), { condition: 'fault', what: 'error 10b' });
  for (const line of ['', 'S', 'SS 1 g', 'TA A 1 g', 'I4 A "1"', 'ES'])
    t.is(parseSicsWeight(line), undefined, line);
  for (const line of ['S S 1.2.3 g', 'S S 100.00 %', 'S S 5 PCS', 'S S 100.00', 'S S      g']) {
    t.throws(() => parseSicsWeight(line), refused, line);
  }
});

test('MT-SICS: outcomes, tares and identity', (t) => {
  t.deepEqual(parseSicsOutcome('Z', 'Z A'), {});
  t.deepEqual(parseSicsOutcome('T', 'T S     100.00 g'), {});
  t.deepEqual(parseSicsOutcome('D', 'D R'), {});
  t.regex(parseSicsOutcome('Z', 'Z I')?.refusal ?? '', /busy/);
  t.regex(parseSicsOutcome('Z', 'Z +')?.refusal ?? '', /above/);
  t.regex(parseSicsOutcome('Z', 'ES')?.refusal ?? '', /MT-SICS/);
  t.regex(parseSicsOutcome('Z', 'ET')?.refusal ?? '', /parity/);
  t.regex(parseSicsOutcome('Z', 'EL')?.refusal ?? '', /carry/);
  t.is(parseSicsOutcome('T', 'TA A 1 g'), undefined);
  t.is(parseSicsTare('TA A      12.00 g'), 12_000);
  t.is(parseSicsText('I4', 'I4 A "B021002593"'), 'B021002593');
  t.is(parseSicsText('I4', 'I3 A "1"'), undefined);
  t.is(latin1(sicsCommand('D', sicsText('Put "it" down'))), 'D "Put \'it\' down"\r\n');
});

test('what simulated scales write reads as what they weigh', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 14_999 }), fc.boolean(), (grams, net) => {
      const massMg = grams * 1_000;
      t.is(parseToledoFrame(toledoWeight(massMg, kg, net), kg).massMg, massMg);
      t.is(parseScpWeight(scpAnswer({ net }, scpWeight(massMg, 'kg', 3))).massMg, massMg);
      t.is(parseCasBlock(casBlock(!net, massMg, 'kg', 3)).massMg, massMg);
      t.is(parseSicsWeight(sicsWeight(net, -massMg, 'kg', 3))?.massMg ?? 0, massMg === 0 ? 0 : -massMg);
    }),
    { ...runs, numRuns: 2_000 },
  );
});

/** Bytes of which many are what frames are made of. */
const stuff = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...[
          '\x02',
          '\r',
          '\n',
          '\x03',
          '\x01',
          '\x04',
          '\x06',
          '\x15',
          '?',
          'S ',
          'S S ',
          ' g\r\n',
          'kg',
          '0.4',
          'ST,GS,',
        ],
        ...['\x0200.415\r', '\n00.415KG\r\n00\r\x03', 'S S     100.00 g\r\n', 'ST,GS,1\xc4,000013.5 kg\r\n'],
      ),
      fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)), maxLength: 12 }),
    ),
    { maxLength: 30 },
  )
  .map((parts) => ascii(parts.join('')));

const parsers = [
  [
    '8217',
    () => new DelimiterFramer({ start: 2, end: 13, longest: 16, mask: 0x7f }),
    (frame: Uint8Array) => parseToledoFrame(latin1(frame), kg),
    ascii('\x0200.415\r'),
    16,
  ],
  [
    'SCP-01',
    () => new DelimiterFramer({ end: 3, longest: 48, mask: 0x7f }),
    (frame: Uint8Array) => parseScpWeight(latin1(frame)),
    ascii('\x03\n00.415KG\r\n00\r\x03'),
    48,
  ],
  ['CAS blocks', () => new LayoutFramer(casBlocks), parseCasBlock, casBlock(true, 415_000, 'kg', 3), 15],
  [
    'CAS lines',
    () => new LayoutFramer(casLines),
    parseCasLine,
    casLine({ state: 'ST', net: false, massMg: 415_000, unit: 'kg', decimals: 3, zero: false }),
    22,
  ],
  [
    'MT-SICS',
    () => new DelimiterFramer({ end: 10, longest: 160 }),
    (frame: Uint8Array) => parseSicsWeight(latin1(frame).trimEnd()),
    ascii('\nS S      0.415 kg\r\n'),
    160,
  ],
] as const;

for (const [name, makeFramer, parse, good, longest] of parsers) {
  test(`${name}: any bytes are whole masses or refused, however they are cut; a good frame after them is read`, (t) => {
    fc.assert(
      fc.property(stuff, fc.nat(40), (bytes, cut) => {
        const framer = makeFramer();
        const frames = [...framer.push(bytes.subarray(0, cut)), ...framer.push(bytes.subarray(cut))];
        t.deepEqual(makeFramer().push(bytes), frames, 'where it is cut makes no difference');
        for (const frame of frames) {
          t.true(frame.length <= longest);
          try {
            const massMg = parse(frame)?.massMg;
            t.true(massMg === undefined || Number.isSafeInteger(massMg));
          } catch (error) {
            t.like(error, refused);
          }
        }
        framer.reset();
        const last = framer.push(good).at(-1);
        t.is(last === undefined ? undefined : parse(last)?.massMg, 415_000);
      }),
      runs,
    );
  });

  test(`${name}: a frame that never ends takes no memory, and the second good one after it is read`, (t) => {
    const framer = makeFramer();
    for (let turn = 0; turn < 2_000; turn++) framer.push(ascii('S S 1 ST,GS,\x01\x0210 '.repeat(10)));
    framer.push(good);
    const last = framer.push(good).at(-1);
    t.is(last === undefined ? undefined : parse(last)?.massMg, 415_000);
  });
}
