import test from 'ava';
import fc from 'fast-check';
import { longestCode } from '#drivers/scanner/scanned-code.ts';
import { aimOfSsiType } from '#drivers/scanner/ssi-barcode-types.ts';
import { SsiDecoder } from '#drivers/scanner/ssi-decode.ts';
import { encodeSsi, SsiFramer, type SsiPacket } from '#drivers/scanner/ssi-packet.ts';
import { ssiScanner } from '#drivers/scanner/ssi-scanner.ts';
import { SerialScannerPeer } from '#drivers/virtual/peers/serial-scanner.ts';
import { SsiScannerPeer } from '#drivers/virtual/peers/ssi-scanner.ts';
import { bytes, fuzzRuns, fuzzSeed, scannerRig } from './scanner-rig.ts';

const match = { serial: 'SIM-SSI-1' };
const ean13 = 0x0b;
const ack = [0x04, 0xd0, 0x04, 0x00, 0xff, 0x28];

async function ssiRig(options: object = {}) {
  let peer: SsiScannerPeer | undefined;
  const rig = await scannerRig(
    ssiScanner,
    (clock) => {
      peer = new SsiScannerPeer(clock);
      return { bytes: peer };
    },
    { match, setUp: false, ...options },
  );
  if (peer === undefined) throw new Error('there is no peer');
  return { peer, rig };
}

/** A line on which the test itself is the scanner. */
async function wire(options: object = {}) {
  const peer = new SerialScannerPeer();
  return { peer, rig: await scannerRig(ssiScanner, { bytes: peer }, { match, setUp: false, ...options }) };
}

/** DECODE_DATA by hand. */
function decodeData(type: number, text: string, status = 0): Uint8Array {
  return encodeSsi({ opcode: 0xf3, source: 0, status, data: Uint8Array.of(type, ...bytes(text)) });
}

test('packets have the bytes of the guide', (t) => {
  const host = (opcode: number, ...data: number[]) => [
    ...encodeSsi({ opcode, source: 4, status: 0, data: Uint8Array.from(data) }),
  ];
  t.deepEqual(host(0xd0), ack);
  t.deepEqual(host(0xd1, 1), [0x05, 0xd1, 0x04, 0x00, 0x01, 0xff, 0x25]);
  t.deepEqual(host(0xd1, 2), [0x05, 0xd1, 0x04, 0x00, 0x02, 0xff, 0x24]);
  t.deepEqual(host(0xd1, 6), [0x05, 0xd1, 0x04, 0x00, 0x06, 0xff, 0x20]);
  t.deepEqual(host(0xe4), [0x04, 0xe4, 0x04, 0x00, 0xff, 0x14]);
  t.throws(() => host(0xc6, ...new Array<number>(252).fill(0)), { instanceOf: RangeError });
});

test('a code is read, acknowledged, and has the identifier of its type', async (t) => {
  const { peer, rig } = await wire();
  // 4006381333931 as EAN-13: length 18, 0xF3, source 0, status 0, type 0x0B.
  const packet = [0x12, 0xf3, 0x00, 0x00, 0x0b, ...bytes('4006381333931')];
  const sum = 0x10000 - packet.reduce((total, byte) => total + byte, 0);
  peer.send(Uint8Array.of(...packet, sum >> 8, sum & 0xff));
  await rig.pass(10);
  t.deepEqual(rig.texts(), [']E0 4006381333931']);
  t.deepEqual(
    peer.heard.map((one) => [...one]),
    [ack],
  );
  await rig.device.stop();
});

test('types of the maker are identifiers of the standard', (t) => {
  const of = (...types: number[]) => types.map(aimOfSsiType);
  t.deepEqual(of(0x08, 0x09, 0x0a, 0x0b, 0x10), [']E0', ']E0', ']E4', ']E0', ']E0']);
  t.deepEqual(of(0x48, 0x8b, 0x4a), [']E3', ']E3', ']E4']);
  t.deepEqual(of(0x03, 0x0f, 0x30, 0x31, 0x32), [']C0', ']C1', ']e0', ']e0', ']e0']);
  t.deepEqual(of(0x1b, 0xc1, 0x1c, 0xc2, 0x2d), [']d1', ']d2', ']Q1', ']Q3', ']z0']);
  t.is(aimOfSsiType(0xee), ']X0');
});

