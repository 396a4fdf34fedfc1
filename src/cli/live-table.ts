import type { Infer } from '#events/fields.ts';
import type { liveCounts, liveWeight } from '#events/mqtt-payloads.ts';
import { printable } from './terminal.ts';

type Counts = Infer<typeof liveCounts>;
type Weight = Infer<typeof liveWeight>;

/** Messages over which noise is measured: five seconds. */
const windowMessages = 50;
/** Fewer say nothing yet. */
const leastMessages = 10;

/** Standard deviation of the last values of each name; of names that are no longer given nothing is kept. */
export class Noise {
  #values: ReadonlyMap<string, readonly number[]> = new Map();

  /** Takes the values of one message; answers with the standard deviation of those that have come often enough. */
  take(values: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
    const kept = new Map<string, readonly number[]>();
    const noise = new Map<string, number>();
    for (const [name, value] of values) {
      const all = [...(this.#values.get(name) ?? []), value].slice(-windowMessages);
      kept.set(name, all);
      if (all.length >= leastMessages) noise.set(name, deviation(all));
    }
    this.#values = kept;
    return noise;
  }
}

/** Sample standard deviation (n − 1), about the mean, so that large offsets cost no digits. */
function deviation(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}

/** One load cell. What the gateway does not tell (an older one, no calibration) is left out. */
export interface LiveCellRow {
  readonly cell: string;
  readonly device?: string | undefined;
  readonly channel?: number | undefined;
  readonly counts?: number;
  readonly massMg?: number | undefined;
  /** Standard deviation of single values over the last five seconds. */
  readonly noiseCounts?: number;
  readonly noiseMg?: number;
  readonly ratePerMinute?: number | undefined;
  readonly fault?: string | undefined;
}

/** One plate. */
export interface LivePlateRow {
  readonly plate: string;
  readonly grossMg?: number | undefined;
  readonly tareMg: number;
  readonly noiseMg?: number;
  readonly stable: boolean;
  readonly moving: boolean;
}

/** Makes rows of `live/counts`: cells by device and channel, silent ones among them. */
export class CellRows {
  readonly #counts = new Noise();
  readonly #mass = new Noise();

  take({ cells, silent }: Counts): LiveCellRow[] {
    const counts = this.#counts.take(new Map(cells.map((cell) => [cell.cell, cell.counts])));
    const mass = this.#mass.take(
      new Map(cells.flatMap(({ cell, massMg }) => (massMg === undefined ? [] : [[cell, massMg]]))),
    );
    const rows = cells.map((cell): LiveCellRow => {
      const [noiseCounts, noiseMg] = [counts.get(cell.cell), mass.get(cell.cell)];
      return {
        ...cell,
        ...(noiseCounts === undefined ? {} : { noiseCounts }),
        ...(noiseMg === undefined ? {} : { noiseMg }),
      };
    });
    return [...rows, ...(silent ?? [])].sort(byPlace);
  }
}

function byPlace(a: LiveCellRow, b: LiveCellRow): number {
  const order = (a.device ?? '').localeCompare(b.device ?? '', 'en', { numeric: true });
  return order === 0 ? (a.channel ?? 0) - (b.channel ?? 0) : order;
}

/** Makes rows of `live/weight`. */
export class PlateRows {
  readonly #mass = new Noise();

  take({ plates }: Weight): LivePlateRow[] {
    const noise = this.#mass.take(
      new Map(plates.flatMap(({ plate, grossMg }) => (grossMg === undefined ? [] : [[plate, grossMg]]))),
    );
    return plates.map((plate) => {
      const noiseMg = noise.get(plate.plate);
      return { ...plate, ...(noiseMg === undefined ? {} : { noiseMg }) };
    });
  }
}

/** A table: a header, then a line for each cell. */
export function cellTable(rows: readonly LiveCellRow[]): string[] {
  const header = ['device', 'ch', 'cell', 'counts', 'noise', 'mass', 'noise', 'rate', 'fault'];
  const texts = rows.map((row) => [
    row.device ?? '',
    row.channel === undefined ? '' : String(row.channel),
    row.cell,
    row.counts === undefined ? '-' : String(row.counts),
    row.noiseCounts === undefined ? '' : row.noiseCounts.toFixed(1),
    grams(row.massMg),
    grams(row.noiseMg, 2),
    row.ratePerMinute === undefined ? '' : `${(row.ratePerMinute / 60).toFixed(1)}/s`,
    row.fault ?? (row.counts === undefined ? 'no value yet' : ''),
  ]);
  return table([header, ...texts], [0, 2, 8], [0, 0, 0, 9, 6, 10, 7, 6]);
}

/** A table: a header, then a line for each plate. */
export function plateTable(rows: readonly LivePlateRow[]): string[] {
  const header = ['plate', 'gross', 'noise', 'tare', 'net', 'state'];
  const texts = rows.map(({ plate, grossMg, noiseMg, tareMg, stable, moving }) => [
    plate,
    grossMg === undefined ? '-' : grams(grossMg),
    grams(noiseMg, 2),
    grams(tareMg),
    grossMg === undefined ? '-' : grams(grossMg - tareMg),
    grossMg === undefined ? 'not weighed' : moving ? 'moving' : stable ? 'stable' : 'settling',
  ]);
  return table([header, ...texts], [0, 5], [0, 10, 7, 8, 10]);
}

function grams(massMg: number | undefined, decimals = 1): string {
  // Not `-0.0 g`.
  return massMg === undefined ? '' : `${(massMg / 1000).toFixed(decimals).replace(/^-(?=[0.]+$)/, '')} g`;
}

/**
 * Columns two spaces apart, to the right but for those named, at least so wide: they stay where they are while values
 * change. Names come from a network.
 */
export function table(
  rows: readonly (readonly string[])[],
  left: readonly number[],
  least: readonly number[],
): string[] {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(least[at] ?? 0, ...rows.map((row) => row[at]?.length ?? 0)),
  );
  return rows.map((row) =>
    printable(
      row
        .map((text, at) =>
          left.includes(at) ? text.padEnd(widths[at] ?? 0) : text.padStart(widths[at] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    ),
  );
}

/** What a terminal is sent so that lines take the place of those before: cursor up, then each line anew. */
export class Screen {
  #lines = 0;

  /** Lines are cut to `columns`, and left out beyond `rows`: what wraps or scrolls could not be gone back over. */
  draw(lines: readonly string[], columns: number, rows: number): string {
    const shown = lines.slice(0, Math.max(1, rows - 1)).map((line) => line.slice(0, columns));
    const up = this.#lines === 0 ? '' : `\u001b[${this.#lines}A`;
    this.#lines = shown.length;
    // K: to the end of the line; J: to the end of the screen, where there were more lines.
    return `${up}\r${shown.map((line) => `${line}\u001b[K\n`).join('')}\u001b[J`;
  }
}
