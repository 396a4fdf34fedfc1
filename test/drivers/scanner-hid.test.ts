import test from 'ava';
import fc from 'fast-check';
import type { Attached } from '#drivers/ports/ports.ts';
import { findHidPosRow, findOpened, hidPosRows } from '#drivers/scanner/hid-pos-quirks.ts';
import { HidPosAssembler, hidPosReports } from '#drivers/scanner/hid-pos-report.ts';
import { hidPosScanner } from '#drivers/scanner/hid-pos-scanner.ts';
import { longestCode } from '#drivers/scanner/scanned-code.ts';
import { HidPosScannerPeer } from '#drivers/virtual/peers/hid-pos-scanner.ts';
import { bytes, fuzzRuns, fuzzSeed, scannerRig } from './scanner-rig.ts';

/** A report as it stands on the wire, byte by byte. */
function report(at: Readonly<Record<number, readonly number[] | string>>): Uint8Array {
  const all = new Uint8Array(64);
  for (const [offset, value] of Object.entries(at)) {
    all.set(typeof value === 'string' ? bytes(value) : value, Number(offset));
  }
  return all;
}

const honeywell = { match: { vendorId: '0c2e', productId: '0901' } };

test('an EAN-13 of a scanner without a row in the table is read by the standard layout', async (t) => {
  const peer = new HidPosScannerPeer();
  const rig = await scannerRig(hidPosScanner, { reports: peer }, {});
  peer.send(report({ 0: [0x02, 13], 2: ']E0', 5: '4006381333931' }));
  await rig.pass(10);
  t.deepEqual(rig.scans, [
    { kind: 'scan', source: 'scanner', atUs: 1_000_000, data: bytes('4006381333931'), symbology: ']E0' },
  ]);
  await rig.device.stop();
});

test('sixty characters in reports of 56 and 4 are one code, GS and binary bytes included', async (t) => {
  const peer = new HidPosScannerPeer();
  const rig = await scannerRig(hidPosScanner, { reports: peer }, {});
  const sixty = `0104006381333931${'A'.repeat(38)}\x1d21XYZ`;
  t.is(sixty.length, 60);
  peer.send(report({ 0: [0x02, 56], 2: ']d2', 5: sixty.slice(0, 56), 63: [1] }));
  peer.send(report({ 0: [0x02, 4], 2: ']d2', 5: sixty.slice(56) }));
  peer.send(report({ 0: [0x02, 6], 2: ']Q1', 5: [0x00, 0x1d, 0x80, 0xff, 0x0d, 0x00] }));
  await rig.pass(10);
  t.deepEqual(
    rig.scans.map(({ data, symbology }) => [symbology, [...data]]),
    [
      [']d2', [...bytes(sixty)]],
      [']Q1', [0x00, 0x1d, 0x80, 0xff, 0x0d, 0x00]],
    ],
  );
  await rig.device.stop();
});

test('a process that is held up between the reports of a long code takes its end for no code', async (t) => {
  const peer = new HidPosScannerPeer();
  const rig = await scannerRig(hidPosScanner, { reports: peer }, {});
  peer.send(report({ 0: [0x02, 56], 2: ']d2', 5: 'A'.repeat(56), 63: [1] }));
  await rig.pass(10);
  rig.holdUp(900);
  peer.send(report({ 0: [0x02, 4], 2: ']d2', 5: '1234' }));
  await rig.pass(600);
  t.deepEqual(rig.texts(), [`]d2 ${'A'.repeat(56)}1234`]);
  t.deepEqual(rig.faults, []);
  await rig.device.stop();
});

test('a scanner of the table is asked for codes first, by its feature report', async (t) => {
  const peer = new HidPosScannerPeer({ wakesBy: [254, 0x01] });
  const silent = await scannerRig(hidPosScanner, { reports: peer }, {});
  peer.scan({ data: bytes('4006381333931'), symbology: ']E0' });
  await silent.pass(10);
  t.deepEqual(silent.texts(), [], 'without its row it stays silent');
  await silent.device.stop();

  const rig = await scannerRig(hidPosScanner, { reports: peer }, honeywell);
  peer.scan({ data: bytes('4006381333931'), symbology: ']E0' });
  await rig.pass(10);
  t.deepEqual(rig.texts(), [']E0 4006381333931']);
  await rig.device.stop();
});

