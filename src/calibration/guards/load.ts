import { formatMass } from '#base/units.ts';
import type { CellEntry, PlateEntry } from '#config/board.ts';
import { loadShares } from '#config/statics.ts';
import { CalibrationError } from '../errors.ts';
import {
  cellFrame,
  cellsOf,
  isCentral,
  type KnownLoad,
  loadFigures,
  netCounts,
  nominalSlopes,
  type ReferenceSlopes,
} from '../forces.ts';
import type { LoadFigures, Notice } from '../session.ts';
import { type GuardSettings, rangeCounts } from '../settings.ts';
import type { Placement } from '../types.ts';
import { divisionOf } from './capture.ts';
import { unitHint } from './units.ts';

/** A load that is looked at, and what is known before it. */
interface LoadTrial {
  readonly plate: PlateEntry;
  readonly load: KnownLoad;
  readonly earlier: readonly KnownLoad[];
  readonly reference: ReferenceSlopes;
  readonly settings: GuardSettings;
  readonly force: string | undefined;
}

/**
 * Where a load can lie, and whether plate and cells bear it: before anybody waits for readings.
 * @throws CalibrationError CW-CAL-029, -034, -035
 */
export function checkPlacement(plate: PlateEntry, massMg: number, at: Placement): void {
  const cells = cellsOf(plate);
  const cell = cells.find(({ id }) => id === at);
  if (at !== 'centre' && cell === undefined && cells.length > 0) {
    throw new CalibrationError(
      'CW-CAL-029',
      `plate ${plate.id} has no place ${JSON.stringify(at)}; there are: centre, ${cells.map(({ id }) => id).join(', ')}`,
    );
  }
  const maxMg = plate.maxMg ?? Number.POSITIVE_INFINITY;
  if (massMg > maxMg) {
    throw new CalibrationError(
      'CW-CAL-034',
      `${formatMass(massMg)} is above Max of plate ${plate.id} (${formatMass(maxMg)})${unitHint(massMg / maxMg, 'above')}`,
      { details: { massMg, maxMg } },
    );
  }
  const shares = loadShares(cells, cell?.positionMm ?? [0, 0]);
  const dead = loadShares(cells, [0, 0]);
  cells.forEach(({ id, capacityMg }, index) => {
    const bears = (shares[index] ?? 0) * massMg + (dead[index] ?? 0) * plate.deadLoadMg;
    if (bears <= capacityMg) return;
    throw new CalibrationError(
      'CW-CAL-035',
      `${formatMass(massMg)} at ${at} loads cell ${id} with ${formatMass(bears)}, above its capacity of ${formatMass(capacityMg)}: take less`,
      { details: { cell: id, bearsMg: Math.round(bears), capacityMg } },
    );
  });
}

/**
 * Holds a load's readings against its mass, its place, and the loads before.
 * @returns figures, and what has to be told where it is taken with a reason
 * @throws CalibrationError CW-CAL-044, -030, -032, -031, -035, -037, -038, -039
 */
export function checkLoad(trial: LoadTrial): { readonly figures: LoadFigures; readonly notices: Notice[] } {
  const { plate, load, reference } = trial;
  const cells = cellsOf(plate);
  const net = netCounts(cells, load.capture, load.zero);
  const central = isCentral(cells, load.at);
  // Where a load lies in the middle every cell carries more than before: its own sign tells how the cell is wired.
  const signs = central ? net.map((counts) => (counts < 0 ? -1 : 1)) : reference.signs;
  if (signs === undefined) {
    throw new CalibrationError(
      'CW-CAL-044',
      'nothing says yet which way round the cells are wired: put the first load in the middle',
    );
  }
  const slopes = reference.magnitudes.map((magnitude, index) => magnitude * (signs[index] ?? 1));
  const figures = loadFigures(cells, net, slopes, load.massMg);
  checkChange(trial, figures);
  const notices = checkMass(trial, figures, net, signs);
  checkSpan(trial, net);
  checkCapacities(trial, figures);
  checkPlace(trial, figures);
  checkEarlier(trial, figures, slopes);
  return { figures, notices };
}

/** Trap of every tool: the load was never put on, or tare was taken under it. */
function checkChange({ plate, load }: LoadTrial, figures: LoadFigures): void {
  const leastMg = Math.max(2 * divisionOf(plate), 5 * noiseMg(load, figures));
  if (Math.abs(figures.apparentMg) > leastMg) return;
  throw new CalibrationError(
    'CW-CAL-030',
    `the readings changed by ${(figures.apparentMg / 1000).toFixed(1)} g only since zero: put the load on; if it lay there when zero was taken, take it off and take zero again`,
    { details: { apparentMg: figures.apparentMg } },
  );
}

/** Standard deviation of the sum of all means, mg. */
function noiseMg({ capture, zero }: KnownLoad, figures: LoadFigures): number {
  let variance = 0;
  for (const [id, mg] of Object.entries(figures.cells)) {
    const [cell, empty] = [capture.cells[id], zero.cells[id]];
    if (cell === undefined || empty === undefined) continue;
    const slope = mg / (cell.meanCounts - empty.meanCounts || 1);
    variance += (slope * cell.sigmaCounts) ** 2 / cell.samples;
  }
  return Math.sqrt(variance);
}

