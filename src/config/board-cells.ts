import type { Board } from './board.ts';

/** Where a device names cells that it delivers: in a list by channel, or one option for each input of a converter. */
export function namedCells(device: Board['devices'][number]): { cell: string; path: (string | number)[] }[] {
  const { cells, cellA, cellB } = device.options;
  const listed = Array.isArray(cells) ? cells.map((cell: unknown, k) => ({ cell, path: ['cells', k] })) : [];
  const inputs = [
    { cell: cellA, path: ['cellA'] },
    { cell: cellB, path: ['cellB'] },
  ];
  // `-` stands for a channel that is not used.
  return [...listed, ...inputs].flatMap(({ cell, path }) =>
    typeof cell === 'string' && cell !== '-' ? [{ cell, path }] : [],
  );
}

/** Ids of the cells that a device says it delivers; its own id where it names none. */
export function deliveredCells(device: Board['devices'][number]): string[] {
  const named = namedCells(device).map(({ cell }) => cell);
  return named.length === 0 ? [device.id] : named;
}

/** Which device delivers a cell, and on which of its channels, where it counts them. */
export interface CellPlace {
  readonly device: string;
  readonly channel?: number;
}

/** Where the cells of a board come from, by cell. */
export function cellPlaces(board: Board): ReadonlyMap<string, CellPlace> {
  const places = new Map<string, CellPlace>();
  for (const device of board.devices) {
    places.set(device.id, { device: device.id });
    for (const { cell, path } of namedCells(device)) {
      const channel = path.at(-1);
      places.set(cell, { device: device.id, ...(typeof channel === 'number' ? { channel } : {}) });
    }
  }
  return places;
}
