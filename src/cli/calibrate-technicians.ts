import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, emitKeypressEvents, type Interface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { differenceText, loadText } from '#calibration/mass-text.ts';
import type { Candidate } from '#calibration/session.ts';
import { loadBar } from './calibrate-bar.ts';
import type { Prompt, Reply, Technician, Told } from './calibrate-guide.ts';
import type { CalibrationScript } from './calibrate-script.ts';
import type { DevicePlate } from './calibrate-talk.ts';
import { CliError } from './errors.ts';
import { notice, printable, printJson, terminalColumns } from './terminal.ts';

/** What of a plate is shown while a load is put on it. */
export interface LiveMass {
  readonly grossMg: number | undefined;
  readonly stable: boolean;
}

const drawEveryMs = 150;
/** A terminal line is drawn over itself. */
const eraseLine = '\r\x1b[K';

/** A person at a terminal: prompts, a bar that fills while the load comes to rest, and keys. */
export class TerminalTechnician implements Technician {
  readonly #live: (plate: string) => LiveMass | undefined;

  constructor(live: (plate: string) => LiveMass | undefined) {
    this.#live = live;
    emitKeypressEvents(process.stdin);
  }

  async place({ plate, text, number, of }: Prompt): Promise<Reply> {
    process.stdout.write(
      `\n${number}/${of}  ${printable(text)}\n     Enter: it lies still   u: take back the step before   q: end without a change\n`,
    );
    const bar = loadBar();
    const timer = setInterval(() => {
      const line = bar(this.#live(plate), performance.now());
      process.stdout.write(`${eraseLine}${line.slice(0, terminalColumns() - 1)}`);
    }, drawEveryMs);
    try {
      return await key({ return: 'done', enter: 'done', u: 'undo', q: 'abort' });
    } finally {
      clearInterval(timer);
      process.stdout.write('\n');
    }
  }

  async accept(plate: DevicePlate, candidate: Candidate): Promise<boolean> {
    process.stdout.write(`\n${candidateLines(plate, candidate).join('\n')}\n`);
    process.stdout.write(
      `Put it in force for plate ${plate.id}? y: yes   n: no, leave the scale as it was\n`,
    );
    return (await key({ y: 'yes', n: 'no', q: 'no' })) === 'yes';
  }

  tell(told: Told): void {
    const line = toldLine(told);
    process.stdout.write(`     ${printable(line)}\n`);
  }
}

/** Waits for one of these keys. Ctrl-C is the last of them. */
async function key<Meaning extends string>(meanings: Readonly<Record<string, Meaning>>): Promise<Meaning> {
  const { stdin } = process;
  stdin.setRawMode(true);
  stdin.resume();
  try {
    for (;;) {
      const [, pressed] = (await once(stdin, 'keypress')) as [string, { name?: string; ctrl?: boolean }];
      const name =
        pressed.ctrl === true && pressed.name === 'c' ? Object.keys(meanings).at(-1) : pressed.name;
      if (name !== undefined && Object.hasOwn(meanings, name)) {
        const meaning = meanings[name];
        if (meaning !== undefined) return meaning;
      }
    }
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
  }
}

/** A program at the other end: prompts as JSON lines on standard output, `done`, `undo`, `abort`, `yes` or `no` as lines on standard input. */
export class LineTechnician implements Technician {
  readonly #device: string;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  constructor(device: string) {
    this.#device = device;
    this.#reader = createInterface({ input: process.stdin });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  close(): void {
    this.#reader.close();
  }

