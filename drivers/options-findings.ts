import { didYouMean } from '#base/suggest.ts';
import type { OptionsError } from './driver.ts';

/** One thing that is wrong with a device's options. */
export interface OptionFinding {
  /** Keys and positions below `options`. */
  readonly path: readonly (string | number)[];
  /** What was found and what would be valid. */
  readonly message: string;
}

/** What zod tells of an issue beyond its message; a maker's own check tells none of it. */
interface Issue {
  readonly path?: readonly PropertyKey[];
  readonly message: string;
  readonly code?: string;
  readonly expected?: unknown;
  readonly values?: readonly unknown[];
  readonly keys?: readonly string[];
  readonly errors?: readonly (readonly Issue[])[];
}

/** What is wrong with options, in words for who wrote the profile: zod's own messages name neither value nor choices. */
export function optionFindings(
  error: OptionsError | undefined,
  options: unknown,
  schema: unknown,
): OptionFinding[] {
  const issues: readonly Issue[] = Array.isArray(error?.issues) ? error.issues : [];
  if (issues.length === 0)
    return [{ path: [], message: error?.message ?? 'not valid; the driver does not say why' }];
  return issues.map((issue) => ({
    path: (issue.path ?? []).map((part) => (typeof part === 'symbol' ? String(part) : part)),
    message: explain(issue, options, schema),
  }));
}

/** The findings as one line: `options.baudRate: found 1; expected …`. */
export function findingLines(findings: readonly OptionFinding[]): string[] {
  return findings.map(({ path, message }) => `${['options', ...path].join('.')}: ${message}`);
}

function explain(issue: Issue, options: unknown, schema: unknown): string {
  const path = issue.path ?? [];
  if (issue.code === 'unrecognized_keys' && issue.keys !== undefined) {
    const known = path.length === 0 ? keysOf(schema) : [];
    const list = known.length === 0 ? '' : `; known here are ${known.join(', ')}`;
    const keys = issue.keys.map((key) => `"${key}"`).join(', ');
    const hints = issue.keys.map((key) => meant(key, known)).join('');
    return `unknown key${issue.keys.length === 1 ? '' : 's'} ${keys}${hints}${list}`;
  }
  const expected = expectedOf(issue);
  // A sentence that the driver's own schema gives says more than its type.
  if (expected.length === 0 || !/^Invalid (?:input|option)\b/.test(issue.message)) return issue.message;
  const words = `${expected.length > 1 ? 'one of ' : ''}${expected.join(', ')}`;
  const found = path.reduce<unknown>(inside, options);
  if (found === undefined) return `is missing; expected ${words}`;
  return `found ${shown(found)}; expected ${words}${quotingHint(found, issue, expected)}`;
}

/** How drivers name the serial line they are on: scanners `match`, the bridge `port`, scales `serial`. */
const serialLine = ['match', 'port', 'serial'];

/** What somebody probably meant by a key that a driver does not know. */
function meant(key: string, known: readonly string[]): string {
  const here = serialLine.find((name) => known.includes(name));
  if (serialLine.includes(key) && here !== undefined && known.includes('baudRate'))
    return `; the serial line is ${here} here`;
  return didYouMean(key, known);
}

/** What would be valid, in words; of a choice between kinds, each. Empty where zod doesn't say. */
function expectedOf(issue: Issue): string[] {
  if (issue.code === 'invalid_value') return (issue.values ?? []).map(String);
  if (issue.code === 'invalid_type') {
    const name = String(issue.expected);
    return [typeNames[name] ?? name];
  }
  if (issue.code !== 'invalid_union') return [];
  const choices = (issue.errors ?? []).map((branch) =>
    branch.length === 1 && branch[0] !== undefined && (branch[0].path ?? []).length === 0
      ? expectedOf(branch[0])
      : [],
  );
  // A choice that can't be told makes the list of the others wrong.
  return choices.some((choice) => choice.length === 0) ? [] : [...new Set(choices.flat())];
}

/** YAML reads 0403 as the number 403 and "80" as a text: what to write instead. */
function quotingHint(found: unknown, issue: Issue, expected: readonly string[]): string {
  const wantsText = issue.code === 'invalid_type' && issue.expected === 'string';
  if (typeof found === 'number' && wantsText) return '; put it in quotes, with all its digits';
  const wantsNumber = expected.includes(String(found)) || expected.includes(typeNames.number ?? '');
  return typeof found === 'string' && wantsNumber && found.trim() !== '' && Number.isFinite(Number(found))
    ? '; write it without quotes'
    : '';
}

const typeNames: Readonly<Record<string, string>> = {
  int: 'an integer',
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
  array: 'a list, as [a, b]',
  tuple: 'a list, as [a, b]',
  object: 'a map of keys, as { key: value }',
  record: 'a map of keys, as { key: value }',
};

function keysOf(schema: unknown): string[] {
  const shape = inside(schema, 'shape');
  return typeof shape === 'object' && shape !== null ? Object.keys(shape) : [];
}

function inside(value: unknown, key: PropertyKey): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
