import test from 'ava';
import type { Calibration } from '#config/board.ts';
import { Weigher } from '#weighing/weigher.ts';
import {
  calibrationOf,
  defaults,
  type Load,
  mgPerCount,
  plateOf,
  Rig,
  type RigOptions,
  step,
  sumOf,
} from './bench-plate.ts';

const grossOf = (rig: Rig) => rig.weigher.status('basket').grossMg ?? Number.NaN;
const near = (value: number, expected: number, within = 1_500) => Math.abs(value - expected) < within;

/** The rig's cells with another slope: what they weigh becomes larger by `part`. */
function steeper(part: number, revision = 8): Calibration {
  const more = Array(4).fill({ milligramsPerCount: mgPerCount * (1 + part) });
  return { ...calibrationOf(plateOf(4), more), revision };
}

test('a new calibration weighs at once, and its jump is no movement; the tare, a mass, stays', (t) => {
  const rig = new Rig().run(3, () => 4_000_000);
  rig.weigher.tare('basket', rig.nowUs);
  rig.weigher.recalibrate(steeper(0.01), rig.nowUs);
  rig.run(3, () => 4_000_000);
  t.deepEqual(rig.movements, []);
  t.true(near(grossOf(rig), 4_040_000, 1_700));
  t.true(near(rig.weigher.status('basket').tareMg, 4_000_000));
  t.is(rig.weigher.saveState().revision, 8);
  rig.run(
    3,
    sumOf(() => 4_000_000, step(7_000_000, 100_000)),
  );
  t.true(near(rig.movements[0]?.massMg ?? 0, 101_000, 1_200));
});

test('a movement that was open when the calibration changed ends without being one', (t) => {
  const load = sumOf(() => 2_000_000, step(3_000_000, 300_000));
  const rig = new Rig().run(3.15, load);
  t.deepEqual(
    rig.activities.map(({ open }) => open),
    [true],
  );
  rig.weigher.recalibrate(steeper(0.02), rig.nowUs);
  rig.run(4, load);
  t.deepEqual(
    rig.activities.map(({ open }) => open),
    [true, false],
  );
  t.deepEqual(rig.movements, []);
});

test('a plate that had no calibration weighs with its first one, and the fault is over', (t) => {
  const plate = plateOf(4);
  const rig = new Rig({ plate, calibration: undefined }).run(3, () => 1_000_000);
  t.true(Number.isNaN(grossOf(rig)));
  const zeros = Array(4).fill({ zeroCounts: 80_000 });
  rig.weigher.recalibrate(calibrationOf(plate, zeros), rig.nowUs);
  rig.run(3, () => 1_000_000);
  t.true(near(grossOf(rig), 1_000_000));
  t.deepEqual(
    rig.faults.map(({ code, cleared }) => [code, cleared]),
    [
      ['CW-WGH-001', false],
      ['CW-WGH-001', true],
    ],
  );
});

test('plates that a calibration does not change go on as if nothing had been', (t) => {
  const basket = plateOf(4);
  const shelf = plateOf(4, {
    id: 'shelf',
    kind: 'shelf',
    cells: (basket.cells ?? []).map((cell) => ({ ...cell, id: `shelf-${cell.id}` })),
  });
  const both = (one: Calibration): Calibration => ({
    ...one,
    plates: { ...one.plates, ...calibrationOf(shelf).plates },
  });
  const outputs: string[] = [];
  const weigher = new Weigher({
    plates: [basket, shelf],
    calibration: both(calibrationOf(basket)),
    config: defaults,
    sink: (output) => {
      if (output.kind === 'movement') outputs.push(`${output.plate} ${Math.round(output.massMg / 1_000)}`);
    },
  });
  for (let i = 0; i < 80 * 8; i++) {
    const atUs = 12_500 * i;
    // Goods are taken from the shelf at 4 s; in the middle of that the basket is recalibrated.
    if (i === 80 * 4 + 4) weigher.recalibrate(both(steeper(0.05)), atUs);
    const wobble = (i * 7) % 5;
    for (const [k, cell] of (basket.cells ?? []).entries()) {
      weigher.cell(cell.id, atUs, 80_000 + 1_000 * k + 200_000 + wobble, i);
      const goods = atUs < 4_000_000 ? 300_000 : 200_000;
      weigher.cell(`shelf-${cell.id}`, atUs, 80_000 + 1_000 * k + goods + wobble, i);
    }
  }
  t.deepEqual(outputs, [`shelf ${-Math.round((4 * 100_000 * mgPerCount) / 1_000)}`]);
});

test('gravity where a scale is used takes the place of that where it was calibrated', (t) => {
  const plate = plateOf(4);
  const calibration = { ...calibrationOf(plate), gravityUmS2: 9_790_300 };
  const rig = (gravityUmS2?: number) => new Rig({ plate, calibration, gravityUmS2 }).run(3, () => 10_000_000);
  t.true(near(grossOf(rig()), 10_000_000));
  // Miami to Denver, 655 ppm: the same mass presses less.
  t.true(near(grossOf(rig(9_783_890)), 10_006_550, 800));
});

/** A rig whose cells drift by `mgPerKelvin` each from 20 °C on, with a sensor that is read once a second. */
class WarmRig {
  readonly rig: Rig;
  readonly #mgPerKelvin: number;
  #readAtUs = Number.NEGATIVE_INFINITY;

