import { open } from 'node:fs/promises';
import { type Document, isMap, isNode, isPair, isScalar, LineCounter, parseDocument } from 'yaml';
import { describeError } from '#base/errors.ts';
import { plainCause } from '#base/system-error.ts';
import { ConfigError, type Finding } from './errors.ts';

/** Largest file that is read, bytes: a thousand times what a board profile needs. */
export const maximumConfigBytes = 4 * 1024 * 1024;

/** Aliases may not blow a small file up to a large value. */
const maximumAliases = 100;

export type Path = readonly (string | number)[];

/** A YAML (or JSON) file with the places of its values. */
export interface SourceDocument {
  readonly file: string;
  readonly document: Document.Parsed;
  /** The content as plain values. */
  readonly value: unknown;
  /** Line and column (from 1) of a value, or of its nearest parent that has one. */
  locate(path: Path): { line: number; column: number } | undefined;
  /** Line and column of a key inside the map at `path`. */
  locateKey(path: Path, key: string): { line: number; column: number } | undefined;
}

/** `plates[0].cells` */
export function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}

/** A value as it stands in a message: JSON, at most 60 characters. */
export function shownValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** Reads a file of at most `maximumConfigBytes`. Rejects with ConfigError CW-CFG-001 or CW-CFG-003. */
export async function readText(path: string): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      if (size > maximumConfigBytes) {
        const problem = fileFinding(
          'CW-CFG-003',
          path,
          `${size} bytes`,
          `at most ${maximumConfigBytes} bytes`,
        );
        throw new ConfigError('CW-CFG-003', [problem]);
      }
      return new TextDecoder('utf-8', { fatal: true }).decode(await file.readFile());
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const expected = error instanceof TypeError ? 'UTF-8 text' : 'a file that can be read';
    const problem = fileFinding('CW-CFG-001', path, plainCause(error), expected);
    throw new ConfigError('CW-CFG-001', [problem], error);
  }
}

/** A finding about a whole file. */
export function fileFinding(code: string, file: string, found: string, expected: string): Finding {
  return {
    severity: 'error',
    code,
    file,
    path: '',
    found,
    expected,
    message: `found ${found}; expected ${expected}`,
  };
}

/** Parses YAML 1.2 (JSON is a subset). Throws ConfigError CW-CFG-002 with one finding a syntax error. */
export function parseSource(text: string, file: string): SourceDocument {
  const lines = new LineCounter();
  let document: Document.Parsed;
  let value: unknown;
  try {
    document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
    if (document.errors.length === 0) value = document.toJS({ maxAliasCount: maximumAliases });
  } catch (error) {
    // The parser itself gave up: nesting too deep, or aliases that multiply.
    const problem = fileFinding('CW-CFG-002', file, describeError(error), 'YAML of reasonable depth');
    throw new ConfigError('CW-CFG-002', [problem], error);
  }
  if (document.errors.length > 0) {
    const findings = document.errors.map((error): Finding => {
      const { line, col } = lines.linePos(error.pos[0]);
      const problem = fileFinding('CW-CFG-002', file, error.message, 'valid YAML');
      return { ...problem, line, column: col };
    });
    throw new ConfigError('CW-CFG-002', findings);
  }
  return {
    file,
    document,
    value,
    locate: (path) => locate(document, lines, path),
    locateKey: (path, key) => locateKey(document, lines, path, key) ?? locate(document, lines, path),
  };
}

function locate(document: Document.Parsed, lines: LineCounter, path: Path) {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return position(lines, node.range[0]);
  }
  return undefined;
}

function locateKey(document: Document.Parsed, lines: LineCounter, path: Path, key: string) {
  const map = path.length === 0 ? document.contents : document.getIn(path, true);
  if (!isMap(map)) return undefined;
  const pair = map.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === key);
  return isScalar(pair?.key) && pair.key.range ? position(lines, pair.key.range[0]) : undefined;
}

function position(lines: LineCounter, offset: number) {
  const { line, col } = lines.linePos(offset);
  return { line, column: col };
}
