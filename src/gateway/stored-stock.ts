import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { describeError } from '#base/errors.ts';
import { loadCatalogue, loadPlanogram } from '#catalogue/load.ts';
import type { Catalogue, Planogram } from '#catalogue/products.ts';
import { planogramWithin } from '#catalogue/swap.ts';

/** What a gateway begins with, and the files that it is read from. */
interface StartingStock {
  readonly catalogue: Catalogue;
  readonly cataloguePath: string;
  readonly planogram: Planogram | undefined;
  readonly planogramPath: string | undefined;
  readonly warnings: readonly string[];
}

/** Where the store's last catalogue or planogram lies in the data folder. */
export function storedPath(folder: string, what: 'catalogue' | 'planogram'): string {
  return join(folder, `store-${what}.json`);
}

/**
 * Catalogue and planogram to begin with: the store's last ones, where there are any, else the configured ones. A file of
 * the store's that can't be used is a warning; a configured one that can't be used rejects with its coded error.
 */
export async function startingStock(
  folder: string,
  configured: { readonly catalogue: string; readonly planogram: string | undefined },
): Promise<StartingStock> {
  const warnings: string[] = [];
  const stored = <T>(what: 'catalogue' | 'planogram', load: (path: string) => Promise<T>) =>
    loadStored(storedPath(folder, what), configured[what], load, warnings);
  const ofStore = await stored('catalogue', (path) => loadCatalogue(path));
  const catalogue = ofStore?.content ?? (await loadCatalogue(configured.catalogue));
  const own = await stored('planogram', (path) => loadPlanogram(path));
  const planogram =
    own?.content ?? (await configuredPlanogram(configured.planogram, catalogue, ofStore !== undefined));
  return {
    catalogue,
    cataloguePath: ofStore?.path ?? configured.catalogue,
    planogram: planogram === undefined ? undefined : planogramWithin(planogram, catalogue),
    planogramPath: own?.path ?? configured.planogram,
    warnings,
  };
}

/** With a catalogue of the store's, products that it lacks are left out; two configured files have to agree. */
async function configuredPlanogram(
  path: string | undefined,
  catalogue: Catalogue,
  isOfStore: boolean,
): Promise<Planogram | undefined> {
  if (path === undefined) return undefined;
  return isOfStore ? await loadPlanogram(path) : await loadPlanogram(path, catalogue);
}

async function loadStored<T>(
  path: string,
  configured: string | undefined,
  load: (path: string) => Promise<T>,
  warnings: string[],
): Promise<{ readonly path: string; readonly content: T } | undefined> {
  const exists = await access(path).then(
    () => true,
    () => false,
  );
  if (!exists) return undefined;
  try {
    const content = await load(path);
    const instead = configured === undefined ? '' : ` in place of ${configured}`;
    warnings.push(
      `the store's last ${path}${instead} is in force; remove it to begin with the configuration's`,
    );
    return { path, content };
  } catch (error) {
    warnings.push(
      `${describeError(error)}; begins with ${configured ?? 'none'} until the store gives another`,
    );
    return undefined;
  }
}
