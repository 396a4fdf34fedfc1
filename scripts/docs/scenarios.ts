import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { scoreColumns } from '#cli/score.ts';
import { scenarioDocument } from '#simulation/docs.ts';
import { loadScenario } from '#simulation/scenario.ts';

const folder = join(import.meta.dirname, '../../config/scenarios');

async function render(): Promise<string> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.yaml')).sort();
  return scenarioDocument(
    await Promise.all(names.map((name) => loadScenario(join(folder, name)))),
    scoreColumns,
  );
}

/** The document that is made from the format of scenarios and those that are shipped. */
export const scenarioDocuments: readonly { readonly path: string; readonly render: () => Promise<string> }[] =
  [{ path: 'docs/scenarios.md', render }];
