import test from 'ava';
import { boardSchema } from '#config/board.ts';
import type { CommandOutcome } from '#pipeline/commands.ts';
import type { PipelineState } from '#pipeline/pipeline.ts';
import { board, Cart, makePipeline } from './support.ts';

const weightMg = 5_000_000;
const calibration = 'a-calibration';
const mine = { plates: ['basket'], owner: calibration };

/** A cart that a calibration works on, with a test weight on its plate. */
const loaded = () => {
  const cart = new Cart().wait(2);
  cart.command('maintenance.begin', { ...mine, minutes: 30 });
  return cart.put(weightMg).wait(2);
};

/** Another run that goes on with what this one knew; the load stays where it is. */
const restarted = (cart: Cart) => {
  const state = JSON.parse(JSON.stringify(cart.pipeline.saveState())) as PipelineState;
  const again = new Cart({ startUs: 5_000_000, state });
  again.massMg = cart.massMg;
  return again;
};

/** What was said about goods, whatever it was. */
const ofGoods = ({ events }: Pick<Cart, 'events'>) =>
  events.filter(({ type }) => /^(item|shelf|basket)\./u.test(type)).map(({ type }) => type);

const isShops = (cart: Cart) => cart.pipeline.upkeep.maintained.length === 0;

const messageOf = (outcome: CommandOutcome | undefined) =>
  outcome?.status === 'refused' ? outcome.message : '';

test('plates of a calibration are ended by it alone; whoever tries otherwise hears who works there', (t) => {
  const cart = loaded();
  t.deepEqual([...cart.pipeline.upkeep.owned], [['basket', calibration]]);
  for (const owner of [{}, { owner: 'another' }]) {
    const refused = cart.command('maintenance.end', { plates: ['basket'], ...owner });
    t.like(refused, { status: 'refused', code: 'CW-PIP-014' });
    t.regex(messageOf(refused), /"a-calibration" works on plate basket, for 30 min.*commit or abort it/u);
    t.like(cart.command('maintenance.end', owner), { status: 'done', data: { plates: [] } });
  }
  t.like(cart.command('session.begin', { touch: true }), { status: 'refused', code: 'CW-PIP-012' });
  cart.put(-weightMg).wait(3);
  t.deepEqual(ofGoods(cart), [], 'weights are nobody’s purchase for as long');
  t.like(cart.command('maintenance.end', mine), { status: 'done', data: { plates: ['basket'] } });
  t.deepEqual([...cart.pipeline.upkeep.owned], []);
  t.like(cart.command('session.begin', { touch: true }), { status: 'done' });
});

test('an owner who names no plates ends all that are its own, and only these', (t) => {
  const cart = new Cart({ board: twoPlates }).wait(2);
  cart.command('maintenance.begin', mine);
  cart.command('maintenance.begin', { plates: ['rack'] });
  t.like(cart.command('maintenance.end', { owner: calibration }), { data: { plates: ['basket'] } });
  t.deepEqual(cart.pipeline.upkeep.maintained, ['rack']);
  cart.command('maintenance.begin', mine);
  t.like(cart.command('maintenance.end'), { data: { plates: ['rack'] } });
  t.deepEqual(cart.pipeline.upkeep.maintained, ['basket']);
});

const twoPlates = boardSchema.parse({
  ...board,
  plates: [
    ...board.plates,
    { id: 'rack', kind: 'cart', maxMg: 9_000_000, intervalMg: 5_000, scale: 'second' },
  ],
});

test('nobody begins on a plate that somebody else has, nor on the others that were named with it', (t) => {
  const cart = new Cart({ board: twoPlates }).wait(2);
  cart.command('maintenance.begin', mine);
  for (const owner of [{}, { owner: 'another' }]) {
    const refused = cart.command('maintenance.begin', { plates: ['rack', 'basket'], ...owner });
    t.like(refused, { status: 'refused', code: 'CW-PIP-014' });
    t.deepEqual(cart.pipeline.upkeep.maintained, ['basket']);
    const ends = cart.command('maintenance.end', { plates: ['rack', 'basket'], ...owner });
    t.like(ends, { status: 'refused', code: 'CW-PIP-014' });
    t.deepEqual([...cart.pipeline.upkeep.owned], [['basket', calibration]]);
  }
});

test('a calibration takes over what staff without a name work on', (t) => {
  const cart = new Cart().wait(2);
  cart.command('maintenance.begin', { plates: ['basket'] });
  t.like(cart.command('maintenance.begin', mine), { status: 'done' });
  t.like(cart.command('maintenance.end', { plates: ['basket'] }), { code: 'CW-PIP-014' });
});

