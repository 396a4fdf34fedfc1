import test from 'ava';
import fc from 'fast-check';
import mqttPacket, { type Packet } from 'mqtt-packet';
import { PacketGuard } from '#uplink/packet-guard.ts';

const limit = 300;

function publish(topic: string, length: number, qos: 0 | 1, messageId: number): Packet {
  return {
    cmd: 'publish',
    topic,
    payload: Buffer.alloc(length, 7),
    qos,
    dup: false,
    retain: false,
    messageId,
  };
}

const packets = fc.array(
  fc.oneof(
    fc.record({
      topic: fc.constantFrom('a', 'cw/1/lab/cart-7/request/tare', 'x'.repeat(400)),
      length: fc.integer({ min: 0, max: 900 }),
      qos: fc.constantFrom(0 as const, 1 as const),
      messageId: fc.integer({ min: 1, max: 65_535 }),
    }),
    fc.constant('ping' as const),
  ),
  { maxLength: 12 },
);

test('however the bytes are cut, small packets pass unchanged and large ones are named and skipped', (t) => {
  fc.assert(
    fc.property(packets, fc.infiniteStream(fc.integer({ min: 1, max: 500 })), (wanted, cuts) => {
      const passing: Buffer[] = [];
      const skipped: { topic: string; id: number | undefined }[] = [];
      const wire: Buffer[] = [];
      for (const item of wanted) {
        if (item === 'ping') {
          const bytes = mqttPacket.generate({ cmd: 'pingresp' });
          wire.push(bytes);
          passing.push(bytes);
          continue;
        }
        const bytes = mqttPacket.generate(publish(item.topic, item.length, item.qos, item.messageId));
        wire.push(bytes);
        const remaining = 2 + item.topic.length + (item.qos === 1 ? 2 : 0) + item.length;
        if (remaining <= limit) passing.push(bytes);
        else skipped.push({ topic: item.topic, id: item.qos === 1 ? item.messageId : undefined });
      }
      const seen: { topic: string; id: number | undefined }[] = [];
      const guard = new PacketGuard(limit, ({ topic }, id) => seen.push({ topic, id }));
      const out: Buffer[] = [];
      let rest = Buffer.concat(wire);
      for (const cut of cuts) {
        if (rest.length === 0) break;
        out.push(...guard.feed(rest.subarray(0, cut)));
        rest = rest.subarray(cut);
      }
      return (
        Buffer.concat(out).equals(Buffer.concat(passing)) && JSON.stringify(seen) === JSON.stringify(skipped)
      );
    }),
    { seed: 11, numRuns: 300 },
  );
  t.pass();
});

test('an oversized packet that is no message ends the connection', (t) => {
  const guard = new PacketGuard(limit, () => {});
  t.throws(() => guard.feed(Buffer.from([0x20, 0xff, 0xff, 0x7f])), { message: /2097151 bytes/ });
});

test('what no broker may send, and what is too short for its id, ends the connection before a parser sees it', (t) => {
  const fed = (...bytes: number[]) => new PacketGuard(limit, () => {}).feed(Buffer.from(bytes));
  const bad: Readonly<Record<string, number[]>> = {
    'CONNECT, as of an echo': [0x10, 0x02, 0x00, 0x00],
    'a packet without a type': [0x00, 0x00],
    SUBSCRIBE: [0x82, 0x02, 0x00, 0x01],
    'AUTH, which nobody asked for': [0xf0, 0x00],
    'a length of five bytes': [0x30, 0xff, 0xff, 0xff, 0xff],
    'PUBLISH with both bits of its QoS': [0x36, 0x05, 0x00, 0x01, 0x61, 0x00, 0x01],
    'PUBLISH of nothing': [0x30, 0x00],
    'PUBLISH with a topic longer than itself': [0x30, 0x03, 0x00, 0x02, 0x61],
    'PUBLISH of QoS 1 without an id': [0x32, 0x03, 0x00, 0x01, 0x61],
    'PUBLISH of QoS 2 with half an id': [0x34, 0x04, 0x00, 0x01, 0x61, 0x00],
    'PUBACK of half an id': [0x40, 0x01, 0x00],
    'SUBACK of nothing': [0x90, 0x00],
  };
  for (const [what, bytes] of Object.entries(bad)) {
    t.throws(() => fed(...bytes), { message: /^the broker sent / }, what);
  }
  const good = [
    0x20, 0x02, 0, 0, 0x30, 0x03, 0, 1, 0x61, 0x32, 0x05, 0, 1, 0x61, 0, 1, 0x40, 0x02, 0, 1, 0xd0, 0,
  ];
  t.deepEqual(Buffer.concat(fed(...good, 0xe0, 0)), Buffer.from([...good, 0xe0, 0]));
});

test('a gigabyte that is announced takes no memory', (t) => {
  let skipped = 0;
  const guard = new PacketGuard(limit, ({ bytes }) => {
    skipped = bytes;
  });
  const size = 200_000_000;
  const header = Buffer.from([
    0x30,
    (size & 0x7f) | 0x80,
    ((size >> 7) & 0x7f) | 0x80,
    ((size >> 14) & 0x7f) | 0x80,
    size >> 21,
  ]);
  t.deepEqual(guard.feed(Buffer.concat([header, Buffer.from([0, 1])])), []);
  const before = process.memoryUsage().arrayBuffers;
  const chunk = Buffer.alloc(1_000_000);
  for (let i = 0; i < 200; i++) t.deepEqual(guard.feed(i === 0 ? chunk.subarray(2) : chunk), []);
  t.is(skipped, size);
  t.true(process.memoryUsage().arrayBuffers - before < 50_000_000);
});
