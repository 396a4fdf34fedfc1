import { formatMass } from '#base/units.ts';
import type { CellEntry, PlateEntry } from './board.ts';
import type { Report } from './report.ts';
import { cellLoads, tipsAtCentre } from './statics.ts';

/** OIML R 76-1, class III: number of verification intervals n = Max / e, and the e from which the higher floor holds. */
const mostIntervals = 10_000;
const fewestIntervals = 100;
const fewestCoarseIntervals = 500;
const coarseIntervalMg = 5_000;

/** How a plate is carried, whether its interval fits its range, and what its cells have to bear. */
export function checkWeighing(plate: PlateEntry, index: number, report: Report): void {
  const path = ['plates', index];
  const carriers = [
    plate.cells === undefined ? '' : 'cells',
    plate.scale === undefined ? '' : 'scale',
  ].filter((name) => name !== '');
  if (plate.kind === 'unweighed') {
    if (carriers.length > 0) {
      report.error(
        'CW-CFG-014',
        [...path, carriers[0] ?? ''],
        carriers,
        'neither cells nor scale (kind: unweighed)',
      );
    }
    return;
  }
  if (carriers.length !== 1) {
    report.error('CW-CFG-014', path, carriers, 'exactly one of cells and scale, or kind: unweighed');
  }
  checkInterval(plate, index, report);
  const { cells, maxMg } = plate;
  if (cells === undefined) return;
  checkPositions(cells, index, report);
  if (maxMg === undefined) {
    report.error('CW-CFG-005', [...path, 'maxMg'], undefined, 'Max in mg, as the plate has cells');
  } else {
    checkLoads(cells, maxMg, plate.deadLoadMg, index, report);
  }
  if (plate.intervalMg === undefined) {
    report.error('CW-CFG-005', [...path, 'intervalMg'], undefined, 'e in mg, as the plate has cells');
  }
}

function checkInterval(plate: PlateEntry, index: number, report: Report): void {
  const { maxMg, intervalMg, divisionMg } = plate;
  if (intervalMg === undefined) return;
  const path = ['plates', index, 'intervalMg'];
  if (!/^[125]0*$/.test(String(intervalMg))) {
    report.warning('CW-CFG-016', path, intervalMg, '1, 2 or 5 times a power of ten (OIML R 76-1)');
  }
  if (divisionMg !== undefined && divisionMg > intervalMg) {
    const expected = `d not coarser than e (${intervalMg})`;
    report.error('CW-CFG-016', ['plates', index, 'divisionMg'], divisionMg, expected);
  }
  if (maxMg === undefined) return;
  const fewest = intervalMg >= coarseIntervalMg ? fewestCoarseIntervals : fewestIntervals;
  const intervals = maxMg / intervalMg;
  if (intervals < fewest || intervals > mostIntervals) {
    const lowest = Math.ceil(maxMg / mostIntervals);
    const highest = Math.floor(maxMg / fewest);
    const range = `${lowest} to ${highest} mg for Max ${formatMass(maxMg)}`;
    const rule = `class III has ${fewest} to ${mostIntervals} intervals, here ${Math.round(intervals)}`;
    report.error('CW-CFG-016', path, intervalMg, `${range}: ${rule}`);
  }
}

function checkPositions(cells: readonly CellEntry[], index: number, report: Report): void {
  const places = new Map<string, string>();
  cells.forEach((cell, k) => {
    const place = cell.positionMm.join(' ');
    const other = places.get(place);
    if (other !== undefined) {
      const expected = `a place where ${other} does not stand`;
      report.error('CW-CFG-023', ['plates', index, 'cells', k, 'positionMm'], cell.positionMm, expected);
    }
    places.set(place, cell.id);
  });
  if (tipsAtCentre(cells)) {
    const found = cells.map((cell) => cell.positionMm);
    report.error('CW-CFG-023', ['plates', index, 'cells'], found, "cells around the plate's centre [0, 0]");
  }
}

/**
 * Beyond the rated capacity with Max spread evenly, the plate can never weigh Max: an error. With Max over one corner
 * a cell may go beyond it (makers allow 1.5 times for a short while): a warning, because goods do get put down there.
 */
function checkLoads(
  cells: readonly CellEntry[],
  maxMg: number,
  deadLoadMg: number,
  index: number,
  report: Report,
): void {
  const loads = cellLoads(cells, maxMg, deadLoadMg);
  loads.forEach((load, k) => {
    if (load.evenMg <= load.capacityMg) return;
    const expected = `capacityMg of at least ${load.evenMg} (${formatMass(load.evenMg)}): Max ${formatMass(maxMg)} spread evenly, and the dead load`;
    report.error('CW-CFG-017', ['plates', index, 'cells', k, 'capacityMg'], load.capacityMg, expected);
  });
  const over = loads.filter((load) => load.evenMg <= load.capacityMg && load.worstMg > load.capacityMg);
  const [worst] = over.toSorted((a, b) => a.capacityMg - a.worstMg - (b.capacityMg - b.worstMg));
  if (worst === undefined) return;
  const names = over.map((load) => load.cell).join(', ');
  const [wanted, here, max] = [worst.worstMg, worst.capacityMg, maxMg].map(formatMass);
  const rule = `at least ${worst.worstMg} (${wanted}; here ${here}) for Max ${max} over one cell alone: ${names}`;
  const k = loads.indexOf(worst);
  report.warning('CW-CFG-017', ['plates', index, 'cells', k, 'capacityMg'], worst.capacityMg, rule);
}