test('an AIM identifier that the scanner is set to send goes before the type, unless it is switched off', async (t) => {
  const { peer, rig } = await wire();
  peer.send(decodeData(0x1b, ']d20104006381333931\x1d1'));
  await rig.pass(10);
  t.deepEqual(rig.texts(), [']d2 0104006381333931\x1d1']);
  await rig.device.stop();
  const never = await wire({ aim: 'never' });
  never.peer.send(decodeData(0x1c, ']E0text'));
  await never.rig.pass(10);
  t.deepEqual(never.rig.texts(), [']Q1 ]E0text']);
  await never.rig.device.stop();
});

test('a long code in several packets is one code, each packet acknowledged', async (t) => {
  const { peer, rig } = await ssiRig();
  const text = 'https://example.com/01/04006381333931?'.padEnd(700, 'x');
  peer.scan(0x1c, text);
  await rig.pass(50);
  t.deepEqual(rig.texts(), [`]Q1 ${text}`]);
  t.is(peer.acknowledged, 3);
  await rig.device.stop();
});

test('a code whose last packet never comes is dropped and told', async (t) => {
  const { peer, rig } = await wire();
  peer.send(decodeData(0x1c, 'first', 0x02));
  await rig.pass(2_100);
  t.is(rig.faults[0]?.code, 'CW-DRV-017');
  peer.send(decodeData(ean13, '4006381333931'));
  await rig.pass(10);
  t.deepEqual(rig.texts(), [']E0 4006381333931']);
  await rig.device.stop();
});

test('a damaged packet is asked for again, and its repetition is read once', async (t) => {
  const { peer, rig } = await ssiRig();
  let spoilt = 0;
  peer.spoil = (packet) => {
    spoilt += 1;
    return spoilt > 1 ? packet : packet.map((byte, at) => (at === 9 ? byte ^ 0x01 : byte));
  };
  peer.scan(ean13, '4006381333931');
  await rig.pass(50);
  t.deepEqual(rig.texts(), [']E0 4006381333931']);
  t.is(spoilt, 2);
  t.is(peer.acknowledged, 1);
  await rig.pass(1_000);
  t.deepEqual(rig.faultKinds(), ['integrity', '!integrity']);
  await rig.device.stop();
});

test('a packet sent again because its acknowledgement was lost is acknowledged and not read twice', async (t) => {
  const { peer, rig } = await ssiRig({ duplicateWindowMs: 0 });
  peer.deaf = true;
  peer.scan(ean13, '4006381333931');
  await rig.pass(1_000);
  peer.deaf = false;
  await rig.pass(2_000);
  t.deepEqual(rig.texts(), [']E0 4006381333931']);
  t.is(peer.acknowledged, 1);
  peer.scan(ean13, '4006381333931');
  await rig.pass(10);
  t.is(rig.scans.length, 2, 'the same article, scanned anew');
  await rig.device.stop();
});

test('a repetition of what was damaged is read though it equals the code before', async (t) => {
  const { peer, rig } = await wire({ duplicateWindowMs: 0 });
  peer.send(decodeData(ean13, '4006381333931'));
  await rig.pass(10);
  const again = decodeData(ean13, '4006381333931');
  peer.send(again.with(8, 0x7f));
  await rig.pass(10);
  peer.send(decodeData(ean13, '4006381333931', 0x01));
  await rig.pass(10);
  t.is(rig.scans.length, 2);
  await rig.device.stop();
});

test('NULs that wake the host are passed over, and garbage up to the next packet', async (t) => {
  const { peer, rig } = await wire();
  peer.send(Uint8Array.of(0, 0, 0));
  peer.send(decodeData(ean13, '4006381333931'));
  await rig.pass(10);
  t.deepEqual(rig.faults, [], 'waking is no damage');
  peer.send(bytes('4006381333931\r\n'));
  peer.send(Uint8Array.of(0xff, 0xf3, 0x01, 0x00));
  peer.send(decodeData(0x0a, '96385074'));
  await rig.pass(10);
  t.deepEqual(rig.texts(), [']E0 4006381333931', ']E4 96385074']);
  await rig.pass(1_000);
  t.deepEqual(rig.faultKinds(), ['integrity', '!integrity']);
  await rig.device.stop();
});

