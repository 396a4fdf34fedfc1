import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { parse } from 'yaml';
import { indicate } from '#calibration/indicate.ts';
import { Procedure } from '#calibration/procedure.ts';
import type { PlateCalibrationEntry, Step } from '#calibration/session.ts';
import type { Weight } from '#calibration/types.ts';
import { type Board, boardSchema, type PlateEntry } from '#config/board.ts';
import { cellTraits } from '#simulation/hardware.ts';
import type { Point } from '#simulation/plate.ts';
import { World, type WorldOptions } from '#simulation/world.ts';
import { Technician } from './technician.ts';

function board(name: string): Board {
  const file = join(import.meta.dirname, `../../boards/${name}.yaml`);
  return boardSchema.parse(parse(readFileSync(file, 'utf8')));
}

const cart = board('cart-pi5');
const shelf = board('shelf-pi5');

const weights: readonly Weight[] = [
  ['a10', 10],
  ['b10', 10],
  ['c10', 10],
  ['a5', 5],
  ['b5', 5],
].map(([id, kg]) => ({ id: String(id), massMg: Number(kg) * 1_000_000, class: 'M1' }));

interface Bench {
  readonly technician: Technician;
  readonly procedure: Procedure;
  readonly plate: PlateEntry;
}

function bench(from: Board, plateId: string, world: Partial<WorldOptions> = {}): Bench {
  const plate = from.plates.find(({ id }) => id === plateId);
  if (plate === undefined) throw new Error('the board has such a plate');
  const technician = new Technician(new World({ board: from, seed: 5, ...world }));
  technician.wait(2);
  const procedure = Procedure.begin({
    session: 's',
    purpose: 'calibrate',
    plates: [plate],
    current: undefined,
    by: { role: 'technician' },
    weights,
    atUs: technician.nowUs,
    leaseUs: 600_000_000,
  });
  return { technician, procedure, plate };
}

/** Puts weights on the plate, takes the step, and takes them off again. */
function take({ technician, procedure, plate }: Bench, step: Step, ids: readonly string[], at?: string) {
  const place: Point = plate.cells?.find(({ id }) => id === at)?.positionMm ?? [0, 0];
  for (const { id, massMg } of weights) if (ids.includes(id)) technician.put(plate.id, massMg, place);
  const args = ids.length === 0 ? {} : { weights: ids };
  const result = technician.step(procedure, {
    ...step,
    ...args,
    plate: plate.id,
    ...(at === undefined ? {} : { at }),
  });
  technician.clear(plate.id);
  return result;
}

/** A whole calibration by script; what it would put in force. */
function calibrate(t: ExecutionContext, own: Bench): PlateCalibrationEntry {
  const { procedure, technician, plate } = own;
  const large = (plate.maxMg ?? 0) > 20_000_000;
  take(own, { kind: 'zero' }, []);
  for (const ids of large
    ? [['a10'], ['a10', 'b10'], ['a10', 'b10', 'a5']]
    : [['a5'], ['a10'], ['a10', 'a5']]) {
    take(own, { kind: 'load' }, ids);
  }
  for (const { id } of plate.cells ?? []) take(own, { kind: 'load' }, [large ? 'a10' : 'a5'], id);
  take(own, { kind: 'zero' }, []);
  take(own, { kind: 'fit' }, []);
  t.true(take(own, { kind: 'verify' }, ['c10']).verification?.passed ?? false);
  const candidate = procedure.candidate();
  const commit = { kind: 'commit', candidate: candidate?.hash ?? '', expected: 0 } as const;
  const entry = technician.step(procedure, commit).plates?.[plate.id];
  if (entry === undefined) throw new Error('a commit gives the entry');
  return entry;
}

/** Reads known loads under the new calibration; each error in e. A second session of the same plate waits for rest. */
function measure(own: Bench, entry: PlateCalibrationEntry) {
  const { plate, technician } = own;
  const e = plate.intervalMg ?? 1;
  const procedure = Procedure.begin({
    session: 'after',
    purpose: 'verify',
    plates: [plate],
    current: { calibration: 1, revision: 1, plates: { [plate.id]: entry } },
    by: {},
    weights,
    atUs: technician.nowUs,
    leaseUs: 1e12,
  });
  const error = (massMg: number, at: Point) => {
    technician.put(plate.id, massMg, at);
    const capture = technician.capture(procedure, plate.id);
    technician.clear(plate.id);
    return (indicate(capture, entry) - massMg) / e;
  };
  const maxMg = plate.maxMg ?? 0;
  const range = [0.004, 0.02, 0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 1].map((part) => error(part * maxMg, [0, 0]));
  const corners = (plate.cells ?? []).map(({ positionMm }) => error(maxMg / 3, positionMm));
  const worst = (errors: readonly number[]) => Math.max(...errors.map(Math.abs));
  return { range: worst(range), corners: worst(corners) };
}

