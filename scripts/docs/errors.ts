import { glob } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** A room's table of errors: code to sentence. */
export interface ErrorTable {
  /** `src/config`, `drivers`. */
  readonly room: string;
  readonly codes: Readonly<Record<string, string>>;
}

/** The tables of all rooms, found as what their `errors.ts` export under a name that ends in `Codes`. */
export async function findErrorTables(): Promise<ErrorTable[]> {
  const files: string[] = [];
  for await (const file of glob(['src/*/**/errors.ts', 'drivers/**/errors.ts', 'scripts/*/errors.ts'], {
    cwd: root,
  }))
    files.push(file);
  const tables: ErrorTable[] = [];
  for (const file of files.sort()) {
    const exports: unknown = await import(join(root, file));
    if (typeof exports !== 'object' || exports === null) continue;
    for (const [name, value] of Object.entries(exports)) {
      if (!name.endsWith('Codes')) continue;
      const room = relative(root, join(root, file, '..'))
        .split(sep)
        .join('/');
      tables.push({ room, codes: value as Readonly<Record<string, string>> });
    }
  }
  return tables;
}

/** docs/errors.md: every code that a person may meet, by room. */
export async function errorsDocument(): Promise<string> {
  const tables = await findErrorTables();
  const sections = tables.map(({ room, codes }) => {
    const rows = Object.entries(codes).map(
      ([code, sentence]) => `| \`${code}\` | ${sentence.replaceAll('|', '\\|')} |`,
    );
    return [`## ${room}`, '', '| code | what it means |', '|---|---|', ...rows, ''].join('\n');
  });
  return [
    '# Errors',
    '',
    "<!-- Made from the rooms' errors.ts by `npm run docs`. Edit those. -->",
    '',
    'Every error that a person may read carries a code. The code is stable; the message beside it says what was found',
    'and what to do about it.',
    '',
    ...sections,
  ].join('\n');
}