test('the row is found by what is attached where the profile names no ids', async (t) => {
  const peer = new HidPosScannerPeer({ wakesBy: [254, 0x01] });
  const attached = (serial: string, vendorId: string): Attached => ({
    kind: 'hid',
    identity: { serial },
    node: '/dev/hidraw0',
    vendorId,
    productId: '0001',
    usagePage: 0x8c,
  });
  const list = async () => [attached('OTHER', '05e0'), attached('SIM-HID-1', '0c2e')];
  const rig = await scannerRig(hidPosScanner, { reports: peer }, {}, list);
  peer.scan({ data: bytes('4006381333931'), symbology: ']E0' });
  await rig.pass(10);
  t.is(rig.scans.length, 1);
  await rig.device.stop();
  t.is(
    findOpened(await list(), {}, {}, 0x8c),
    undefined,
    'two that differ: no row is better than a wrong one',
  );
});

test('the row follows from the ids of the opened device, as a recording has them', async (t) => {
  const identity = { model: 'Voyager', usbId: '0c2e:0b61' };
  const peer = new HidPosScannerPeer({ wakesBy: [254, 0x01], identity });
  const rig = await scannerRig(hidPosScanner, { reports: peer }, {}, async () => {
    throw new Error('nothing is attached where a recording is replayed');
  });
  peer.send(report({ 0: [0x02, 14], 2: ']E0', 5: '4006381333931\r' }));
  await rig.pass(10);
  t.deepEqual(rig.texts(), [']E0 4006381333931']);
  await rig.device.stop();
});

test('a machine that can not list what is attached reads on by the standard layout', async (t) => {
  const peer = new HidPosScannerPeer();
  const rig = await scannerRig(hidPosScanner, { reports: peer }, {}, async () => {
    throw new Error('no sysfs');
  });
  peer.scan({ data: bytes('4006381333931'), symbology: ']E0' });
  await rig.pass(10);
  t.is(rig.scans.length, 1);
  await rig.device.stop();
});

test('where the AIM identifier is blank, the maker’s symbology byte says what the code is', async (t) => {
  const peer = new HidPosScannerPeer({ wakesBy: [254, 1] });
  const rig = await scannerRig(hidPosScanner, { reports: peer }, { ...honeywell, withoutAim: ['ean-13'] });
  peer.send(report({ 0: [0x02, 8], 5: '96385074', 61: [0x44] }));
  peer.send(report({ 0: [0x02, 18], 2: '   ', 5: '0104006381333931\x1d1', 61: [0x49] }));
  peer.send(report({ 0: [0x02, 13], 5: '4006381333931', 61: [0x00] }));
  peer.send(report({ 0: [0x02, 3], 5: 'ABC', 61: [0x01] }));
  await rig.pass(10);
  t.deepEqual(rig.texts(), [']E4 96385074', ']C1 0104006381333931\x1d1', ']E0 4006381333931', ']X0 ABC']);
  await rig.device.stop();
});

test('a suffix that the maker counts as data is taken off, and answers to commands are no codes', async (t) => {
  const peer = new HidPosScannerPeer({ wakesBy: [254, 1] });
  const rig = await scannerRig(hidPosScanner, { reports: peer }, honeywell);
  peer.send(report({ 0: [0x02, 14], 2: ']E0', 5: '4006381333931\r' }));
  // The answer to a menu command, as such scanners send it.
  peer.send(report({ 0: [0x02, 8], 2: ']Z6', 5: 'REVINF\x06.', 61: [0x36] }));
  await rig.pass(10);
  t.deepEqual(rig.texts(), [']E0 4006381333931']);
  t.deepEqual(rig.faults, []);
  await rig.device.stop();
});

test('an identifier one byte later is found by its bracket', async (t) => {
  const peer = new HidPosScannerPeer();
  const rig = await scannerRig(hidPosScanner, { reports: peer }, {});
  peer.send(report({ 0: [0x02, 13, 0x00], 3: ']E0', 6: '4006381333931' }));
  await rig.pass(10);
  t.deepEqual(rig.texts(), [']E0 4006381333931']);
  await rig.device.stop();
});

