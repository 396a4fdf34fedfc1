import test from 'ava';
import { VirtualClock } from '#base/clock.ts';
import { createRandom } from '#base/random.ts';
import { ScaleDiagnosis } from '#gateway/scale-diagnosis.ts';
import { calibrationOf, mgPerCount, plateOf } from '../weighing/bench-plate.ts';
import { settle } from './support.ts';

const plate = plateOf(4);
const calibration = calibrationOf(plate);
const devices = [
  {
    id: 'bridge',
    driver: 'any',
    options: { cells: ['cell-0', 'cell-1', 'cell-2', 'cell-3'], samplesPerSecond: 80 },
  },
];

/** Cells that deliver while the clock goes on; `force` gives the load of each, mg. */
function bench(force: (cell: number, atUs: number) => number = () => 0) {
  const clock = new VirtualClock(0);
  const current = () => calibration;
  const diagnosis = new ScaleDiagnosis({ plates: [plate], devices, clock, current });
  const random = createRandom(2);
  let sequence = 0;
  const pass = async (seconds: number) => {
    for (const untilUs = clock.nowUs() + seconds * 1e6; clock.nowUs() < untilUs; sequence++) {
      clock.advance(12_500);
      for (let cell = 0; cell < 4; cell++) {
        const zero = 80_000 + 1_000 * cell;
        const counts = Math.round(zero + force(cell, clock.nowUs()) / mgPerCount + 38 * random.gaussian());
        diagnosis.see({ kind: 'cell', source: `cell-${cell}`, atUs: clock.nowUs(), counts, sequence });
      }
      await settle();
    }
  };
  return { diagnosis, pass };
}

test('cells are heard for as long as was asked, and judged by their calibration', async (t) => {
  const { diagnosis, pass } = bench((cell) => (cell === 2 ? 900_000 : 0));
  const answer = diagnosis.run(undefined, 2, true);
  await pass(3);
  const { verdict, seconds, cells } = await answer;
  t.true(seconds > 1.9 && seconds < 2.4);
  t.is(verdict, 'doubt');
  t.deepEqual(
    cells.flatMap(({ cell, findings }) => findings.map(({ code }) => [cell, code])),
    [['cell-2', 'CW-CAL-165']],
  );
});

test('a press tells which cell answered', async (t) => {
  const { diagnosis, pass } = bench((cell, atUs) => (cell === 1 && atUs > 1_500_000 ? 3_000_000 : 0));
  const right = diagnosis.press(['basket'], 'cell-1', 2);
  await pass(4);
  const found = await right;
  t.deepEqual(found.mapping, { 'cell-1': 'cell-1' });
  t.deepEqual(found.findings, {});
});

test('a press that another cell answers is a fault', async (t) => {
  const { diagnosis, pass } = bench((cell, atUs) => (cell === 1 && atUs > 1_500_000 ? 3_000_000 : 0));
  const wrong = diagnosis.press(undefined, 'cell-0', 2);
  await pass(4);
  t.is((await wrong).findings['cell-0']?.[0]?.code, 'CW-CAL-163');
});

test('one at a time, and only of cells that are there', async (t) => {
  const { diagnosis, pass } = bench();
  const first = diagnosis.run(['basket'], 2);
  await t.throwsAsync(diagnosis.run(undefined, 2), { code: 'CW-CAL-173' });
  await t.throwsAsync(diagnosis.press(undefined, 'cell-0', 2), { code: 'CW-CAL-173' });
  await pass(3);
  t.is((await first).verdict, 'good');
  await t.throwsAsync(diagnosis.run(['rack'], 2), { code: 'CW-CAL-174' });
  await t.throwsAsync(diagnosis.press(undefined, 'cell-9', 2), { code: 'CW-CAL-174' });
});
