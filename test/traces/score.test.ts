import test from 'ava';
import fc from 'fast-check';
import type { EventData } from '#events/catalog.ts';
import type { CartEvent, Draft } from '#events/event.ts';
import { Ledger } from '#events/ledger.ts';
import type { Truth } from '#traces/format.ts';
import type { TimedTruth } from '#traces/replay.ts';
import { score } from '#traces/score.ts';

const milk = '00000000000017';
const beans = '00000000000024';
const s = (seconds: number) => Math.round(seconds * 1_000_000);

type Item = EventData<'item.added'>;

/** A row of events, each of a movement that takes a second and is decided half a second later. */
class Row {
  readonly events: CartEvent[] = [];
  readonly #ledger = new Ledger(
    { store: 's', device: 'd', ledger: '0011223344556677' },
    { boot: 1, nextSequence: 1, versions: { software: 'test/1' } },
  );

  #item(gtin: string | undefined, atS: number, count: number, plate: string): Item {
    return {
      ...(gtin === undefined ? {} : { gtin }),
      count,
      massMg: 0,
      probabilityPpm: 990_000,
      alternatives: [],
      evidence: {},
      plate,
      startedAtUs: s(atS - 0.2),
      settledAtUs: s(atS + 0.8),
      entry: 'weight',
    };
  }

  #emit(draft: Draft, atS: number): CartEvent {
    const event = this.#ledger.append(draft, { atUs: s(atS + 1.3), time: 0, timeQuality: 'unset' });
    this.events.push(event);
    return event;
  }

  item(
    type: 'item.added' | 'item.removed' | 'shelf.taken' | 'shelf.returned',
    gtin: string,
    atS: number,
    { count = 1, plate = 'basket' } = {},
  ): string {
    return this.#emit({ type, data: this.#item(gtin, atS, count, plate) }, atS).id;
  }

  misplaced(gtin: string, atS: number, plate: string): void {
    this.#emit(
      { type: 'shelf.misplaced', data: { ...this.#item(gtin, atS, 1, plate), belongsOn: ['other'] } },
      atS,
    );
  }

  ask(atS: number, kind: EventData<'item.unresolved'>['kind'] = 'unknown-added', plate = 'basket'): string {
    const {
      count: _c,
      probabilityPpm: _p,
      alternatives: _a,
      entry: _e,
      ...rest
    } = this.#item(undefined, atS, 0, plate);
    const data = { ...rest, kind, ask: 'scan-it', unknownPpm: 0, candidates: [] } as const;
    return this.#emit({ type: 'item.unresolved', data }, atS).id;
  }

  /** Resting on the movements at `movedS`, if given. */
  resolve(
    settles: string,
    outcome: EventData<'item.resolved'>['outcome'],
    atS: number,
    gtin?: string,
    movedS: readonly number[] = [],
  ): void {
    const item = this.#item(gtin, atS, gtin === undefined ? 0 : 1, 'basket');
    const movements = movedS.map((movedAtS) => ({
      massMg: 1,
      sigmaMg: 1,
      startedAtUs: s(movedAtS - 0.2),
      settledAtUs: s(movedAtS + 0.8),
      event: settles,
    }));
    const data = { ...item, evidence: { movements }, settles, outcome };
    this.#emit({ type: 'item.resolved', data }, atS);
  }

  correct(
    corrects: string,
    outcome: EventData<'item.corrected'>['outcome'],
    atS: number,
    gtin?: string,
  ): void {
    const data = { ...this.#item(gtin, atS, gtin === undefined ? 0 : 1, 'basket'), corrects, outcome };
    this.#emit({ type: 'item.corrected', data }, atS);
  }
}

const truth = (kind: Truth['kind'], gtin: string, atS: number, more: Partial<Truth> = {}): TimedTruth => ({
  truth: { kind, gtin, count: 1, ...more },
  atUs: s(atS),
});
const counts = (truths: readonly TimedTruth[], row: Row) => {
  const { decided, decidedAfterAsking, asked, missed, wrong, idleQuestions, precision, recall } = score(
    truths,
    row.events,
  );
  return { decided, decidedAfterAsking, asked, missed, wrong, idleQuestions, precision, recall };
};
const none = {
  decided: 0,
  decidedAfterAsking: 0,
  asked: 0,
  missed: 0,
  wrong: 0,
  idleQuestions: 0,
  precision: 1,
  recall: 1,
};

test('Nothing happened and nothing was said: perfect', (t) => {
  t.deepEqual(counts([], new Row()), none);
});

test('Two units at once are right as one event of two, and as two events', (t) => {
  const one = new Row();
  one.item('item.added', milk, 10, { count: 2 });
  const two = new Row();
  two.item('item.added', milk, 10);
  two.item('item.added', milk, 10.4);
  for (const row of [one, two]) {
    t.deepEqual(counts([truth('added', milk, 10, { count: 2 })], row), { ...none, decided: 2 });
  }
  const three = new Row();
  three.item('item.added', milk, 10, { count: 3 });
  const got = counts([truth('added', milk, 10, { count: 2 })], three);
  t.deepEqual(got, { ...none, decided: 2, wrong: 1, precision: 2 / 3 });
});

test('A printed GTIN of 13 digits is the same product', (t) => {
  const row = new Row();
  row.item('item.added', milk, 10);
  t.is(counts([truth('added', milk.slice(1), 10)], row).decided, 1);
});

test('A wrong product, direction, plate or time is wrong, and what happened is missed', (t) => {
  const truths = [truth('added', milk, 10, { plate: 'basket' })];
  for (const say of [
    (row: Row) => row.item('item.added', beans, 10),
    (row: Row) => row.item('item.removed', milk, 10),
    (row: Row) => row.item('item.added', milk, 10, { plate: 'rack' }),
    (row: Row) => row.item('item.added', milk, 14),
    (row: Row) => row.item('item.added', milk, 7),
  ]) {
    const row = new Row();
    say(row);
    t.deepEqual(counts(truths, row), { ...none, missed: 1, wrong: 1, precision: 0, recall: 0 });
  }
});

test('What was decided after asking is right, and timed to the question', (t) => {
  const row = new Row();
  const question = row.ask(10);
  row.resolve(question, 'added', 40, milk);
  const got = score([truth('added', milk, 10)], row.events);
  t.deepEqual(counts([truth('added', milk, 10)], row), { ...none, decidedAfterAsking: 1 });
  t.is(got.verdicts[0]?.latencyUs, s(1.3));
  t.is(got.idleQuestions, 0);
});

test('A question about what moved is asked; one about nothing is idle', (t) => {
  const row = new Row();
  row.ask(10);
  row.ask(60);
  const got = counts([truth('added', milk, 10)], row);
  t.deepEqual(got, { ...none, asked: 1, idleQuestions: 1, recall: 0 });
});

test('A product that is not in the catalogue should be asked about, and counts apart', (t) => {
  const row = new Row();
  row.ask(10);
  const got = score(
    [truth('added', beans, 10, { listed: false }), truth('added', beans, 50, { listed: false })],
    row.events,
  );
  t.deepEqual([got.truths, got.unlisted, got.unlistedAsked, got.recall], [0, 2, 1, 1]);
});

test('What is put back under one open question is asked about; what is missed later is missed', (t) => {
  const row = new Row();
  const question = row.ask(10);
  row.resolve(question, 'put-back', 20);
  const got = score(
    [truth('added', beans, 10), truth('removed', beans, 20), truth('added', milk, 300)],
    row.events,
  );
  t.deepEqual(
    got.verdicts.map(({ verdict }) => verdict),
    ['asked', 'asked', 'missed'],
  );
});

test('What leaves so that the rest under one open question can be named was asked about', (t) => {
  const row = new Row();
  const question = row.ask(10);
  row.resolve(question, 'added', 20, milk, [10, 20]);
  const got = score(
    [truth('added', milk, 10), truth('added', beans, 10), truth('removed', beans, 20)],
    row.events,
  );
  t.deepEqual(
    got.verdicts.map(({ verdict }) => verdict),
    ['decided-after-asking', 'asked', 'asked'],
  );
});

test('A change found after a restart may have happened while nobody looked', (t) => {
  const row = new Row();
  row.ask(60, 'changed-while-away');
  t.is(counts([truth('added', milk, 45)], row).asked, 1);
  t.is(counts([truth('added', milk, 20)], row).missed, 1);
});

test('A corrected event is not held against what it says in the end', (t) => {
  const row = new Row();
  const wrong = row.item('item.added', beans, 10);
  row.correct(wrong, 'added', 10, milk);
  t.deepEqual(counts([truth('added', milk, 10)], row), { ...none, decided: 1 });
  const nothing = new Row();
  nothing.correct(nothing.item('item.added', beans, 10), 'nothing', 10);
  t.deepEqual(counts([], nothing), none);
});

test('What a scale shows only when it is back may have been put in ever since it was away', (t) => {
  const row = new Row();
  row.correct(row.item('item.added', milk, 10), 'added', 16, milk);
  t.deepEqual(counts([truth('added', milk, 12.5)], row), { ...none, decided: 1 });
});

test('Shelves: taken, returned and misplaced, each on its plate', (t) => {
  const row = new Row();
  row.item('shelf.taken', milk, 10, { plate: 's1' });
  row.item('shelf.returned', milk, 20, { plate: 's1' });
  row.misplaced(milk, 30, 's2');
  const truths = [
    truth('taken', milk, 10, { plate: 's1' }),
    truth('returned', milk, 20, { plate: 's1' }),
    truth('misplaced', milk, 30, { plate: 's2' }),
  ];
  t.deepEqual(counts(truths, row), { ...none, decided: 3 });
});

test('Of two like movements close together, each is paired with its own decision', (t) => {
  const row = new Row();
  row.item('item.added', milk, 12);
  const got = score([truth('added', milk, 10), truth('added', milk, 12)], row.events);
  t.deepEqual(
    got.verdicts.map(({ verdict }) => verdict),
    ['missed', 'decided'],
  );
});

const trip = fc.array(
  fc.record({
    waitS: fc.double({ min: 1.1, max: 6, noNaN: true }),
    kind: fc.constantFrom('added' as const, 'removed' as const),
    gtin: fc.constantFrom(milk, beans),
    count: fc.integer({ min: 1, max: 3 }),
  }),
  { minLength: 1, maxLength: 12 },
);

test('Perfect decisions score 1; one that is left out lowers the recall, one too many is wrong', (t) => {
  fc.assert(
    fc.property(trip, fc.nat(), (moves, which) => {
      const truths: TimedTruth[] = [];
      const [perfect, lacking, bogus] = [new Row(), new Row(), new Row()];
      let atS = 5;
      let units = 0;
      for (const [index, { waitS, kind, gtin, count }] of moves.entries()) {
        atS += waitS;
        units += count;
        truths.push(truth(kind, gtin, atS, { count }));
        for (const row of [perfect, lacking, bogus]) {
          if (row === lacking && index === which % moves.length) continue;
          row.item(`item.${kind}`, gtin, atS, { count });
        }
      }
      bogus.item('item.added', milk, atS + 100);
      const dropped = moves[which % moves.length]?.count ?? 0;
      const all = score(truths, perfect.events);
      if (all.f1 !== 1 || all.decided !== units || all.wrong !== 0) throw new Error('not perfect');
      const less = score(truths, lacking.events);
      if (less.recall !== (units - dropped) / units || less.wrong !== 0) throw new Error('not less');
      const more = score(truths, bogus.events);
      if (more.wrong !== 1 || more.recall !== 1 || more.precision >= 1) throw new Error('not wrong');
      const backwards = score(truths.toReversed(), perfect.events.toReversed());
      if (backwards.f1 !== 1) throw new Error('order matters');
    }),
    { numRuns: 400, seed: 20260106 },
  );
  t.pass();
});
