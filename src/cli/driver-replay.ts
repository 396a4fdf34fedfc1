import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describeError } from '#base/errors.ts';
import { silentLogger } from '#base/log.ts';
import { findDriver } from '#drivers/registry.ts';
import { parseRaw, playRaw, type RawRecording } from '#drivers/workbench.ts';
import type { PipelineInput } from '#pipeline/inputs.ts';
import type { Reading } from '#readings/readings.ts';
import { mergeTrace } from '#traces/raw-merge.ts';
import { openTrace } from '#traces/reader.ts';
import { CliError } from './errors.ts';
import { notice } from './terminal.ts';

interface ReplayOptions {
  readonly device?: string;
  readonly driver?: string;
  readonly options?: string;
  readonly file?: string;
  readonly trace?: string;
}

/** `cartwright driver replay`: runs drivers on the very bytes that were recorded with `cartwright record --raw`. */
export function registerDriverReplay(driver: Command): void {
  driver
    .command('replay')
    .description('run drivers on recorded bytes, and print what they deliver as JSON lines')
    .argument('<recording>', 'folder that `cartwright record --raw` made, or one file of its raw/')
    .option('-d, --device <id>', 'only this device of the recording')
    .option('--driver <name>', 'another driver than the recorded one (with --device or a file)')
    .option('--options <json>', 'other options than the recorded ones (with --device or a file)')
    .option('-f, --file <file>', "a maker's own driver file")
    .option(
      '--trace <folder>',
      'also write the trace anew with what the drivers deliver now, to replay or score it',
    )
    .addHelpText(
      'after',
      `
Examples:
  scripts/cartwright record /tmp/trip --raw --seconds 30
  scripts/cartwright driver replay /tmp/trip
  scripts/cartwright driver replay /tmp/trip/raw/handle-scanner.ndjson --options '{"duplicateWindowMs": 0}'
  scripts/cartwright driver replay /tmp/trip --trace /tmp/mended && scripts/cartwright replay /tmp/mended`,
    )
    .action(async (recording: string, options: ReplayOptions) => {
      const recordings = await readRecordings(recording, options.device);
      if (recordings.length > 1 && (options.driver ?? options.options) !== undefined) {
        throw new CliError('CW-CLI-001', '--driver and --options are for one device; name it with --device');
      }
      const inputs: PipelineInput[] = [];
      for (const one of recordings) inputs.push(...(await play(one, options)));
      inputs.sort((a, b) => a.atUs - b.atUs);
      for (const input of inputs) process.stdout.write(`${JSON.stringify(input, hexBytes)}\n`);
      if (options.trace !== undefined) await writeTrace(recording, recordings, inputs, options.trace);
    });
}

/** Bytes are readable as hexadecimal. */
function hexBytes(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
}

async function readRecordings(path: string, device: string | undefined): Promise<readonly RawRecording[]> {
  const files = await listFiles(path);
  const recordings: RawRecording[] = [];
  for (const file of files) {
    const recording = parseRaw(await readFile(file, 'utf8'), file);
    if (device === undefined || recording.header.device === device) recordings.push(recording);
  }
  if (recordings.length > 0) return recordings;
  const which = device === undefined ? 'no raw recording' : `no raw recording of ${device}`;
  throw new CliError('CW-CLI-004', `${path} holds ${which}; \`cartwright record --raw\` makes them`);
}

async function listFiles(path: string): Promise<readonly string[]> {
  try {
    if ((await stat(path)).isFile()) return [path];
    const folder = existsSync(join(path, 'raw')) ? join(path, 'raw') : path;
    const names = (await readdir(folder)).filter((name) => name.endsWith('.ndjson')).sort();
    return names.map((name) => join(folder, name));
  } catch (cause) {
    throw new CliError('CW-CLI-004', `${path} can't be read: ${describeError(cause)}`, { cause });
  }
}

async function play(recording: RawRecording, options: ReplayOptions): Promise<readonly PipelineInput[]> {
  const { header } = recording;
  const inputs: PipelineInput[] = [];
  if (recording.lines.length === 0) {
    notice(`${header.device}: nothing was recorded; ${header.driver} has no port of its own`);
    return inputs;
  }
  const driver = await findDriver(
    options.driver ?? header.driver,
    options.file === undefined ? [] : [options.file],
  );
  const { readings, faults, openings, durationUs } = await playRaw(
    recording,
    driver,
    {
      reading: (reading: Reading) => inputs.push(reading),
      fault: (fault, atUs) => inputs.push({ kind: 'device-fault', source: header.device, atUs, fault }),
    },
    silentLogger,
    options.options === undefined ? header.options : readJson(options.options),
  );
  notice(
    `${header.device}: ${driver.name} opened ${openings}×, ${readings} readings and ${faults} faults in ${(durationUs / 1_000_000).toFixed(1)} s`,
  );
  return inputs;
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new CliError('CW-CLI-001', '--options must be JSON, such as {"baudRate": 9600}', { cause });
  }
}

async function writeTrace(
  path: string,
  recordings: readonly RawRecording[],
  inputs: readonly PipelineInput[],
  out: string,
): Promise<void> {
  const trace = join(path, 'trace.ndjson');
  if (!existsSync(trace))
    throw new CliError('CW-CLI-004', `${trace} is missing; --trace needs the folder of a recording`);
  const played = recordings.filter(({ lines }) => lines.length > 0).map(({ header }) => header.device);
  const sources = inputs.flatMap((input) => ('source' in input ? [input.source] : []));
  const written = await mergeTrace(await openTrace(trace), out, new Set([...played, ...sources]), inputs);
  notice(`trace: ${written}`);
}
