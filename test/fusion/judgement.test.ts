import test from 'ava';
import type { Judgement } from '#fusion/judgement.ts';
import { Bench } from './harness.ts';
import { bench, crowd } from './shop.ts';

/** The same cart with somebody who asks what its decisions are made of. */
function witnessed(b: Bench): { readonly bench: Bench; readonly judged: Judgement[] } {
  const judged: Judgement[] = [];
  b.witness((judgement) => judged.push(judgement));
  return { bench: b, judged };
}

test('a decision says what it was made of: prior, density and factor make up the probabilities', (t) => {
  const { bench: b, judged } = witnessed(bench());
  b.scan('milk').scan('butter').see('milk', 0.9).move(1294);
  const ids = b.emitted.map(({ id }) => id);
  t.deepEqual(
    judged.map(({ event }) => event),
    ids,
  );
  const [one] = judged;
  if (one === undefined) return t.fail();
  t.is(one.massMg, 1_294_000);
  t.is(one.sigmaMg, 1_000);
  t.is(one.scans.length, 2);
  t.is(one.looks.length, 1);
  t.is(one.decided, 0);
  t.deepEqual(one.obstacles, []);
  const weight = ({ prior = 0, densityPerG = 0, seen, late }: (typeof one.explanations)[number]) =>
    prior * densityPerG * seen * late;
  const [best] = one.explanations;
  if (best === undefined) return t.fail();
  t.true(best.seen > 1, 'the camera names one of the two');
  t.is(best.late, 1);
  for (const [i, other] of one.explanations.entries()) {
    const ratio = weight(other) / weight(best);
    // Several ways to the same outcome add up, so the best alone may be less.
    t.true(ratio <= (other.probability / best.probability) * 1.001, `${i}: ${ratio}`);
  }
  const single = one.explanations.find(({ kind }) => kind === 'nothing');
  if (single === undefined) return;
  t.true(Math.abs(weight(single) / weight(best) / (single.probability / best.probability) - 1) < 0.01);
});

test('a question says what keeps the best explanation from being decided', (t) => {
  const { bench: b, judged } = witnessed(bench());
  b.scan('soup').move(862).settle();
  const [one] = judged;
  t.is(one?.event, b.emitted[0]?.id);
  t.is(one?.decided, undefined);
  t.true(one?.thresholds.strict);
  t.true(one?.obstacles.includes('probability'));
  t.is(one?.explanations[0]?.parts[0]?.mass.from, 'catalogue');
});

test('what is taken out is held against its own measured mass', (t) => {
  const { bench: b, judged } = witnessed(new Bench(crowd));
  b.scan('filler100').move(712).move(-712);
  t.is(judged.at(-1)?.explanations[0]?.parts[0]?.mass.from, 'measured');
  t.is(judged.at(-1)?.decided, 0);
});

test('being asked for reasons changes no decision', (t) => {
  const trip = (b: Bench) => {
    b.scan('milk').move(1033).move(515).settle().scan('yoghurt').move(-1033).scan('jam').move(400).settle();
    return b.emitted;
  };
  t.deepEqual(trip(witnessed(bench()).bench), trip(bench()));
});
