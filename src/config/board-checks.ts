import { didYouMean } from '#base/suggest.ts';
import type { Board, PlateEntry } from './board.ts';
import { deliveredCells, namedCells } from './board-cells.ts';
import type { SourceDocument } from './document.ts';
import type { Finding } from './errors.ts';
import { checkWeighing } from './plate-checks.ts';
import { Report } from './report.ts';

/** Options of a device that name another device it works through. */
const linkOptions = ['bus', 'world'] as const;

/** Checks what a schema can't say: that ids are unique and lead somewhere, and that the mechanics can bear the load. Pure. */
export function checkBoard(board: Board, source: Pick<SourceDocument, 'file' | 'locate'>): Finding[] {
  const report = new Report(source);
  checkUnique(board, report);
  checkLinks(board, report);
  checkCircles(board, report);
  checkDelivery(board, report);
  const devices = board.devices.map((device) => device.id);
  board.plates.forEach((plate, index) => {
    checkReferences(plate, index, devices, board, report);
    checkWeighing(plate, index, report);
  });
  return report.findings;
}

function checkUnique(board: Board, report: Report): void {
  const check = (ids: readonly { id: string; path: (string | number)[] }[], what: string) => {
    const seen = new Set<string>();
    for (const { id, path } of ids) {
      if (seen.has(id)) report.error('CW-CFG-012', path, id, `an id that no other ${what} has`);
      seen.add(id);
    }
  };
  check(
    board.devices.map(({ id }, i) => ({ id, path: ['devices', i, 'id'] })),
    'device',
  );
  check(
    board.plates.map(({ id }, i) => ({ id, path: ['plates', i, 'id'] })),
    'plate',
  );
  check(
    board.plates.flatMap((plate, i) =>
      (plate.cells ?? []).map(({ id }, k) => ({ id, path: ['plates', i, 'cells', k, 'id'] })),
    ),
    'cell',
  );
}

/** A message's end for an id that leads nowhere. */
function knownIds(wanted: string, known: readonly string[], what: string): string {
  const list = known.length === 0 ? 'there are none' : `known are ${known.join(', ')}`;
  return `the id of ${what} (${list})${didYouMean(wanted, known)}`;
}

function checkLinks(board: Board, report: Report): void {
  const ids = board.devices.map((device) => device.id);
  board.devices.forEach((device, index) => {
    for (const option of linkOptions) {
      const target = device.options[option];
      // A number is the address of a bus in the machine (I²C bus 1), not another device.
      if (typeof target === 'string' && !target.startsWith('/') && !ids.includes(target)) {
        const path = ['devices', index, 'options', option];
        report.error('CW-CFG-013', path, target, knownIds(target, ids, 'a device'));
      }
    }
  });
}

function checkCircles(board: Board, report: Report): void {
  const links = new Map(
    board.devices.map((device) => [
      device.id,
      linkOptions.map((option) => device.options[option]).filter((target) => typeof target === 'string'),
    ]),
  );
  board.devices.forEach((device, index) => {
    const reached = new Set<string>();
    const open = [...(links.get(device.id) ?? [])];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (reached.has(next)) continue;
      reached.add(next);
      open.push(...(links.get(next) ?? []));
    }
    if (reached.has(device.id)) {
      const expected = 'a device that is not reached through itself';
      report.error('CW-CFG-020', ['devices', index], device.id, expected);
    }
  });
}

function checkDelivery(board: Board, report: Report): void {
  const deliveries = board.devices.flatMap(deliveredCells);
  const mounted = board.plates.flatMap((plate) => (plate.cells ?? []).map((cell) => cell.id));
  board.plates.forEach((plate, i) => {
    (plate.cells ?? []).forEach((cell, k) => {
      const times = deliveries.filter((id) => id === cell.id).length;
      const path = ['plates', i, 'cells', k, 'id'];
      if (times === 0) {
        const expected = `a cell that a device lists in options.cells${didYouMean(cell.id, deliveries)}`;
        report.error('CW-CFG-015', path, cell.id, expected);
      } else if (times > 1) {
        report.error('CW-CFG-015', path, cell.id, `one device that delivers it, not ${times}`);
      }
    });
  });
  board.devices.forEach((device, i) => {
    for (const { cell, path } of namedCells(device)) {
      if (mounted.includes(cell)) continue;
      const expected = `a cell of a plate${didYouMean(cell, mounted)}; its readings are not used`;
      report.warning('CW-CFG-021', ['devices', i, 'options', ...path], cell, expected);
    }
  });
}

function checkReferences(
  plate: PlateEntry,
  index: number,
  devices: readonly string[],
  board: Board,
  report: Report,
): void {
  const check = (id: string | undefined, what: string, ...path: (string | number)[]) => {
    if (id === undefined || devices.includes(id)) return;
    report.error('CW-CFG-013', ['plates', index, ...path], id, knownIds(id, devices, what));
  };
  check(plate.scale, 'a scale', 'scale');
  check(plate.motion, 'a motion sensor', 'motion');
  check(plate.temperature, 'a temperature sensor', 'temperature');
  plate.scanners.forEach((id, k) => {
    check(id, 'a scanner', 'scanners', k);
  });
  plate.cameras.forEach((camera, k) => {
    check(camera.id, 'a camera', 'cameras', k, 'id');
    const options = board.devices.find((device) => device.id === camera.id)?.options ?? {};
    const [left, top, width, height] = camera.region;
    const right = options.width;
    const bottom = options.height;
    const tooWide = typeof right === 'number' && left + width > right;
    const tooHigh = typeof bottom === 'number' && top + height > bottom;
    if (tooWide || tooHigh) {
      const expected = `[left, top, width, height] inside the picture, ${right} × ${bottom} pixels`;
      report.error('CW-CFG-007', ['plates', index, 'cameras', k, 'region'], camera.region, expected);
    }
  });
}
