import type { CalibrationReport, ReportedPlate } from '#calibration/report/model.ts';
import { judgeTests } from '#calibration/tests/judge.ts';
import { planTests } from '#calibration/tests/plan.ts';
import { maximumPermissibleErrorMg } from '#calibration/tests/tolerances.ts';
import type { TestName } from '#calibration/tests/types.ts';
import type { Weight } from '#calibration/types.ts';
import { perform, type ScaleTraits } from './synthetic-scale.ts';

const kg = 1_000_000;

export const sampleWeights: Weight[] = [
  { id: 'A-10-1', massMg: 10 * kg, class: 'M1', certificate: 'K-2026-0417' },
  { id: 'A-10-2', massMg: 10 * kg, class: 'M1', certificate: 'K-2026-0417' },
  { id: 'A-5', massMg: 5 * kg, class: 'M1', certificate: 'K-2026-0417' },
  { id: 'A-2-1', massMg: 2 * kg, class: 'M1', certificate: 'K-2026-0417' },
  { id: 'A-2-2', massMg: 2 * kg, class: 'M1', certificate: 'K-2026-0417' },
  { id: 'A-1', massMg: 1 * kg, class: 'M1', certificate: 'K-2026-0417' },
  { id: 'A-05', massMg: 500_000, class: 'M1', certificate: 'K-2026-0418' },
  { id: 'A-01', massMg: 100_000, class: 'M1', certificate: 'K-2026-0418' },
  { id: 'A-s5', massMg: 5_000, class: 'M1', certificate: 'K-2026-0418' },
  { id: 'A-s2', massMg: 2_000, class: 'M1', certificate: 'K-2026-0418' },
];

const cells = [
  { id: 'cell-fl', positionMm: [-220, 330], capacityMg: 10 * kg },
  { id: 'cell-fr', positionMm: [220, 330], capacityMg: 10 * kg },
  { id: 'cell-rl', positionMm: [-220, -330], capacityMg: 10 * kg },
  { id: 'cell-rr', positionMm: [220, -330], capacityMg: 10 * kg },
] as const;

const goodScale: ScaleTraits = {
  maxMg: 30 * kg,
  bowMg: -1_400,
  hysteresisMg: 2_100,
  creepPart: 6e-5,
  creepSeconds: 420,
  cornersMg: { 'cell-fl': 3_800, 'cell-fr': -5_400, 'cell-rl': 1_900, 'cell-rr': -700 },
  noiseMg: 60,
};

/** What a fit leaves, mg. */
const residual = (index: number, part: number) => part * ([700, -900, 300, -100][index % 4] ?? 0);

export function samplePlate(traits: ScaleTraits = goodScale, tests?: readonly TestName[]): ReportedPlate {
  const plate = { maxMg: 30 * kg, intervalMg: 5_000, divisionMg: 5_000, cells: cells.map(({ id }) => id) };
  const rules = { plate, regime: 'r76-initial' } as const;
  const { steps } = planTests({
    ...rules,
    weights: sampleWeights,
    ...(tests === undefined ? {} : { tests }),
  });
  const mpe = (massMg: number) => maximumPermissibleErrorMg(massMg, plate, rules.regime);
  const loads = [5, 10, 20, 30].map((load) => load * kg);
  return {
    id: 'basket',
    kind: 'cart',
    maxMg: plate.maxMg,
    intervalMg: plate.intervalMg,
    divisionMg: plate.divisionMg,
    deadLoadMg: 4_200_000,
    cells,
    fit: {
      hash: '7c9e4a5f0d3b2e618890aa41c7d2f5b36e1f4c0a9b8d7e6f5a4b3c2d1e0f9a8b',
      model: 'linear, with corner trim',
      rank: 4,
      condition: 3.2,
      residuals: [
        ...loads.map((massMg, index) => ({
          massMg,
          at: 'centre',
          direction: 'up' as const,
          indicatedMg: massMg + residual(index, 1),
          errorMg: residual(index, 1),
          mpeMg: mpe(massMg),
        })),
        ...cells.map(({ id }, index) => ({
          massMg: 10 * kg,
          at: id,
          direction: 'up' as const,
          indicatedMg: 10 * kg + residual(index, 2),
          errorMg: residual(index, 2),
          mpeMg: mpe(10 * kg),
        })),
      ],
      gainPpm: { 'cell-fl': 1_240, 'cell-fr': -860, 'cell-rl': 310, 'cell-rr': -95 },
      warnings: [],
    },
    checks: [
      {
        massMg: 15 * kg,
        at: 'centre',
        direction: 'up',
        indicatedMg: 15_000_900,
        errorMg: 900,
        mpeMg: mpe(15 * kg),
      },
    ],
    tests: judgeTests(perform(steps, traits), rules),
  };
}

/** A report of a cart as it would be after a calibration and all tests. */
export function sampleReport(more: Partial<CalibrationReport> = {}): CalibrationReport {
  return {
    report: 1,
    purpose: 'calibrate',
    store: 'demo-store',
    device: 'cart-0042',
    board: 'cart-pi5',
    session: 'cal-2026-11-23-1',
    atMs: Date.UTC(2026, 10, 23, 9, 41),
    timeQuality: 'synced',
    by: { who: 1207, role: 'technician', key: '3f1c5a70d2b94e68a1b2c3d4e5f60718' },
    software: 'cartwright/0.1.0',
    hardware: { bridge: '5583730333535110E0C1', gain: 128, samplesPerSecond: 80 },
    calibration: {
      revision: 8,
      previous: 7,
      hash: 'b1946ac92492d2347c6235b4d2611184a0c2f1f3b4d59a6e7788c9d0e1f2a3b4',
      counters: { calibration: 12, configuration: 3 },
    },
    regime: 'r76-initial',
    weights: sampleWeights,
    environment: { milliCelsius: 21_400, humidityPpm: 480_000, note: 'Back office, level floor.' },
    gravityUmS2: 9_812_340,
    plates: [samplePlate()],
    ...more,
  };
}
