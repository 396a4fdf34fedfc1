import test from 'ava';
import { Bench, each, loose, planogramOf } from './harness.ts';

const cans = each('cans', 430, 3);
const jars = each('jars', 520, 4);
const boxes = each('boxes', 205, 2);
const light = each('light', 428, 3);
const grapes = loose('grapes', '4022', 500);

const shelf = () =>
  new Bench([cans, jars, boxes, light, grapes], {
    plates: ['p1', 'p2', 'p3', 'p4'].map((id) => ({ id, kind: 'shelf' as const, scanners: [] })),
    planogram: planogramOf({ p1: [cans.key], p2: [jars.key, boxes.key], p3: [light.key], p4: [grapes.key] }),
  });

test('a thing taken from a shelf is what the planogram says, as many as the mass says', (t) => {
  t.deepEqual(shelf().move(-431, { plate: 'p1' }).said(), ['shelf.taken 1 cans -431 g']);
  t.deepEqual(shelf().move(-1288, { plate: 'p1' }).said(), ['shelf.taken 3 cans -1288 g']);
});

test('a plate with two products tells them apart by mass, also when both are taken at once', (t) => {
  t.deepEqual(shelf().move(-206, { plate: 'p2' }).said(), ['shelf.taken 1 boxes -206 g']);
  t.deepEqual(shelf().move(-726, { plate: 'p2' }).said().sort(), [
    'shelf.taken 1 boxes -205 g',
    'shelf.taken 1 jars -521 g',
  ]);
});

test('a thing put back where it was taken is returned', (t) => {
  const s = shelf().move(-431, { plate: 'p1' }).move(431, { plate: 'p1' });
  t.deepEqual(s.said(), ['shelf.taken 1 cans -431 g', 'shelf.returned 1 cans 431 g']);
});

test('a thing taken from one plate and put on another is misplaced, and says where it belongs', (t) => {
  const s = shelf().move(-521, { plate: 'p2' }).move(521, { plate: 'p1' });
  const event = s.emitted[1];
  t.deepEqual(event?.type === 'shelf.misplaced' ? event.data.belongsOn : event?.type, ['p2']);
  t.deepEqual(s.said(), ['shelf.taken 1 jars -521 g', 'shelf.misplaced 1 jars 521 g']);
});

test('a misplaced thing can be taken from where it was left', (t) => {
  const s = shelf().move(-521, { plate: 'p2' }).move(521, { plate: 'p1' });
  s.said();
  t.deepEqual(s.move(-521, { plate: 'p1' }).said(), ['shelf.taken 1 jars -521 g']);
});

test('a thing that may be of this plate or, taken a moment ago, of another is asked about', (t) => {
  const s = shelf().move(-429, { plate: 'p3' });
  s.said();
  t.deepEqual(s.move(429, { plate: 'p1' }).settle().said(), ['item.unresolved ambiguous call-staff 429 g']);
});

test('what fits nothing is not forced onto the planogram', (t) => {
  const s = shelf().move(-300, { plate: 'p1' }).settle();
  t.deepEqual(s.said(), ['item.unresolved unknown-removed call-staff -300 g']);
  t.deepEqual(s.move(95, { plate: 'p2' }).settle().said(), ['item.unresolved unknown-added call-staff 95 g']);
  t.deepEqual(s.move(-95, { plate: 'p2' }).settle().said(), ['item.resolved put-back: something -95 g']);
});

test('two plates that change in the same moment are decided each on its own', (t) => {
  const s = shelf();
  s.move(-430, { plate: 'p1' }).move(-520, { plate: 'p2', afterS: 0 });
  t.deepEqual(s.said(), ['shelf.taken 1 cans -430 g', 'shelf.taken 1 jars -520 g']);
});

test('loose goods are taken by whatever mass is missing, because the planogram says what they are', (t) => {
  t.deepEqual(shelf().move(-737, { plate: 'p4' }).said(), ['shelf.taken 1 grapes -737 g']);
});

test('an exchange on one plate is seen when its mass shows', (t) => {
  const s = shelf().move(-206, { plate: 'p2' });
  s.said();
  // The box comes back while a jar is taken.
  t.deepEqual(s.move(-315, { plate: 'p2' }).said(), [
    'shelf.taken 1 jars -521 g',
    'shelf.returned 1 boxes 206 g',
  ]);
});

test('a take is expected back once', (t) => {
  const s = shelf().move(-521, { plate: 'p2' }).move(521, { plate: 'p1' });
  s.said();
  s.move(521, { plate: 'p1' }).settle();
  t.regex(s.said().join(), /^item\.unresolved/);
});