test('half a packet followed by silence is asked for again', async (t) => {
  const { peer, rig } = await wire();
  peer.send(decodeData(ean13, '4006381333931').subarray(0, 9));
  await rig.pass(300);
  t.deepEqual([...(peer.heard.at(-1) ?? [])], [0x05, 0xd1, 0x04, 0x00, 0x01, 0xff, 0x25]);
  peer.send(decodeData(ean13, '4006381333931', 0x01));
  await rig.pass(10);
  t.deepEqual(rig.texts(), [']E0 4006381333931']);
  await rig.device.stop();
});

test('events are acknowledged, pictures denied, decode data without a type not understood', async (t) => {
  const { peer, rig } = await wire();
  for (const [opcode, data] of [
    [0xf6, [3]],
    [0xb1, [1, 2]],
    [0xf3, []],
  ] as const) {
    peer.send(encodeSsi({ opcode, source: 0, status: 0, data: Uint8Array.from(data) }));
  }
  await rig.pass(10);
  t.deepEqual(
    peer.heard.map((one) => [...one]),
    [ack, [0x05, 0xd1, 0x04, 0x00, 0x06, 0xff, 0x20], [0x05, 0xd1, 0x04, 0x00, 0x02, 0xff, 0x24]],
  );
  await rig.device.stop();
});

test('calls sound, light, aim and trigger, and answer when the scanner did', async (t) => {
  const { peer, rig } = await ssiRig();
  const calls: readonly [string, unknown][] = [
    ['beep', undefined],
    ['beep', { code: 3 }],
    ['led', { on: true }],
    ['led', { on: false, mask: 4 }],
    ['aim', { on: true }],
    ['aim', { on: false }],
    ['session', { on: true }],
    ['session', { on: false }],
    ['enable', { on: false }],
    ['enable', { on: true }],
  ];
  for (const [action, args] of calls) t.deepEqual(await rig.device.call?.(action, args), {});
  t.deepEqual(
    peer.commands.map(({ opcode, data }) => [opcode, ...data]),
    [[0xe6, 0], [0xe6, 3], [0xe7, 1], [0xe8, 4], [0xc5], [0xc4], [0xe4], [0xe5], [0xea], [0xe9]],
  );
  t.deepEqual(await rig.device.call?.('revision', {}), { revision: 'SIM-SSI 1.0' });
  await t.throwsAsync(async () => rig.device.call?.('beep', { code: 99 }), { code: 'CW-DRV-020' });
  await t.throwsAsync(async () => rig.device.call?.('led', {}), { code: 'CW-DRV-020' });
  await rig.device.stop();
});

test('commands go one after the other, again where they are lost, and no further where they are refused', async (t) => {
  const { peer, rig } = await ssiRig();
  peer.deaf = true;
  const first = rig.device.call?.('beep', {});
  const second = rig.device.call?.('aim', { on: true });
  await rig.pass(500);
  peer.deaf = false;
  await rig.pass(1_000);
  t.deepEqual(await first, {});
  t.deepEqual(await second, {});
  t.deepEqual(
    peer.commands.map(({ opcode, status }) => [opcode, status]),
    [
      [0xe6, 1],
      [0xc5, 0],
    ],
  );
  peer.refuses = 6;
  await t.throwsAsync(async () => rig.device.call?.('aim', { on: true }), {
    code: 'CW-DRV-020',
    message: /denies/,
  });
  t.is(peer.commands.length, 3);
  peer.refuses = 1;
  await t.throwsAsync(async () => rig.device.call?.('aim', { on: true }), { code: 'CW-DRV-020' });
  t.is(peer.commands.length, 6, 'asked to send it again it does so twice');
  await rig.device.stop();
});

