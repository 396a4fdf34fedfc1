/** Reads comma-separated values with quotes (RFC 4180) into one record a row, keyed by the first row. */
export function readCsv(text: string): Record<string, string>[] {
  const rows = [...splitRows(text)];
  const [header, ...body] = rows;
  if (header === undefined) return [];
  return body
    .filter((row) => row.length === header.length)
    .map((row) => Object.fromEntries(header.map((key, index) => [key, row[index] ?? ''])));
}

function* splitRows(text: string): Generator<string[]> {
  let row: string[] = [];
  let field = '';
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (quoted) {
      if (char !== '"') field += char;
      else if (text.charAt(i + 1) === '"') {
        field += '"';
        i++;
      } else quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === ',') {
      row.push(field);
      field = '';
    } else if (char === '\n') {
      yield [...row, field.replace(/\r$/, '')];
      row = [];
      field = '';
    } else field += char;
  }
  if (field !== '' || row.length > 0) yield [...row, field];
}
