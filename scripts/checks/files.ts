import type { SourceFile } from './rooms.ts';

/** A file that needs a table of contents is two files. */
export const maximumLines = 450;

/** Sources longer than `maximumLines`; what a generator writes is exempt. */
export function findLongFiles(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => /\.(?:ts|c|h|sh)$/.test(path) && !path.includes('/generated/'))
    .map(({ path, text }) => ({ path, lines: text.split('\n').length - (text.endsWith('\n') ? 1 : 0) }))
    .filter(({ lines }) => lines > maximumLines)
    .map(
      ({ path, lines }) =>
        `${path} has ${lines} lines, ${maximumLines} at most: what is the second thing in it?`,
    );
}

/** Absolute paths of one person's machine: somebody's home folder belongs in no file, documents say `~`. */
export function findPrivatePaths(files: readonly SourceFile[]): string[] {
  const privatePath = /(?:^|[\s"'`(=:,[])\/(?:home|work|root|Users)\/[\w.-]/;
  return files.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, index) =>
        privatePath.test(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 100)}`] : [],
      ),
  );
}

/** Download addresses in a lock file bind everyone to one registry. */
export function findLockedHosts(lockText: string): string[] {
  const lock = JSON.parse(lockText) as { packages?: Record<string, { resolved?: unknown; link?: unknown }> };
  return Object.entries(lock.packages ?? {})
    .filter(([, entry]) => typeof entry.resolved === 'string' && /^[a-z+]+:\/\//.test(entry.resolved))
    .map(([name]) => `${name} records the address it was downloaded from`);
}

export interface CodeTable {
  /** The file that holds the table. */
  readonly path: string;
  readonly codes: Readonly<Record<string, unknown>>;
}

/** Error codes: well formed, a sentence each, one prefix a table and no prefix twice. */
export function findCodeProblems(tables: readonly CodeTable[]): string[] {
  const problems: string[] = [];
  const owners = new Map<string, string>();
  for (const { path, codes } of tables) {
    for (const [code, sentence] of Object.entries(codes)) {
      const prefix = /^(CW-[A-Z]{2,4})-\d{3}$/.exec(code)?.[1];
      if (prefix === undefined) {
        problems.push(`${path}: ${code} is not of the form CW-XXX-001`);
        continue;
      }
      const owner = owners.get(prefix) ?? path;
      owners.set(prefix, owner);
      if (owner !== path) problems.push(`${path}: ${code} has the prefix of ${owner}`);
      if (typeof sentence !== 'string' || !/^.{8,}[.?]$/s.test(sentence)) {
        problems.push(`${path}: ${code} needs a sentence that says what is wrong`);
      }
    }
    const prefixes = new Set(Object.keys(codes).map((code) => code.slice(0, code.lastIndexOf('-'))));
    if (prefixes.size > 1) problems.push(`${path}: more than one prefix: ${[...prefixes].join(', ')}`);
  }
  return problems;
}
