import { type Token, tokenize } from './tokens.ts';

/** A module that a file names: by `import`, `export … from`, `import()`, `require()` or `import.meta.resolve()`. */
export interface Import {
  /** As written; undefined for `import(expression)`, which no check can follow. */
  readonly specifier: string | undefined;
  readonly line: number;
}

/** Every import of a source file, those of types included. */
export function findImports(source: string): Import[] {
  const tokens = tokenize(source);
  const found: Import[] = [];
  tokens.forEach((token, index) => {
    if (token.kind !== 'word' || tokens[index - 1]?.text === '.') return;
    if (token.text === 'import' || token.text === 'export') {
      const one = token.text === 'import' ? importAt(tokens, index) : exportAt(tokens, index);
      if (one !== undefined) found.push({ specifier: one.specifier, line: token.line });
    } else if (token.text === 'require' && tokens[index + 1]?.text === '(') {
      found.push({ specifier: literal(tokens[index + 2]), line: token.line });
    }
  });
  return found;
}

function literal(token: Token | undefined): string | undefined {
  return token?.kind === 'string' || token?.kind === 'template' ? token.text : undefined;
}

function importAt(tokens: readonly Token[], index: number): { specifier: string | undefined } | undefined {
  const next = tokens[index + 1];
  if (next === undefined || next.text === ':') return undefined;
  if (next.kind === 'string') return { specifier: next.text };
  if (next.text === '(') {
    const closes = tokens[index + 3]?.text;
    return { specifier: closes === ')' || closes === ',' ? literal(tokens[index + 2]) : undefined };
  }
  if (next.text === '.') {
    const resolves = tokens[index + 4]?.text === 'resolve' && tokens[index + 5]?.text === '(';
    return resolves ? { specifier: literal(tokens[index + 6]) } : undefined;
  }
  return fromClause(tokens, index + 1);
}

function exportAt(tokens: readonly Token[], index: number): { specifier: string | undefined } | undefined {
  const start = tokens[index + 1]?.text === 'type' ? index + 2 : index + 1;
  const first = tokens[start]?.text;
  if (first === '*') return fromClause(tokens, start);
  if (first !== '{') return undefined;
  let at = start;
  while (at < tokens.length && tokens[at]?.text !== '}') at++;
  return tokens[at + 1]?.text === 'from' ? fromClause(tokens, at + 1) : undefined;
}

/** The string after the next `from`, which only names, braces, commas and `*` may precede. */
function fromClause(tokens: readonly Token[], start: number): { specifier: string | undefined } | undefined {
  for (let at = start; at < tokens.length; at++) {
    const token = tokens[at];
    if (token === undefined) return undefined;
    if (token.text === 'from' && tokens[at + 1]?.kind === 'string')
      return { specifier: tokens[at + 1]?.text };
    if (token.kind === 'string' ? false : token.kind !== 'word' && !'{},*'.includes(token.text))
      return undefined;
  }
  return undefined;
}