  constructor(options: Pick<RigOptions, 'state'> = {}, mgPerKelvin = 400) {
    const plate = plateOf(4, { temperature: 'warm' });
    const drift = { milligramsPerKelvin: mgPerKelvin, referenceMilliCelsius: 20_000 };
    const calibration = calibrationOf(plate, Array(4).fill(drift));
    this.#mgPerKelvin = mgPerKelvin;
    this.rig = new Rig({ plate, calibration, samplesPerSecond: 20, ...options });
  }

  /** `celsius` is what cells have and the sensor says; nothing is said where `silent`. */
  run(seconds: number, load: Load, celsius: (atUs: number) => number, silent = false): this {
    const { rig } = this;
    rig.run(
      seconds,
      sumOf(load, (atUs) => 4 * this.#mgPerKelvin * (celsius(atUs) - 20)),
      {
        each: (atUs) => {
          if (silent || atUs - this.#readAtUs < 1_000_000) return;
          this.#readAtUs = atUs;
          const milliCelsius = Math.round(1_000 * celsius(atUs));
          rig.weigher.temperature({ kind: 'temperature', source: 'warm', atUs, milliCelsius });
        },
      },
    );
    return this;
  }
}

test('drift with the temperature of the plate is taken out', (t) => {
  const warming = (atUs: number) => 20 + Math.min(10, Math.max(0, atUs / 1e6 - 60) / 120);
  const { rig } = new WarmRig().run(2_400, () => 5_000_000, warming);
  rig.weigher.setSession(true);
  t.deepEqual(rig.movements, []);
  // 10 K · 4 · 400 mg/K = 16 g without.
  t.true(near(grossOf(rig), 5_000_000, 500), String(grossOf(rig)));
});

test('a sensor that is far from the calibration says so before anything is weighed: no movement comes of it', (t) => {
  const before = new WarmRig().run(
    20,
    () => 5_000_000,
    () => 35,
  );
  t.true(near(grossOf(before.rig), 5_000_000, 300));
  t.deepEqual(before.rig.movements, []);
  const state = JSON.parse(JSON.stringify(before.rig.weigher.saveState()));
  t.deepEqual(state.temperatures, { warm: 35_000 });
  // The night was cold; the first reading comes after half a second.
  const after = new WarmRig({ state });
  after
    .run(
      0.5,
      () => 5_000_000,
      () => 10,
      true,
    )
    .run(
      20,
      () => 5_000_000,
      () => 10,
    );
  t.deepEqual(after.rig.movements, []);
  t.true(near(grossOf(after.rig), 5_000_000, 300), String(grossOf(after.rig)));
});

test('a sensor that jumps moves the mass slowly, and never as an item', (t) => {
  const { rig } = new WarmRig().run(
    30,
    () => 5_000_000,
    () => 20,
  );
  // Somebody breathes on the sensor: the cells do not feel it.
  rig.run(240, () => 5_000_000, {
    each: (atUs) => {
      if (atUs % 1_000_000 !== 0) return;
      rig.weigher.temperature({ kind: 'temperature', source: 'warm', atUs, milliCelsius: 45_000 });
    },
  });
  t.deepEqual(rig.movements, []);
  // Half of the 20 mg/s that the baseline follows: the 40 g of 25 K would take more than an hour.
  t.true(near(grossOf(rig), 5_000_000 - 2_400, 500), String(grossOf(rig)));
});

test('a sensor that falls silent is a loud fault; its last word holds, and after half an hour that is said', (t) => {
  const warm = new WarmRig().run(
    30,
    () => 5_000_000,
    () => 30,
  );
  const { rig } = warm;
  warm.run(
    200,
    () => 5_000_000,
    () => 30,
    true,
  );
  t.deepEqual(
    rig.faults.map(({ source, fault, code }) => [source, fault, code]),
    [['warm', 'missing', 'CW-WGH-012']],
  );
  t.regex(rig.faults[0]?.message ?? '', /30\.0 °C, is taken for that of basket for 30 minutes/);
  warm.run(
    1_650,
    () => 5_000_000,
    () => 30,
    true,
  );
  t.deepEqual(
    rig.faults.map(({ code }) => code),
    ['CW-WGH-012', 'CW-WGH-013'],
  );
  t.regex(rig.faults[1]?.message ?? '', /basket stays at 30\.0 °C/);
  t.true(near(grossOf(rig), 5_000_000, 500));
  warm.run(
    5,
    () => 5_000_000,
    () => 30,
  );
  t.deepEqual(
    rig.faults.slice(2).map(({ code, cleared }) => [code, cleared]),
    [
      ['CW-WGH-012', true],
      ['CW-WGH-013', true],
    ],
  );
  t.deepEqual(rig.movements, []);
});

test('a sensor that never says anything is told, and the plate weighs without it', (t) => {
  const silent = new WarmRig().run(
    200,
    () => 5_000_000,
    () => 20,
    true,
  );
  t.true(near(grossOf(silent.rig), 5_000_000));
  t.regex(silent.rig.faults[0]?.message ?? '', /drift of basket with temperature is not taken out/);
});

test('a sensor is nobody’s business where the calibration knows no drift', (t) => {
  const plate = plateOf(4, { temperature: 'warm' });
  const rig = new Rig({ plate, samplesPerSecond: 20 }).run(400, () => 1_000_000);
  t.deepEqual(rig.faults, []);
  rig.weigher.temperature({ kind: 'temperature', source: 'warm', atUs: rig.nowUs, milliCelsius: 60_000 });
  rig.run(5, () => 1_000_000);
  t.true(near(grossOf(rig), 1_000_000));
});
