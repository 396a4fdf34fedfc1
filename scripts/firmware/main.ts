import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { parseArgs } from 'node:util';
import { machineRoot, type SystemRoot } from '#drivers/ports/root.ts';
import {
  type Bootloader,
  bootloaders,
  checkArguments,
  checkChip,
  mustHaveAvrdude,
  writeArguments,
  writeProgram,
} from './avrdude.ts';
import { attachedBoards, type Board, chooseBoard, mustBeFree } from './board.ts';
import { exitCodes, FlashError } from './flash-error.ts';
import { askProgram, giveSerial, type Program } from './handshake.ts';
import { type Image, readImage } from './image.ts';

const help = `Puts the load-cell bridge's firmware on an Arduino Uno or Nano (ATmega328P).

scripts/flash-firmware [--port PATH] [OPTIONS]
scripts/flash-firmware --all [--again PORT]… [--json]

It finds the board, asks what runs on it, checks its chip, writes the firmware with avrdude, verifies it, asks the board
again, and gives it a serial number where it has none. A board that does not answer is given up within a minute.

  --port PATH          the board's serial port, where several are attached or another program runs on it
  --dry-run            only show what would be done; the board is not touched (opening its port would reset it)
  --force              write even where the same or a newer version runs already
  --serial TEXT        serial number to give, eight letters or digits; also replaces the one it has
  --bootloader NAME    optiboot (Uno, current Nano), old (older Nano, 57600 Bd) or urboot; otherwise tried in this order
  --hex FILE           another build of the firmware
  --all                every attached bridge that runs an older version; other boards are left alone
  --again PORT         with --all: this board too, whatever runs on it; may be given several times
  --json               with --all: one JSON object a board
  --help

Exit codes:
   0  done, or nothing to do
   1  writing, verifying or the serial number failed; run it again
   2  wrong usage, or a hex file that can't be used
   3  no board, several to choose from, none that answers, or one that runs something else and was not named
   4  the port is in use by another process, or may not be opened
   5  the chip is not an ATmega328P
  69  avrdude is missing`;

interface Options {
  readonly port: string | undefined;
  readonly dryRun: boolean;
  readonly force: boolean;
  readonly serial: string | undefined;
  readonly choices: readonly Bootloader[];
  readonly hex: string;
  readonly all: boolean;
  readonly again: readonly string[];
  readonly json: boolean;
}

const shipped = new URL('../../boards/firmware/load-cell-bridge/load-cell-bridge.hex', import.meta.url)
  .pathname;
/** Without those that are taken for one another on a label. */
const serialCharacters = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const serialLength = 8;

const say = (line: string) => process.stdout.write(`${line}\n`);

function isBootloader(name: string): name is Bootloader {
  return Object.hasOwn(bootloaders, name);
}

