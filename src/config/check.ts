import { access } from 'node:fs/promises';
import type { Environment } from './environment.ts';
import type { ConfigCode, Finding } from './errors.ts';
import { explainConfig } from './explain.ts';
import { type Inspection, inspectConfig } from './load.ts';
import { Report } from './report.ts';

/** What `cartwright check` tells. */
export interface CheckReport {
  readonly file: string;
  /** No finding is an error: the gateway would start. */
  readonly ok: boolean;
  /** Errors first, each group in the order of files and lines. */
  readonly findings: readonly Finding[];
  /** What the configuration means, one sentence a line. */
  readonly explanation: readonly string[];
}

/** What a further check adds: the catalogue's, the drivers' own options. */
export interface FurtherCheck {
  readonly findings: readonly Finding[];
  readonly explanation: readonly string[];
}

/**
 * Reads everything that a configuration names, and checks it against each other. Never rejects because of what it
 * reads: what is wrong is in the report. `further` adds the checks of rooms above this one.
 */
export async function checkConfigurationWith(
  path: string,
  environment: Environment,
  further: readonly ((inspection: Inspection) => Promise<FurtherCheck>)[],
): Promise<CheckReport> {
  const inspection = await inspectConfig(path, environment);
  const findings = [...inspection.findings, ...(await checkFiles(inspection))];
  const explanation = explainConfig(inspection);
  for (const check of further) {
    const added = await check(inspection);
    findings.push(...added.findings);
    explanation.push(...added.explanation);
  }
  const isError = (finding: Finding) => finding.severity === 'error';
  const sorted = [...findings.filter(isError), ...findings.filter((finding) => !isError(finding))];
  return { file: inspection.file, ok: !findings.some(isError), findings: sorted, explanation };
}

/** Files that are read later, and things that a configuration can do without but shouldn't. */
async function checkFiles(inspection: Inspection): Promise<Finding[]> {
  const { config, paths, board, source } = inspection;
  if (config === undefined || paths === undefined || source === undefined) return [];
  const report = new Report(source);
  const check = async (file: string | undefined, code: ConfigCode, ...path: (string | number)[]) => {
    if (file !== undefined && !(await exists(file))) report.error(code, path, file, 'a file that exists');
  };
  for (const key of ['passwordFile', 'caFile', 'certFile', 'keyFile'] as const) {
    await check(paths[key], 'CW-CFG-019', 'broker', key);
  }
  for (const [index, file] of paths.drivers.entries()) await check(file, 'CW-CFG-019', 'drivers', index);
  const weighed = board?.plates.filter((plate) => plate.cells !== undefined) ?? [];
  if (paths.calibration === undefined && weighed.length > 0) {
    const expected = `a calibration: without one ${weighed.map((plate) => plate.id).join(', ')} gives no mass`;
    report.warning('CW-CFG-018', ['calibration'], undefined, expected);
  }
  if (paths.catalogue === undefined) {
    const expected =
      'a catalogue, as catalogue: catalogues/demo.json; the gateway does not start without one';
    report.error('CW-CFG-022', ['catalogue'], undefined, expected);
  }
  return report.findings;
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}