test('beginning again prolongs, and never shortens what was asked for before', (t) => {
  const cart = new Cart().wait(2);
  cart.command('maintenance.begin', { ...mine, minutes: 1 });
  cart.wait(50).command('maintenance.begin', { ...mine, minutes: 2 });
  cart.wait(50).command('maintenance.begin', { ...mine, minutes: 1 });
  t.false(isShops(cart.wait(69)));
  t.true(isShops(cart.wait(2)));
});

test('an end that was still pending is not the end of what began since', (t) => {
  const cart = new Cart().wait(2);
  for (const owner of [{}, { owner: calibration }]) {
    cart.command('maintenance.begin', { plates: ['basket'], ...owner });
    cart.massMg += weightMg;
    cart.wait(0.2).command('maintenance.end', { plates: ['basket'], ...owner });
    t.like(cart.command('maintenance.begin', { plates: ['basket'], ...owner }), { status: 'done' });
    t.false(isShops(cart.wait(15)), 'it came to rest, and ten seconds are over');
    cart.command('maintenance.end', { plates: ['basket'], ...owner });
    t.true(isShops(cart));
  }
  t.deepEqual(ofGoods(cart), []);
});

test('weights that lie there when a calibration ends are taken off as nobody’s; from then on the plate is watched', (t) => {
  const cart = loaded();
  const ended = cart.command('maintenance.end', { ...mine, cleared: true });
  t.like(ended, { status: 'done', data: { plates: [], clearing: ['basket'] } });
  t.deepEqual([...cart.pipeline.upkeep.owned], [], 'the session is over, and what waits is nobody’s');
  t.like(cart.command('session.begin', { touch: true }), { status: 'refused', code: 'CW-PIP-012' });
  cart.wait(30).put(-2_000_000).wait(30);
  t.false(isShops(cart), 'three of five kilograms still lie there');
  cart.put(-3_000_000).wait(1);
  t.true(isShops(cart));
  t.is(cart.of('movement.settled').length, 3, 'movements stay evidence');
  t.deepEqual(ofGoods(cart), []);
  t.like(cart.command('session.begin', { touch: true }), { status: 'done' });
  cart.put(412_000).wait(3);
  t.is(cart.of('item.unresolved').length, 1);
});

test('a plate that is clear already is the shop’s at once', (t) => {
  const cart = loaded().put(-weightMg).wait(1);
  const ended = cart.command('maintenance.end', { ...mine, cleared: true });
  t.like(ended, { status: 'done', data: { plates: ['basket'], clearing: [] } });
  t.true(isShops(cart));
});

test('within ten verification scale intervals of zero a plate is clear, beyond it is not', (t) => {
  for (const [leftMg, clear] of [
    [45_000, true],
    [-45_000, true],
    [55_000, false],
    [-55_000, false],
  ] as const) {
    const cart = loaded()
      .put(leftMg - weightMg)
      .wait(2);
    cart.command('maintenance.end', { ...mine, cleared: true });
    t.is(isShops(cart.wait(5)), clear, `${leftMg} mg`);
  }
});

test('a hand that is still on the plate is waited for', (t) => {
  const cart = loaded();
  cart.massMg = 0;
  cart.wait(0.2);
  const ended = cart.command('maintenance.end', { ...mine, cleared: true });
  t.like(ended, { data: { clearing: ['basket'] } });
  t.true(isShops(cart.wait(2)));
  t.deepEqual(ofGoods(cart), []);
});

test('weights that are forgotten keep a cart from shoppers for two minutes, however often the end is asked for', (t) => {
  const cart = loaded();
  cart.command('maintenance.end', { ...mine, cleared: true });
  cart.wait(100);
  const again = cart.command('maintenance.end', { ...mine, cleared: true });
  t.like(again, { status: 'done', data: { clearing: ['basket'] } });
  t.false(isShops(cart.wait(19)));
  t.true(isShops(cart.wait(2)));
  t.like(cart.command('session.begin', { touch: true }), { status: 'done' });
});

test('an end without waiting, asked for by anybody, gives a plate back that waits to be cleared', (t) => {
  const cart = loaded();
  cart.command('maintenance.end', { ...mine, cleared: true });
  t.like(cart.command('maintenance.end'), { status: 'done', data: { plates: ['basket'] } });
  t.true(isShops(cart));
});

