import test from 'ava';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import type { CartEvent } from '#events/event.ts';
import { DecisionLoop } from '#gateway/decisions.ts';
import { restorePipelineState, type StateChanges, type StoredState } from '#gateway/state.ts';
import { makePipeline, token } from '#test/pipeline/support.ts';
import { type Deferred, deferred, pass, settle } from './support.ts';

interface Stored {
  readonly events: readonly CartEvent[];
  readonly state: StateChanges | undefined;
  readonly done: Deferred<void>;
}

/** A loop whose disk writes when the test says so. */
class Bench {
  readonly clock = new VirtualClock(1_000_000);
  readonly writes: Stored[] = [];
  readonly shown: string[] = [];
  readonly lost: unknown[] = [];
  readonly inputs: string[] = [];
  readonly loop: DecisionLoop;
  showFails = false;

  constructor(stored: StoredState = {}) {
    this.loop = new DecisionLoop({
      clock: this.clock,
      log: silentLogger,
      stored,
      store: {
        store: (events, state) => {
          const done = deferred();
          this.writes.push({ events, state, done });
          return done.promise;
        },
      },
      pipeline: (sink, state) =>
        makePipeline(sink, { startUs: this.clock.nowUs(), ...(state === undefined ? {} : { state }) }),
      onInput: (input) => this.inputs.push(`${input.kind} ${input.atUs}`),
      onStored: (events) => {
        if (this.showFails) throw new Error('a page is broken');
        this.shown.push(...events.map(({ type }) => type));
      },
      onBasket: (basket) => this.shown.push(basket === undefined ? 'no basket' : `basket ${basket.revision}`),
      onLost: (error) => this.lost.push(error),
    });
    this.loop.start();
  }

  scan(text: string): void {
    const data = Uint8Array.from(Buffer.from(text));
    this.loop.push({ kind: 'scan', source: 'handle', atUs: this.clock.nowUs(), data, symbology: '' });
  }

  /** What is on disk after every write so far, as the outbox keeps it. */
  disk(): StoredState {
    const disk: Record<string, string> = {};
    for (const { state } of this.writes) {
      for (const [key, text] of Object.entries(state ?? {})) if (text !== null) disk[key] = text;
    }
    return disk;
  }
}

test('Nothing is shown before it is on disk, and the basket only after its events', async (t) => {
  const bench = new Bench();
  bench.scan(token);
  await pass(bench.clock, 0.2);
  t.deepEqual(
    bench.writes[0]?.events.map(({ type }) => type),
    ['scan.read', 'basket.opened'],
  );
  t.deepEqual(Object.keys(bench.writes[0]?.state ?? {}).sort(), ['basket', 'clock', 'fusion', 'weighing']);
  t.deepEqual(bench.shown, []);
  bench.writes[0]?.done.resolve();
  await settle();
  t.deepEqual(bench.shown, ['scan.read', 'basket.opened', 'basket 1']);
});

test('Batches are shown in their order, whichever the disk finishes first', async (t) => {
  const bench = new Bench();
  for (const text of ['one', 'two', token]) {
    bench.scan(text);
    await pass(bench.clock, 0.1);
  }
  t.is(bench.writes.length, 3);
  bench.writes[2]?.done.resolve();
  bench.writes[1]?.done.resolve();
  await settle();
  t.deepEqual(bench.shown, []);
  bench.writes[0]?.done.resolve();
  await settle();
  t.deepEqual(bench.shown, ['scan.read', 'no basket', 'scan.read', 'scan.read', 'basket.opened', 'basket 1']);
});

test('A command is answered when its outcome is on disk, with or without an event', async (t) => {
  const bench = new Bench();
  let answered = 0;
  void bench.loop.command('session.begin', { token }, 't1').then(() => {
    answered += 1;
  });
  await pass(bench.clock, 0.2);
  t.is(answered, 0);
  bench.writes[0]?.done.resolve();
  await settle();
  t.is(answered, 1);
  for (let i = 0; i < 20; i++) {
    bench.loop.push({
      kind: 'scale',
      source: 'scale',
      atUs: bench.clock.nowUs(),
      massMg: 700_000,
      stable: true,
    });
    await pass(bench.clock, 0.2);
    for (const { done } of bench.writes) done.resolve();
  }
  const before = bench.writes.length;
  const tare = bench.loop.command('tare', { plate: 'basket' }, 't2');
  await pass(bench.clock, 0.2);
  const last = bench.writes.at(-1);
  t.is(bench.writes.length, before + 1);
  t.regex(last?.state?.weighing ?? '', /700000/);
  last?.done.resolve();
  t.is((await tare).status, 'done');
});