  async place(prompt: Prompt): Promise<Reply> {
    for (;;) {
      printJson({ device: this.#device, prompt });
      const line = await this.#line();
      if (line === 'undo' || line === 'abort' || line === 'done') return line;
      if (line === '') return 'done';
      this.tell({ what: 'note', text: `${line} is no reply: done, undo or abort` });
    }
  }

  async accept(plate: DevicePlate, candidate: Candidate): Promise<boolean> {
    printJson({ device: this.#device, accept: { plate: plate.id, candidate } });
    return (await this.#line()) === 'yes';
  }

  tell(told: Told): void {
    printJson({ device: this.#device, ...told });
  }

  /** Where nobody says anything any more, nothing is changed. */
  async #line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    return done === true ? 'abort' : value.trim().toLowerCase();
  }
}

/** Nobody: a script says what is done. */
export class ScriptTechnician implements Technician {
  readonly #device: string;
  readonly #script: CalibrationScript;
  readonly #say: (told: object) => void;

  constructor(device: string, script: CalibrationScript, say: (told: object) => void) {
    this.#device = device;
    this.#script = script;
    this.#say = say;
  }

  async place(prompt: Prompt): Promise<Reply> {
    const { place, waitS } = this.#script;
    this.#say({ device: this.#device, prompt });
    if (place !== undefined) await run(place.map((part) => filledIn(part, this.#device, prompt)));
    if (waitS > 0) await sleep(waitS * 1_000);
    return 'done';
  }

  async accept(): Promise<boolean> {
    return this.#script.accept;
  }

  tell(told: Told): void {
    this.#say({ device: this.#device, ...told });
  }
}

function filledIn(part: string, device: string, { plate, step, massMg, at, weights }: Prompt): string {
  const values: Readonly<Record<string, string>> = {
    ...{ device, plate, step, at },
    massMg: String(massMg),
    weights: weights.join('+'),
  };
  return part.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}

async function run([program = '', ...args]: readonly string[]): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const [code] = await Promise.race([
    once(child, 'exit'),
    once(child, 'error').then(([error]) => {
      throw new CliError('CW-CLI-004', `${program} can't be run: ${(error as Error).message}`, {
        cause: error,
      });
    }),
  ]);
  if (code !== 0)
    throw new CliError('CW-CLI-007', `${program} ended with ${code}: the load is not known to lie there`);
}

/** A refusal with its code, which the message of some begins with already. */
export function withCode(code: string, message: string): string {
  return message.startsWith(code) ? message : `${code} ${message}`;
}

/** What happened, in a line. */
export function toldLine(told: Told): string {
  switch (told.what) {
    case 'note':
      return told.text;
    case 'measuring':
      return 'Measuring, hands off …';
    case 'undone':
      return 'The step before was taken back.';
    case 'refused':
      return withCode(told.code, told.message);
    case 'taken': {
      const { verification, load } = told.result;
      if (verification !== undefined) {
        const { passed, massMg, errorMg, mpeMg } = verification;
        const error = differenceText(errorMg, mpeMg);
        return `${passed ? 'Passed' : 'NOT passed'}: ${loadText(massMg)} reads ${error} (allowed ±${loadText(mpeMg)}).`;
      }
      return load === undefined ? 'Taken.' : `Taken: ${loadText(load.massMg)}.`;
    }
  }
}

/** What a candidate says of a plate, for whoever decides on it. */
export function candidateLines(plate: DevicePlate, candidate: Candidate): readonly string[] {
  const fitted = candidate.plates[plate.id];
  if (fitted === undefined) return [`Plate ${plate.id} was not measured.`];
  const intervalMg = plate.intervalMg ?? 1_000;
  const rows = fitted.residuals.map(({ massMg, at, errorMg, mpeMg }) => {
    const within = Math.abs(errorMg) <= mpeMg ? 'within' : 'BEYOND';
    return `  ${loadText(massMg).padStart(10)}  ${at.padEnd(10)} ${differenceText(errorMg, intervalMg).padStart(10)}   ${within} ±${loadText(mpeMg)}`;
  });
  const gains = Object.entries(fitted.gainPpm).map(
    ([cell, ppm]) => `  ${cell}: ${(Number(ppm) / 10_000).toFixed(2)} %`,
  );
  return [
    `Plate ${plate.id}, ${fitted.model}${fitted.trimmed ? ', corners trimmed' : ''}. What remains at each load:`,
    ...rows,
    'Change of each cell against before:',
    ...gains,
  ];
}

/** Says it to a person who reads along, on standard error. */
export function sayPlainly(told: object): void {
  if ('what' in told) {
    const { device, ...rest } = told as Told & { readonly device: string };
    notice(`${device}       ${printable(toldLine(rest as Told))}`);
  } else if ('prompt' in told) {
    const { prompt, device } = told as { readonly prompt: Prompt; readonly device: string };
    notice(`${device}  ${prompt.number}/${prompt.of}  ${printable(prompt.text)}`);
  }
}
