import { access, readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { didYouMean } from '#base/suggest.ts';
import { type Board, boardSchema, type Calibration, calibrationSchema } from './board.ts';
import { checkBoard } from './board-checks.ts';
import { checkCalibration } from './calibration-checks.ts';
import { checkValues } from './config-checks.ts';
import { fileFinding, parseSource, readText, type SourceDocument } from './document.ts';
import { applyOverrides, type Environment, interpolate, type Override } from './environment.ts';
import { ConfigError, type Finding, throwOnErrors } from './errors.ts';
import {
  boardFormat,
  calibrationFormat,
  configFormat,
  type Migrated,
  migrateSource,
  type VersionedFormat,
} from './migrate.ts';
import { checkPowerSensors, withOwnOptions } from './own-options.ts';
import { type Config, configSchema } from './schema.ts';
import { validate } from './validate.ts';

/** Board profiles that come with the gateway. */
const ownBoards = resolve(import.meta.dirname, '../../boards');
/** Models that come with the gateway. */
const ownModels = resolve(import.meta.dirname, '../../config/models');

/** Files and folders that a configuration names, absolute. */
export interface ConfigPaths {
  readonly board: string;
  readonly data: string;
  readonly calibration?: string;
  readonly catalogue?: string;
  readonly planogram?: string;
  /** Folder of the model. */
  readonly model: string;
  /** Gallery file; it need not exist. */
  readonly gallery: string;
  /** Folder of the store's own pictures of products. */
  readonly pictures?: string;
  readonly passwordFile?: string;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  /** Public keys whose commands are taken. */
  readonly keysFile?: string;
  /** The store's root key. */
  readonly rootKeyFile?: string;
  readonly drivers: readonly string[];
}

/** A configuration with the board and calibration it names, all checked against each other. */
export interface LoadedConfig {
  readonly file: string;
  readonly config: Config;
  readonly board: Board;
  readonly calibration?: Calibration;
  readonly paths: ConfigPaths;
  /** Keys whose value came from a `CARTWRIGHT_…` variable. */
  readonly overrides: readonly Override[];
  /** What was changed in memory because a file is of an older version. */
  readonly notes: readonly string[];
  readonly warnings: readonly Finding[];
}

/** What was read before any error is thrown: parts that could not be read are missing. */
export interface Inspection {
  readonly file: string;
  readonly config?: Config;
  readonly paths?: ConfigPaths;
  readonly board?: Board;
  readonly calibration?: Calibration;
  readonly source?: SourceDocument;
  readonly overrides: readonly Override[];
  readonly notes: readonly string[];
  readonly findings: readonly Finding[];
}

/**
 * Reads a configuration, its board profile and its calibration, with `${NAME}` and `CARTWRIGHT_…` from
 * `environment`. Nothing is written. Relative paths count from the configuration's folder.
 *
 * Rejects with ConfigError when anything is wrong; it holds every finding.
 */
export async function loadConfig(path: string, environment: Environment): Promise<LoadedConfig> {
  const inspection = await inspectConfig(path, environment);
  throwOnErrors(inspection.findings);
  const { file, config, board, calibration, paths, overrides, notes } = inspection;
  if (config === undefined || board === undefined || paths === undefined) {
    throw new ConfigError('CW-CFG-001', [fileFinding('CW-CFG-001', path, 'nothing', 'a configuration')]);
  }
  const warnings = inspection.findings;
  const parts = { file, config, board, paths, overrides, notes, warnings };
  return calibration === undefined ? parts : { ...parts, calibration };
}

/** Like `loadConfig`, but goes as far as it can and returns what it found. Never rejects with ConfigError. */
export async function inspectConfig(path: string, environment: Environment): Promise<Inspection> {
  const file = resolve(path);
  const findings: Finding[] = [];
  const root = await gather(findings, async () => await readSource(file, configFormat));
  if (root === undefined) return { file, overrides: [], notes: [], findings };
  const { source } = root;
  const filled = interpolate(source, configSchema, environment, findings);
  const { value, overrides } = applyOverrides(filled, configSchema, environment, findings);
  const config = validate(configSchema, value, source, findings, overrides);
  const notes = [...root.notes];
  if (config === undefined) return { file, source, overrides, notes, findings };
  findings.push(...checkValues(config, source));
  const boardFile = await gather(findings, async () => await findBoard(config.board, dirname(file)));
  const paths = resolvePaths(config, dirname(file), boardFile ?? '');
  const board = await gather(findings, async () => {
    if (boardFile === undefined) return undefined;
    const profile = await readBoard(boardFile, environment, findings, notes);
    if (profile === undefined) return undefined;
    findings.push(...checkPowerSensors(profile, config.power, source));
    return withOwnOptions(profile, config.devices, source, findings);
  });
  const calibration = await gather(findings, async () => {
    if (paths.calibration === undefined) return undefined;
    return await readCalibration(paths.calibration, board, findings, notes);
  });
  return {
    file,
    source,
    config,
    paths,
    overrides,
    notes,
    findings,
    ...(board === undefined ? {} : { board }),
    ...(calibration === undefined ? {} : { calibration }),
  };
}

/**
 * Reads a board profile by name (beside `folder`, then among those that come with the gateway) or by path.
 * Rejects with ConfigError.
 */
export async function loadBoard(
  nameOrPath: string,
  folder = process.cwd(),
  environment: Environment = {},
): Promise<Board> {
  const findings: Finding[] = [];
  const file = await findBoard(nameOrPath, folder);
  const board = await readBoard(file, environment, findings, []);
  throwOnErrors(findings);
  if (board === undefined) throw new ConfigError('CW-CFG-002', findings);
  return board;
}

/** Reads a calibration; with a board, it must cover every cell. Rejects with ConfigError. */
export async function loadCalibration(path: string, board?: Board): Promise<Calibration> {
  const findings: Finding[] = [];
  const calibration = await readCalibration(path, board, findings, []);
  throwOnErrors(findings);
  if (calibration === undefined) throw new ConfigError('CW-CFG-002', findings);
  return calibration;
}

/** Checks a board profile that was parsed elsewhere (a trace's, a test's). Throws ConfigError. */
export function parseBoard(text: string, file = 'board'): Board {
  const findings: Finding[] = [];
  const { source } = migrateSource(parseSource(text, file), boardFormat);
  const board = validate(boardSchema, source.value, source, findings);
  if (board !== undefined) findings.push(...checkBoard(board, source));
  throwOnErrors(findings);
  if (board === undefined) throw new ConfigError('CW-CFG-002', findings);
  return board;
}

async function readBoard(
  file: string,
  environment: Environment,
  findings: Finding[],
  notes: string[],
): Promise<Board | undefined> {
  const migrated = await readSource(file, boardFormat);
  notes.push(...migrated.notes);
  const { source } = migrated;
  const value = interpolate(source, boardSchema, environment, findings);
  const board = validate(boardSchema, value, source, findings);
  if (board !== undefined) findings.push(...checkBoard(board, source));
  return board;
}

async function readCalibration(
  file: string,
  board: Board | undefined,
  findings: Finding[],
  notes: string[],
): Promise<Calibration | undefined> {
  const { source, notes: steps } = await readSource(file, calibrationFormat);
  notes.push(...steps);
  const calibration = validate(calibrationSchema, source.value, source, findings);
  if (calibration !== undefined && board !== undefined) {
    findings.push(...checkCalibration(calibration, board, source));
  }
  return calibration;
}

async function readSource(file: string, format: VersionedFormat): Promise<Migrated> {
  return migrateSource(parseSource(await readText(file), file), format);
}

/** Runs a step; what it throws as ConfigError joins the findings. */
async function gather<Value>(
  findings: Finding[],
  step: () => Promise<Value | undefined>,
): Promise<Value | undefined> {
  try {
    return await step();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    findings.push(...error.findings);
    return undefined;
  }
}

/** The file of a board profile. A name is looked for in `boards/` beside the configuration, then in the gateway's own. */
async function findBoard(nameOrPath: string, folder: string): Promise<string> {
  const isPath = /[/\\]|\.ya?ml$|\.json$/.test(nameOrPath);
  if (isPath) return resolve(folder, nameOrPath);
  for (const place of [join(folder, 'boards'), ownBoards]) {
    const file = join(place, `${nameOrPath}.yaml`);
    if (await exists(file)) return file;
  }
  const known = await boardNames();
  const expected = `one of ${known.join(', ')}, or a path${didYouMean(nameOrPath, known)}`;
  const problem = fileFinding('CW-CFG-011', nameOrPath, `board ${nameOrPath}`, expected);
  throw new ConfigError('CW-CFG-011', [{ ...problem, path: 'board' }]);
}

/** Names of the board profiles that come with the gateway. */
export async function boardNames(): Promise<string[]> {
  const files = await readdir(ownBoards);
  return files
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => basename(name, '.yaml'))
    .sort();
}

