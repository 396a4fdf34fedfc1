import { formatMass } from '#base/units.ts';
import type { Board, Calibration, PlateEntry } from './board.ts';
import type { Inspection } from './load.ts';
import { type CellLoad, cellLoads } from './statics.ts';

/** Smallest load that a class III scale may be used for, in e (OIML R 76-1, table 3). */
const minimumIntervals = 20;

/** What a configuration means, one sentence a line, for the person who wrote it. */
export function explainConfig(inspection: Inspection): string[] {
  const { config, board, calibration, overrides, notes } = inspection;
  const lines: string[] = [];
  if (config !== undefined) {
    const { embedded, url, protocol } = config.broker;
    const version = protocol === 'auto' ? 'MQTT 5, or 3.1.1 where the broker has no 5' : `MQTT ${protocol}`;
    lines.push(`Device ${config.device} of store ${config.store}.`);
    lines.push(
      `Events go to ${embedded ? 'a broker inside this process' : url} as ${config.encoding.toUpperCase()}, ${version}.`,
    );
  }
  for (const { variable, path } of overrides) lines.push(`${path.join('.')} is set by ${variable}.`);
  lines.push(...notes);
  if (board !== undefined) lines.push(...explainBoard(board, calibration));
  return lines;
}

function explainBoard(board: Board, calibration: Calibration | undefined): string[] {
  const drivers = board.devices.map((device) => `${device.id} (${device.driver})`).join(', ');
  return [
    `Board ${board.name}: ${board.devices.length} devices: ${drivers}.`,
    ...board.plates.flatMap((plate) => explainPlate(plate, calibration)),
  ];
}

function explainPlate(plate: PlateEntry, calibration: Calibration | undefined): string[] {
  const name = `Plate ${plate.id} (${plate.kind})`;
  const lines: string[] = [];
  if (plate.kind === 'unweighed') lines.push(`${name} is not weighed: goods come and go by scan or picture.`);
  if (plate.scale !== undefined) lines.push(`${name} is weighed by the scale ${plate.scale}.`);
  const { cells, maxMg, intervalMg } = plate;
  if (cells !== undefined) {
    lines.push(`${name} stands on ${cells.length === 1 ? 'one cell' : `${cells.length} cells`}.`);
  }
  if (maxMg !== undefined && intervalMg !== undefined) {
    const intervals = Math.round(maxMg / intervalMg);
    const minimum = formatMass(minimumIntervals * intervalMg);
    lines.push(
      `  Max ${formatMass(maxMg)}, e = ${intervalMg / 1000} g (${intervals} intervals), Min = 20 e = ${minimum}.`,
    );
  }
  if (cells !== undefined && maxMg !== undefined) {
    lines.push(...explainLoads(cellLoads(cells, maxMg, plate.deadLoadMg)));
    const calibrated = calibration !== undefined && Object.hasOwn(calibration.plates, plate.id);
    lines.push(
      calibrated
        ? `  Calibrated, revision ${calibration.revision}.`
        : '  Not calibrated: it gives counts, but no mass.',
    );
  }
  const seen = plate.cameras.map((camera) => camera.id);
  if (plate.motion !== undefined)
    lines.push(`  The motion sensor ${plate.motion} holds its mass while it moves.`);
  if (seen.length > 0) lines.push(`  Seen by ${seen.join(', ')}.`);
  if (plate.scanners.length > 0) lines.push(`  Codes come from ${plate.scanners.join(', ')}.`);
  return lines;
}

/** What the cells bear, those with the same loads in one line. */
function explainLoads(loads: readonly CellLoad[]): string[] {
  const cellsOf = new Map<string, string[]>();
  for (const { cell, evenMg, worstMg, capacityMg } of loads) {
    const share = Math.round((100 * worstMg) / capacityMg);
    const said = `${formatMass(evenMg)} with Max spread evenly, ${formatMass(worstMg)} with Max over it alone: ${share} % of its ${formatMass(capacityMg)}.`;
    cellsOf.set(said, [...(cellsOf.get(said) ?? []), cell]);
  }
  return [...cellsOf].map(
    ([said, cells]) => `  ${cells.join(', ')}: ${cells.length > 1 ? 'each ' : ''}${said}`,
  );
}
