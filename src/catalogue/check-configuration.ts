import { type CheckReport, checkConfigurationWith, type FurtherCheck } from '#config/check.ts';
import type { Environment } from '#config/environment.ts';
import type { Finding } from '#config/errors.ts';
import type { Inspection } from '#config/load.ts';
import { CatalogueError } from './errors.ts';
import { loadCatalogue, loadPlanogram } from './load.ts';
import type { Catalogue, Planogram } from './products.ts';

/** Everything that `cartwright check` checks: the configuration with what it names, and the contents of its catalogue. */
export async function checkConfiguration(
  path: string,
  environment: Environment,
  further: readonly ((inspection: Inspection) => Promise<FurtherCheck>)[] = [],
): Promise<CheckReport> {
  return await checkConfigurationWith(path, environment, [checkContents, ...further]);
}

/** Reads the catalogue and the planogram that a configuration names, and matches the planogram with the board's plates. */
export async function checkContents(inspection: Inspection): Promise<FurtherCheck> {
  const { paths, board } = inspection;
  const findings: Finding[] = [];
  const explanation: string[] = [];
  const catalogueFile = paths?.catalogue;
  const catalogue = await read(findings, catalogueFile, async (file) => await loadCatalogue(file));
  if (catalogue !== undefined) explanation.push(describeCatalogue(catalogue));
  const planogramFile = paths?.planogram;
  const planogram = await read(findings, planogramFile, async (file) => await loadPlanogram(file, catalogue));
  if (planogram !== undefined && planogramFile !== undefined && board !== undefined) {
    const plates = board.plates.map((plate) => plate.id);
    findings.push(...comparePlates(planogram, plates, planogramFile));
    explanation.push(
      `Planogram ${planogram.version}: ${planogram.byProduct.size} products on ${planogram.byPlate.size} plates.`,
    );
  }
  return { findings, explanation };
}

function describeCatalogue(catalogue: Catalogue): string {
  const weighed = catalogue.products.filter((product) => product.grossMg === undefined).length;
  const unknown = weighed === 0 ? '' : `; ${weighed} have no mass and are known by scan only`;
  return `Catalogue ${catalogue.version}: ${catalogue.products.length} products, prices in ${catalogue.currency}${unknown}.`;
}

async function read<Value>(
  findings: Finding[],
  file: string | undefined,
  load: (file: string) => Promise<Value>,
): Promise<Value | undefined> {
  if (file === undefined) return undefined;
  try {
    return await load(file);
  } catch (error) {
    if (!(error instanceof CatalogueError)) throw error;
    for (const { code, path, found, expected } of error.findings) {
      const message = `found ${found}; expected ${expected}`;
      findings.push({ severity: 'error', code, file, path, found, expected, message });
    }
    return undefined;
  }
}

function comparePlates(planogram: Planogram, plates: readonly string[], file: string): Finding[] {
  return [...planogram.byPlate.keys()]
    .filter((plate) => !plates.includes(plate))
    .map((plate) => ({
      severity: 'error' as const,
      code: 'CW-CFG-022',
      file,
      path: 'plates',
      found: plate,
      expected: `plates of the board: ${plates.join(', ')}`,
      message: `found plate ${plate}; expected plates of the board: ${plates.join(', ')}`,
    }));
}
