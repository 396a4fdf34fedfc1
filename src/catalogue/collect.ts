import type { z } from 'zod';
import { type CatalogueCode, type CatalogueFinding, shownValue } from './errors.ts';

/** More than this many findings tell a person nothing new; counting goes no further. */
const maximumFindings = 200;

/** Gathers findings while a document is checked, so that one run shows all that is wrong. */
export class Findings {
  readonly all: CatalogueFinding[] = [];

  add(code: CatalogueCode, path: string, value: unknown, expected: string): void {
    if (this.all.length < maximumFindings) this.all.push({ code, path, found: shownValue(value), expected });
  }

  /** Turns what zod says of a document's shape into findings. */
  addIssues(document: unknown, issues: readonly z.core.$ZodIssue[]): void {
    for (const issue of issues) {
      const isVersion = issue.path.length === 1 && ['catalogue', 'planogram'].includes(String(issue.path[0]));
      this.add(
        isVersion ? 'CW-CAT-005' : 'CW-CAT-004',
        formatPath(issue.path),
        valueAt(document, issue.path),
        expectation(issue),
      );
    }
  }
}

/** `products[3].grossMg.mean` from the path as zod gives it. */
function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}

/** The value at `path` inside `document`; `undefined` where it ends early. Own properties only. */
function valueAt(document: unknown, path: readonly PropertyKey[]): unknown {
  let value = document;
  for (const part of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = Reflect.get(value, part);
  }
  return value;
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return issue.values.map((value) => JSON.stringify(value)).join(' or ');
  if (issue.code === 'invalid_type') return issue.expected === 'int' ? 'an integer' : `${issue.expected}`;
  return issue.message;
}
