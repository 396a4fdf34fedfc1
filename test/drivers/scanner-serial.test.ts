import test from 'ava';
import fc from 'fast-check';
import type { ByteRequest } from '#drivers/ports/ports.ts';
import { parseDriverOptions } from '#drivers/registry.ts';
import { serialScanner } from '#drivers/scanner/serial-scanner.ts';
import { byteRequest } from '#drivers/scanner/shared-options.ts';
import { type SerialPeerOptions, SerialScannerPeer } from '#drivers/virtual/peers/serial-scanner.ts';
import { bytes, fuzzRuns, fuzzSeed, scannerRig } from './scanner-rig.ts';

const match = { serial: 'SIM-CDC-1' };

async function serialRig(options: object, peerOptions: SerialPeerOptions = {}) {
  const peer = new SerialScannerPeer(peerOptions);
  return { peer, rig: await scannerRig(serialScanner, { bytes: peer }, { match, ...options }) };
}

const ends: readonly [terminator: string, sent: string, texts: readonly string[]][] = [
  ['line', ']E01\r]E02\n]E03\r\n\r\n]E04\n', [']E0 1', ']E0 2', ']E0 3', ']E0 4']],
  ['cr', ']Q1a\nb\r', [']Q1 a\nb']],
  ['lf', ']Q1a\rb\n', [']Q1 a\rb']],
  ['crlf', ']Q1a\rb\nc\r\r\n]E01\r\n', [']Q1 a\rb\nc\r', ']E0 1']],
  ['tab', ']E01\t]E02\t', [']E0 1', ']E0 2']],
  ['stx-etx', '\x02]Q1a\rb\x03\r\n\x02]E01\x03', [']Q1 a\rb', ']E0 1']],
];
for (const [terminator, sent, texts] of ends) {
  test(`codes end as the terminator ${terminator} says, in pieces of any size`, async (t) => {
    for (const pieceBytes of [1, 3, 100]) {
      const { peer, rig } = await serialRig({ terminator }, { pieceBytes });
      peer.send(bytes(sent));
      await rig.pass(10);
      t.deepEqual(rig.texts(), texts, `${pieceBytes} bytes`);
      t.deepEqual(rig.faults, []);
      await rig.device.stop();
    }
  });
}

for (const terminator of ['none', 'line']) {
  test(`a process that is held up in the middle of a code cuts none with the terminator ${terminator}`, async (t) => {
    const { peer, rig } = await serialRig({ terminator });
    peer.send(bytes(']E040063813'));
    await rig.pass(10);
    rig.holdUp(700);
    peer.send(bytes(terminator === 'none' ? '33931' : '33931\r'));
    await rig.pass(200);
    t.deepEqual(rig.texts(), [']E0 4006381333931']);
    t.deepEqual(rig.faults, []);
    await rig.device.stop();
  });
}

test('a line of which every second code is damaged is one fault, however long that goes on', async (t) => {
  const { peer, rig } = await serialRig({ aim: 'always' });
  for (let i = 0; i < 200; i++) {
    peer.send(bytes(`damaged\r]E0${4_006_381_333_931 + i}\r`));
    await rig.pass(10);
  }
  t.is(rig.scans.length, 200);
  t.deepEqual(rig.faultKinds(), ['integrity']);
  await rig.pass(1_000);
  t.deepEqual(rig.faultKinds(), ['integrity', '!integrity']);
  await rig.device.stop();
});

test('without a terminator silence of 100 ms ends a code', async (t) => {
  const { peer, rig } = await serialRig({ terminator: 'none' });
  peer.send(bytes(']E040063813'));
  await rig.pass(60);
  peer.send(bytes('33931'));
  await rig.pass(60);
  t.deepEqual(rig.texts(), []);
  await rig.pass(60);
  t.deepEqual(rig.texts(), [']E0 4006381333931']);
  await rig.device.stop();
});

test('a code whose end is lost is dropped and told, and not joined to the next', async (t) => {
  const { peer, rig } = await serialRig({});
  peer.send(bytes(']E0400638'));
  await rig.pass(600);
  t.deepEqual(rig.faultKinds(), ['integrity']);
  peer.scan(']E04006381333931');
  await rig.pass(10);
  t.deepEqual(rig.texts(), [']E0 4006381333931']);
  await rig.pass(1_000);
  t.deepEqual(rig.faultKinds(), ['integrity', '!integrity']);
  await rig.device.stop();
});

test('GS and binary bytes arrive as they were sent', async (t) => {
  const { peer, rig } = await serialRig({ terminator: 'stx-etx' });
  const data = [0x30, 0x1d, 0x00, 0x80, 0xff, 0x0d, 0x0a, 0x09];
  peer.send(Uint8Array.of(0x02, ...bytes(']d2'), ...data, 0x03));
  await rig.pass(10);
  t.deepEqual([...(rig.scans[0]?.data ?? [])], data);
  t.is(rig.scans[0]?.symbology, ']d2');
  await rig.device.stop();
});

test('what is sent outside of STX and ETX is damage, and so is a second STX', async (t) => {
  const { peer, rig } = await serialRig({ terminator: 'stx-etx' });
  peer.send(bytes('x\x02]E012\x02]E01\x03'));
  await rig.pass(10);
  t.deepEqual(rig.texts(), [']E0 1']);
  t.deepEqual(await rig.counts(), { read: 1, repeats: 0, damaged: 2 });
  await rig.device.stop();
});

