import { readFile } from 'node:fs/promises';
import test from 'ava';
import fc from 'fast-check';
import { parse } from 'yaml';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import { boardSchema } from '#config/board.ts';
import { findDriver, parseDriverOptions } from '#drivers/registry.ts';
import { inferSymbology, isAimIdentifier, normalise, readCode, splitAim } from '#drivers/scanner/aim.ts';
import { CodeBuffer, stripped } from '#drivers/scanner/framing.ts';
import { longestCode } from '#drivers/scanner/scanned-code.ts';
import { findBench } from '#drivers/virtual/benches.ts';
import { verifyDriver } from '#drivers/workbench.ts';
import { defaultWindowMs, Repeats } from '#readings/repeats.ts';
import { interpretScan } from '#scanning/interpret.ts';
import { bytes, fuzzRuns, fuzzSeed } from './scanner-rig.ts';

for (const name of ['hid-pos-scanner', 'evdev-keyboard', 'serial-scanner', 'ssi-scanner']) {
  test(`${name} keeps the contract of drivers`, async (t) => {
    const makeBench = await findBench(name);
    if (makeBench === undefined) return t.fail('it has no bench');
    const results = await verifyDriver(await findDriver(name), makeBench, silentLogger);
    t.deepEqual(
      results.filter(({ passed }) => !passed),
      [],
    );
    t.true(results.length >= 15);
  });
}

test('a code without an identifier is what fits first of what was expected', (t) => {
  const infer = (text: string, ...expected: Parameters<typeof inferSymbology>[1]) =>
    inferSymbology(bytes(text), expected);
  t.is(infer('4006381333931', 'ean-13', 'ean-8'), ']E0');
  t.is(infer('4006381333932', 'ean-13', 'ean-8'), ']X0', 'wrong check digit');
  t.is(infer('036000291452', 'ean-13', 'upc-a'), ']E0');
  t.is(infer('96385074', 'ean-8', 'upc-e'), ']E4');
  t.is(infer('04252614', 'upc-e', 'ean-8'), ']E0');
  t.is(infer('06543217', 'upc-e'), ']E0');
  t.is(infer('04252615', 'upc-e'), ']X0');
  t.is(infer('10614141543219', 'itf-14'), ']I1');
  t.is(infer('0104006381333931', 'databar'), ']e0');
  t.is(infer('10LOT\x1d21X', 'ean-13', 'gs1-128', 'code-128'), ']C1');
  t.is(infer('CART-7', 'ean-13', 'code-128'), ']C0');
  t.is(infer('https://example.com', 'qr'), ']Q1');
  t.is(infer('4006381333931'), ']X0', 'nothing was expected, and nothing is claimed');
});

test('what scanners send instead of the standard’s identifier is put right where the digits prove it', (t) => {
  const after = (symbology: string, text: string) => normalise({ symbology, data: bytes(text) }).symbology;
  t.is(after(']X0', '036000291452'), ']E0');
  t.is(after(']X0', '4006381333931'), ']E0');
  t.is(after(']X0', '4006381333932'), ']X0');
  t.is(after(']X0', '96385074'), ']X0', 'EAN-8 or UPC-E: left to whoever knows the catalogue');
  t.is(after(']E0', '96385074'), ']E4');
  t.is(after(']E0', '04252614'), ']E0', 'a UPC-E');
  t.is(after(']C1', '036000291452'), ']C1');
});

test('a code and its add-on, sent with an identifier each, are one code', (t) => {
  const joined = (symbology: string, text: string) => {
    const code = normalise({ symbology, data: bytes(text) });
    return `${code.symbology} ${Buffer.from(code.data).toString()}`;
  };
  t.is(joined(']E0', '0012345678905]E110'), ']E3 001234567890510');
  t.is(joined(']E0', '9771234567003]E212345'), ']E3 977123456700312345');
  t.is(joined(']E4', '96385074]E110'), ']E4 9638507410');
  t.is(joined(']C0', '0012345678905]E110'), ']C0 0012345678905]E110');
  t.is(joined(']E0', '0012345678905]E1100'), ']E0 0012345678905]E1100');
});