for (const hardwareSeed of [1, 2, 3, 4, 5, 6]) {
  test(`a cart of hardware ${hardwareSeed} is within 0.5 e over the range and 1 e at every corner after its calibration`, (t) => {
    const own = bench(cart, 'basket', { hardwareSeed });
    const entry = calibrate(t, own);
    const { range, corners } = measure(own, entry);
    const cells = own.plate.cells ?? [];
    const swapped = cells.map((cell) => cellTraits(cell, hardwareSeed).voltsPerMg < 0);
    t.deepEqual(
      cells.map(({ id }) => (entry.cells[id]?.milligramsPerCount ?? 0) < 0),
      swapped,
    );
    t.true(range <= 0.5, `${range} e over the range`);
    t.true(corners <= 1, `${corners} e at a corner`);
    t.log(
      `${swapped.filter(Boolean).length} cells swapped; largest error ${range.toFixed(3)} e over the range, ${corners.toFixed(3)} e at a corner`,
    );
  });
}

test('a slot of a shelf, at 10 readings a second, is as right', (t) => {
  for (const id of ['s1-p1', 's1-p6']) {
    const own = bench(shelf, id, { hardwareSeed: 3 });
    const { range, corners } = measure(own, calibrate(t, own));
    t.true(range <= 0.5, `${range} e over the range`);
    t.true(corners <= 1, `${corners} e at a corner`);
    t.log(`${id}: largest error ${range.toFixed(3)} e over the range, ${corners.toFixed(3)} e at a corner`);
  }
});

test('readings wait until a weight that was put down has come to rest', (t) => {
  const own = bench(cart, 'basket');
  const { technician, procedure } = own;
  take(own, { kind: 'zero' }, []);
  technician.put('basket', 10_000_000);
  // Another hand leans on the rim for three seconds.
  technician.world.schedule([
    {
      atUs: technician.nowUs,
      kind: 'lean',
      plate: 'basket',
      massMg: 4_000_000,
      at: [100, 0],
      untilUs: technician.nowUs + 3_000_000,
    },
  ]);
  const before = technician.nowUs;
  const result = technician.step(procedure, { kind: 'load', plate: 'basket', weights: ['a10'] });
  t.true(technician.nowUs - before >= 6_000_000, `${(technician.nowUs - before) / 1e6} s`);
  t.true(Math.abs((result.load?.apparentMg ?? 0) - 10_000_000) < 50_000);
});

test('a hand that stays on the plate is told from rest', (t) => {
  const { technician, procedure } = bench(cart, 'basket');
  const lean = { kind: 'lean', plate: 'basket', massMg: 2_000_000, at: [0, 0] } as const;
  technician.world.schedule([{ ...lean, atUs: technician.nowUs, untilUs: technician.nowUs + 60_000_000 }]);
  const error = t.throws(() => technician.step(procedure, { kind: 'zero', plate: 'basket' }));
  t.true(
    ['CW-CAL-021', 'CW-CAL-022'].includes((error as { code?: string } | undefined)?.code ?? ''),
    String(error),
  );
});

for (const [fault, code] of [
  ['dropout', 'CW-CAL-023'],
  ['stuck', 'CW-CAL-026'],
  ['saturated', 'CW-CAL-020'],
] as const) {
  test(`a cell with the fault ${fault} is refused by its code`, (t) => {
    const { technician, procedure } = bench(cart, 'basket');
    technician.world.schedule([
      {
        atUs: technician.nowUs,
        kind: 'fail',
        cell: 'cell-fr',
        fault,
        untilUs: technician.nowUs + 60_000_000,
      },
    ]);
    technician.wait(1);
    const error = t.throws(() => technician.step(procedure, { kind: 'zero', plate: 'basket' }), { code });
    t.regex(error?.message ?? '', /cell-fr/);
  });
}

test('cells that warm up drift no further than temperature points take out', (t) => {
  // Calibrated at the reference temperature; read again 12 K warmer.
  const own = bench(cart, 'basket', { hardwareSeed: 2, kelvinPerHour: 60 });
  const { technician, procedure } = own;
  const temperature = () => Math.round(20_000 + (60_000 * technician.nowUs) / 3.6e9);
  technician.milliCelsius = temperature();
  take(own, { kind: 'zero' }, []);
  for (const ids of [['a10'], ['a10', 'b10']]) take(own, { kind: 'load' }, ids);
  for (const { id } of own.plate.cells ?? []) take(own, { kind: 'load' }, ['a10'], id);
  technician.milliCelsius = temperature();
  take(own, { kind: 'zero' }, []);
  for (const minutes of [8, 4]) {
    technician.wait(60 * minutes);
    procedure.renew(technician.nowUs);
    technician.milliCelsius = temperature();
    take(own, { kind: 'temperature' }, []);
  }
  const entry = technician.step(procedure, { kind: 'fit', plate: 'basket' }).fitted?.entry;
  if (entry === undefined) return t.fail('it was fitted');
  technician.wait(180);
  technician.milliCelsius = temperature();
  const capture = technician.capture(procedure, 'basket');
  const { milliCelsius: _unknown, ...cold } = capture;
  const [taken, left] = [indicate(capture, entry), indicate(cold, entry)];
  t.log(
    `zero at +${((technician.milliCelsius - 20_000) / 1000).toFixed(1)} K: ${(left / 1000).toFixed(1)} g, with drift taken out ${(taken / 1000).toFixed(1)} g`,
  );
  t.true(Math.abs(taken) < 0.25 * Math.abs(left), `${taken} of ${left}`);
});