test('a run of bytes outside of STX and ETX is told once, and again only while it goes on and on', async (t) => {
  for (const pieceBytes of [1, 3, 100]) {
    const { peer, rig } = await serialRig({ terminator: 'stx-etx' }, { pieceBytes });
    peer.send(bytes('noise\r\nmore\x02]E01\x03\r\nnoise\x02]E02\x03'));
    await rig.pass(10);
    t.deepEqual(rig.texts(), [']E0 1', ']E0 2']);
    t.deepEqual(await rig.counts(), { read: 2, repeats: 0, damaged: 2 }, `${pieceBytes} bytes`);
    await rig.device.stop();
  }
  const { peer, rig } = await serialRig({ terminator: 'stx-etx' });
  for (let i = 0; i < 100; i++) {
    peer.send(bytes('noise'));
    await rig.pass(50);
  }
  t.deepEqual(rig.faultKinds(), ['integrity'], 'not ended while it lasts');
  t.true(((await rig.counts()) as { damaged: number }).damaged <= 11);
  await rig.pass(1_000);
  t.deepEqual(rig.faultKinds(), ['integrity', '!integrity']);
  await rig.device.stop();
});

test('a megabyte without an end is one fault and no memory, and the next code is read', async (t) => {
  const { peer, rig } = await serialRig({});
  const before = process.memoryUsage().arrayBuffers;
  for (let count = 0; count < 256; count++) {
    peer.send(new Uint8Array(4_096).fill(0x41));
    if (count % 16 === 0) await rig.pass(10);
  }
  await rig.pass(10);
  t.true(process.memoryUsage().arrayBuffers - before < 4_000_000);
  t.deepEqual(await rig.counts(), { read: 0, repeats: 0, damaged: 1 });
  peer.send(bytes('\r'));
  peer.scan(']E4' + '96385074');
  await rig.pass(10);
  t.deepEqual(rig.texts(), [']E4 96385074']);
  await rig.device.stop();
});

test('prefix and suffix are taken off, a code without them or without data is refused', async (t) => {
  const { peer, rig } = await serialRig({ prefix: '7e', suffix: '2323', aim: 'always' });
  for (const text of ['~]E04006381333931##', ']E01##', '~##', '~4006381333931##', '~]E0##']) peer.scan(text);
  await rig.pass(10);
  t.deepEqual(rig.texts(), [']E0 4006381333931']);
  t.deepEqual(await rig.counts(), { read: 1, repeats: 0, damaged: 4 });
  await rig.device.stop();
});

test('configured commands are sent as bytes, others are refused by name', async (t) => {
  const { peer, rig } = await serialRig({ commands: { 'trigger-on': '16 54 0d', beep: '1B4200' } });
  await rig.device.call?.('trigger-on', {});
  await rig.device.call?.('beep', undefined);
  t.deepEqual(
    peer.heard.map((one) => [...one]),
    [
      [0x16, 0x54, 0x0d],
      [0x1b, 0x42, 0x00],
    ],
  );
  await t.throwsAsync(async () => rig.device.call?.('trigger-off', {}), {
    code: 'CW-DRV-009',
    message: /trigger-on, beep, counts/,
  });
  await rig.device.stop();
});

test('the line is asked for as it was configured', (t) => {
  const request = (options: object): ByteRequest =>
    byteRequest(parseDriverOptions(serialScanner, options, 'scanner') as Parameters<typeof byteRequest>[0]);
  t.deepEqual(request({ match: { path: '/dev/ttyAMA0' }, baudRate: 115_200, parity: 'even', dataBits: 7 }), {
    via: 'serial',
    match: { path: '/dev/ttyAMA0' },
    settings: { baudRate: 115_200, dataBits: 7, parity: 'even', stopBits: 1, flowControl: 'none' },
  });
  t.deepEqual(request({ tcp: { host: '192.0.2.7', port: 4_001 } }), {
    via: 'tcp',
    host: '192.0.2.7',
    port: 4_001,
  });
  t.deepEqual(request({ bus: 'bridge' }), { via: 'bus', bus: 'bridge' });
});

test('an unplug in the middle of a code forgets it and leaves no timer', async (t) => {
  const { peer, rig } = await serialRig({ terminator: 'none' });
  peer.send(bytes(']E0400'));
  await rig.pass(10);
  rig.ports.unplug();
  await rig.pass(1_000);
  t.deepEqual(rig.faultKinds(), ['disconnected']);
  t.deepEqual(rig.scans, []);
  await rig.device.stop();
});

test('no stream of bytes crashes a reader, and no code of it is longer than allowed', async (t) => {
  const terminators = ['line', 'cr', 'lf', 'crlf', 'tab', 'stx-etx', 'none'] as const;
  const maximumBytes = 16;
  const byte = fc.oneof(fc.nat(255), fc.constantFrom(0x02, 0x03, 0x09, 0x0a, 0x0d, 0x5d, 0x45, 0x30));
  const rigs = await Promise.all(
    terminators.map((terminator) => serialRig({ terminator, maximumBytes, duplicateWindowMs: 0 })),
  );
  let codes = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(6), fc.array(byte, { maxLength: 60 }), async (which, sent) => {
      const one = rigs[which];
      if (one === undefined) return;
      one.peer.send(Uint8Array.from(sent));
      await Promise.resolve();
      await Promise.resolve();
      for (const { data, symbology } of one.rig.scans.splice(0)) {
        codes += 1;
        if (data.length === 0 || data.length > maximumBytes) throw new Error(`${data.length} bytes`);
        if (!/^\][A-Za-z][0-9A-Za-z]$/.test(symbology)) throw new Error(symbology);
      }
      one.rig.faults.length = 0;
    }),
    { seed: fuzzSeed, numRuns: fuzzRuns },
  );
  t.true(codes > fuzzRuns / 10);
  for (const { rig } of rigs) await rig.device.stop();
});
