/** The texts of one printed line. `name` may take the room of empty cells to its right. */
export interface Cells {
  readonly time: string;
  /** Empty where all lines are of one device. */
  readonly device: string;
  readonly what: string;
  readonly name: string;
  readonly count: string;
  readonly mass: string;
  readonly probability: string;
  readonly total: string;
}

type Column = keyof Cells;

/** Widths in characters; columns are one space apart. */
export type Layout = Readonly<Record<Column, number>>;

const order = ['time', 'device', 'what', 'name', 'count', 'mass', 'probability', 'total'] as const;
const rightAligned: ReadonlySet<Column> = new Set(['count', 'mass', 'probability', 'total']);
/** What a screen lacks room for goes in this order: a closed basket names its total once more, and so does a `--json` stream. */
const dispensable = ['total', 'probability', 'device'] as const;

const wide: Layout = {
  time: 12,
  device: 22,
  what: 17,
  name: 0,
  count: 3,
  mass: 10,
  probability: 8,
  total: 12,
};
const narrow: Layout = { ...wide, time: 8, device: 10, what: 16, count: 2, mass: 9, probability: 7 };
const wideFrom = 100;
const shortestName = 18;
const longestName = 60;

/** Columns that together fit `columns` characters, with or without a column for the device. Width 0: left out. */
export function fitLayout(columns: number, several: boolean): Layout {
  const layout = { ...(columns < wideFrom ? narrow : wide) };
  if (!several) layout.device = 0;
  const roomForName = () =>
    columns - order.reduce((sum, column) => sum + (layout[column] === 0 ? 0 : layout[column] + 1), 0) - 1;
  for (const column of dispensable) {
    if (roomForName() >= shortestName) break;
    layout[column] = 0;
  }
  layout.name = Math.min(longestName, Math.max(shortestName, roomForName()));
  return layout;
}

/** One line of `cells`, without spaces at its end. */
export function formatCells(cells: Cells, layout: Layout): string {
  const shown = order.filter((column) => layout[column] > 0);
  const texts: string[] = [];
  for (let at = 0; at < shown.length; at++) {
    const column = shown[at];
    if (column === undefined) break;
    let width = layout[column];
    if (column === 'name') {
      // A sentence may run on where nothing stands beside it.
      for (let next = shown[at + 1]; next !== undefined && cells[next] === ''; next = shown[at + 1]) {
        width += layout[next] + 1;
        at += 1;
      }
    }
    const text = rightAligned.has(column) ? cells[column].padStart(width) : shorten(cells[column], width);
    texts.push(text);
  }
  return texts.join(' ').trimEnd();
}

function shorten(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
}

/** Breaks a text at its spaces into lines of at most `columns` characters. */
export function fold(text: string, columns: number): string {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= columns)
      lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines.join('\n');
}
