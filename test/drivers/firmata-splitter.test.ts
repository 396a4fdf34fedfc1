import test from 'ava';
import fc from 'fast-check';
import { type BridgeMessage, encodeBridgeMessage } from '#drivers/load-cell/firmata-hx711/protocol.ts';
import { FrameSplitter, type SplitterTarget } from '#drivers/load-cell/firmata-hx711/splitter.ts';
import { rig } from './firmata-rig.ts';

const runs = { seed: 20_261_123, numRuns: Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 20_000) };

class Heard implements SplitterTarget {
  readonly own: unknown[] = [];
  readonly others: number[] = [];
  readonly versions: string[] = [];
  damages = 0;
  samples: SplitterTarget['samples'] = (frame) => {
    this.own.push({
      sequence: frame.sequence,
      timestampUs: frame.timestampUs,
      counts: [...frame.counts.subarray(0, frame.length)],
    });
  };
  message: SplitterTarget['message'] = (message) => this.own.push(message);
  firmata: SplitterTarget['firmata'] = (bytes) => this.others.push(...bytes);
  version: SplitterTarget['version'] = (major, minor) => this.versions.push(`${major}.${minor}`);
  damaged: SplitterTarget['damaged'] = () => {
    this.damages += 1;
  };
}

function heard(chunks: readonly Uint8Array[]): Heard {
  const target = new Heard();
  const splitter = new FrameSplitter(target);
  for (const chunk of chunks) splitter.push(chunk, 0);
  return target;
}

/** The bytes in chunks that end where `cuts` say. */
function cut(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const ends = [...new Set(cuts.map((at) => at % (bytes.length + 1)))].sort((a, b) => a - b);
  return [...ends, bytes.length].map((end, index) => bytes.slice(ends[index - 1] ?? 0, end));
}

const samples: BridgeMessage = {
  kind: 'samples',
  sequence: 7,
  timestampUs: 123_456,
  samples: [{ channel: 2, age: 3, counts: -84_213 }],
};
const notice: BridgeMessage = { kind: 'notice', what: 1, channel: 2, detail: 0 };
const version = [0xf9, 2, 7];
const capabilities = [0xf0, 0x6c, 0x7f, 6, 1, 0x7f, 0xf7];
const decoded = [{ sequence: 7, timestampUs: 123_456, counts: [-84_213] }, notice];

test('both protocols are told apart wherever the stream is cut', (t) => {
  const stream = Uint8Array.from([
    ...version,
    ...encodeBridgeMessage(samples),
    ...capabilities,
    ...encodeBridgeMessage(notice),
  ]);
  fc.assert(
    fc.property(fc.array(fc.nat(200), { maxLength: 8 }), (cuts) => {
      const target = heard(cut(stream, cuts));
      t.deepEqual(target.own, decoded);
      t.deepEqual(target.others, capabilities);
      t.deepEqual(target.versions, ['2.7']);
      t.is(target.damages, 0);
    }),
    runs,
  );
});

test('after any bytes whatever, the second good message is read', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(500), { maxLength: 4 }), (noise, cuts) => {
      const good = encodeBridgeMessage(samples);
      const target = heard(cut(Uint8Array.from([...noise, ...good, ...good]), cuts));
      t.deepEqual(target.own.at(-1), decoded[0]);
    }),
    runs,
  );
});

test('a message that another one interrupts is damage, and the other one is read', (t) => {
  const good = encodeBridgeMessage(samples);
  for (const half of [good.slice(0, 10), good.slice(0, -1)]) {
    const target = heard([half, good]);
    t.deepEqual(target.own, [decoded[0]]);
    t.is(target.damages, 1);
  }
});

test('a message without an end does not grow for ever', (t) => {
  const target = new Heard();
  const splitter = new FrameSplitter(target);
  splitter.push(Uint8Array.of(0xf0, 8), 0);
  for (let i = 0; i < 10_000; i++) splitter.push(new Uint8Array(100), 0);
  splitter.push(Uint8Array.of(0xf7), 0);
  t.is(target.damages, 1);
  splitter.push(encodeBridgeMessage(notice), 0);
  t.deepEqual(target.own, [notice]);
});

/** Bytes that often make messages of either protocol, and nearly never good ones. */
const likelyNoise = fc.array(
  fc.oneof(
    fc.constantFrom(0xf0, 0xf7, 0xf7, 0xf9, 0xe0, 0x90, 0xff, 0x08, 0x0f, 0x6a, 0x6c, 0x6e, 0x71, 0x77, 0x79),
    fc.nat(0x7f),
  ),
  { maxLength: 80 },
);

test('whatever the line brings, the open driver neither throws nor makes a reading of it', async (t) => {
  // A line that takes no time: all is delivered though the clock stands.
  const { open, start, peer, ports, readings } = rig({ baudRate: 0 });
  const device = await open();
  await start(device);
  // What is sent from here on is noise alone.
  peer.silent = true;
  await fc.assert(
    fc.asyncProperty(likelyNoise, async (noise) => {
      peer.line.send(Uint8Array.from(noise));
    }),
    runs,
  );
  t.true(device.counts.damaged > runs.numRuns / 100, `${device.counts.damaged} damaged messages were seen`);
  t.deepEqual(readings, []);
  await device.stop();
  t.is(ports.open, 0);
});
