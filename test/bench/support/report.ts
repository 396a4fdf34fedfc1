import { median } from './statistics.ts';

/** A bound that a figure should keep. */
export interface Goal {
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** One measured figure: the median of `runs`, or a ratio of two of them. */
export interface Row {
  readonly part: string;
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly goal?: Goal;
  /** The single measurements behind `value`, in the order in which they were taken. */
  readonly runs?: readonly number[];
  readonly note?: string;
}

/** Something that could not be measured here, and why. */
export interface Skipped {
  readonly part: string;
  readonly why: string;
}

/** A row of the median of `runs`. */
export function measured(
  part: string,
  what: string,
  unit: string,
  runs: readonly number[],
  more: Pick<Row, 'goal' | 'note'> = {},
): Row {
  return { part, what, unit, value: median(runs), runs, ...more };
}

/** `pass`, `miss`, or nothing where a figure has no goal. */
export function verdict({ value, goal }: Pick<Row, 'value' | 'goal'>): 'pass' | 'miss' | '' {
  if (goal === undefined) return '';
  const kept =
    (goal.atLeast === undefined || value >= goal.atLeast) &&
    (goal.atMost === undefined || value <= goal.atMost);
  return kept ? 'pass' : 'miss';
}

/** A figure as people read it: three significant digits below a hundred, none after the point above. */
export function formatValue(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

function formatGoal(goal: Goal | undefined): string {
  if (goal?.atLeast !== undefined) return `≥ ${formatValue(goal.atLeast)}`;
  return goal?.atMost === undefined ? '' : `≤ ${formatValue(goal.atMost)}`;
}

/** The rows as a table in plain text, a note below its row. */
export function formatTable(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.part,
    row.what,
    `${formatValue(row.value)} ${row.unit}`,
    formatGoal(row.goal),
    verdict(row),
  ]);
  const head = ['part', 'what', 'measured', 'goal', ''];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...cells.map((line) => line[column]?.length ?? 0)),
  );
  const line = (values: readonly string[]) =>
    values
      .map((value, column) =>
        column === 2 ? value.padStart(widths[column] ?? 0) : value.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  const body = rows.flatMap((row, index) => {
    const text = line(cells[index] ?? []);
    return row.note === undefined ? [text] : [text, `${' '.repeat((widths[0] ?? 0) + 4)}${row.note}`];
  });
  return [line(head), ...body].join('\n');
}
