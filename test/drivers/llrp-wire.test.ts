import test from 'ava';
import fc from 'fast-check';
import { DriverError } from '#drivers/errors.ts';
import {
  addRoSpec,
  enableRoSpec,
  getCapabilities,
  keepaliveAck,
  readCapabilities,
  readEvents,
  readStatus,
  readTags,
  setReaderConfig,
} from '#drivers/tag-reader/llrp/messages.ts';
import { mostTags, TagPresence } from '#drivers/tag-reader/llrp/presence.ts';
import { type LlrpMessage, longestMessage, MessageSplitter } from '#drivers/tag-reader/llrp/wire.ts';

const runs = Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 20_000);
const seed = 20261123;

/** Bytes as the standard's tables lay them out, written by hand: spaces between fields. */
const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(/\s+/g, ''), 'hex'));
const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

function one(text: string): LlrpMessage {
  const messages = new MessageSplitter().push(hex(text));
  if (messages[0] === undefined) throw new Error('no message');
  return messages[0];
}

test('requests are laid out as the standard has them', (t) => {
  t.is(toHex(getCapabilities(1)), toHex(hex('0401 0000000b 00000001 01')));
  t.is(toHex(keepaliveAck(0x11223344)), toHex(hex('0448 0000000a 11223344')));
  t.is(toHex(enableRoSpec(7, 123)), toHex(hex('0418 0000000e 00000007 0000007b')));
  // SET_READER_CONFIG: no reset; events 3, 4 and 8 on; a keepalive every second.
  const events = '00f4 0019 00f5 0007 0003 80 00f5 0007 0004 80 00f5 0007 0008 80';
  t.is(
    toHex(setReaderConfig(9, 1000)),
    toHex(hex(`0403 0000002d 00000009 00 ${events} 00dc 0009 01 000003e8`)),
  );
});

test('a ROSpec holds its triggers, antennas, air protocol and what to report', (t) => {
  const boundary = '00b2 0012 00b3 0005 01 00b6 0009 00 00000000';
  const command = '014a 0010 00 0150 000b 40 0020 00000000';
  const inventory = `00ba 0033 0001 01 00de 0016 0001 ${command} 00de 0016 0003 ${command}`;
  const look = `00b7 0046 0002 0001 0003 00b8 0009 00 00000000 ${inventory}`;
  const report = '00ed 000d 01 0001 00ee 0006 1400';
  const spec = `00b1 006f 0000007b 00 00 ${boundary} ${look} ${report}`;
  const plan = { antennas: [1, 3], session: 1, population: 32 };
  t.is(toHex(addRoSpec(2, 123, plan)), toHex(hex(`0414 00000079 00000002 ${spec}`)));
});

test('answers and notifications of a reader are read', (t) => {
  const general = '0089 001c 0004 c000 0000651a 001e8482 000a 352e31342e302e323430';
  const capabilities = one(`040b 0000002e 00000001 011f 0008 0000 0000 ${general}`);
  t.deepEqual(readStatus(capabilities), { code: 0, text: '' });
  t.deepEqual(readCapabilities(capabilities), {
    antennas: 4,
    maker: 25_882,
    model: 0x001e8482,
    firmware: '5.14.0.240',
  });
  const refused = one('041e 00000017 00000002 011f 000d 0064 0005 6e6f 7065 21');
  t.deepEqual(readStatus(refused), { code: 100, text: 'nope!' });
  const greeting = '043f 00000020 00000005 00f6 0016 0080 000c 0005a9b1c2d3e4f5 0100 0006 0000';
  t.deepEqual(readEvents(one(greeting)), [{ kind: 'connection', status: 0 }]);
  const antenna = '043f 00000021 00000006 00f6 0017 0081 000c 0000000000001388 00ff 0007 00 0003';
  t.deepEqual(readEvents(one(antenna)), [{ kind: 'antenna', antenna: 3, connected: false }]);
});

