import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { describeError, isCoded } from '#base/errors.ts';
import { loadCatalogue, loadPlanogram } from '#catalogue/load.ts';
import { loadBoard, loadCalibration } from '#config/load.ts';
import { configSchema, fusionSchema, weighingSchema } from '#config/schema.ts';
import { versionsOf } from '#pipeline/versions.ts';
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

/** The keys of a configuration that change decisions; the rest of the file is not looked at. */
const decisionConfig = z.object({
  weighing: weighingSchema.prefault({}),
  fusion: fusionSchema.prefault({}),
  session: configSchema.shape.session,
});

/**
 * Loads what a trace is replayed against: command line first, then the files beside the trace that its header names.
 * Rejects with TraceError CW-TRC-005 where something is missing, or with the coded error of the file that is wrong.
 */
export async function loadReplaySetup(
  tracePath: string,
  header: TraceHeader,
  files: ReplayFiles = {},
): Promise<ReplaySetup> {
  const folder = dirname(resolve(tracePath));
  const beside = (name: string) => resolve(folder, name);
  const boardPath = files.board ?? (await besideOrName(folder, header.board));
  const board = await needed('board', boardPath, () => loadBoard(boardPath, folder));
  const cataloguePath =
    files.catalogue ?? (header.catalogue === undefined ? undefined : beside(header.catalogue));
  if (cataloguePath === undefined) {
    throw new TraceError(
      'CW-TRC-005',
      'the trace names no catalogue; give one with --catalogue FILE (config/catalogues/demo.json, for example)',
    );
  }
  const catalogue = await needed('catalogue', cataloguePath, () => loadCatalogue(cataloguePath));
  const calibrationPath =
    files.calibration ?? (header.calibration === undefined ? undefined : beside(header.calibration));
  const calibration =
    calibrationPath === undefined
      ? undefined
      : await needed('calibration', calibrationPath, () => loadCalibration(calibrationPath));
  const planogramPath =
    files.planogram ?? (header.planogram === undefined ? undefined : beside(header.planogram));
  const planogram =
    planogramPath === undefined
      ? undefined
      : await needed('planogram', planogramPath, () => loadPlanogram(planogramPath, catalogue));
  const configPath = files.config ?? (header.config === undefined ? undefined : beside(header.config));
  const config = await loadDecisionConfig(configPath);
  return {
    board,
    calibration,
    catalogue,
    planogram,
    weighing: config.weighing,
    fusion: config.fusion,
    tokenPattern: new RegExp(config.session.tokenPattern, 'u'),
    versions: versionsOf(catalogue, planogram, calibration),
  };
}

/** A file beside the trace goes before a profile of the same name. */
async function besideOrName(folder: string, board: string): Promise<string> {
  const path = join(folder, board);
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