test('identifiers are taken off as the option says', (t) => {
  const read = (text: string, aim: 'auto' | 'always' | 'never') =>
    readCode(bytes(text), { aim, withoutAim: [] });
  t.deepEqual(read(']E04006381333931', 'auto'), { symbology: ']E0', data: bytes('4006381333931') });
  t.deepEqual(read('4006381333931', 'auto'), { symbology: ']X0', data: bytes('4006381333931') });
  t.is(read('4006381333931', 'always'), undefined);
  t.deepEqual(read(']E04006381333931', 'never')?.data, bytes(']E04006381333931'));
  t.deepEqual(splitAim(bytes(']d201\x1d')), { symbology: ']d2', data: bytes('01\x1d') });
});

test('the catalogue’s rules read what the drivers deliver', (t) => {
  const rules = { tokenPattern: /^TOKEN-/, variableMeasure: [], currencyDecimals: 2, todayUtc: undefined };
  const meaning = (symbology: string, text: string) => interpretScan(bytes(text), symbology, rules).meaning;
  t.is(meaning(']E0', '4006381333931'), 'product');
  t.is(meaning(']E4', '96385074'), 'product');
  t.is(meaning(']E3', '001234567890510'), 'product');
  t.is(meaning(']E4', '9638507410'), 'product');
  t.is(meaning(']X0', '4006381333931'), 'product', 'by its form');
  t.is(meaning(']e0', '0104006381333931'), 'product');
  t.is(meaning(']C1', '010400638133393110A\x1d21B'), 'product');
  t.is(meaning(']Q1', 'TOKEN-7'), 'session');
});

test('a code that stays before the scanner counts once, however long', (t) => {
  const repeats = new Repeats(defaultWindowMs);
  const code = { symbology: ']E0', data: bytes('4006381333931') };
  const admitted: boolean[] = [];
  for (let atUs = 0; atUs <= 10_000_000; atUs += 600_000) admitted.push(repeats.admit(code, atUs).admitted);
  t.is(admitted.filter(Boolean).length, 1);
  t.true(admitted[0]);
});

test('the same article a second later counts again, and says how many repeats there were', (t) => {
  const repeats = new Repeats(defaultWindowMs);
  const code = { symbology: ']E0', data: bytes('4006381333931') };
  t.deepEqual(repeats.admit(code, 0), { admitted: true, leftOut: 0 });
  t.deepEqual(repeats.admit(code, 100_000), { admitted: false, leftOut: 1 });
  t.deepEqual(repeats.admit(code, 200_000), { admitted: false, leftOut: 2 });
  t.deepEqual(repeats.admit(code, 1_200_000), { admitted: true, leftOut: 2 });
  t.deepEqual(repeats.admit(code, 2_200_000), { admitted: true, leftOut: 0 });
});

test('two codes read in turns are both repeats, another symbology is another code', (t) => {
  const repeats = new Repeats(700);
  const a = { symbology: ']E0', data: bytes('4006381333931') };
  const b = { symbology: ']Q1', data: bytes('4006381333931') };
  const seen = [a, b, a, b, a].map((code, index) => repeats.admit(code, index * 200_000).admitted);
  t.deepEqual(seen, [true, true, false, false, false]);
});

test('a window of nothing lets everything through', (t) => {
  const repeats = new Repeats(0);
  const code = { symbology: ']E0', data: bytes('1') };
  t.true(repeats.admit(code, 0).admitted);
  t.true(repeats.admit(code, 0).admitted);
});