function readOptions(args: string[]): Options | undefined {
  const { values } = parseArgs({
    args,
    options: {
      port: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
      force: { type: 'boolean', default: false },
      serial: { type: 'string' },
      bootloader: { type: 'string' },
      hex: { type: 'string', default: shipped },
      all: { type: 'boolean', default: false },
      again: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const { port, force, serial, bootloader, hex } = values;
  if (serial !== undefined && !/^[A-Za-z0-9]{8}$/.test(serial)) {
    throw new FlashError('usage', '--serial takes eight letters or digits.');
  }
  if (bootloader !== undefined && !isBootloader(bootloader)) {
    throw new FlashError('usage', `--bootloader is one of ${Object.keys(bootloaders).join(', ')}.`);
  }
  const choices = bootloader === undefined ? Object.keys(bootloaders).filter(isBootloader) : [bootloader];
  const { all, again, json } = values;
  return { port, dryRun: values['dry-run'], force, serial, choices, hex, all, again, json };
}

function randomSerial(): string {
  return Array.from(
    { length: serialLength },
    () => serialCharacters[randomInt(serialCharacters.length)],
  ).join('');
}

function describeProgram(program: Program): string {
  switch (program.kind) {
    case 'bridge':
      return `the load-cell bridge ${program.version}, ${program.serial === undefined ? 'without serial number' : `serial number ${program.serial}`}`;
    case 'firmata':
      return `another Firmata program, ${program.name}`;
    case 'silent':
      return 'nothing, or a program that says nothing the bridge would say';
  }
}

/** Below 0, 0 or above: `a` is older than, the same as, or newer than `b`. */
function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

function showPlan(board: Board, image: Image, options: Options): void {
  const [first = 'optiboot'] = options.choices;
  const command = (args: readonly string[]) => `     avrdude ${args.join(' ')}`;
  say('Would do, and did not:');
  say(`  1. open ${board.port} at 115200 Bd, which resets the board, and ask what runs on it`);
  if (!options.force) say(`     end here if that is version ${image.version} or newer`);
  if (!board.named) say('     end here if that is not the load-cell bridge');
  say('  2. read the chip and refuse any but the ATmega328P (0x1E950F)');
  say(command(checkArguments(first, board.port, 'SIGNATURE')));
  for (const other of options.choices.slice(1))
    say(`     or, where that gets no answer: ${bootloaders[other].join(' ')}`);
  say(`  3. write ${image.bytes} bytes and read them back`);
  say(command(writeArguments(first, board.port, relative(process.cwd(), image.path))));
  say(`  4. ask the board again: it has to be version ${image.version}`);
  say(
    options.serial === undefined
      ? '  5. give it a random serial number if it has none'
      : `  5. give it the serial number ${options.serial}`,
  );
}

async function writeFirmware(board: Board, image: Image, options: Options): Promise<Program> {
  const bootloader = await checkChip(options.choices, board.port, say);
  say(`The chip is an ATmega328P; its bootloader answers (${bootloader}).`);
  say(`Writing ${image.bytes} bytes and reading them back (some seconds); leave the cable in …`);
  await writeProgram(bootloader, board.port, image.path);
  say('Written and verified. Asking what runs on it now …');
  const program = await askProgram(board.port);
  if (program.kind !== 'bridge' || program.version !== image.version) {
    throw new FlashError(
      'failed',
      `The board was written, but now runs ${describeProgram(program)}, not version ${image.version}. Press its reset button and run this again.`,
    );
  }
  say(`It runs ${describeProgram(program)}.`);
  return program;
}

/** Why the firmware need not be written, or undefined. Throws FlashError where it must not be. */
function reasonToKeep(board: Board, program: Program, image: Image, force: boolean): string | undefined {
  if (program.kind !== 'bridge') {
    if (board.named) return undefined;
    throw new FlashError(
      'noBoard',
      `It may be something else than a board for load cells. To overwrite it, name it: --port ${board.port}`,
    );
  }
  const order = compareVersions(program.version, image.version);
  if (force || order < 0) return undefined;
  return order === 0
    ? `Version ${image.version} runs already (--force writes it again).`
    : `That is newer than ${image.version} (--force writes the older one).`;
}

async function giveSerialIfWanted(board: Board, program: Program, wanted: string | undefined): Promise<void> {
  const has = program.kind === 'bridge' ? program.serial : undefined;
  if (has !== undefined && (wanted === undefined || wanted === has)) return;
  const serial = wanted ?? randomSerial();
  say(`Giving it the serial number ${serial} …`);
  await giveSerial(board.port, serial);
  say(`Its serial number is now ${serial}.`);
}

async function flash(options: Options, root: SystemRoot): Promise<void> {
  const image = readImage(options.hex);
  const board = await chooseBoard(options.port, root);
  say(`Board: ${board.description}`);
  say(`Firmware: ${relative(process.cwd(), image.path)}, version ${image.version}`);
  await mustBeFree(board.port, root);
  if (options.dryRun) {
    showPlan(board, image, options);
    return;
  }
  mustHaveAvrdude();
  say('Asking what runs on it (up to 4 s) …');
  const found = await askProgram(board.port);
  say(`On it runs ${describeProgram(found)}.`);
  const keep = reasonToKeep(board, found, image, options.force);
  if (keep !== undefined) say(keep);
  const program = keep === undefined ? await writeFirmware(board, image, options) : found;
  await giveSerialIfWanted(board, program, options.serial);
}

/** Brings all attached bridges to this firmware; 1 where one of them failed. */
async function flashAll(options: Options): Promise<number> {
  const image = readImage(options.hex);
  const attached = await attachedBoards(machineRoot);
  const again = options.again
    .filter((port) => existsSync(port) && !attached.some((board) => board.port === port))
    .map((port) => ({ port, named: true, description: port }));
  const out = options.json ? (line: object) => say(JSON.stringify(line)) : undefined;
  let failures = 0;
  for (const board of [...attached, ...again]) {
    const isAgain = options.again.includes(board.port);
    const told = await flashOne(board, image, { ...options, force: isAgain });
    if (told.failed !== undefined) failures++;
    if (out !== undefined) out(told);
    else say(`${board.description}: ${told.failed ?? told.after ?? 'left alone'}`);
  }
  return failures === 0 ? exitCodes.done : exitCodes.failed;
}

interface Outcome {
  readonly port: string;
  readonly before?: string;
  readonly after?: string;
  readonly failed?: string;
}

/** What became of a board: the versions before and after, or why it failed. One that is no bridge is left alone. */
async function flashOne(board: Board, image: Image, options: Options): Promise<Outcome> {
  let before: string | undefined;
  try {
    await mustBeFree(board.port, machineRoot);
    const found = await askProgram(board.port);
    before = found.kind === 'bridge' ? found.version : undefined;
    const isOurs = before !== undefined || options.force;
    const known = before === undefined ? {} : { before };
    if (!isOurs || (before !== undefined && !options.force && compareVersions(before, image.version) >= 0))
      return { port: board.port, ...known, ...(before === undefined ? {} : { after: before }) };
    mustHaveAvrdude();
    const bootloader = await checkChip(options.choices, board.port, () => {});
    await writeProgram(bootloader, board.port, image.path);
    const program = await askProgram(board.port);
    if (program.kind === 'bridge' && program.version === image.version)
      return { port: board.port, ...known, after: program.version };
    return { port: board.port, ...known, failed: `it runs ${describeProgram(program)} after it was written` };
  } catch (error) {
    const failed = error instanceof Error ? error.message : String(error);
    return { port: board.port, ...(before === undefined ? {} : { before }), failed };
  }
}

async function main(): Promise<number> {
  try {
    const options = readOptions(process.argv.slice(2));
    if (options === undefined) say(help);
    else if (options.all) return await flashAll(options);
    else await flash(options, machineRoot);
    return exitCodes.done;
  } catch (error) {
    if (error instanceof FlashError) {
      process.stderr.write(`${error.message}\n`);
      return error.exitCode;
    }
    const usage =
      error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
    process.stderr.write(
      usage ? `${error.message}\nSee --help.\n` : `${error instanceof Error ? error.stack : error}\n`,
    );
    return usage ? exitCodes.usage : exitCodes.internal;
  }
}

process.exitCode = await main();
