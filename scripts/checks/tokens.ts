/** A token of TypeScript, coarse: enough to find imports and the use of globals without a compiler. */
export interface Token {
  readonly kind: 'word' | 'string' | 'template' | 'punctuation';
  /** The text; of a string its contents. */
  readonly text: string;
  readonly line: number;
}

const space = /\s/;
const wordStart = /[\p{ID_Start}$_#]/u;
const wordPart = /[\p{ID_Continue}$\u200c\u200d]/u;
/** After one of these a `/` begins a regular expression, not a division. */
const beforeRegex = new Set([
  'return',
  'typeof',
  'case',
  'in',
  'of',
  'delete',
  'void',
  'throw',
  'await',
  'yield',
  'else',
]);

/**
 * Splits TypeScript into tokens, leaving out comments and white space. Code inside `${…}` of a template is tokenized too.
 * @param source the text of a file
 */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  const templates: number[] = [];
  let at = 0;
  let line = 1;
  let depth = 0;

  const push = (kind: Token['kind'], text: string) => tokens.push({ kind, text, line });
  const countLines = (text: string) => {
    for (const character of text) if (character === '\n') line++;
  };
  /** From just after a backtick or a `}` to the closing backtick or the next `${`. */
  const template = () => {
    const start = at;
    while (at < source.length && source[at] !== '`' && !source.startsWith('${', at)) {
      at += source[at] === '\\' ? 2 : 1;
    }
    const text = source.slice(start, at);
    push('template', text);
    countLines(text);
    if (source[at] === '`') at++;
    else {
      at += 2;
      templates.push(depth);
      depth++;
    }
  };

  while (at < source.length) {
    const character = source.charAt(at);
    if (space.test(character)) {
      if (character === '\n') line++;
      at++;
    } else if (source.startsWith('//', at)) {
      const end = source.indexOf('\n', at);
      at = end < 0 ? source.length : end;
    } else if (source.startsWith('/*', at)) {
      const end = source.indexOf('*/', at + 2);
      const stop = end < 0 ? source.length : end + 2;
      countLines(source.slice(at, stop));
      at = stop;
    } else if (character === "'" || character === '"') {
      const end = stringEnd(source, at);
      push('string', source.slice(at + 1, end - 1));
      at = end;
    } else if (character === '`') {
      at++;
      template();
    } else if (character === '/' && regexMayStart(tokens.at(-1))) {
      at = regexEnd(source, at);
      push('punctuation', '/regex/');
    } else if (wordStart.test(character)) {
      const start = at++;
      while (at < source.length && wordPart.test(source.charAt(at))) at++;
      push('word', source.slice(start, at));
    } else if (character === '}' && templates.at(-1) === depth - 1) {
      templates.pop();
      depth--;
      at++;
      template();
    } else {
      if (character === '{') depth++;
      if (character === '}') depth--;
      push('punctuation', character);
      at++;
    }
  }
  return tokens;
}

/** Just after the closing quote; a string that the line's end cuts off ends there. */
function stringEnd(source: string, start: number): number {
  const quote = source[start];
  let at = start + 1;
  while (at < source.length && source[at] !== quote && source[at] !== '\n') at += source[at] === '\\' ? 2 : 1;
  return at + 1;
}

function regexMayStart(previous: Token | undefined): boolean {
  if (previous === undefined) return true;
  if (previous.kind === 'word') return beforeRegex.has(previous.text);
  return previous.kind === 'punctuation' && !/^(?:[)\]}\d]|\/regex\/)$/.test(previous.text);
}

function regexEnd(source: string, start: number): number {
  let at = start + 1;
  let inClass = false;
  while (at < source.length && source[at] !== '\n') {
    const character = source[at];
    if (character === '\\') at++;
    else if (character === '[') inClass = true;
    else if (character === ']') inClass = false;
    else if (character === '/' && !inClass) {
      at++;
      while (/[a-z]/.test(source.charAt(at))) at++;
      return at;
    }
    at++;
  }
  return at;
}
