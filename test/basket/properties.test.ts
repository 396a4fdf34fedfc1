import test from 'ava';
import fc from 'fast-check';
import type { Totals } from '#basket/basket.ts';
import type { CartEvent } from '#events/event.ts';
import { goods, itemOf, Trolley } from './support.ts';

const token = 'QR-a-token-nobody-may-see';

type Step =
  | { kind: 'add'; of: number; count: number; massMg: number; priceMinor?: number; certificate?: boolean }
  | { kind: 'remove'; of: number; count: number; massMg: number }
  | { kind: 'ask' | 'close' | 'open' }
  | { kind: 'answer'; which: number; of: number; outcome: 'added' | 'removed' | 'put-back' | 'withdrawn' }
  | { kind: 'correct'; which: number; of: number; outcome: 'added' | 'removed' | 'nothing' };

const of = fc.nat({ max: goods.length - 1 });
const which = fc.nat({ max: 20 });
const massMg = fc.integer({ min: 1_000, max: 3_000_000 });
const count = fc.integer({ min: 1, max: 4 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record(
      {
        kind: fc.constant('add' as const),
        of,
        count,
        massMg,
        priceMinor: fc.nat({ max: 9999 }),
        certificate: fc.boolean(),
      },
      { requiredKeys: ['kind', 'of', 'count', 'massMg'] },
    ),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('remove' as const), of, count, massMg }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('ask' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      which,
      of,
      outcome: fc.constantFrom('added', 'removed', 'put-back', 'withdrawn'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('correct' as const),
      which,
      of,
      outcome: fc.constantFrom('added', 'removed', 'nothing'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('open' as const, 'close' as const) }) },
);

function act(trolley: Trolley, step: Step): void {
  const ids = (type: string) => trolley.events.filter((event) => event.type === type).map(({ id }) => id);
  const pick = (list: readonly string[], index: number) => list[index % Math.max(1, list.length)];
  const product = 'of' in step ? goods[step.of] : undefined;
  switch (step.kind) {
    case 'add':
      trolley.happens({
        type: 'item.added',
        data: itemOf(product, step.count, {
          massMg: step.massMg,
          ...(step.priceMinor === undefined ? {} : { priceMinor: step.priceMinor }),
          ...(step.certificate === true ? { certificateId: 'T1' } : {}),
        }),
      });
      break;
    case 'remove':
      trolley.happens({
        type: 'item.removed',
        data: itemOf(product, step.count, { massMg: -step.massMg }),
      });
      break;
    case 'ask':
      trolley.ask();
      break;
    case 'answer': {
      const question = pick(ids('item.unresolved'), step.which);
      if (question !== undefined) trolley.answer(question, step.outcome, product);
      break;
    }
    case 'correct': {
      const event = pick([...ids('item.added'), ...ids('item.removed')], step.which);
      if (event !== undefined) trolley.correct(event, step.outcome, product);
      break;
    }
    case 'open':
      if (trolley.basket.session === undefined) trolley.basket.open('token', token);
      break;
    case 'close':
      if (trolley.basket.session !== undefined) trolley.basket.close();
      break;
  }
}

/** What a receiver makes of the row of events, knowing nothing else. */
class Receiver {
  lines = new Map<number, { count: number; priceMinor: number; priceStatus: string }>();
  questions = new Set<string>();
  revision = 0;
  open = false;

  take(event: CartEvent): void {
    switch (event.type) {
      case 'basket.opened':
        this.lines.clear();
        this.questions.clear();
        this.open = true;
        this.revision = 1;
        break;
      case 'basket.line': {
        const { line, change } = event.data;
        const before = this.lines.get(line)?.count ?? 0;
        if (before + change !== event.data.count) throw new Error(`line ${line}: ${before} + ${change}`);
        this.lines.set(line, event.data);
        this.#check(event.data.totals, event.data.revision);
        break;
      }
      case 'basket.closed':
        this.#check(event.data.totals, event.data.revision);
        if (event.data.unsettled.join() !== [...this.questions].join()) throw new Error('unsettled');
        this.open = false;
        break;
      case 'item.unresolved':
        if (this.open) this.questions.add(event.id);
        break;
      case 'item.resolved':
        this.questions.delete(event.data.settles);
        break;
      default:
        break;
    }
  }

  #check(totals: Totals, revision: number): void {
    if (revision <= this.revision) throw new Error(`revision ${revision} after ${this.revision}`);
    this.revision = revision;
    const held = [...this.lines.values()].filter((line) => line.count > 0);
    const sum = (status: string) =>
      held.reduce((total, line) => total + (line.priceStatus === status ? line.priceMinor : 0), 0);
    const expected: Totals = {
      currency: 'EUR',
      finalMinor: sum('final'),
      estimateMinor: sum('estimate'),
      atTill: held.filter((line) => line.priceStatus === 'at-till').length,
      items: held.reduce((total, line) => total + line.count, 0),
      open: this.questions.size,
    };
    if (JSON.stringify(totals) !== JSON.stringify(expected)) {
      throw new Error(`${JSON.stringify(totals)} is not ${JSON.stringify(expected)}`);
    }
  }
}

const steps = fc.array(step, { maxLength: 40 });

test('Totals always agree with what the events alone add up to', (t) => {
  fc.assert(
    fc.property(steps, (taken) => {
      const trolley = new Trolley();
      trolley.basket.open('token', token);
      for (const one of taken) act(trolley, one);
      const receiver = new Receiver();
      for (const event of trolley.events) receiver.take(event);
    }),
    { numRuns: 500, seed: 20260101 },
  );
  t.pass();
});

test('Power that fails between two events changes nothing, and no token is kept or told', (t) => {
  fc.assert(
    fc.property(steps, fc.nat({ max: 40 }), (taken, cut) => {
      const whole = new Trolley();
      const broken = new Trolley();
      for (const trolley of [whole, broken]) trolley.basket.open('token', token);
      for (const [index, one] of taken.entries()) {
        act(whole, one);
        if (index === cut) broken.restart();
        act(broken, one);
      }
      if (JSON.stringify(whole.events) !== JSON.stringify(broken.events)) throw new Error('events differ');
      const said = JSON.stringify([whole.events, whole.basket.saveState(), whole.basket.snapshot('', 0)]);
      if (said.includes(token)) throw new Error('the token is told');
    }),
    { numRuns: 300, seed: 20260102 },
  );
  t.pass();
});
