import test from 'ava';
import fc from 'fast-check';
import type { PipelineState } from '#pipeline/pipeline.ts';
import { mostTags, TagMemory } from '#pipeline/tags.ts';
import { Cart, token } from './support.ts';

/** SGTIN-96 of the jar 04006381333931 (company prefix 4006381, item reference 033393), with this serial number. */
function jarTag(serial: number): string {
  const bits = [
    [0x30n, 8],
    [1n, 3],
    [5n, 3],
    [4_006_381n, 24],
    [33_393n, 20],
    [BigInt(serial), 38],
  ] as const;
  const value = bits.reduce((sum, [field, length]) => (sum << BigInt(length)) | field, 0n);
  return value.toString(16).padStart(24, '0');
}

test('A tagged jar that is put in becomes a line, decided with its tag as a scan would be', (t) => {
  const cart = new Cart().wait(2).scan(token).tag(jarTag(7)).put(412_300).wait(3);
  const read = cart.of('scan.read')[1];
  t.like(read?.data, {
    symbology: 'epc',
    meaning: 'product',
    gtin: '04006381333931',
    serial: '7',
    name: 'A jar',
  });
  const [added] = cart.of('item.added');
  t.is(added?.data.gtin, '04006381333931');
  t.true(added?.causes?.includes(read?.id ?? ''));
});

test('A tag that a reader loses and finds again is one thing for the whole trip', (t) => {
  const cart = new Cart().wait(2).scan(token).tag(jarTag(7)).put(412_300).wait(3);
  for (let i = 0; i < 5; i++) cart.tag(jarTag(7)).wait(4);
  t.is(cart.of('scan.read').length, 2);
  t.is(cart.of('item.added').length, 1);
  t.is(cart.of('item.unresolved').length, 0);
  cart.tag(jarTag(8)).put(411_900).wait(3);
  t.is(cart.of('item.added').length, 2);
});

test('A tag that lies there when a trip begins is told in it, and no other time while it stays', (t) => {
  const cart = new Cart().wait(2).scan(token).tag(jarTag(7)).put(412_300).wait(3);
  const reads = () => cart.of('scan.read').filter(({ data }) => data.symbology === 'epc');
  cart.command('session.end');
  for (let i = 0; i < 20; i++) cart.wait(15).tag(jarTag(7));
  t.is(reads().length, 1, 'the trip has ended, and the jar still lies there');
  cart.command('session.begin');
  for (let i = 0; i < 20; i++) cart.wait(15).tag(jarTag(7));
  t.is(reads().length, 2);
  t.is(reads()[1]?.session, cart.pipeline.session);
});

test('Where there are no trips, a tag that was away for a minute is told anew when it is back', (t) => {
  const cart = new Cart().wait(2);
  const reads = () => cart.of('scan.read').length;
  for (let i = 0; i < 100; i++) cart.tag(jarTag(7)).wait(30);
  t.is(reads(), 1);
  cart.wait(20).tag(jarTag(7));
  t.is(reads(), 1, 'away for 50 s');
  cart.wait(86_400).tag(jarTag(7)).wait(15).tag(jarTag(7));
  t.is(reads(), 2);
});

test('In a trip a tag is one thing however long it is not seen', (t) => {
  const cart = new Cart().wait(2).scan(token).tag(jarTag(7)).wait(1_800).tag(jarTag(7));
  t.is(cart.of('scan.read').length, 2, 'the token and the jar');
});

test('A restart remembers the tags of the trip, and those of before where they still are there', (t) => {
  const cart = new Cart().wait(2).scan(token).tag(jarTag(8)).tag(jarTag(7)).wait(600);
  t.deepEqual(cart.pipeline.saveState().tags, [jarTag(7), jarTag(8)]);
  cart.tag(jarTag(7)).command('session.end');
  const state = JSON.parse(JSON.stringify(cart.pipeline.saveState())) as PipelineState;
  t.deepEqual(state.tags, [jarTag(7)], 'nobody has seen the other one for ten minutes');
  const next = new Cart({ startUs: 77, state }).wait(15).tag(jarTag(7)).tag(jarTag(8));
  t.deepEqual(
    next.of('scan.read').map(({ data }) => data.serial),
    ['8'],
  );
});

test('A tag of no product is published as what it is', (t) => {
  const cart = new Cart().wait(2).scan(token).tag('e28011700000020f').wait(1);
  t.like(cart.of('scan.read')[1]?.data, { symbology: 'epc', meaning: 'unknown' });
});

test('More tags at once than any cart holds are told as a fault, and not again and again', (t) => {
  const cart = new Cart().wait(2).scan(token);
  const round = () => {
    for (let i = 0; i < mostTags + 500; i++) cart.tag(i.toString(16).padStart(8, '0'));
  };
  round();
  const reads = cart.of('scan.read').length;
  t.is(reads, 1 + mostTags);
  for (let i = 0; i < 4; i++) {
    cart.wait(5);
    round();
  }
  t.is(cart.of('scan.read').length, reads);
  t.deepEqual(
    cart.of('device.fault').map(({ data }) => [data.source, data.fault, data.code]),
    [['gate', 'saturated', 'CW-PIP-010']],
  );
  t.is(cart.pipeline.saveState().tags?.length, mostTags);
  cart.wait(90).tag('ff');
  t.is(cart.of('device.recovered').length, 1);
  t.is(cart.of('scan.read').length, reads + 1, 'what was not seen for a minute makes room');
});

test('Whatever a reader sees, a tag is news once a trip, and outside of one when it was away', (t) => {
  const forgetUs = 60_000_000;
  const step = fc.record({
    afterUs: fc.oneof(fc.integer({ min: 0, max: 20_000_000 }), fc.integer({ min: 0, max: 120_000_000 })),
    what: fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 0, max: 5 }) }, fc.constantFrom('begin', 'end')),
    restart: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true)),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      let memory = new TagMemory(forgetUs);
      // The plain truth: when each tag was last seen, and which the trip has seen.
      const last = new Map<number, number>();
      let trip: Set<number> | undefined;
      let atUs = 0;
      for (const { afterUs, what, restart } of steps) {
        atUs += afterUs;
        if (restart) {
          for (const [tag, seenUs] of last) {
            if (trip?.has(tag) === true || atUs - seenUs < forgetUs) last.set(tag, atUs);
          }
          memory = new TagMemory(forgetUs, memory.saveState(atUs, trip !== undefined), atUs);
        }
        if (what === 'begin') {
          trip = new Set();
          last.clear();
          memory.clear();
        } else if (what === 'end') trip = undefined;
        else {
          const seenUs = last.get(what);
          const away = seenUs === undefined || atUs - seenUs >= forgetUs;
          const news = trip === undefined ? away : !trip.has(what) && seenUs === undefined;
          const said = memory.sighted(Uint8Array.of(what), atUs, trip !== undefined);
          if ((said === 'new') !== news) throw new Error(`tag ${what} at ${atUs} µs is ${said}`);
          last.set(what, atUs);
          trip?.add(what);
        }
      }
    }),
    { seed: 5, numRuns: Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 20_000) / 10 },
  );
  t.pass();
});