test('what a profile says of a scanner goes before its row', async (t) => {
  const quirks = { reportId: 5, lengthCountsOneMore: true, continuedAt: 62, symbologyAt: 60 };
  const peer = new HidPosScannerPeer({ quirks });
  const options = {
    quirks: { ...quirks, initialise: ['fe 02'], symbologies: { '7': ']d1' }, suffixes: [0x0a] },
  };
  const rig = await scannerRig(hidPosScanner, { reports: peer }, options);
  peer.scan({ data: bytes(`${'9'.repeat(70)}\n`), symbology: ']C0' });
  peer.send(report({ 0: [5, 4], 5: 'abc', 60: [7] }));
  await rig.pass(10);
  t.deepEqual(rig.texts(), [`]C0 ${'9'.repeat(70)}`, ']d1 abc']);
  await rig.device.stop();
});

test('a model of the maker that refuses the feature report is told of, until it delivers a code', async (t) => {
  const peer = new HidPosScannerPeer({ refusesFeatures: true });
  const rig = await scannerRig(hidPosScanner, { reports: peer }, honeywell);
  t.deepEqual(rig.faultKinds(), ['configuration']);
  t.regex(rig.faults[0]?.message ?? '', /feature report 254 \(Honeywell\).*HID POS mode/);
  peer.scan({ data: bytes('4006381333931'), symbology: ']E0' });
  await rig.pass(10);
  t.deepEqual(rig.faultKinds(), ['configuration', '!configuration']);
  t.is(rig.scans.length, 1);
  await rig.device.stop();
});

test('a bad report is counted and told as a fault that ends, and reading goes on', async (t) => {
  const peer = new HidPosScannerPeer();
  const rig = await scannerRig(hidPosScanner, { reports: peer }, {});
  peer.send(report({ 0: [0x02, 200], 2: ']E0' }));
  peer.send(Uint8Array.of(2, 3));
  await rig.pass(10);
  t.deepEqual(rig.faultKinds(), ['integrity']);
  t.is(rig.faults[0]?.code, 'CW-DRV-006');
  peer.scan({ data: bytes('4006381333931'), symbology: ']E0' });
  await rig.pass(10);
  await rig.pass(1_000);
  t.deepEqual(rig.faultKinds(), ['integrity', '!integrity']);
  peer.send(Uint8Array.of(2, 3));
  await rig.pass(1_000);
  t.deepEqual(
    rig.faultKinds(),
    ['integrity', '!integrity', 'integrity', '!integrity'],
    'silence ends it too',
  );
  t.deepEqual(await rig.counts(), { read: 1, repeats: 0, damaged: 3 });
  await rig.device.stop();
});

test('a code whose end is lost is not joined to the next one', async (t) => {
  const peer = new HidPosScannerPeer();
  const rig = await scannerRig(hidPosScanner, { reports: peer }, {});
  const [first] = hidPosReports({ data: new Uint8Array(60).fill(0x41), symbology: ']C1' });
  peer.send(first ?? new Uint8Array());
  await rig.pass(600);
  t.is(rig.faults[0]?.code, 'CW-DRV-017');
  peer.scan({ data: bytes('10B'), symbology: ']C1' });
  await rig.pass(10);
  t.deepEqual(rig.texts(), [']C1 10B']);
  await rig.device.stop();
});

test('an unplug in the middle of a code forgets it, and is told once', async (t) => {
  const peer = new HidPosScannerPeer();
  const rig = await scannerRig(hidPosScanner, { reports: peer }, {});
  const [first] = hidPosReports({ data: new Uint8Array(60).fill(0x41), symbology: ']C1' });
  peer.send(first ?? new Uint8Array());
  await rig.pass(10);
  rig.ports.unplug();
  await rig.pass(2_000);
  t.deepEqual(rig.faultKinds(), ['disconnected']);
  await rig.device.stop();
  await rig.device.stop();
  t.is(rig.ports.open, 0);
  t.is(rig.clock.nextDueUs, undefined, 'no timer waits');
});

