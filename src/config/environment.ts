import { parse } from 'yaml';
import type { z } from 'zod';
import { didYouMean } from '#base/suggest.ts';
import { formatPath, type Path, type SourceDocument } from './document.ts';
import type { Finding } from './errors.ts';
import { keysOf, schemaAt, takesText } from './schema-walk.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const overridePrefix = 'CARTWRIGHT_';

/** Variables of the same prefix that launchers and tests read: no configuration keys. */
const reserved = /^CARTWRIGHT_(?:CONFIG|HOME|NODE|TEST_.*)$/;

/** One key whose value came from a variable. */
export interface Override {
  readonly variable: string;
  readonly path: Path;
}

const reference = /\$(\$?)\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;

/**
 * Replaces `${NAME}` and `${NAME:-default}` in every string; `$${NAME}` stands for itself. Where the schema wants
 * no text, the result is read as YAML, so that `port: ${PORT}` is a number. The source is left as it was.
 */
export function interpolate(
  source: SourceDocument,
  schema: z.core.$ZodType,
  environment: Environment,
  findings: Finding[],
): unknown {
  const visit = (value: unknown, path: Path): unknown => {
    if (typeof value === 'string') return expand(value, path);
    if (Array.isArray(value)) return value.map((item, index) => visit(item, [...path, index]));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, visit(item, [...path, key])]));
  };
  const expand = (text: string, path: Path): unknown => {
    let replaced = false;
    const result = text.replace(reference, (whole, escaped: string, name: string, fallback?: string) => {
      if (escaped !== '') return whole.slice(1);
      replaced = true;
      const value = environment[name] ?? fallback;
      if (value !== undefined) return value;
      findings.push(missingVariable(source, path, name));
      return '';
    });
    return replaced && !takesText(schemaAt(schema, path)) ? readScalar(result) : result;
  };
  return visit(source.value, []);
}

function missingVariable(source: SourceDocument, path: Path, name: string): Finding {
  return {
    severity: 'error',
    code: 'CW-CFG-008',
    file: source.file,
    path: formatPath(path),
    ...source.locate(path),
    found: `\${${name}}`,
    expected: `the variable ${name}, or a default: \${${name}:-…}`,
    message: `the environment variable ${name} is not set; set it or write \${${name}:-default}`,
  };
}

/** A text as the YAML value it denotes; the text itself where it denotes none. */
function readScalar(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 0 });
  } catch {
    return text;
  }
}

/** `BROKER__KEEPALIVE_S` → `['broker', 'keepaliveS']`: levels by `__`, case and `_` don't matter inside a name. */
function resolveOverride(schema: z.core.$ZodType, name: string): Path | { unknown: string; known: string[] } {
  const path: string[] = [];
  for (const part of name.split('__')) {
    const known = keysOf(schemaAt(schema, path));
    const wanted = part.replaceAll('_', '').toLowerCase();
    const key = known.find((candidate) => candidate.toLowerCase() === wanted);
    if (key === undefined) return { unknown: part, known };
    path.push(key);
  }
  return path;
}

/** `['broker', 'keepaliveS']` → `CARTWRIGHT_BROKER__KEEPALIVE_S` */
export function overrideName(path: readonly string[]): string {
  const parts = path.map((key) => key.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase());
  return overridePrefix + parts.join('__');
}

/**
 * Applies `CARTWRIGHT_…` variables to a copy of `value`. They reach every key that is not inside a list; nothing is
 * ever written back to the file.
 */
export function applyOverrides(
  value: unknown,
  schema: z.core.$ZodType,
  environment: Environment,
  findings: Finding[],
): { value: unknown; overrides: Override[] } {
  const overrides: Override[] = [];
  const result: unknown = structuredClone(value);
  for (const variable of Object.keys(environment).sort()) {
    const text = environment[variable];
    if (!variable.startsWith(overridePrefix) || reserved.test(variable) || text === undefined) continue;
    const path = resolveOverride(schema, variable.slice(overridePrefix.length));
    if ('unknown' in path) {
      findings.push(unknownVariable(variable, path));
      continue;
    }
    if (setAt(result, path, takesText(schemaAt(schema, path)) ? text : readScalar(text))) {
      overrides.push({ variable, path });
    }
  }
  return { value: result, overrides };
}

function unknownVariable(variable: string, miss: { unknown: string; known: string[] }): Finding {
  const names = miss.known.map((key) => overrideName([key]).slice(overridePrefix.length));
  return {
    severity: 'error',
    code: 'CW-CFG-009',
    file: variable,
    path: '',
    found: miss.unknown,
    expected: names.length === 0 ? 'a key that holds other keys before __' : names.join(', '),
    message: `${miss.unknown} names no key${didYouMean(miss.unknown, names)} (unset it, or correct it)`,
  };
}

function setAt(root: unknown, path: Path, value: unknown): boolean {
  let node = root;
  for (const [depth, part] of path.entries()) {
    if (typeof node !== 'object' || node === null) return false;
    if (depth === path.length - 1) return Reflect.set(node, part, value);
    if (Reflect.get(node, part) === undefined) Reflect.set(node, part, {});
    node = Reflect.get(node, part);
  }
  return false;
}