test('repeats are told from scans as their definition says, and few codes are remembered', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ gapMs: fc.nat(1_500), which: fc.nat(3) }), { maxLength: 30 }),
      (readings) => {
        const repeats = new Repeats(700);
        const last = new Map<number, number>();
        let atMs = 0;
        for (const { gapMs, which } of readings) {
          atMs += gapMs;
          const before = last.get(which);
          last.set(which, atMs);
          const { admitted } = repeats.admit({ symbology: ']E0', data: Uint8Array.of(which) }, atMs * 1000);
          t.is(admitted, before === undefined || atMs - before >= 700);
        }
      },
    ),
    { seed: fuzzSeed, numRuns: Math.min(2_000, fuzzRuns) },
  );
});

test('a buffer never holds more than the longest code, and starts anew behind the next end', (t) => {
  const clock = new VirtualClock();
  const complete: number[] = [];
  let damaged = 0;
  const buffer = new CodeBuffer(
    clock,
    { endsByIdle: false, idleUs: 500_000, maximumBytes: longestCode },
    {
      complete: (data) => complete.push(data.length),
      damaged: () => {
        damaged += 1;
      },
    },
  );
  for (let count = 0; count < 1_000_000; count++) {
    buffer.add(0x41, 0);
    if (buffer.held > longestCode) return t.fail(`${buffer.held} bytes are held`);
  }
  buffer.listenForIdle();
  t.is(damaged, 1);
  buffer.end(0);
  for (let count = 0; count < longestCode; count++) buffer.add(0x42, 0);
  buffer.end(0);
  t.deepEqual(complete, [longestCode]);
});

test('what is added before and behind a code is taken off, or missed', (t) => {
  t.deepEqual(stripped(bytes('<12>'), bytes('<'), bytes('>')), bytes('12'));
  t.is(stripped(bytes('12>'), bytes('<'), bytes('>')), undefined);
  t.is(stripped(bytes('<12'), bytes('<'), bytes('>')), undefined);
  t.is(stripped(bytes('<'), bytes('<'), bytes('<')), undefined);
});

test('whatever a scanner sends, its identifier is one, and no byte of it is lost or made up', (t) => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 60 }),
      fc.constantFrom('auto' as const, 'never' as const, 'always' as const),
      (data, aim) => {
        const code = readCode(data, { aim, withoutAim: ['ean-13', 'upc-a', 'ean-8', 'upc-e', 'gs1-128'] });
        if (code === undefined) return aim === 'always';
        const rest = data.subarray(data.length - code.data.length);
        return isAimIdentifier(code.symbology) && Buffer.compare(rest, code.data) === 0;
      },
    ),
    { seed: fuzzSeed, numRuns: fuzzRuns },
  );
  t.pass();
});

test('the boards name their scanners with options that the driver takes', async (t) => {
  const driver = await findDriver('hid-pos-scanner');
  for (const name of ['cart-pi5', 'bench']) {
    const file = new URL(`../../boards/${name}.yaml`, import.meta.url);
    const { devices } = boardSchema.parse(parse(await readFile(file, 'utf8')));
    const scanners = devices.filter((device) => device.driver === driver.name);
    t.is(scanners.length, 1, name);
    for (const { id, options } of scanners) t.notThrows(() => parseDriverOptions(driver, options, id));
  }
});

test('options that can not be meant are refused', async (t) => {
  for (const [name, options] of [
    ['serial-scanner', {}],
    ['serial-scanner', { match: { path: '/dev/x' }, tcp: { host: 'h', port: 1 } }],
    ['evdev-keyboard', { match: {} }],
    ['evdev-keyboard', { match: { name: 'x' }, functionKeys: { F13: 29 } }],
    ['ssi-scanner', { match: { vendorId: '05E0' } }],
    ['hid-pos-scanner', { withoutAim: ['ean13'] }],
    ['hid-pos-scanner', { quirks: { aimAt: 0 } }],
  ] as const) {
    const one = await findDriver(name);
    t.throws(
      () => parseDriverOptions(one, options, 'scanner'),
      { code: 'CW-DRV-002' },
      `${name} ${JSON.stringify(options)}`,
    );
  }
});