test('tags come with short and long EPCs, and with what a reader adds of its own', (t) => {
  const short = '00f0 001f 8d 3074257bf7194e4000001a85 81 0001 86 d0 82 0005a9b1c2d3e4f5'.replace(
    '0021',
    '001f',
  );
  // 0x03ff: a vendor's own parameter, here with four bytes of content.
  const long = '00f0 0020 00f1 0010 0050 00112233445566778899 81 0002 03ff 0009 0000651a 07'.replace(
    '0020',
    '0020',
  );
  const report = one(`043d 00000049 00000008 ${short} ${long}`);
  t.deepEqual(
    readTags(report).map(({ epc, ...rest }) => ({ epc: toHex(epc), ...rest })),
    [
      { epc: '3074257bf7194e4000001a85', antenna: 1, rssiDbm: -48 },
      { epc: '00112233445566778899', antenna: 2 },
    ],
  );
});

test('messages come out whole however the stream is cut', (t) => {
  const stream = Buffer.concat([
    getCapabilities(1),
    keepaliveAck(2),
    setReaderConfig(3, 500),
    enableRoSpec(4, 5),
  ]);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 40 }), (cuts) => {
      const splitter = new MessageSplitter();
      const types: number[] = [];
      let at = 0;
      for (const cut of [...cuts, stream.length]) {
        types.push(...splitter.push(stream.subarray(at, at + cut)).map(({ type }) => type));
        at += cut;
      }
      t.deepEqual(types, [1, 72, 3, 24]);
    }),
    { seed, numRuns: 500 },
  );
});

test('whatever comes, it is read or refused with its code, and nothing piles up', (t) => {
  const guarded = (read: () => unknown) => {
    try {
      read();
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      t.is(error.code, 'CW-DRV-006');
    }
  };
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(1023), (body, type) => {
      guarded(() => new MessageSplitter().push(body));
      for (const read of [readTags, readEvents, readStatus, readCapabilities])
        guarded(() => read({ type, id: 1, body }));
    }),
    { seed, numRuns: runs },
  );
  const endless = new MessageSplitter();
  const claim = hex('043d 7fffffff 00000001');
  t.throws(() => endless.push(claim), { message: /a message of 2147483647 bytes/ });
  t.true(longestMessage < 1_048_576);
});

test('a tag is told when it comes, again while it stays, and anew after it was gone', (t) => {
  const presence = new TagPresence(1_000_000, 3_000_000);
  const epc = hex('3074257bf7194e4000001a85');
  t.true(presence.isDue(epc, 0));
  for (const atUs of [900_000, 1_800_000, 2_700_000]) t.false(presence.isDue(epc, atUs));
  t.true(presence.isDue(epc, 3_500_000), 'it has stayed');
  t.false(presence.isDue(epc, 4_400_000));
  t.true(presence.isDue(epc, 5_400_000), 'it was gone');
  t.false(presence.isDue(epc, 5_500_000));
});

test('more tags than the memory holds are told no oftener for that', (t) => {
  const presence = new TagPresence(600_000_000, 15_000_000);
  let told = 0;
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 2 * mostTags; i++) {
      if (presence.isDue(Uint8Array.of(i >> 16, i >> 8, i), round * 1_000_000 + i)) told += 1;
    }
    t.is(presence.size, mostTags);
  }
  t.is(told, mostTags);
});

test('whatever comes into the field, a tag is told at most once for each time it came, and once a stretch', (t) => {
  const step = fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 2_000_000 }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const presence = new TagPresence(1_000_000, 4_000_000);
      const seen = new Map<number, { lastUs: number; toldUs: number }>();
      let atUs = 0;
      for (const [tag, afterUs] of steps) {
        atUs += afterUs;
        const before = seen.get(tag);
        const due =
          before === undefined || atUs - before.lastUs >= 1_000_000 || atUs - before.toldUs >= 4_000_000;
        if (presence.isDue(Uint8Array.of(tag), atUs) !== due) throw new Error(`tag ${tag} at ${atUs} µs`);
        seen.set(tag, { lastUs: atUs, toldUs: due ? atUs : (before?.toldUs ?? atUs) });
      }
    }),
    { seed, numRuns: runs / 10 },
  );
  t.pass();
});
