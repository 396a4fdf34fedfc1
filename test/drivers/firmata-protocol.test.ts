import { readFileSync } from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import {
  type BridgeMessage,
  decodeBridgeMessage,
  decodeHostMessage,
  encodeBridgeMessage,
  encodeHostMessage,
  type HostMessage,
  messageIds,
  SampleFrame,
  serialText,
} from '#drivers/load-cell/firmata-hx711/protocol.ts';
import { crc16, encodeFrame, openFrame, pack7, unpack7 } from '#drivers/load-cell/firmata-hx711/wire.ts';

const runs = { seed: 20_261_123, numRuns: Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 20_000) };

interface Vector {
  readonly name: string;
  readonly direction: 'to-bridge' | 'to-host';
  readonly id: number;
  readonly fields: Record<string, unknown>;
  readonly payload: string;
  readonly wire: string;
}

const { vectors } = JSON.parse(readFileSync('boards/firmware/load-cell-bridge/vectors.json', 'utf8')) as {
  readonly vectors: readonly Vector[];
};

const hex = (text: string) => Uint8Array.from(Buffer.from(text, 'hex'));

/** Kinds of messages by direction and id: some ids of requests and answers are told apart by direction alone. */
const kinds = new Map<number, string>(Object.entries(messageIds).map(([kind, id]) => [id, kind]));

/** The vector's fields as the codec names them. */
function messageOf({ id, fields }: Vector): unknown {
  const renamed = Object.entries(fields).map(([key, value]) =>
    typeof value === 'string' ? [key, hex(value)] : [key === 'kind' ? 'what' : key, value],
  );
  return { ...Object.fromEntries(renamed), kind: kinds.get(id) };
}

test('every documented message is written as documented', (t) => {
  t.true(vectors.length > 20);
  for (const vector of vectors) {
    const message = messageOf(vector);
    const wire =
      vector.direction === 'to-bridge'
        ? encodeHostMessage(message as HostMessage)
        : encodeBridgeMessage(message as BridgeMessage);
    t.is(Buffer.from(wire).toString('hex'), vector.wire, vector.name);
    t.deepEqual(wire, encodeFrame(vector.id, hex(vector.payload)), vector.name);
  }
});

test('every documented message is read as documented', (t) => {
  const out = new Uint8Array(128);
  for (const vector of vectors) {
    const wire = hex(vector.wire);
    const length = openFrame(vector.id, wire, 2, wire.length - 1, out);
    t.is(Buffer.from(out.subarray(0, Math.max(0, length))).toString('hex'), vector.payload, vector.name);
    const decode = vector.direction === 'to-bridge' ? decodeHostMessage : decodeBridgeMessage;
    t.deepEqual<unknown, unknown>(decode(vector.id, out.subarray(0, length)), messageOf(vector), vector.name);
  }
});

test('the checksum is CRC-16/CCITT-FALSE over id and payload', (t) => {
  // The check value of the catalogue of CRCs: "123456789" gives 0x29B1.
  t.is(crc16(0x31, Buffer.from('23456789'), 8), 0x29b1);
});

test('packed bytes are unpacked again, and other lengths and bits are refused', (t) => {
  const out = new Uint8Array(128);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 128 }), (bytes) => {
      const packed = pack7(bytes);
      t.is(unpack7(packed, 0, packed.length, out), bytes.length);
      t.deepEqual(out.subarray(0, bytes.length), bytes);
    }),
    runs,
  );
  t.is(unpack7(Uint8Array.of(1), 0, 1, out), -1, 'one byte of seven bits holds no byte of eight');
  t.is(unpack7(Uint8Array.of(1, 2), 0, 2, out), -1, 'an unused bit is set');
  t.is(unpack7(Uint8Array.of(0x81, 1), 0, 2, out), -1, 'a byte has eight bits');
  t.is(unpack7(new Uint8Array(152), 0, 152, out), -1, 'longer than the buffer');
});

test('whatever comes between id and end is read without harm, and one flipped bit never goes unseen', (t) => {
  const out = new Uint8Array(128);
  const frame = new SampleFrame();
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 127 }), fc.uint8Array({ maxLength: 160 }), (id, bytes) => {
      const length = openFrame(id, bytes, 0, bytes.length, out);
      t.true(length >= -1 && length <= 126);
      decodeBridgeMessage(id, bytes);
      decodeHostMessage(id, bytes);
      frame.read(bytes, bytes.length);
    }),
    runs,
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 77 }), fc.nat(), fc.nat(6), (payload, where, bit) => {
      const wire = encodeFrame(messageIds.samples, payload);
      const at = 2 + (where % (wire.length - 3));
      wire[at] = (wire[at] ?? 0) ^ (1 << bit);
      t.is(openFrame(messageIds.samples, wire, 2, wire.length - 1, out), -1);
    }),
    runs,
  );
});

test('every frame of samples is read as it was written', (t) => {
  const samples = fc
    .array(
      fc.record({
        channel: fc.nat(7),
        age: fc.nat(255),
        counts: fc.integer({ min: -0x800000, max: 0x7fffff }),
      }),
      { maxLength: 8 },
    )
    .map((list) =>
      [...new Map(list.map((sample) => [sample.channel, sample])).values()].sort(
        (a, b) => a.channel - b.channel,
      ),
    );
  fc.assert(
    fc.property(fc.nat(0xffff), fc.nat(0xffffffff), samples, (sequence, timestampUs, list) => {
      const message: BridgeMessage = { kind: 'samples', sequence, timestampUs, samples: list };
      const wire = encodeBridgeMessage(message);
      const out = new Uint8Array(128);
      const length = openFrame(messageIds.samples, wire, 2, wire.length - 1, out);
      t.deepEqual(decodeBridgeMessage(messageIds.samples, out.subarray(0, length)), message);
    }),
    runs,
  );
});

test('fields that do not fit are refused when written', (t) => {
  t.throws(() => encodeHostMessage({ kind: 'rate', rate: 320 }), { instanceOf: RangeError });
  t.throws(() => encodeHostMessage({ kind: 'echo', bytes: new Uint8Array(25) }), { instanceOf: RangeError });
  t.throws(() => encodeHostMessage({ kind: 'setSerial', serial: new Uint8Array(7) }), {
    instanceOf: RangeError,
  });
  const samples = (list: readonly { channel: number; age: number; counts: number }[]): BridgeMessage => ({
    kind: 'samples',
    sequence: 0,
    timestampUs: 0,
    samples: list,
  });
  const sample = { channel: 1, age: 0, counts: 0 };
  t.throws(() => encodeBridgeMessage(samples([sample, { ...sample, channel: 0 }])), {
    instanceOf: RangeError,
  });
  t.throws(() => encodeBridgeMessage(samples([{ ...sample, counts: 0x800000 }])), { instanceOf: RangeError });
});

test('a serial number is told as text where it is one', (t) => {
  t.is(serialText(hex('4357303030303432')), 'CW000042');
  t.is(serialText(hex('4357340000000000')), 'CW4');
  t.is(serialText(hex('ffffffffffffffff')), undefined);
  t.is(serialText(hex('0102030405060708')), '0102030405060708');
});