test('the next calibration begins while a plate still waits, and clearing it ends nothing then', (t) => {
  const cart = loaded();
  cart.command('maintenance.end', { ...mine, cleared: true });
  t.like(cart.command('maintenance.begin', { plates: ['basket'], owner: 'the-next' }), { status: 'done' });
  cart.put(-weightMg).wait(150);
  t.deepEqual([...cart.pipeline.upkeep.owned], [['basket', 'the-next']]);
});

test('a restart keeps who works on a plate, and for how long', (t) => {
  const again = restarted(loaded()).wait(10);
  t.deepEqual([...again.pipeline.upkeep.owned], [['basket', calibration]]);
  t.like(again.command('maintenance.end', { plates: ['basket'] }), { code: 'CW-PIP-014' });
  t.false(isShops(again.wait(29 * 60)));
  t.true(isShops(again.wait(60)));
});

test('a plate that waits to be cleared waits on after a restart', (t) => {
  const cart = loaded();
  cart.command('maintenance.end', { ...mine, cleared: true });
  cart.wait(60);
  const forgotten = restarted(cart);
  t.false(isShops(forgotten.wait(59)));
  t.true(isShops(forgotten.wait(2)));
  const cleared = restarted(cart).wait(10).put(-weightMg).wait(2);
  t.true(isShops(cleared));
  t.deepEqual(ofGoods(cleared), []);
});

test('maintenance that was saved before it could have an owner is anybody’s', (t) => {
  const state = new Cart().wait(2).pipeline.saveState();
  const upkeep = [{ plate: 'basket', untilUs: state.atUs + 60e6 }];
  const cart = new Cart({ startUs: state.atUs, state: { ...state, upkeep } });
  t.deepEqual(cart.pipeline.upkeep.maintained, ['basket']);
  t.deepEqual([...cart.pipeline.upkeep.owned], []);
  t.like(cart.command('maintenance.end', { ...mine, cleared: false }), { code: 'CW-PIP-003' });
  t.like(cart.command('maintenance.end', mine), { data: { plates: ['basket'] } });
});

test('a saved owner that is none is told as damage', (t) => {
  const state = new Cart().pipeline.saveState();
  for (const damaged of [{ owner: 7 }, { clearing: 'yes' }]) {
    const upkeep = [{ plate: 'basket', untilUs: 1e6, ...damaged }] as unknown as PipelineState['upkeep'];
    t.throws(() => new Cart({ state: { ...state, ...(upkeep === undefined ? {} : { upkeep }) } }), {
      code: 'CW-PIP-009',
    });
  }
});

test('weights that lie there when a calibration comes into force are nobody’s either', (t) => {
  const cells = boardSchema.parse({
    profile: 1,
    name: 'bench',
    devices: [{ id: 'bridge', driver: 'any', options: { cells: ['cell'] } }],
    plates: [
      {
        ...{ id: 'basket', kind: 'cart', maxMg: 9_000_000, intervalMg: 5_000 },
        cells: [{ id: 'cell', positionMm: [0, 0], capacityMg: 20_000_000 }],
      },
    ],
  });
  const calibrated = (revision: number, zeroCounts: number, milligramsPerCount: number) => ({
    calibration: 1 as const,
    revision,
    plates: { basket: { cells: { cell: { zeroCounts, milligramsPerCount } } } },
  });
  const events: Cart['events'] = [];
  const pipeline = makePipeline((event) => events.push(event), {
    board: cells,
    calibration: calibrated(1, 0, 2),
  });
  let atUs = 0;
  let n = 0;
  const weigh = (seconds: number, counts: number) => {
    for (const untilUs = atUs + seconds * 1e6; atUs < untilUs; atUs += 12_500) {
      pipeline.cell('cell', atUs, counts + ((n * 7) % 9), n++);
    }
  };
  const command = (name: string, args: Record<string, unknown>) =>
    pipeline.accept({ kind: 'command', atUs, command: name, args });
  weigh(3, 50_000);
  command('maintenance.begin', mine);
  weigh(3, 50_000);
  weigh(5, 1_050_000);
  // Zero was 100 g off and the slope half of what it is.
  pipeline.accept({ kind: 'calibration', atUs, calibration: calibrated(2, 50_000, 4) });
  t.like(command('maintenance.end', { ...mine, cleared: true }), { data: { clearing: ['basket'] } });
  weigh(20, 1_050_000);
  t.deepEqual(pipeline.upkeep.maintained, ['basket']);
  weigh(3, 50_000);
  t.deepEqual(pipeline.upkeep.maintained, []);
  t.deepEqual(ofGoods({ events }), []);
  t.true(Math.abs(pipeline.weigher.status('basket').grossMg ?? Number.NaN) < 5_000);
});
