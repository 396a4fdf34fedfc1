import { parentPort, workerData } from 'node:worker_threads';
import { describeError, isCoded } from '#base/errors.ts';
import { loadCatalogue, loadPlanogram } from '#catalogue/load.ts';
import type { Catalogue, Planogram } from '#catalogue/products.ts';

/** Which file is to be read and checked. */
export interface StockTask {
  readonly what: 'catalogue' | 'planogram';
  readonly path: string;
}

/** What came of it. A failure without a code is one of the system's. */
export type StockTold =
  | { readonly kind: 'catalogue'; readonly catalogue: Catalogue }
  | { readonly kind: 'planogram'; readonly planogram: Planogram }
  | { readonly kind: 'failed'; readonly code: string | undefined; readonly message: string };

/** One file on a thread that ends with it: checking 10,000 products takes longer than load cells can wait. */
async function run({ what, path }: StockTask): Promise<StockTold> {
  try {
    if (what === 'catalogue') return { kind: what, catalogue: await loadCatalogue(path) };
    return { kind: what, planogram: await loadPlanogram(path) };
  } catch (error) {
    if (isCoded(error)) return { kind: 'failed', code: error.code, message: error.message };
    return { kind: 'failed', code: undefined, message: describeError(error) };
  }
}

if (parentPort !== null) parentPort.postMessage(await run(workerData));