test('a stop while a command waits ends it, and more than eight do not wait', async (t) => {
  const { peer, rig } = await ssiRig({ wakes: true });
  peer.deaf = true;
  const waiting = Array.from({ length: 9 }, () =>
    rig.device.call?.('beep', {}).then(
      () => 'done',
      (error: unknown) => (error as { code?: string }).code,
    ),
  );
  await rig.pass(100);
  await rig.device.stop();
  t.deepEqual(await Promise.all(waiting), [...new Array<string>(8).fill('CW-DRV-005'), 'CW-DRV-020']);
});

test('a sleeping scanner is woken before each command', async (t) => {
  const { peer, rig } = await wire({ wakes: true });
  const beep = rig.device.call?.('beep', {});
  await rig.pass(20);
  t.deepEqual(
    peer.heard.map((one) => [...one]),
    [[0]],
  );
  await rig.pass(60);
  t.deepEqual([...(peer.heard[1] ?? [])].slice(0, 5), [0x05, 0xe6, 0x04, 0x00, 0x00]);
  peer.send(encodeSsi({ opcode: 0xd0, source: 0, status: 0, data: new Uint8Array() }));
  t.deepEqual(await beep, {});
  await rig.device.stop();
});

test('on start the scanner is told to send packets; where it does not answer, that is a fault until it sends one', async (t) => {
  const { peer, rig } = await ssiRig({ setUp: true });
  await rig.pass(10);
  t.deepEqual(peer.commands, [{ opcode: 0xc6, data: [0xff, 0xee, 1, 0x9f, 1], status: 0 }]);
  await rig.device.stop();
  const deaf = await wire({ setUp: true });
  await deaf.rig.pass(4_000);
  t.deepEqual(deaf.rig.faultKinds(), ['configuration']);
  deaf.peer.send(decodeData(ean13, '4006381333931'));
  await deaf.rig.pass(10);
  t.deepEqual(deaf.rig.faultKinds(), ['configuration', '!configuration']);
  await deaf.rig.device.stop();
});

test('a scanner that sends bare text is told of with what to set', async (t) => {
  const { peer, rig } = await wire();
  peer.scan('4006381333931');
  await rig.pass(10);
  t.regex(rig.faults[0]?.message ?? '', /packeted data/);
  t.deepEqual(rig.scans, []);
  await rig.device.stop();
});

test('no stream of bytes crashes the reader or grows it, and each good packet in it is found', (t) => {
  const noise = fc.uint8Array({ maxLength: 40 });
  const header = fc
    .tuple(fc.nat(255), fc.constantFrom(0xf3, 0xd0, 0xf6))
    .map(([length, opcode]) => [length, opcode, 0]);
  fc.assert(
    fc.property(
      fc.array(fc.oneof(noise, header), { maxLength: 6 }),
      fc.string({ maxLength: 30 }),
      (parts, text) => {
        const packets: SsiPacket[] = [];
        const framer = new SsiFramer({
          packet: (one) => packets.push(one),
          corrupt: () => {},
          garbage: () => {},
        });
        for (const part of parts) {
          framer.push(Uint8Array.from(part));
          if (framer.pending > 256) return false;
        }
        // What was incomplete is given up after a silence, as the driver does.
        framer.reset();
        framer.push(decodeData(ean13, text));
        return packets.at(-1)?.opcode === 0xf3 && framer.pending === 0;
      },
    ),
    { seed: fuzzSeed, numRuns: fuzzRuns },
  );
  t.pass();
});

test('no sequence of packets makes a code longer than the longest', (t) => {
  const packet = fc.record({
    opcode: fc.constant(0xf3),
    source: fc.constant(0),
    status: fc.nat(3),
    data: fc.oneof(
      fc.uint8Array({ maxLength: 6 }),
      fc.nat(3).map((type) => new Uint8Array(251).fill(type)),
    ),
  });
  fc.assert(
    fc.property(fc.array(packet, { maxLength: 40 }), (packets) => {
      const decoder = new SsiDecoder('auto');
      return packets.every((one) => {
        const decoded = decoder.take(one);
        return decoded.kind !== 'code' || decoded.code.data.length <= longestCode;
      });
    }),
    { seed: fuzzSeed, numRuns: fuzzRuns },
  );
  t.pass();
});