test('What a command changed and that it was answered are one write', async (t) => {
  const bench = new Bench();
  void bench.loop.command('session.begin', { token }, 't1', (outcome) => ({
    'transaction/t1': outcome.status,
  }));
  await pass(bench.clock, 0.2);
  const [write] = bench.writes;
  t.true(write?.events.some(({ type }) => type === 'basket.opened'));
  t.is(write?.state?.['transaction/t1'], 'done');
  write?.done.resolve();
});

test('What a listener to the outcome appends is in the same write as what the command did', async (t) => {
  const bench = new Bench();
  void bench.loop.command('session.begin', { token }, 't1', () => {
    bench.loop.pipeline.append({
      type: 'command.done',
      data: { command: 'session.begin', transaction: 't1' },
    });
    return { 'transaction/t1': 'done' };
  });
  await pass(bench.clock, 0.2);
  t.is(bench.writes.length, 1);
  t.deepEqual(
    bench.writes[0]?.events.map(({ type }) => type),
    ['basket.opened', 'command.done'],
  );
  t.is(bench.writes[0]?.state?.['transaction/t1'], 'done');
  bench.writes[0]?.done.resolve();
});

test('State of another version keeps nobody from selling: it is told in the ledger and set aside', async (t) => {
  const first = new Bench();
  first.scan(token);
  await pass(first.clock, 0.1);
  const whole = first.disk();
  t.is(new Bench(whole).loop.restored?.atUs, JSON.parse(whole.clock ?? '').atUs);
  const broken: StoredState[] = [
    { ...whole, fusion: JSON.stringify({ ...JSON.parse(whole.fusion ?? ''), fusion: 99 }) },
    { ...whole, basket: JSON.stringify({ ...JSON.parse(whole.basket ?? ''), version: 99 }) },
    { ...whole, weighing: '{"revision":7}' },
    { ...whole, weighing: '{"plates":' },
  ];
  for (const stored of broken) {
    const bench = new Bench(stored);
    t.is(bench.loop.restored, undefined);
    t.is(bench.loop.pipeline.session, undefined);
    bench.scan('hello');
    await pass(bench.clock, 0.1);
    const events = bench.writes.flatMap((write) => write.events);
    t.deepEqual(
      events.map(({ type }) => type),
      ['device.fault', 'scan.read'],
    );
    t.like(events[0]?.data, { source: 'gateway', fault: 'configuration', code: 'CW-GWY-003' });
    const disk = { ...stored, ...bench.disk() };
    for (const name of ['clock', 'weighing', 'fusion', 'basket']) {
      t.is(disk[`damaged/${name}`], stored[name], `${name} is kept`);
    }
    const second = new Bench(disk);
    t.not(second.loop.restored, undefined, 'and the next start has a state again');
  }
});

test('Of the state, only sections that changed are written', async (t) => {
  const bench = new Bench();
  bench.scan(token);
  await pass(bench.clock, 0.1);
  const before = bench.writes.length;
  void bench.loop.saveState();
  await settle();
  t.is(bench.writes.length, before, 'nothing changed, nothing is written');
  void bench.loop.command('session.end', {}, 't1');
  await pass(bench.clock, 0.1);
  const written = Object.keys(bench.writes.at(-1)?.state ?? {});
  t.true(written.includes('basket'));
  t.true(written.includes('clock'));
  t.false(written.includes('weighing'));
  void bench.loop.saveState({ 'transaction/t1': '{}' });
  await settle();
  t.deepEqual(bench.writes.at(-1)?.state, { 'transaction/t1': '{}' });
});

test('A loss ends it: nothing more is stored or shown, and whoever waits hears of it', async (t) => {
  const bench = new Bench();
  bench.scan(token);
  await pass(bench.clock, 0.1);
  const command = bench.loop.command('session.end', {}, 't1');
  await pass(bench.clock, 0.1);
  bench.writes[1]?.done.resolve();
  bench.writes[0]?.done.reject(new Error('disk full'));
  await t.throwsAsync(command, { message: 'disk full' });
  await settle();
  t.is(bench.lost.length, 1);
  bench.scan('more');
  await pass(bench.clock, 0.2);
  t.is(bench.writes.length, 2);
  await t.throwsAsync(
    bench.loop.append({ type: 'gateway.born', data: { boot: 1, software: 'x', reason: 'start' } }),
    { message: 'disk full' },
  );
  await t.throwsAsync(bench.loop.stop(), { message: 'disk full' });
  t.deepEqual(bench.shown, []);
  t.is(bench.lost.length, 1);
});