/** Against loads before, the calibration before, and nominal slopes, whichever says it best. */
function checkMass(
  trial: LoadTrial,
  figures: LoadFigures,
  net: readonly number[],
  signs: readonly number[],
): Notice[] {
  const { plate, load, reference, settings, force } = trial;
  const cells = cellsOf(plate);
  const nominal = nominalSlopes(cells, settings);
  const byNominal = net.reduce((sum, n, i) => sum + n * (signs[i] ?? 1) * (nominal[i] ?? 0), 0) / load.massMg;
  const earlier = spanOf(trial);
  const bySpan = figures.apparentMg / load.massMg / (earlier ?? 1);
  const hint = earlier !== undefined || reference.former ? unitHint(bySpan) : unitHint(byNominal);
  const outside = byNominal < 1 / settings.nominalFactor || byNominal > settings.nominalFactor;
  const seems = formatMass(Math.round(figures.apparentMg / (earlier ?? 1)));
  if (hint !== '' || outside) {
    throw new CalibrationError(
      'CW-CAL-032',
      `${formatMass(load.massMg)} was stated, but the cells feel some ${seems}${hint === '' ? ': correct the mass; where it is right, look whether cells and converter are those of the board' : hint}`,
      { details: { massMg: load.massMg, apparentMg: Math.round(figures.apparentMg) } },
    );
  }
  // Loads over a cell may differ by the corner's error, which checkPlace and the fit judge.
  const differs = earlier === undefined && reference.former && Math.abs(bySpan - 1) > settings.formerPart;
  if (!differs) return [];
  const percent = (100 * (bySpan - 1)).toFixed(1);
  const what = `by the calibration in force the load is ${seems}, ${percent} % from the stated ${formatMass(load.massMg)}`;
  if (force !== undefined) {
    return [{ code: 'CW-CAL-075', message: `a load was taken although ${what}, because: ${force}` }];
  }
  throw new CalibrationError(
    'CW-CAL-032',
    `${what}: correct the mass, or look whether the plate touches something; where cells were changed, say so (force)`,
    { details: { massMg: load.massMg, apparentMg: Math.round(figures.apparentMg) } },
  );
}

/** Apparent over stated mass of the largest load before, in the middle if there is one. */
function spanOf({ plate, earlier, reference }: LoadTrial): number | undefined {
  const cells = cellsOf(plate);
  const central = earlier.filter(({ at }) => isCentral(cells, at));
  const best = (central.length > 0 ? central : earlier).reduce<KnownLoad | undefined>(
    (found, one) => (found === undefined || one.massMg > found.massMg ? one : found),
    undefined,
  );
  if (best === undefined || reference.signs === undefined) return undefined;
  return apparentOf(cells, best, reference) / best.massMg;
}

function apparentOf(cells: readonly CellEntry[], load: KnownLoad, reference: ReferenceSlopes): number {
  return netCounts(cells, load.capture, load.zero).reduce(
    (sum, counts, i) => sum + counts * (reference.signs?.[i] ?? 1) * (reference.magnitudes[i] ?? 0),
    0,
  );
}

/** The first load sets the span: noise and zero must be small beside it. */
function checkSpan({ earlier, settings }: LoadTrial, net: readonly number[]): void {
  if (earlier.length > 0) return;
  const spans = net.reduce((sum, counts) => sum + Math.abs(counts), 0);
  if (spans >= settings.spanPart * rangeCounts) return;
  const part = ((100 * spans) / rangeCounts).toFixed(2);
  throw new CalibrationError(
    'CW-CAL-031',
    `the load spans ${part} % of the converter's range, less than ${100 * settings.spanPart} %: begin with a larger one`,
    { details: { counts: Math.round(spans) } },
  );
}

function checkCapacities({ plate }: LoadTrial, figures: LoadFigures): void {
  const cells = cellsOf(plate);
  const dead = loadShares(cells, [0, 0]);
  cells.forEach(({ id, capacityMg }, index) => {
    const bears = (figures.cells[id] ?? 0) + (dead[index] ?? 0) * plate.deadLoadMg;
    if (bears <= capacityMg) return;
    throw new CalibrationError(
      'CW-CAL-035',
      `cell ${id} carries ${formatMass(Math.round(bears))}, above its capacity of ${formatMass(capacityMg)}: take load off`,
      { details: { cell: id, bearsMg: Math.round(bears), capacityMg } },
    );
  });
}

function checkPlace({ plate, load, settings }: LoadTrial, figures: LoadFigures): void {
  const cells = cellsOf(plate);
  if (figures.centreMm !== undefined && isCentral(cells, load.at)) checkDead(cells, figures);
  const problem = misplaced(plate, load.at, figures, settings);
  if (problem !== undefined) throw problem;
}

