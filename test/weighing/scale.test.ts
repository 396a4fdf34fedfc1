import test from 'ava';
import { plateSchema } from '#config/board.ts';
import type { WeighingOutput } from '#weighing/outputs.ts';
import { Weigher } from '#weighing/weigher.ts';
import { defaults } from './bench-plate.ts';

function deli() {
  const outputs: WeighingOutput[] = [];
  const weigher = new Weigher({
    plates: [
      plateSchema.parse({
        id: 'deli',
        kind: 'shelf',
        maxMg: 15_000_000,
        intervalMg: 5_000,
        scale: 'deli-scale',
      }),
    ],
    calibration: undefined,
    config: defaults,
    sink: (output) => outputs.push(output),
  });
  let atUs = 0;
  const say = (massMg: number, times: number, stable = true, status?: string) => {
    for (let i = 0; i < times; i++) {
      atUs += 200_000;
      weigher.scale({
        kind: 'scale',
        source: 'deli-scale',
        atUs,
        massMg,
        stable,
        ...(status ? { status } : {}),
      });
    }
  };
  const of = <K extends WeighingOutput['kind']>(kind: K) =>
    outputs.filter((output): output is Extract<WeighingOutput, { kind: K }> => output.kind === kind);
  return { weigher, say, of, now: () => atUs };
}

test('a complete scale needs no calibration: two stable indications that agree are a plateau', (t) => {
  const { weigher, say, of } = deli();
  say(0, 5);
  say(700_000, 3, false);
  say(415_000, 1);
  t.deepEqual(of('movement'), []);
  say(415_000, 2);
  const [movement] = of('movement');
  t.is(movement?.massMg, 415_000);
  t.true((movement?.sigmaMg ?? 0) >= 1_443, 'rounding to d is part of sigma');
  t.is(of('movement').length, 1);
  t.deepEqual(
    of('activity').map(({ open }) => open),
    [true, false],
  );
  t.is(weigher.status('deli').grossMg, 415_000);
  t.deepEqual(of('fault'), []);
});

test('the first reading of a scale may be old and counts for nothing', (t) => {
  const { say, of } = deli();
  say(900_000, 1);
  say(0, 4);
  t.deepEqual(of('movement'), []);
});

test('a scale that is over, or silent, holds the plate', (t) => {
  const { weigher, say, of, now } = deli();
  say(500_000, 5);
  say(500_000, 2, false, 'over');
  t.is(weigher.status('deli').grossMg, undefined);
  say(500_000, 4);
  t.deepEqual(
    of('fault').map(({ code, cleared }) => [code, cleared]),
    [
      ['CW-WGH-010', false],
      ['CW-WGH-010', true],
    ],
  );
  weigher.advance(now() + 3_000_000);
  t.is(of('fault')[2]?.fault, 'missing');
  t.is(weigher.status('deli').grossMg, undefined);
  t.deepEqual(of('movement'), []);
});
