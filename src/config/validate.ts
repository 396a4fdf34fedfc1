import type { z } from 'zod';
import { didYouMean } from '#base/suggest.ts';
import { formatPath, type Path, type SourceDocument, shownValue } from './document.ts';
import type { Override } from './environment.ts';
import type { Finding } from './errors.ts';
import { keysOf, schemaAt } from './schema-walk.ts';

/** Checks `value` against a schema; what is wrong goes to `findings` with its place in the source. */
export function validate<Value>(
  schema: z.ZodType<Value>,
  value: unknown,
  source: SourceDocument,
  findings: Finding[],
  overrides: readonly Override[] = [],
): Value | undefined {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    for (const finding of explainIssue(schema, value, source, issue)) {
      const override = overrides.find((item) => formatPath(item.path) === finding.path);
      if (override === undefined) findings.push(finding);
      else findings.push(withoutLine({ ...finding, file: override.variable }));
    }
  }
  return undefined;
}

function withoutLine(finding: Finding): Finding {
  const { line: _line, column: _column, ...rest } = finding;
  return rest;
}

function explainIssue(
  schema: z.core.$ZodType,
  value: unknown,
  source: SourceDocument,
  issue: z.core.$ZodIssue,
): Finding[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey(schema, source, path, key));
  }
  const found = valueAt(value, path);
  const expected = expectation(issue);
  const missing = found === undefined;
  const guess = issue.code === 'invalid_value' && typeof found === 'string' ? issue.values.map(String) : [];
  return [
    {
      severity: 'error',
      code: missing ? 'CW-CFG-005' : codeOf(issue, path),
      file: source.file,
      path: formatPath(path),
      ...source.locate(path),
      found: shownValue(found),
      expected,
      message: missing
        ? `is missing; expected ${expected}`
        : `found ${shownValue(found)}; expected ${expected}${didYouMean(String(found), guess)}`,
    },
  ];
}

function codeOf(issue: z.core.$ZodIssue, path: Path): string {
  if (issue.code === 'invalid_type') return 'CW-CFG-006';
  const version = path.length === 1 && ['cartwright', 'profile', 'calibration'].includes(String(path[0]));
  return version ? 'CW-CFG-010' : 'CW-CFG-007';
}

function unknownKey(schema: z.core.$ZodType, source: SourceDocument, path: Path, key: string): Finding {
  const known = keysOf(schemaAt(schema, path));
  return {
    severity: 'error',
    code: 'CW-CFG-004',
    file: source.file,
    path: formatPath([...path, key]),
    ...source.locateKey(path, key),
    found: key,
    expected: known.join(', '),
    message: `unknown key${didYouMean(key, known) || `; known here are ${known.join(', ')}`}`,
  };
}

const typeNames: Readonly<Record<string, string>> = {
  int: 'an integer',
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys',
  record: 'a map of keys',
  tuple: 'a list',
};

/** What would be valid, in words. */
function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return typeNames[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return issue.values.map((item) => (typeof item === 'string' ? item : String(item))).join(', ');
    case 'too_small':
      return `${sizeOf(issue.origin)}${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`;
    case 'too_big':
      return `${sizeOf(issue.origin)}${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`;
    case 'invalid_key':
      return 'a key of a–z, 0–9 and -';
    default:
      return issue.message;
  }
}

function sizeOf(origin: string): string {
  if (origin === 'string') return 'a length of ';
  return origin === 'array' || origin === 'tuple' ? 'a number of entries of ' : '';
}

function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = Reflect.get(value, part);
  }
  return value;
}
