import { appendFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Outcome, Report } from './plan.ts';

const words: Readonly<Record<Outcome, string>> = {
  ok: 'ok',
  done: 'done',
  would: 'would',
  left: '-',
  removed: 'gone',
};

/** Lines for the terminal and, with their times, for the log. */
export class Screen {
  readonly #log: string | undefined;
  readonly #write: (line: string) => void;

  /** `log` undefined: nothing is kept (a dry run changes nothing). */
  constructor(log: string | undefined, write: (line: string) => void) {
    this.#log = log;
    this.#write = write;
  }

  say(line: string): void {
    this.#write(line);
    this.keep(line);
  }

  /** For the log alone. A log that can't be written is no reason to stop. */
  keep(line: string): void {
    if (this.#log === undefined) return;
    try {
      mkdirSync(dirname(this.#log), { recursive: true });
      appendFileSync(this.#log, `${new Date().toISOString()} ${line}\n`, { mode: 0o640 });
    } catch {
      // The terminal has it.
    }
  }

  /** A line a step; of what was done, every line stands in the log. */
  readonly report: Report = (number, total, title, outcome, lines) => {
    const head = `${String(number).padStart(2)}/${total}  ${title.padEnd(15)}`;
    const [first = '', ...more] = lines;
    if (outcome === 'begin') {
      // What takes long is told before it is done.
      this.say(`${head} ...   ${first}${more.length === 0 ? '' : `, and ${more.length} more`}`);
      for (const line of lines) this.keep(`         ${line}`);
    } else if (outcome === 'done') {
      this.say(`${head} ${words.done}`);
    } else if (outcome === 'removed') {
      this.say(
        `${head} ${words.removed}  ${lines.at(-1) ?? ''}${more.length === 0 ? '' : `, and ${more.length} more`}`,
      );
      for (const line of lines) this.keep(`         ${line}`);
    } else {
      this.say(`${head} ${words[outcome].padEnd(5)} ${first}`.trimEnd());
      for (const line of more) this.say(`${' '.repeat(26)}${line}`);
    }
  };
}