/** The folder of a model: a name is one of those that come with the gateway. */
function findModel(nameOrPath: string, folder: string): string {
  return /[/\\]/.test(nameOrPath) ? resolve(folder, nameOrPath) : join(ownModels, nameOrPath);
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}

function resolvePaths(config: Config, folder: string, board: string): ConfigPaths {
  const optional = <Name extends string>(name: Name, path: string | undefined) =>
    path === undefined ? {} : ({ [name]: resolve(folder, path) } as { [key in Name]: string });
  return {
    board,
    data: resolve(folder, config.data),
    model: findModel(config.vision.model, folder),
    gallery: resolve(folder, config.vision.gallery ?? join(config.data, 'gallery.cwg')),
    ...optional('calibration', config.calibration),
    ...optional('catalogue', config.catalogue),
    ...optional('planogram', config.planogram),
    ...optional('pictures', config.display.pictures),
    ...optional('passwordFile', config.broker.passwordFile),
    ...optional('caFile', config.broker.caFile),
    ...optional('certFile', config.broker.certFile),
    ...optional('keyFile', config.broker.keyFile),
    ...optional('keysFile', config.commands.keysFile),
    ...optional('rootKeyFile', config.commands.rootKeyFile),
    drivers: config.drivers.map((path) => resolve(folder, path)),
  };
}
