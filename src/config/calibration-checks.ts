import { didYouMean } from '#base/suggest.ts';
import type { Board, Calibration } from './board.ts';
import type { SourceDocument } from './document.ts';
import type { Finding } from './errors.ts';
import { Report } from './report.ts';

/** Checks that a calibration covers the cells of a board and was made on such hardware. Pure. */
export function checkCalibration(
  calibration: Calibration,
  board: Board,
  source: Pick<SourceDocument, 'file' | 'locate'>,
): Finding[] {
  const report = new Report(source);
  for (const plate of board.plates) {
    if (plate.cells === undefined) continue;
    const entry = calibration.plates[plate.id];
    for (const cell of plate.cells) {
      if (entry !== undefined && Object.hasOwn(entry.cells, cell.id)) continue;
      const path = ['plates', plate.id, 'cells', cell.id];
      report.error('CW-CFG-018', path, undefined, `zeroCounts and milligramsPerCount of ${cell.id}`);
    }
  }
  checkForeign(calibration, board, report);
  checkPoints(calibration, report);
  checkTemperature(calibration, board, report);
  checkHardware(calibration, board, report);
  return report.findings;
}

/** Entries for plates and cells that the board does not have: most often a misspelt id. */
function checkForeign(calibration: Calibration, board: Board, report: Report): void {
  const plateIds = board.plates.map((plate) => plate.id);
  for (const [plateId, entry] of Object.entries(calibration.plates)) {
    const plate = board.plates.find((item) => item.id === plateId);
    if (plate === undefined) {
      const expected = `a plate of the board${didYouMean(plateId, plateIds)}`;
      report.warning('CW-CFG-018', ['plates', plateId], plateId, expected);
      continue;
    }
    const cells = (plate.cells ?? []).map((cell) => cell.id);
    for (const group of ['cells', 'cornerGains'] as const) {
      for (const cell of Object.keys(entry[group] ?? {})) {
        if (cells.includes(cell)) continue;
        const expected = `a cell of plate ${plateId}${didYouMean(cell, cells)}`;
        report.warning('CW-CFG-018', ['plates', plateId, group, cell], cell, expected);
      }
    }
  }
}

function checkPoints(calibration: Calibration, report: Report): void {
  for (const [plateId, plate] of Object.entries(calibration.plates)) {
    for (const [cellId, { points = [], quadraticPpmPerKg }] of Object.entries(plate.cells)) {
      if (points.length >= 2 && quadraticPpmPerKg !== undefined) {
        const path = ['plates', plateId, 'cells', cellId, 'quadraticPpmPerKg'];
        report.warning('CW-CFG-018', path, quadraticPpmPerKg, 'points or a quadratic term: the points count');
      }
      points.forEach((point, index) => {
        const previous = points[index - 1];
        if (previous === undefined || (point[0] > previous[0] && point[1] > previous[1])) return;
        const path = ['plates', plateId, 'cells', cellId, 'points', index];
        report.error(
          'CW-CFG-018',
          path,
          point,
          `both numbers above those of the point before, [${previous}]`,
        );
      });
    }
  }
}

/** Drift that was measured and can't be taken out: the plate names no sensor, or nobody knows at which temperature it began. */
function checkTemperature(calibration: Calibration, board: Board, report: Report): void {
  for (const [plateId, { cells }] of Object.entries(calibration.plates)) {
    const plate = board.plates.find(({ id }) => id === plateId);
    for (const [cellId, cell] of Object.entries(cells)) {
      const name = (['milligramsPerKelvin', 'spanPpmPerKelvin'] as const).find(
        (key) => cell[key] !== undefined,
      );
      if (name === undefined || plate === undefined) continue;
      const path = ['plates', plateId, 'cells', cellId, name];
      if (cell.referenceMilliCelsius === undefined) {
        report.warning(
          'CW-CFG-018',
          path,
          cell[name],
          'referenceMilliCelsius beside it; without, it is not used',
        );
      } else if (plate.temperature === undefined) {
        const expected = `a sensor named as temperature of plate ${plateId}; without, it is not used`;
        report.warning('CW-CFG-018', path, cell[name], expected);
      }
    }
  }
}

function checkHardware(calibration: Calibration, board: Board, report: Report): void {
  const { samplesPerSecond } = calibration.hardware ?? {};
  if (samplesPerSecond === undefined) return;
  for (const device of board.devices) {
    const rate = device.options.samplesPerSecond;
    if (!Array.isArray(device.options.cells) || typeof rate !== 'number' || rate === samplesPerSecond) {
      continue;
    }
    const expected = `${rate}, the rate of ${device.id}: on another rate the calibration is not applied`;
    report.error('CW-CFG-018', ['hardware', 'samplesPerSecond'], samplesPerSecond, expected);
  }
}
