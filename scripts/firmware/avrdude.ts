import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { FlashError } from './flash-error.ts';

/** How the boards' bootloaders are spoken to. */
export const bootloaders = {
  /** Of the Uno and of current Nanos. */
  optiboot: ['-c', 'arduino', '-b', '115200'],
  /** Of Nanos made before 2018 and many copies. */
  old: ['-c', 'arduino', '-b', '57600'],
  urboot: ['-c', 'urclock', '-b', '115200'],
} as const satisfies Record<string, readonly string[]>;

export type Bootloader = keyof typeof bootloaders;

/**
 * How long a bootloader may take to answer, ms. One that is there does within two seconds of the reset; avrdude itself
 * would try ten times over, about a minute. Time for two of its tries, as the first can meet a board that still starts.
 */
const answerWithinMs = 12_000;

/** ATmega328P, manufacturer's byte first. */
const wantedSignature = 0x1e950f;
const otherChips = new Map([
  [0x1e9406, 'ATmega168'],
  [0x1e940b, 'ATmega168P'],
  [0x1e9514, 'ATmega328'],
  [0x1e9516, 'ATmega328PB'],
  [0x1e9587, 'ATmega32U4'],
  [0x1e9801, 'ATmega2560'],
  [0x1e9651, 'ATmega4809'],
]);

/** Arguments that every call has. `-F`, which overrides the chip's signature, is never among them. */
function connection(bootloader: Bootloader, port: string): string[] {
  return ['-q', '-p', 'atmega328p', ...bootloaders[bootloader], '-P', port];
}

/** The call that reads the chip's signature into a file. */
export function checkArguments(bootloader: Bootloader, port: string, file: string): string[] {
  return [...connection(bootloader, port), '-U', `signature:r:${file}:h`];
}

/** The call that writes a program and reads it back; STK500v1 bootloaders erase page by page (`-D`). */
export function writeArguments(bootloader: Bootloader, port: string, hex: string): string[] {
  const pages = bootloader === 'urboot' ? [] : ['-D'];
  return [...connection(bootloader, port), ...pages, '-U', `flash:w:${hex}:i`];
}

/**
 * Finds out which bootloader answers and that its chip is an ATmega328P; `say` hears of each try. Throws FlashError for
 * another chip, or when none answers.
 */
export async function checkChip(
  choices: readonly Bootloader[],
  port: string,
  say: (line: string) => void,
): Promise<Bootloader> {
  const folder = mkdtempSync(join(tmpdir(), 'cartwright-flash-'));
  try {
    for (const bootloader of choices) {
      const file = join(folder, `${bootloader}.signature`);
      const [, , , baud] = bootloaders[bootloader];
      say(`Asking for the bootloader ${bootloader} at ${baud} Bd (up to ${answerWithinMs / 1000} s) …`);
      const { status, output } = await runAvrdude(checkArguments(bootloader, port, file), answerWithinMs);
      const signature = status === 0 ? signatureIn(readFileSync(file, 'latin1')) : reported(output);
      if (signature === undefined) continue;
      if (signature !== wantedSignature) throw wrongChip(signature);
      if (status === 0) return bootloader;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  throw new FlashError(
    'noBoard',
    `No bootloader answers on ${port} (tried: ${choices.join(', ')}). Press the board's reset button just as this starts; a board whose bootloader is gone needs a programmer.`,
  );
}

function signatureIn(text: string): number | undefined {
  const bytes = text.trim().split(',').map(Number);
  if (bytes.length !== 3 || bytes.some((byte) => !Number.isInteger(byte))) return undefined;
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

/** What avrdude says of a chip before it refuses it. */
function reported(output: string): number | undefined {
  const text = /device signature = 0x([0-9a-f]{6})/i.exec(output)?.[1];
  return text === undefined ? undefined : Number.parseInt(text, 16);
}

function wrongChip(signature: number): FlashError {
  const hex = `0x${signature.toString(16).toUpperCase().padStart(6, '0')}`;
  const name = otherChips.get(signature);
  return new FlashError(
    'wrongChip',
    `The chip says ${hex}${name === undefined ? '' : ` (${name})`}, not 0x1E950F (ATmega328P): nothing was written. This firmware runs on an Arduino Uno or Nano with an ATmega328P.`,
  );
}

/** Writes and verifies. Throws FlashError, with avrdude's last words, where either fails. */
export async function writeProgram(bootloader: Bootloader, port: string, hex: string): Promise<void> {
  const { status, output } = await runAvrdude(writeArguments(bootloader, port, hex));
  if (status === 0) return;
  const last = output.trim().split('\n').slice(-12).join('\n  ');
  throw new FlashError(
    'failed',
    `Writing failed; the board may hold half a program now. Run this again. avrdude said:\n  ${last}`,
  );
}

/** Throws FlashError where avrdude isn't installed. */
export function mustHaveAvrdude(): void {
  const folders = (process.env.PATH ?? '').split(delimiter);
  if (folders.some((folder) => existsSync(join(folder, 'avrdude')))) return;
  throw new FlashError('noTool', "avrdude is missing. Install it (Debian: 'apt-get install avrdude').");
}

/** `withinMs`: it is ended then, which only what reads may be. */
function runAvrdude(args: readonly string[], withinMs?: number): Promise<{ status: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('avrdude', args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(withinMs === undefined ? {} : { timeout: withinMs, killSignal: 'SIGKILL' }),
    });
    let output = '';
    const collect = (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(-65_536);
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', reject);
    child.on('close', (code) => resolve({ status: code ?? 1, output }));
  });
}
