import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import type { Command } from 'commander';
import { plainCause } from '#base/system-error.ts';
import type { FoundCode } from '#vision/codes/evidence.ts';
import { lumaOf } from '#vision/codes/luma.ts';
import { CodeReader } from '#vision/codes/reader.ts';
import { VisionError } from '#vision/errors.ts';
import { readPicture } from '#vision/pictures/decode.ts';
import { CliError } from './errors.ts';
import { exitCodes } from './exit.ts';
import { notice, printable, printJson } from './terminal.ts';

/** Nobody waits for a cart here: a picture is worth the time that a busy machine takes for it, ms. */
const searchLimitMs = 60_000;
/** Formats that are decoded, by their usual endings. */
const pictureFile = /\.(?:jpe?g|png|webp)$/i;

/** `cartwright vision codes`: what is read from pictures. */
export function registerVisionCodes(vision: Command): void {
  vision
    .command('codes')
    .description('read the codes on pictures: EAN, UPC, DataBar, Code 128, ITF, QR, Data Matrix')
    .argument('<path>', 'a picture (JPEG, PNG, WebP), or a folder with pictures and folders')
    .option('--json', 'one JSON object a code and line (so too where the output is no terminal)')
    .addHelpText(
      'after',
      `
Each code with its file, its AIM symbology identifier and its text, as a scanner would say it; FNC1 is GS (0x1D).
"proven" is false for a linear code that few lines of the picture show: a camera must see it in two pictures.

Exit code 1 where a picture could not be read.

Examples:
  scripts/cartwright vision codes /tmp/pictures
  scripts/cartwright vision codes /tmp/pictures --json | jq -r .text`,
    )
    .action(async (path: string, { json }: { readonly json?: boolean }) => {
      const asJson = json === true || process.stdout.isTTY !== true;
      await printCodes(path, asJson);
    });
}

async function printCodes(path: string, asJson: boolean): Promise<void> {
  const { root, files } = await findPictures(path);
  const width = Math.max(4, ...files.map((file) => file.length));
  if (!asJson) process.stdout.write(`${'FILE'.padEnd(width)}  AIM  FORMAT            TEXT\n`);
  let codes = 0;
  let bare = 0;
  let reader = new CodeReader({ limitMs: searchLimitMs });
  try {
    for (const file of files) {
      const found = await readCodes(reader, join(root, file));
      if (found === undefined) {
        process.exitCode = exitCodes.findings;
        // One that failed pauses before it tries again, and would pass over the pictures that follow.
        await reader.close();
        reader = new CodeReader({ limitMs: searchLimitMs });
      }
      codes += found?.length ?? 0;
      if (found?.length === 0) bare += 1;
      for (const code of found ?? []) {
        if (asJson) printJson(asLine(file, code));
        else process.stdout.write(`${asRow(file, width, code)}\n`);
      }
    }
  } finally {
    await reader.close();
  }
  if (!asJson) notice(`${codes} codes on ${files.length} pictures; ${bare} pictures show none`);
}

/** The codes on one picture; `undefined` where it can't be read or searched, which is told. */
async function readCodes(reader: CodeReader, path: string): Promise<readonly FoundCode[] | undefined> {
  try {
    const picture = await readPicture(path);
    const { width, height } = picture;
    const luma = lumaOf(picture, { left: 0, top: 0, width, height });
    return await reader.search(path, luma, { thorough: true, anyItf: true });
  } catch (error) {
    if (!(error instanceof VisionError)) throw error;
    notice(printable(`${error.code} ${error.message}`));
    return undefined;
  }
}

function asLine(file: string, { symbology, format, text, sure }: FoundCode): object {
  return { file, symbology, text, format, proven: sure };
}

function asRow(file: string, width: number, { symbology, format, text, sure }: FoundCode): string {
  const doubt = sure ? '' : '  (not proven)';
  return `${printable(file).padEnd(width)}  ${symbology}  ${format.padEnd(16)}  ${printable(text)}${doubt}`;
}

/** Pictures by their path below `root`, in order. */
async function findPictures(path: string): Promise<{ root: string; files: readonly string[] }> {
  try {
    if (!(await stat(path)).isDirectory()) return { root: dirname(path), files: [basename(path)] };
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile() && pictureFile.test(entry.name))
      .map((entry) => relative(path, join(entry.parentPath, entry.name)))
      .sort();
    if (files.length > 0) return { root: path, files };
  } catch (cause) {
    throw new CliError('CW-CLI-004', `${path} can not be read: ${plainCause(cause)}`, { cause });
  }
  throw new CliError('CW-CLI-004', `${path} has no pictures (.jpg, .png, .webp)`);
}
