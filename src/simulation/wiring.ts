import type { Board, CellEntry, DeviceEntry, PlateEntry } from '#config/board.ts';
import { SimulationError } from './errors.ts';

/** Cells that one converter board samples together. */
export interface Bridge {
  readonly id: string;
  readonly samplesPerSecond: number;
  readonly cells: readonly BridgeCell[];
}
export interface BridgeCell {
  readonly cell: CellEntry;
  readonly plate: PlateEntry;
}

const usualSamplesPerSecond = 80;

/**
 * Which cells are read together: those that a device lists in its options' `cells`, at its `samplesPerSecond` (80
 * where it says none). The cells of a plate that no device lists make a bridge of their own.
 */
export function findBridges(board: Board): Bridge[] {
  const free = new Map<string, BridgeCell>();
  for (const plate of board.plates) {
    for (const cell of plate.cells ?? []) free.set(cell.id, { cell, plate });
  }
  const bridges: Bridge[] = [];
  for (const device of board.devices) {
    const cells = listedCells(device).flatMap((id) => {
      const found = free.get(id);
      free.delete(id);
      return found === undefined ? [] : [found];
    });
    if (cells.length > 0) bridges.push({ id: device.id, samplesPerSecond: rateOf(device), cells });
  }
  for (const plate of board.plates) {
    const cells = [...free.values()].filter((entry) => entry.plate === plate);
    if (cells.length > 0) bridges.push({ id: plate.id, samplesPerSecond: usualSamplesPerSecond, cells });
  }
  return bridges;
}

function listedCells(device: DeviceEntry): string[] {
  const { cells } = device.options;
  if (!Array.isArray(cells)) return [];
  return cells.flatMap((entry: unknown) => {
    if (typeof entry === 'string') return [entry];
    const id = typeof entry === 'object' && entry !== null && 'id' in entry ? entry.id : undefined;
    return typeof id === 'string' ? [id] : [];
  });
}

function rateOf(device: DeviceEntry): number {
  const { samplesPerSecond } = device.options;
  return typeof samplesPerSecond === 'number' && samplesPerSecond > 0
    ? samplesPerSecond
    : usualSamplesPerSecond;
}

/** Ids of the motion sensors that gate plates. */
export function findMotionSensors(board: Board): string[] {
  return [...new Set(board.plates.flatMap((plate) => (plate.motion === undefined ? [] : [plate.motion])))];
}

/** The scanner named, or the first that belongs to a plate. Throws CW-SIM-005. */
export function findScanner(board: Board, name: string | undefined): string {
  const scanners = board.plates.flatMap((plate) => plate.scanners);
  const found = name === undefined ? scanners[0] : scanners.find((scanner) => scanner === name);
  if (found !== undefined) return found;
  throw new SimulationError(
    'CW-SIM-005',
    `board ${board.name} has no ${name === undefined ? 'scanner' : `scanner ${name}`} at a plate; its scanners: ${scanners.join(', ') || 'none'}`,
  );
}

/** The plate named, or the only one that weighs. Throws CW-SIM-005. */
export function findPlate(board: Board, name: string | undefined): PlateEntry {
  const weighing = board.plates.filter((plate) => plate.cells !== undefined);
  const found = name === undefined ? weighing[0] : weighing.find((plate) => plate.id === name);
  if (found !== undefined && (name !== undefined || weighing.length === 1)) return found;
  const names = weighing.map((plate) => plate.id).join(', ');
  throw new SimulationError(
    'CW-SIM-005',
    name === undefined
      ? `say which plate: board ${board.name} has ${names || 'none with cells'}`
      : `board ${board.name} has no plate ${name} with cells; it has ${names || 'none'}`,
  );
}

/** As `findPlate`, but a rack without cells may be named too: things lie there, and weigh nothing. Throws CW-SIM-005. */
export function findPlace(board: Board, name: string | undefined): PlateEntry {
  const rack = board.plates.find((plate) => plate.id === name && plate.kind === 'unweighed');
  return rack ?? findPlate(board, name);
}
