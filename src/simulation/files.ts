import { dirname } from 'node:path';
import { loadCatalogue, loadPlanogram } from '#catalogue/load.ts';
import type { Catalogue, Planogram } from '#catalogue/products.ts';
import type { Board } from '#config/board.ts';
import { loadBoard } from '#config/load.ts';
import type { Scenario } from './scenario.ts';

/** What a scenario plays with. */
export interface ScenarioFiles {
  readonly board: Board;
  readonly catalogue: Catalogue;
  readonly planogram: Planogram | undefined;
}

/** Reads board, catalogue and planogram of a scenario. Rejects with the coded errors of their rooms. */
export async function loadScenarioFiles(scenario: Scenario): Promise<ScenarioFiles> {
  const catalogue = await loadCatalogue(scenario.catalogue);
  return {
    board: await loadBoard(scenario.board, dirname(scenario.path)),
    catalogue,
    planogram:
      scenario.planogram === undefined ? undefined : await loadPlanogram(scenario.planogram, catalogue),
  };
}