test('A page that fails is no loss', async (t) => {
  const bench = new Bench();
  bench.showFails = true;
  bench.scan('one');
  await pass(bench.clock, 0.1);
  bench.writes[0]?.done.resolve();
  await settle();
  bench.showFails = false;
  bench.scan('two');
  await pass(bench.clock, 0.1);
  bench.writes[1]?.done.resolve();
  await settle();
  t.deepEqual(bench.lost, []);
  t.deepEqual(bench.shown, ['scan.read', 'no basket']);
});

test('A stop decides on what is waiting and ends when that is on disk', async (t) => {
  const bench = new Bench();
  bench.scan(token);
  let stopped = false;
  void bench.loop.stop().then(() => {
    stopped = true;
  });
  await settle();
  t.is(bench.writes[0]?.events.length, 2);
  t.false(stopped);
  for (const { done } of bench.writes) done.resolve();
  await settle();
  t.true(stopped);
});

test('What is asked for after a stop is refused at once, and is no loss', async (t) => {
  const bench = new Bench();
  bench.scan(token);
  const stopped = bench.loop.stop();
  const born = { type: 'gateway.born', data: { boot: 1, software: 'x', reason: 'start' } } as const;
  for (const late of [
    () => bench.loop.append(born),
    () => bench.loop.saveState({ 'transaction/t1': '{}' }),
    () => bench.loop.command('tare', { plate: 'basket' }, 't2'),
  ]) {
    await t.throwsAsync(late(), { code: 'CW-GWY-007' });
  }
  for (const { done } of bench.writes) done.resolve();
  await stopped;
  t.deepEqual(
    bench.writes.flatMap(({ events }) => events.map(({ type }) => type)),
    ['scan.read', 'basket.opened'],
  );
  t.deepEqual(bench.lost, []);
});

test('Every input is seen as the pipeline takes it, late ones with the time they were moved to', async (t) => {
  const bench = new Bench();
  await pass(bench.clock, 1);
  const data = Uint8Array.of(49);
  bench.loop.push({ kind: 'scan', source: 'handle', atUs: 5, data, symbology: '' });
  await pass(bench.clock, 0.1);
  t.deepEqual(bench.inputs, [`scan ${2_000_000 - 40_000}`]);
  t.is(bench.loop.late, 1);
});

test('A loop that goes on with what an earlier one stored shows the basket that was left', async (t) => {
  const first = new Bench();
  first.scan(token);
  await pass(first.clock, 0.1);
  const bench = new Bench(first.disk());
  bench.scan('hello');
  await pass(bench.clock, 0.1);
  bench.writes[0]?.done.resolve();
  await settle();
  t.deepEqual(bench.shown, ['scan.read', 'basket 1']);
  t.is(bench.loop.pipeline.session, first.loop.pipeline.session);
});

test('State that is damaged is told and not used; where none was saved, nothing is told', (t) => {
  const damages: string[] = [];
  const restore = (stored: StoredState) => restorePipelineState(stored, (message) => damages.push(message));
  t.is(restore({}), undefined);
  t.is(restore({ 'transaction/t1': '{}' }), undefined);
  t.deepEqual(damages, []);
  const whole = { clock: '{"atUs":5}', weighing: '{}', fusion: '{}', basket: '{}' };
  t.deepEqual(restore(whole) as unknown, { atUs: 5, weighing: {}, fusion: {}, basket: {} });
  const lists = { tags: ['30'], faults: [] };
  const told = { tags: '["30"]', faults: '[]' };
  t.deepEqual(restore({ ...whole, ...told }) as unknown, {
    atUs: 5,
    weighing: {},
    fusion: {},
    basket: {},
    ...lists,
  });
  const damaged: StoredState[] = [
    { ...whole, clock: '{"atUs":' },
    { ...whole, clock: 'null' },
    { ...whole, clock: '{}' },
    { ...whole, fusion: '7' },
    { ...whole, basket: 'null' },
    { ...whole, tags: '{}' },
    { ...whole, faults: '7' },
    { weighing: '{}', fusion: '{}', basket: '{}' },
    { clock: '{"atUs":5}', weighing: '{}', basket: '{}' },
  ];
  for (const stored of damaged) t.is(restore(stored), undefined);
  t.is(damages.length, damaged.length);
});