test('a stop while a fault stands or a code is unfinished leaves no timer and tells nothing', async (t) => {
  const peer = new HidPosScannerPeer();
  const rig = await scannerRig(hidPosScanner, { reports: peer }, {});
  const [first] = hidPosReports({ data: new Uint8Array(60).fill(0x41), symbology: ']C1' });
  peer.send(Uint8Array.of(2, 3));
  peer.send(first ?? new Uint8Array());
  await rig.pass(10);
  await rig.device.stop();
  t.is(rig.clock.nextDueUs, undefined);
  await rig.pass(2_000);
  t.deepEqual(rig.faultKinds(), ['integrity']);
});

test('a trigger that is held counts once, two equal articles a second apart count twice', async (t) => {
  const peer = new HidPosScannerPeer();
  const rig = await scannerRig(hidPosScanner, { reports: peer }, {});
  const scan = () => peer.scan({ data: bytes('4006381333931'), symbology: ']E0' });
  for (let count = 0; count < 20; count++) {
    scan();
    await rig.pass(100);
  }
  await rig.pass(1_000);
  scan();
  await rig.pass(1_000);
  t.is(rig.scans.length, 2);
  t.deepEqual(await rig.counts(), { read: 2, repeats: 19, damaged: 0 });
  await rig.device.stop();
});

test('a maker’s commands are sent by call, and others have none', async (t) => {
  const peer = new HidPosScannerPeer({ wakesBy: [254, 1] });
  const rig = await scannerRig(hidPosScanner, { reports: peer }, honeywell);
  await rig.device.call?.('beep', {});
  t.deepEqual(
    peer.commands.map((command) => [...command]),
    [[0xfd, 0x03, 0x16, 0x07, 0x0d]],
  );
  await rig.device.stop();
  await t.throwsAsync(async () => rig.device.call?.('beep', {}), { code: 'CW-DRV-005' });
  const plain = await scannerRig(hidPosScanner, { reports: new HidPosScannerPeer() }, {});
  await t.throwsAsync(async () => plain.device.call?.('beep', {}), { code: 'CW-DRV-009', message: /counts/ });
  await plain.device.stop();
});

test('every row of the table can be found, and a product’s own goes before its vendor’s', (t) => {
  for (const row of hidPosRows) t.is(findHidPosRow(row.vendorId, row.productId), row);
  t.is(findHidPosRow('0c2e', '0b8f')?.name, 'Honeywell Voyager 1400g');
  t.is(findHidPosRow('0c2e', 'ffff')?.name, 'Honeywell');
  t.is(findHidPosRow('ffff', '0001'), undefined);
  t.is(findHidPosRow(undefined, undefined), undefined);
});

test('no sequence of reports crashes the reader, grows it or keeps it from the next code', (t) => {
  const quirks = fc.record({
    lengthCountsOneMore: fc.boolean(),
    aimAt: fc.constantFrom(undefined, 2, 3, 20),
    suffixes: fc.constantFrom(undefined, [0x0d]),
    symbologies: fc.constantFrom(undefined, { 65: ']C0' }),
  });
  const reports = fc.array(
    fc.oneof(
      fc.uint8Array({ maxLength: 70 }),
      fc
        .tuple(fc.nat(60), fc.constantFrom(']E0', ']C1', '   ', '\0\0\0', ']]]'), fc.nat(255), fc.nat(1))
        .map(([length, aim, fill, more]) =>
          report({ 0: [2, length], 2: aim, 5: new Array(56).fill(fill), 63: [more] }),
        ),
    ),
    { maxLength: 6 },
  );
  const good = hidPosReports({ data: bytes('80019442'), symbology: ']E4' })[0] ?? new Uint8Array();
  fc.assert(
    fc.property(quirks, reports, (vendor, sent) => {
      const assembler = new HidPosAssembler(vendor);
      for (const one of sent) {
        try {
          if ((assembler.push(one)?.data.length ?? 0) > longestCode) return false;
        } catch (error) {
          if ((error as { code?: string }).code !== 'CW-DRV-006') throw error;
        }
      }
      if (vendor.lengthCountsOneMore || vendor.aimAt === 3 || vendor.aimAt === 20) return true;
      assembler.reset();
      return assembler.push(good)?.symbology === ']E4';
    }),
    { seed: fuzzSeed, numRuns: fuzzRuns },
  );
  t.pass();
});
