import test from 'ava';
import fc from 'fast-check';
import { drawArm, drawBasket } from '#simulation/pictures/backdrops.ts';
import { boxOfPlaced, compose } from '#simulation/pictures/compose.ts';
import { chooseFrames, type SeenFrame } from '#vision/change/frames.ts';
import { RegionMotion } from '#vision/change/motion.ts';

const basket = drawBasket(320, 240, 9);
const region = { left: 10, top: 10, width: 300, height: 220 };
const arm = { cutout: drawArm(180, 4), x: 150, y: 40, scale: 1, angle: 0 };

test('noise, flicker and a lamp that goes down are no motion', (t) => {
  const motion = new RegionMotion();
  for (let frame = 0; frame < 6; frame++) {
    const flicker = { amplitude: 0.1, lines: 100, phase: frame * 0.37 };
    const picture = compose(basket, [], { gain: 1 - 0.08 * frame, flicker }, { noise: 4 }, frame);
    t.deepEqual(motion.see(picture, region), { moving: false, where: [] });
  }
});

test('an arm that reaches in moves, and where it does is told', (t) => {
  const motion = new RegionMotion();
  motion.see(compose(basket, [arm], {}, { noise: 3 }, 1), region);
  t.false(motion.see(compose(basket, [arm], {}, { noise: 3 }, 2), region).moving);
  const reached = { ...arm, y: 60 };
  const { moving, where } = motion.see(compose(basket, [reached], {}, { noise: 3 }, 3), region);
  t.true(moving);
  const box = boxOfPlaced(reached, basket);
  const [place] = where;
  t.true(place !== undefined && place.left < box.left + box.width && place.left + place.width > box.left);
  t.true(
    where.every(
      ({ left, top, width, height }) => left >= 0 && top >= 0 && left + width <= 320 && top + height <= 240,
    ),
  );
});

test('a first frame, and one of another region, is taken to be still', (t) => {
  const motion = new RegionMotion();
  t.false(motion.see(compose(basket, [], {}, {}, 1), region).moving);
  t.false(motion.see(compose(basket, [arm], {}, {}, 1), { ...region, width: 200 }).moving);
});

const at = (times: string): SeenFrame[] =>
  [...times].map((mark, index) => ({ atUs: index * 100, moving: mark === 'm' }));

test('frames that were quiet and stayed so are chosen, with their neighbours', (t) => {
  // The mass moves from 450 to 820; a hand is there from 300 on, still for a moment at 500 and at 900.
  const chosen = chooseFrames(at('...mm.mmm.mm...'), 450, 820);
  t.deepEqual(chosen, { before: 1, after: 12, beforeThat: 0, afterThat: 13, complete: true });
});

test('until a frame has stayed quiet a better one may come', (t) => {
  t.like(chooseFrames(at('..mmm'), 150, 250), { before: 0, after: 4, complete: false });
  t.like(chooseFrames(at('..mmm.'), 150, 250), { after: 5, complete: false });
  t.like(chooseFrames(at('..mmm..'), 150, 250), { after: 5, complete: true });
});

test('where all frames move, those farthest from the movement are chosen', (t) => {
  t.like(chooseFrames(at('mmmmmmm'), 250, 450), { before: 0, after: 6, complete: false });
});

test('without frames before or after none is chosen', (t) => {
  t.like(chooseFrames([], 0, 1), { before: undefined, after: undefined, complete: false });
  t.like(chooseFrames(at('...'), -1, 1_000), { before: undefined, after: undefined });
});

test('what is chosen lies outside of the movement, whatever the frames are', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { maxLength: 40 }),
      fc.integer({ min: 0, max: 3_000 }),
      fc.integer({ min: 0, max: 2_000 }),
      (moving, startedAtUs, lasts) => {
        const frames = moving.map((one, index) => ({ atUs: index * 100, moving: one }));
        const { before, after, complete } = chooseFrames(frames, startedAtUs, startedAtUs + lasts + 1);
        const earlier = frames.filter((one) => one.atUs <= startedAtUs);
        const later = frames.filter((one) => one.atUs >= startedAtUs + lasts + 1);
        t.is(before === undefined, earlier.length === 0);
        t.is(after === undefined, later.length === 0);
        if (before !== undefined) {
          t.true((frames[before]?.atUs ?? Number.NaN) <= startedAtUs);
          t.true(frames[before]?.moving === false || earlier.every((one) => one.moving));
        }
        if (after !== undefined) t.true((frames[after]?.atUs ?? Number.NaN) > startedAtUs + lasts);
        if (complete) t.false(frames[after ?? -1]?.moving);
      },
    ),
    { seed: 4, numRuns: 500 },
  );
});
