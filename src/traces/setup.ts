import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { describeError, isCoded } from '#base/errors.ts';
import { localGravityUmS2 } from '#calibration/gravity.ts';
import { loadCatalogue, loadPlanogram } from '#catalogue/load.ts';
import { loadBoard, loadCalibration } from '#config/load.ts';
import { configSchema, fusionSchema, weighingSchema } from '#config/schema.ts';
import { versionsOf } from '#pipeline/versions.ts';
import { besideTrace } from './beside.ts';
import { TraceError } from './errors.ts';
import type { TraceHeader } from './format.ts';
import type { ReplaySetup } from './replay.ts';

/** Files given on the command line, which go before those the header names. */
export interface ReplayFiles {
  readonly board?: string | undefined;
  readonly calibration?: string | undefined;
  readonly catalogue?: string | undefined;
  readonly planogram?: string | undefined;
  readonly config?: string | undefined;
}

type FileKey = keyof ReplayFiles;

/** The keys of a configuration that change decisions; the rest of the file is not looked at. */
const decisionConfig = z.object({
  weighing: weighingSchema.prefault({}),
  fusion: fusionSchema.prefault({}),
  session: configSchema.shape.session,
  basket: configSchema.shape.basket,
  site: configSchema.shape.site,
});

/**
 * Loads what a trace is replayed against: command line first, then the files beside the trace that its header names.
 * Rejects with TraceError CW-TRC-005 where something is missing, CW-TRC-001 where the header names a file elsewhere, or with the coded error of the file that is wrong.
 */
export async function loadReplaySetup(
  tracePath: string,
  header: TraceHeader,
  files: ReplayFiles = {},
): Promise<ReplaySetup> {
  const folder = dirname(resolve(tracePath));
  const beside = (what: FileKey): string | undefined => {
    const name = header[what];
    return files[what] ?? (name === undefined ? undefined : besideTrace(tracePath, what, name));
  };
  const boardPath = files.board ?? (await boardBeside(tracePath, header.board));
  const boardFolder = files.board === undefined ? folder : process.cwd();
  const board = await needed('board', boardPath, () => loadBoard(boardPath, boardFolder));
  const cataloguePath = beside('catalogue');
  if (cataloguePath === undefined) {
    throw new TraceError(
      'CW-TRC-005',
      'the trace names no catalogue; give one with --catalogue FILE (config/catalogues/demo.json, for example)',
    );
  }
  const catalogue = await needed('catalogue', cataloguePath, () => loadCatalogue(cataloguePath));
  const calibrationPath = beside('calibration');
  const calibration =
    calibrationPath === undefined
      ? undefined
      : await needed('calibration', calibrationPath, () => loadCalibration(calibrationPath));
  const planogramPath = beside('planogram');
  const planogram =
    planogramPath === undefined
      ? undefined
      : await needed('planogram', planogramPath, () => loadPlanogram(planogramPath, catalogue));
  const configPath = beside('config');
  const config = await loadDecisionConfig(configPath);
  return {
    board,
    calibration,
    catalogue,
    planogram,
    weighing: config.weighing,
    ...(config.site === undefined ? {} : { gravityUmS2: localGravityUmS2(config.site) }),
    fusion: config.fusion,
    tokenPattern: new RegExp(config.session.tokenPattern, 'u'),
    ...(config.session.loyaltyPattern === undefined
      ? {}
      : { loyaltyPattern: new RegExp(config.session.loyaltyPattern, 'u') }),
    basket: config.basket,
    versions: versionsOf(catalogue, planogram, calibration),
  };
}

/** A file beside the trace goes before a profile of the same name. */
async function boardBeside(tracePath: string, board: string): Promise<string> {
  const path = besideTrace(tracePath, 'board', board);
  try {
    return (await stat(path)).isFile() ? path : board;
  } catch {
    return board;
  }
}

async function loadDecisionConfig(path: string | undefined): Promise<z.infer<typeof decisionConfig>> {
  if (path === undefined) return decisionConfig.parse({});
  const value: unknown = await needed('config', path, async () => parseYaml(await readFile(path, 'utf8')));
  const result = decisionConfig.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new TraceError(
    'CW-TRC-005',
    `config ${path}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
  );
}

async function needed<T>(what: string, path: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if (isCoded(cause)) throw cause;
    throw new TraceError('CW-TRC-005', `the ${what} ${path} can't be read: ${describeError(cause)}`, {
      cause,
    });
  }
}
