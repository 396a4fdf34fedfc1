import test from 'ava';
import fc from 'fast-check';
import type { Draft } from '#events/event.ts';
import { mostFaults, OpenFaults, type SavedFault } from '#pipeline/faults.ts';
import type { PipelineState } from '#pipeline/pipeline.ts';
import type { DeviceFault } from '#readings/faults.ts';
import { Cart } from './support.ts';

const second = 1_000_000;
const gone: DeviceFault = { fault: 'disconnected', code: 'CW-DRV-005', message: 'gone' };

/** Open faults that let time pass by themselves, and what they told. */
class Told {
  readonly drafts: (Draft & { atUs: number })[] = [];
  readonly faults: OpenFaults;
  #nowUs: number;

  constructor(startUs = 0, saved?: readonly SavedFault[], savedUs?: number) {
    this.#nowUs = startUs;
    this.faults = new OpenFaults(
      (draft) => this.drafts.push({ ...draft, atUs: this.#nowUs }),
      startUs,
      saved,
      savedUs,
    );
  }

  pass(toUs: number): this {
    while (this.faults.dueUs <= toUs) {
      this.#nowUs = this.faults.dueUs;
      this.faults.advance(this.#nowUs);
    }
    this.#nowUs = toUs;
    return this;
  }

  raise(atUs: number, more: Partial<DeviceFault> = {}, source = 'handle'): this {
    this.pass(atUs).faults.report(source, { ...gone, ...more }, atUs);
    return this;
  }

  clear(atUs: number, more: Partial<DeviceFault> = {}, source = 'handle'): this {
    return this.raise(atUs, { ...more, cleared: true }, source);
  }

  get lines(): unknown[][] {
    return this.drafts.map(({ type, atUs, data }) => {
      if (type === 'device.fault') return ['fault', atUs];
      const { lastedUs, times } = data as { lastedUs?: number; times?: number };
      return ['recovered', atUs, lastedUs, times];
    });
  }
}

test('A cable that rattles ten times a second makes two events and one more in the end', (t) => {
  const cart = new Cart({ startUs: second });
  const tell = (atUs: number, cleared: boolean) =>
    cart.give({ kind: 'device-fault', source: 'handle', atUs, fault: { ...gone, cleared } });
  for (let i = 0; i < 600; i++) {
    tell(2 * second + i * 100_000, false);
    tell(2 * second + i * 100_000 + 50_000, true);
  }
  const told = () =>
    cart.events
      .filter(({ data }) => 'source' in data && data.source === 'handle')
      .map(({ type, atUs, data }) => [
        type,
        atUs,
        ...('lastedUs' in data ? [data.lastedUs, 'times' in data ? data.times : undefined] : []),
      ]);
  const soFar = [
    ['device.fault', 2_000_000],
    ['device.recovered', 2_050_000, 50_000, undefined],
    ['device.fault', 2_100_000],
  ];
  t.deepEqual(told(), soFar);
  cart.pipeline.advance(120 * second);
  t.deepEqual(told(), [...soFar, ['device.recovered', 71_950_000, 59_850_000, 599]]);
});

test('A fault that does not come back is told with its end, both at once, however often that is', (t) => {
  const told = new Told();
  for (let i = 1; i <= 5; i++) told.raise(i * 60 * second).clear(i * 60 * second + 3 * second);
  t.deepEqual(told.lines.length, 10);
  for (const [i, line] of told.lines.entries()) {
    const beginUs = (Math.floor(i / 2) + 1) * 60 * second;
    t.deepEqual(line, i % 2 === 0 ? ['fault', beginUs] : ['recovered', beginUs + 3e6, 3e6, undefined]);
  }
  t.is(told.faults.dueUs, Number.POSITIVE_INFINITY);
});

test('Once it was quiet for long enough, a fault that flapped is one like others again', (t) => {
  const told = new Told();
  told.raise(0).clear(1e6).raise(2e6).clear(3e6).raise(12.9e6).clear(13e6);
  told.pass(60e6).raise(60e6).clear(61e6);
  t.deepEqual(told.lines, [
    ['fault', 0],
    ['recovered', 1e6, 1e6, undefined],
    ['fault', 2e6],
    ['recovered', 23e6, 11e6, 2],
    ['fault', 60e6],
    ['recovered', 61e6, 1e6, undefined],
  ]);
});

test('Decisions see every change at once, whatever is told of it', (t) => {
  const cart = new Cart().wait(3);
  const give = (cleared: boolean) =>
    cart.give({ kind: 'device-fault', source: 'scale', atUs: cart.nowUs + 1, fault: { ...gone, cleared } });
  const weighed = () => cart.pipeline.weigher.status('basket').grossMg;
  for (let i = 0; i < 4; i++) {
    give(false);
    t.is(weighed(), undefined);
    give(true).wait(1);
    t.not(weighed(), undefined);
  }
  t.is(cart.of('device.fault').length, 2);
});

test('A device that invents channels fills neither the memory nor the ledger', (t) => {
  const told = new Told();
  const hour = 3_600 * second;
  for (let i = 0; i < 36_000; i++) {
    told.raise(i * 100_000, { channel: `c${i}` }).clear(i * 100_000 + 50_000, { channel: `c${i}` });
  }
  told.raise(hour, {}, 'other').pass(2 * hour);
  // 64 pairs in ten minutes, and one fault that sums up the rest.
  t.true(told.drafts.length <= 7 * (2 * mostFaults + 2), `${told.drafts.length}`);
  const summed = told.drafts.filter(({ data }) => 'channel' in data && data.channel === 'others');
  t.like(summed[0]?.data, { source: 'handle', fault: 'integrity', code: 'CW-PIP-008' });
  t.is(summed.at(-1)?.type, 'device.recovered');
  t.is(told.faults.saveState().length, 1, 'the other device, which still is gone');
  t.true(told.drafts.some(({ data }) => 'source' in data && data.source === 'other'));
});

test('Whatever devices do, each fault and its end alternate, seldom, and the last word is true', (t) => {
  const step = fc.record({
    afterUs: fc.oneof(fc.integer({ min: 0, max: 300_000 }), fc.integer({ min: 0, max: 15_000_000 })),
    channel: fc.constantFrom('a', 'b'),
    cleared: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const told = new Told();
      const now = new Map<string, boolean>();
      let atUs = 0;
      for (const { afterUs, channel, cleared } of steps) {
        atUs += afterUs;
        told.raise(atUs, { channel, cleared });
        now.set(channel, !cleared);
      }
      told.pass(atUs + 11 * second);
      for (const channel of ['a', 'b']) {
        const mine = told.drafts.filter(({ data }) => 'channel' in data && data.channel === channel);
        for (const [i, { type }] of mine.entries()) {
          if ((type === 'device.fault') !== (i % 2 === 0)) throw new Error('not in turns');
        }
        if ((mine.length % 2 === 1) !== (now.get(channel) ?? false))
          throw new Error('the last word is wrong');
        for (let i = 4; i < mine.length; i++) {
          const spanUs = (mine[i]?.atUs ?? 0) - (mine[i - 4]?.atUs ?? 0);
          if (spanUs < 10 * second) throw new Error(`five events in ${spanUs} µs`);
        }
      }
    }),
    { seed: 11, numRuns: 2_000 },
  );
  t.pass();
});

test('What stood before a restart is told again where it still is so, and as over where it is not', (t) => {
  const before = new Told().raise(0, { channel: 'a' }).raise(2e6, { channel: 'b' });
  const saved = JSON.parse(JSON.stringify(before.pass(10e6).faults.saveState())) as SavedFault[];
  const after = new Told(1e6, saved, 10e6);
  after.raise(3e6, { channel: 'b' }).pass(100e6).clear(101e6, { channel: 'b' });
  t.deepEqual(after.lines, [
    ['fault', 3e6],
    ['recovered', 31e6, 10e6, undefined],
    ['recovered', 101e6, 108e6, undefined],
  ]);
});

test('A pipeline that restarts knows what it had told; a state that is none is refused with its code', (t) => {
  const cart = new Cart().give({ kind: 'device-fault', source: 'handle', atUs: 1e6, fault: gone });
  const state = JSON.parse(JSON.stringify(cart.pipeline.saveState())) as PipelineState;
  const next = new Cart({ state });
  next.pipeline.advance(40e6);
  t.like(next.of('device.recovered')[0]?.data, { source: 'handle', fault: 'disconnected' });
  for (const faults of [{}, [{}], [{ ...state.faults?.[0], sinceUs: 'x' }], [null]]) {
    t.throws(() => new Cart({ state: { ...state, faults } as never }), { code: 'CW-PIP-009' });
  }
});
