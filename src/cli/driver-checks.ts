import { isCoded } from '#base/errors.ts';
import type { FurtherCheck } from '#config/check.ts';
import { formatPath, type Path, parseSource, readText } from '#config/document.ts';
import type { Finding } from '#config/errors.ts';
import type { Inspection } from '#config/load.ts';
import type { Driver } from '#drivers/driver.ts';
import { findDriver, parseDriverOptions } from '#drivers/registry.ts';

type Board = NonNullable<Inspection['board']>;
type Kind = Driver['kind'];

/** What only the drivers know of a board: whether their options are valid, and which device can be what for a plate. */
export async function checkDrivers({ board, paths }: Inspection): Promise<FurtherCheck> {
  const findings: Finding[] = [];
  if (board === undefined || paths === undefined) return { findings, explanation: [] };
  const source = parseSource(await readText(paths.board), paths.board);
  const add = (finding: Pick<Finding, 'severity' | 'code' | 'found' | 'expected' | 'message'>, path: Path) =>
    findings.push({ ...finding, file: paths.board, path: formatPath(path), ...source.locate(path) });
  const kinds = new Map<string, Kind>();
  for (const [index, entry] of board.devices.entries()) {
    try {
      const driver = await findDriver(entry.driver, paths.drivers);
      kinds.set(entry.id, driver.kind);
      parseDriverOptions(driver, entry.options, entry.id);
    } catch (error) {
      if (!isCoded(error)) throw error;
      const expected = 'a driver of the gateway, with options that it takes';
      const place = error.code === 'CW-DRV-002' ? 'options' : 'driver';
      const { code, message } = error;
      add({ severity: 'error', code, found: entry.driver, expected, message }, ['devices', index, place]);
    }
  }
  for (const { code, path, found, expected } of [...misplaced(board, kinds), ...unused(board, kinds)]) {
    const message = `found "${found}"; expected ${expected}`;
    add({ severity: 'warning', code, found, expected, message }, path);
  }
  return { findings, explanation: [] };
}

interface Doubt {
  readonly code: string;
  readonly path: Path;
  readonly found: string;
  readonly expected: string;
}

/** A plate's scale that is a scanner would never weigh anything. */
function misplaced(board: Board, kinds: ReadonlyMap<string, Kind>): Doubt[] {
  return board.plates.flatMap((plate, index) => {
    const doubt = (
      id: string | undefined,
      allowed: readonly Kind[],
      what: string,
      ...path: Path
    ): Doubt[] => {
      const kind = id === undefined ? undefined : kinds.get(id);
      if (id === undefined || kind === undefined || allowed.includes(kind)) return [];
      const expected = `${what}; the driver of ${id} is for a device of kind ${kind}`;
      return [{ code: 'CW-CFG-013', path: ['plates', index, ...path], found: id, expected }];
    };
    return [
      ...doubt(plate.scale, ['scale'], 'a scale', 'scale'),
      ...doubt(plate.motion, ['motion'], 'a motion sensor', 'motion'),
      ...plate.scanners.flatMap((id, k) =>
        doubt(id, ['scanner', 'tag-reader', 'camera'], 'a scanner', 'scanners', k),
      ),
      ...plate.cameras.flatMap(({ id }, k) => doubt(id, ['camera'], 'a camera', 'cameras', k, 'id')),
    ];
  });
}

/** Devices of these kinds serve a plate or another device; a battery, a lamp or a thermometer serves the whole cart. */
const serving: ReadonlySet<Kind> = new Set(['load-cell', 'scale', 'scanner', 'camera', 'motion', 'bus']);

/** A scanner, camera or scale that no plate names sees things that nobody can place. */
function unused(board: Board, kinds: ReadonlyMap<string, Kind>): Doubt[] {
  const used = new Set<unknown>([
    ...board.devices.flatMap(({ options }) => [options.bus, options.world]),
    ...board.plates.flatMap((plate) => [
      plate.scale,
      plate.motion,
      ...plate.scanners,
      ...plate.cameras.map((camera) => camera.id),
      ...(plate.cells ?? []).map((cell) => cell.id),
    ]),
  ]);
  return board.devices.flatMap(({ id, options }, index) => {
    const kind = kinds.get(id);
    if (kind === undefined || !serving.has(kind) || used.has(id) || Array.isArray(options.cells)) return [];
    const expected = 'a device that a plate or another device names; nothing uses it';
    return [{ code: 'CW-CFG-021', path: ['devices', index, 'id'], found: id, expected }];
  });
}
