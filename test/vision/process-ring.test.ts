import test from 'ava';
import fc from 'fast-check';
import type { FrameReading } from '#readings/readings.ts';
import { FrameRing, type KeptFrame } from '#vision/process/ring.ts';

const runs = Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 20_000);

function frame(atUs: number, bytes: number, fill: number): FrameReading {
  return {
    kind: 'frame',
    source: 'camera',
    atUs,
    width: bytes,
    height: 1,
    format: 'grey',
    data: new Uint8Array(bytes).fill(fill),
  };
}

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('push' as const), bytes: fc.integer({ min: 0, max: 60 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('hold' as const), which: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), which: fc.nat(20) }) },
);

test('Whatever comes and is held, the ring stays within its bytes and its frames are what came', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 120 }), fc.array(step, { maxLength: 60 }), (capacity, steps) => {
      const ring = new FrameRing({ bytes: capacity, spanUs: 12 });
      const fills = new Map<KeptFrame, number>();
      const held: { kept: KeptFrame; release: () => void }[] = [];
      let atUs = 0;
      for (const one of steps) {
        if (one.do === 'push') {
          atUs += 1;
          const before = [...ring.frames];
          const kept = ring.push(frame(atUs, one.bytes, atUs % 251));
          if (kept !== undefined) fills.set(kept, atUs % 251);
          else if (one.bytes > 0 && one.bytes <= capacity && held.length === 0) return false;
          // What is new is the newest, and what is left of the others keeps its order.
          const after = ring.frames.filter((other) => other !== kept);
          if (after.some((other, index) => index > 0 && (after[index - 1]?.atUs ?? 0) >= other.atUs))
            return false;
          if (after.some((other) => !before.includes(other))) return false;
        } else if (one.do === 'hold') {
          const kept = ring.frames[one.which % Math.max(1, ring.frames.length)];
          const release = kept === undefined ? undefined : ring.hold(kept);
          if (kept !== undefined && release !== undefined) held.push({ kept, release });
        } else {
          const [gone] = held.splice(one.which % Math.max(1, held.length), 1);
          gone?.release();
          gone?.release();
        }
        if (ring.bytes > capacity) return false;
        for (const { kept } of held) if (!ring.frames.includes(kept)) return false;
        for (const kept of ring.frames) {
          const data = ring.read(kept)?.data;
          if (data?.length !== kept.bytes || data.some((value) => value !== fills.get(kept))) return false;
        }
      }
      return true;
    }),
    { seed: 4711, numRuns: runs },
  );
  t.pass();
});

test('Frames older than the span make place', (t) => {
  const ring = new FrameRing({ bytes: 1_000, spanUs: 3_000_000 });
  for (let second = 0; second < 10; second++) ring.push(frame(second * 1e6, 10, second));
  t.deepEqual(
    ring.frames.map(({ atUs }) => atUs / 1e6),
    [6, 7, 8, 9],
  );
});

test('Frames grow old without new ones, and nothing of them is left', (t) => {
  const ring = new FrameRing({ bytes: 100, spanUs: 3_000_000 });
  const [first, second] = [ring.push(frame(0, 10, 7)), ring.push(frame(1_000_000, 10, 8))];
  if (first === undefined || second === undefined) return t.fail();
  const release = ring.hold(first);
  const bytes = ring.read(second)?.data ?? new Uint8Array();
  ring.expire(3_500_000);
  t.deepEqual([...ring.frames], [first, second], 'one is held, the other not old');
  release?.();
  ring.expire(4_500_000);
  t.deepEqual([ring.frames.length, ring.latest], [0, undefined]);
  t.deepEqual([...bytes], Array(10).fill(0));
});

test('A frame is copied: whoever lent it may write over it', (t) => {
  const ring = new FrameRing({ bytes: 100, spanUs: 1e6 });
  const lent = frame(1, 10, 7);
  const kept = ring.push(lent);
  lent.data.fill(0);
  t.deepEqual(kept === undefined ? undefined : [...(ring.read(kept)?.data ?? [])], Array(10).fill(7));
});

test('A frame that is yet to be put together is written to its place in the ring, and nowhere else', (t) => {
  const ring = new FrameRing({ bytes: 100, spanUs: 1e6 });
  const targets: Uint8Array[] = [];
  const copyTo = (target: Uint8Array) => {
    targets.push(target);
    target.fill(targets.length);
  };
  const { data: _, ...shape } = frame(1, 10, 0);
  const reading: FrameReading = {
    ...shape,
    assembly: { bytes: 10, copyTo },
    get data(): Uint8Array {
      throw new Error('it is put together twice');
    },
  };
  const [first, second] = [
    ring.push(reading),
    ring.push({ ...shape, assembly: { bytes: 10, copyTo }, data: new Uint8Array() }),
  ];
  if (first === undefined || second === undefined) return t.fail();
  const [one, other] = [ring.read(first)?.data, ring.read(second)?.data];
  t.deepEqual([[...(one ?? [])], [...(other ?? [])]], [Array(10).fill(1), Array(10).fill(2)]);
  t.is(targets[0]?.buffer, one?.buffer);
  t.deepEqual(
    targets.map(({ byteOffset }) => byteOffset),
    [one?.byteOffset, other?.byteOffset],
  );
  t.false('assembly' in (ring.read(first) ?? {}));
});

test('A frame larger than the ring is refused, and so is one that only held frames could make place for', (t) => {
  const ring = new FrameRing({ bytes: 100, spanUs: 1e6 });
  t.is(ring.push(frame(1, 101, 1)), undefined);
  const kept = ring.push(frame(2, 60, 2));
  const release = kept === undefined ? undefined : ring.hold(kept);
  t.is(ring.push(frame(3, 60, 3)), undefined);
  t.is(ring.latest, kept);
  release?.();
  t.not(ring.push(frame(4, 60, 4)), undefined);
});
