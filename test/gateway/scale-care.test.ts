import test from 'ava';
import type { Board } from '#config/board.ts';
import type { CartEvent } from '#events/event.ts';
import { careKey, ScaleCare } from '#gateway/scale-care.ts';
import { calibrationOf, plateOf, Rig, step, sumOf } from '../weighing/bench-plate.ts';

const plate = plateOf(4, { temperature: 'probe', deadLoadMg: 2_000_000 });
const board: Board = { profile: 1, name: 'bench', devices: [], plates: [plate] };
const startMs = Date.UTC(2026, 10, 23);

function bench(more: { stored?: Record<string, string>; trusted?: boolean; empty?: () => boolean } = {}) {
  const calibration = calibrationOf(plate);
  const rig = new Rig({ plate, calibration });
  const errors: string[] = [];
  const care = new ScaleCare({
    board,
    stored: more.stored ?? {},
    log: { error: (_facts, message) => errors.push(message) },
    utcMs: () => (more.trusted === false ? undefined : startMs + rig.nowUs / 1_000),
    calibration: () => calibration,
    cells: () => rig.weigher.cellStatus(),
    weighing: () => rig.weigher.saveState(),
    basketEmpty: more.empty ?? (() => true),
    catalogueMg: ({ gtin }) => (gtin === 'unknown' ? undefined : 412_000),
  });
  let heard = 0;
  /** Passes on what the weigher has said since. */
  const pass = () => {
    for (; heard < rig.outputs.length; heard++) {
      const output = rig.outputs[heard];
      if (output !== undefined) care.weighed(output);
    }
  };
  return { rig, care, errors, pass };
}

test('a scale that is used as it should be is not due, and health says so', (t) => {
  const { rig, care, pass } = bench();
  rig.run(3, sumOf(step(1e6, 400_000), step(2e6, -400_000)));
  pass();
  t.deepEqual(care.health(), { revision: 7, ageS: 3, due: false, reasons: [] });
});

test('an overloaded cell is counted once, with the worst that was seen', (t) => {
  const { rig, care, pass } = bench();
  // 9.9 kg and a share of the dead load of 0.5 kg on a cell of 10 kg; then 12 kg.
  const loads = sumOf(
    step(1e6, 39_600_000, 12, 0.02),
    step(4e6, 8_400_000, 12, 0.02),
    step(7e6, -48_000_000, 12, 0.02),
  );
  for (let second = 0; second < 10; second++) {
    rig.run(1, loads);
    pass();
    care.sample();
  }
  const { overloads, lifetimeOverloads } = care.history();
  t.deepEqual(Object.keys(overloads).sort(), ['cell-0', 'cell-1', 'cell-2', 'cell-3']);
  t.is(overloads['cell-0']?.count, 1);
  t.true(
    Math.abs((overloads['cell-0']?.worstMg ?? 0) - 12_500_000) < 30_000,
    `${overloads['cell-0']?.worstMg}`,
  );
  t.deepEqual(lifetimeOverloads, overloads);
  const { due, reasons } = care.health();
  t.true(due);
  t.is(reasons[0]?.code, 'overload');
});

test('each time that the plate is emptied its zero is noted, whatever was set to zero since', (t) => {
  const { rig, care, pass } = bench();
  const offMg = 8_000;
  for (let visit = 0; visit < 4; visit++) {
    const at = rig.nowUs + 1e6;
    rig.run(
      4,
      sumOf(() => offMg, step(at, 400_000), step(at + 1.5e6, -400_000)),
    );
    pass();
  }
  const [basket] = care.history().plates;
  t.is(basket?.zero?.returns, 4);
  t.true(Math.abs((basket?.zero?.mg ?? 0) - offMg) < 600, `${basket?.zero?.mg}`);
});

test('what is left in a basket is no return to zero', (t) => {
  const { rig, care, pass } = bench({ empty: () => false });
  for (let visit = 0; visit < 4; visit++) {
    const at = rig.nowUs + 1e6;
    rig.run(
      4,
      sumOf(() => 300_000, step(at, 400_000), step(at + 1.5e6, -400_000)),
    );
    pass();
  }
  t.is(care.history().plates[0]?.zero, undefined);
});

const added = (more: object): CartEvent =>
  ({
    type: 'item.added',
    data: {
      gtin: '04006381333931',
      count: 1,
      massMg: 414_060,
      probabilityPpm: 999_000,
      plate: 'basket',
      entry: 'scan',
      evidence: { movements: [{}], scans: [{}] },
      ...more,
    },
  }) as unknown as CartEvent;

test('scanned things of known mass teach the slope, others do not', (t) => {
  const { care } = bench();
  care.decided([added({}), added({ gtin: '00000080019442', massMg: 414_060 })]);
  care.decided([
    added({ gtin: 'a', entry: 'look' }),
    added({ gtin: 'b', count: 2 }),
    added({ gtin: 'c', probabilityPpm: 980_000 }),
    added({ gtin: 'unknown' }),
    added({ gtin: 'd', evidence: { movements: [{}, {}] } }),
    { type: 'basket.opened', data: {} } as unknown as CartEvent,
  ]);
  const span = care.history().plates[0]?.span;
  t.is(span?.products, 2);
  t.is(Math.round(span?.ppm ?? 0), 5_000);
});

test('another bridge than the calibrated one is a reason until it is back', (t) => {
  const { care } = bench();
  const fault = {
    fault: 'configuration',
    code: 'CW-GWY-004',
    channel: 'cell-0',
    message: 'another bridge',
  } as const;
  care.deviceFault('bridge', { ...fault, code: 'CW-DRV-001' });
  t.false(care.health().due);
  care.deviceFault('bridge', fault);
  t.deepEqual(
    care.health().reasons.map(({ code }) => code),
    ['hardware'],
  );
  care.deviceFault('bridge', { ...fault, cleared: true });
  t.false(care.health().due);
});

test('the sensor at the plate is heard', (t) => {
  const { care } = bench();
  care.read({ kind: 'temperature', source: 'probe', atUs: 1, milliCelsius: -12_000 });
  care.read({ kind: 'cell', source: 'cell-0', atUs: 1, counts: 1, sequence: 1 });
  t.deepEqual(JSON.parse(care.changes()[careKey] ?? '{}').plates.basket.milliCelsius, [-12_000, -12_000]);
});

test('its state is given once for each change, and restored from the outbox', (t) => {
  const { rig, care, pass } = bench();
  rig.run(1, () => 0);
  t.true(careKey in care.changes());
  t.deepEqual(care.changes(), {});
  rig.run(4, sumOf(step(2e6, 400_000), step(3.5e6, -400_000)));
  pass();
  const stored = care.changes();
  const later = bench({ stored: stored as Record<string, string> });
  t.deepEqual(later.errors, []);
  t.deepEqual(later.care.changes(), {});
});

test('state that is damaged is told, and it begins anew', (t) => {
  const { care, errors } = bench({ stored: { [careKey]: '{"care":' } });
  t.is(errors.length, 1);
  t.false(care.health().due);
});

test('without a clock that is set there is no age', (t) => {
  t.is(bench({ trusted: false }).care.health().ageS, undefined);
});