/**
 * What speaks against a load's place: the centre of force follows from the cells' loads alone, however stiff plate and cells
 * are. Undefined where it lies as told, or where nothing tells.
 */
export function misplaced(
  plate: PlateEntry,
  at: Placement,
  figures: LoadFigures,
  settings: GuardSettings,
): CalibrationError | undefined {
  const cells = cellsOf(plate);
  const found = figures.centreMm;
  if (found === undefined) return undefined;
  const { reach, centre } = cellFrame(cells);
  const cell = cells.find(({ id }) => id === at);
  const [x, y] = [found[0], found[1]];
  if (cell === undefined) {
    // The plate's own middle: cells may stand beside it.
    const away = Math.max(part(x, reach[0]), part(y, reach[1]));
    if (away <= settings.centrePart) return undefined;
  } else {
    const [dx, dy] = [cell.positionMm[0] - centre[0], cell.positionMm[1] - centre[1]];
    const from = Math.hypot(x - cell.positionMm[0], y - cell.positionMm[1]);
    if (from <= settings.cellPart * Math.hypot(dx, dy)) return undefined;
  }
  const near = nearestCell(cells, x, y);
  return new CalibrationError(
    'CW-CAL-037',
    `the load should lie ${cell === undefined ? 'in the middle' : `over ${at}`}, but pulls ${placeOf(x, y)}, near ${near}: move it, look whether the plate touches something, a cell is dead, or two cells are swapped`,
    { details: { centreMm: [Math.round(x), Math.round(y)], cells: roundAll(figures.cells) } },
  );
}

/** A cell that carries less than this part of its share of a load in the middle is dead, or bears nothing. */
const deadPart = 0.2;

function checkDead(cells: readonly CellEntry[], figures: LoadFigures): void {
  const shares = loadShares(cells, [0, 0]);
  cells.forEach(({ id }, index) => {
    const share = (shares[index] ?? 0) * figures.apparentMg;
    const bears = figures.cells[id] ?? 0;
    if (share <= 0 || bears >= deadPart * share) return;
    throw new CalibrationError(
      'CW-CAL-037',
      `cell ${id} feels ${formatMass(Math.round(bears))} of the load, others the rest: it is dead or not wired, or the plate does not rest on it`,
      { details: { cell: id, cells: roundAll(figures.cells) } },
    );
  });
}

function part(offset: number, reach: number): number {
  return reach === 0 ? 0 : Math.abs(offset) / reach;
}

/** `110 mm right and 20 mm behind the middle` */
function placeOf(x: number, y: number): string {
  const across = `${Math.abs(Math.round(x))} mm ${x < 0 ? 'left' : 'right'}`;
  const along = `${Math.abs(Math.round(y))} mm ${y < 0 ? 'behind' : 'ahead of'}`;
  return `${across} and ${along} the middle`;
}

function nearestCell(cells: readonly CellEntry[], x: number, y: number): string {
  const away = ({ positionMm }: CellEntry) => Math.hypot(positionMm[0] - x, positionMm[1] - y);
  return [...cells].sort((a, b) => away(a) - away(b))[0]?.id ?? 'no cell';
}

/** A plate that hits its frame under load, or a wrong mass, shows beside the loads before. */
function checkEarlier(trial: LoadTrial, figures: LoadFigures, slopes: readonly number[]): void {
  const { plate, load, earlier, settings } = trial;
  const cells = cellsOf(plate);
  const apparentOfEarlier = (one: KnownLoad) =>
    netCounts(cells, one.capture, one.zero).reduce((sum, counts, i) => sum + counts * (slopes[i] ?? 0), 0);
  const alike = earlier.filter(
    ({ at }) => at === load.at || (isCentral(cells, at) && isCentral(cells, load.at)),
  );
  for (const one of alike) {
    const heavier = Math.sign(load.massMg - one.massMg);
    if (heavier === 0 || Math.sign(figures.apparentMg - apparentOfEarlier(one)) === heavier) continue;
    throw new CalibrationError(
      'CW-CAL-038',
      `${formatMass(load.massMg)} at ${load.at} gives ${heavier > 0 ? 'less' : 'more'} than ${formatMass(one.massMg)} did: correct the mass, or look whether the plate touches something`,
    );
  }
  const span = spanOf(trial);
  if (span === undefined) return;
  const most = isCentral(cells, load.at) ? settings.loadPart : settings.cornerPart;
  const expected = span * load.massMg;
  const off = figures.apparentMg - expected;
  if (Math.abs(off) <= most * Math.abs(expected) + 2 * divisionOf(plate)) return;
  throw new CalibrationError(
    'CW-CAL-039',
    `${formatMass(load.massMg)} at ${load.at} is ${((100 * off) / expected).toFixed(1)} % from what the loads before let expect: correct the mass, or look whether the plate touches something there`,
    { details: { apparentMg: Math.round(figures.apparentMg), expectedMg: Math.round(expected) } },
  );
}

function roundAll(values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([id, value]) => [id, Math.round(value)]));
}
