/** Whether to colour what goes to standard output: a terminal, and nobody said NO_COLOR (https://no-color.org). */
export function useColour(stream: { readonly isTTY?: boolean } = process.stdout): boolean {
  const { NO_COLOR, TERM } = process.env;
  return stream.isTTY === true && (NO_COLOR === undefined || NO_COLOR === '') && TERM !== 'dumb';
}

/** Characters in a line of the terminal; where there is none, room for every column of a table. */
export function terminalColumns(
  stream: { readonly isTTY?: boolean; readonly columns?: number } = process.stdout,
): number {
  return stream.isTTY === true && stream.columns !== undefined && stream.columns > 0 ? stream.columns : 110;
}

/** Says something to the person without getting into the data on standard output. */
export function notice(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** One value as the only thing on standard output. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Something that lies in a file is named by its path from here, where that is shorter. */
export function shortPath(path: string, from = process.cwd()): string {
  return path.startsWith(`${from}/`) ? path.slice(from.length + 1) : path;
}

/** Names come from catalogues, codes, topics and devices: control characters must not reach the terminal. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, '\u{fffd}');
}

/** A text of several lines, each of them printable. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}
