import { formatPath, type Path, type SourceDocument, shownValue } from './document.ts';
import type { ConfigCode, Finding } from './errors.ts';

/** Gathers what the checks of one document find; every finding gets its line. */
export class Report {
  readonly findings: Finding[] = [];
  readonly #source: Pick<SourceDocument, 'file' | 'locate'>;

  constructor(source: Pick<SourceDocument, 'file' | 'locate'>) {
    this.#source = source;
  }

  error(code: ConfigCode, path: Path, found: unknown, expected: string): void {
    this.#add('error', code, path, found, expected);
  }

  warning(code: ConfigCode, path: Path, found: unknown, expected: string): void {
    this.#add('warning', code, path, found, expected);
  }

  #add(severity: 'error' | 'warning', code: ConfigCode, path: Path, value: unknown, expected: string): void {
    const found = shownValue(value);
    this.findings.push({
      severity,
      code,
      file: this.#source.file,
      path: formatPath(path),
      ...this.#source.locate(path),
      found,
      expected,
      message: `found ${found}; expected ${expected}`,
    });
  }
}
