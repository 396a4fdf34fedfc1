import test from 'ava';
import fc from 'fast-check';
import type { PipelineState } from '#pipeline/pipeline.ts';
import { Cart } from './support.ts';

const runs = Math.min(2_000, Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 400));
const minuteUs = 60e6;
const clearWithinS = 3;

type Owner = 'one' | 'two' | undefined;
const owner = fc.constantFrom<Owner>('one', 'one', 'two', undefined);
const step = fc.oneof(
  fc.record({ kind: fc.constant('begin' as const), owner, minutes: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant('end' as const), owner, named: fc.boolean(), cleared: fc.boolean() }),
  fc.record({ kind: fc.constant('load' as const), kilograms: fc.integer({ min: 0, max: 12 }) }),
  fc.record({ kind: fc.constant('wait' as const), seconds: fc.constantFrom(1, 5, 20, 70, 130) }),
  fc.record({ kind: fc.constant('restart' as const) }),
);
type Step = typeof step extends fc.Arbitrary<infer One> ? One : never;

/** What is known of the plate from what was asked for alone. Times are µs of the run. */
interface Model {
  owner: Owner;
  /** Work is over then; undefined where nobody works there. */
  untilUs: number | undefined;
  /** It waits to be cleared. */
  clearing: boolean;
}

/** One plate and the model beside it; a step that comes out differently throws. */
class Walk {
  cart = new Cart().wait(2);
  readonly model: Model = { owner: undefined, untilUs: undefined, clearing: false };

  take(one: Step): void {
    switch (one.kind) {
      case 'begin':
        this.#begin(one.owner, one.minutes);
        break;
      case 'end':
        this.#end(one);
        break;
      case 'load':
        // Goods of shoppers are the matter of other tests.
        if (this.model.untilUs !== undefined) this.#load(one.kilograms * 1e6);
        break;
      case 'wait':
        this.cart.wait(one.seconds);
        break;
      case 'restart':
        this.#restart();
        break;
    }
    this.#pass();
    this.#compare(one.kind);
  }

  get #mayBegin() {
    return (who: Owner) => this.model.owner === undefined || this.model.owner === who;
  }

  #named(who: Owner) {
    return { ...(who === undefined ? {} : { owner: who }) };
  }

  #begin(who: Owner, minutes: number): void {
    const outcome = this.cart.command('maintenance.begin', {
      plates: ['basket'],
      minutes,
      ...this.#named(who),
    });
    this.#expect(this.#mayBegin(who) ? undefined : 'CW-PIP-014', outcome);
    if (!this.#mayBegin(who)) return;
    const untilUs = this.cart.nowUs + minutes * minuteUs;
    const prolongs = who !== undefined && this.model.owner === who;
    this.model.untilUs = prolongs ? Math.max(untilUs, this.model.untilUs ?? 0) : untilUs;
    this.model.owner = who;
    this.model.clearing = false;
  }

  #end({ owner: who, named, cleared }: Extract<Step, { kind: 'end' }>): void {
    const outcome = this.cart.command('maintenance.end', {
      ...(named ? { plates: ['basket'] } : {}),
      ...(cleared ? { cleared: true } : {}),
      ...this.#named(who),
    });
    const { model } = this;
    this.#expect(named && !this.#mayBegin(who) ? 'CW-PIP-014' : undefined, outcome);
    const isTheirs = named ? this.#mayBegin(who) : model.owner === who;
    if (!isTheirs || model.untilUs === undefined) return;
    if (cleared && this.cart.massMg !== 0) {
      if (!model.clearing) model.untilUs = this.cart.nowUs + 2 * minuteUs;
      model.clearing = true;
      model.owner = undefined;
      return;
    }
    // The newest word of the scale may still be of what lay there before.
    this.cart.wait(clearWithinS);
    Object.assign(model, { owner: undefined, untilUs: undefined, clearing: false });
  }

  #load(massMg: number): void {
    this.cart.massMg = massMg;
    this.cart.wait(clearWithinS);
    if (this.model.clearing && massMg === 0)
      Object.assign(this.model, { untilUs: undefined, clearing: false });
  }

  #restart(): void {
    const { massMg, pipeline } = this.cart;
    const state = JSON.parse(JSON.stringify(pipeline.saveState())) as PipelineState;
    const startUs = 7_000_000;
    this.goods += goodsOf(this.cart);
    this.cart = new Cart({ startUs, state });
    this.cart.massMg = massMg;
    if (this.model.untilUs !== undefined) this.model.untilUs += startUs - state.atUs;
    this.cart.wait(clearWithinS);
  }
  goods = 0;

  #pass(): void {
    const { model } = this;
    if (model.untilUs === undefined || model.untilUs > this.cart.nowUs) return;
    Object.assign(model, { owner: undefined, untilUs: undefined, clearing: false });
  }

  #expect(code: string | undefined, outcome: ReturnType<Cart['command']>): void {
    const got = outcome?.status === 'refused' ? outcome.code : undefined;
    if (got !== code) throw new Error(`answered ${got ?? 'done'}, not ${code ?? 'done'}`);
  }

  #compare(after: string): void {
    const { upkeep } = this.cart.pipeline;
    const isMaintained = upkeep.maintained.includes('basket');
    const got = `${upkeep.owned.get('basket') ?? 'nobody'}, ${isMaintained ? 'worked on' : 'watched'}`;
    const said = `${this.model.owner ?? 'nobody'}, ${this.model.untilUs === undefined ? 'watched' : 'worked on'}`;
    if (got !== said) throw new Error(`after ${after}: ${got}; it should be ${said}`);
    if (this.goods + goodsOf(this.cart) > 0) throw new Error(`after ${after}: test weights are goods`);
  }
}

const goodsOf = ({ events }: Cart) => events.filter(({ type }) => /^(item|basket)\./u.test(type)).length;

test('whatever is asked for in whatever order, a plate has one owner and test weights are no goods', (t) => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40, size: 'max' }), (steps) => {
      const walk = new Walk();
      for (const one of steps) walk.take(one);
    }),
    { numRuns: runs, seed: 20_261_123 },
  );
  t.pass();
});
