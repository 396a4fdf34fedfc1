import { findImports } from './imports.ts';
import { type Token, tokenize } from './tokens.ts';

export interface Impurity {
  readonly what: string;
  readonly line: number;
}

/** Globals that act or read time when called. */
const calls = new Set(['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'fetch']);
/** Globals of which any member acts or reads time. */
const objects = new Set(['process', 'performance', 'console', 'globalThis', 'crypto', 'Temporal']);
/** Packages that do no I/O by themselves. */
const purePackages = new Set(['zod', 'cbor-x']);

/**
 * Where a source file does I/O, reads a clock, draws a random number or sets a timer.
 * @param nodeModules modules of Node.js that are allowed, as `node:crypto` for hashing
 */
export function findImpurities(source: string, nodeModules: readonly string[]): Impurity[] {
  const found: Impurity[] = findImports(source)
    .filter(({ specifier }) => specifier !== undefined && !/^[.#]/.test(specifier))
    .filter(({ specifier }) => !purePackages.has(specifier ?? '') && !nodeModules.includes(specifier ?? ''))
    .map(({ specifier, line }) => ({ what: specifier ?? '', line }));
  const tokens = tokenize(source);
  tokens.forEach((token, index) => {
    const what = token.kind === 'word' ? impurityAt(tokens, index) : undefined;
    if (what !== undefined) found.push({ what, line: token.line });
  });
  return found;
}

function impurityAt(tokens: readonly Token[], index: number): string | undefined {
  const name = tokens[index]?.text ?? '';
  const before = tokens[index - 1]?.text;
  const after = tokens[index + 1]?.text;
  const member = after === '.' ? (tokens[index + 2]?.text ?? '') : '';
  if (before === '.') return undefined;
  if (name === 'Date' && member === 'now') return 'Date.now()';
  if (name === 'Date' && before === 'new' && after === '(' && tokens[index + 2]?.text === ')')
    return 'new Date()';
  if (name === 'Math' && member === 'random') return 'Math.random()';
  // `randomBytes` and its kin come from node:crypto, which is allowed for hashing only.
  if (/^random(?:Bytes|UUID|Int|FillSync|Fill)$/.test(name) && after === '(') return `${name}()`;
  if (calls.has(name) && after === '(' && before !== 'function') return `${name}()`;
  if (objects.has(name) && (after === '.' || after === '[')) return `${name}.${member}`;
  return undefined;
}
