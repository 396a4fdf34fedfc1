import { createRandom } from '#base/random.ts';
import type { Board, Calibration, CellEntry } from '#config/board.ts';
import { loadShares } from '#config/statics.ts';
import { type CellTraits, drawCellTraits, idealCounts } from './physics/cell.ts';
import { findBridges } from './wiring.ts';

/** The pieces of hardware that the shipped calibrations were made on. */
export const defaultHardwareSeed = 1;

/** The traits of a cell of the hardware that `hardwareSeed` stands for: the same in every trip. */
export function cellTraits(cell: CellEntry, hardwareSeed: number): CellTraits {
  return drawCellTraits(cell, createRandom(hardwareSeed).fork(`cell ${cell.id}`));
}

/** Part of the plate's dead load on each of its cells, mg: the plate's own mass sits at its centre. */
export function deadLoads(cells: readonly CellEntry[], deadLoadMg: number): number[] {
  return loadShares(cells, [0, 0]).map((share) => share * deadLoadMg);
}

/**
 * What a technician's calibration of these virtual cells would give: true zero and slope between the empty plate and
 * half of capacity, with the small errors that remain (0.02 % of the slope, some counts of zero).
 */
export function simulatedCalibration(board: Board, hardwareSeed: number = defaultHardwareSeed): Calibration {
  const plates: Calibration['plates'] = {};
  for (const plate of board.plates) {
    const { cells } = plate;
    if (cells === undefined) continue;
    const dead = deadLoads(cells, plate.deadLoadMg);
    const entries = cells.map((cell, index) => {
      const errors = createRandom(hardwareSeed).fork(`calibration ${cell.id}`);
      const traits = cellTraits(cell, hardwareSeed);
      const restMg = dead[index] ?? 0;
      const emptyMg = restMg * (1 + traits.creepFraction);
      const testMg = cell.capacityMg / 2;
      const zero = idealCounts(traits, emptyMg);
      const slope = (idealCounts(traits, emptyMg + testMg) - zero) / testMg;
      const milligramsPerCount = (1 + 2e-4 * errors.gaussian()) / slope;
      return [
        cell.id,
        {
          zeroCounts: Math.round(zero + 6 * errors.gaussian()),
          milligramsPerCount: Number(milligramsPerCount.toPrecision(8)),
        },
      ] as const;
    });
    plates[plate.id] = { cells: Object.fromEntries(entries) };
  }
  const rate = findBridges(board)[0]?.samplesPerSecond;
  return {
    calibration: 1,
    revision: 1,
    ...(rate === undefined ? {} : { hardware: { gain: 128, samplesPerSecond: rate } }),
    plates,
  };
}
