import { Worker } from 'node:worker_threads';
import { isCatalogueCode, StockError } from '#catalogue/errors.ts';
import type { Catalogue, Planogram } from '#catalogue/products.ts';
import type { StockTask, StockTold } from './stock-worker.ts';

/** Reads and checks a catalogue on a thread of its own. Rejects with the coded error of what is wrong with it. */
export async function readCatalogueApart(path: string): Promise<Catalogue> {
  const told = await onThread({ what: 'catalogue', path });
  if (told.kind === 'catalogue') return told.catalogue;
  throw failure(told);
}

/** The same for a planogram; whether the catalogue has its products is not looked at. */
export async function readPlanogramApart(path: string): Promise<Planogram> {
  const told = await onThread({ what: 'planogram', path });
  if (told.kind === 'planogram') return told.planogram;
  throw failure(told);
}

async function onThread(task: StockTask): Promise<StockTold> {
  const worker = new Worker(new URL('./stock-worker.ts', import.meta.url), {
    workerData: task,
    name: 'stock',
  });
  return await new Promise<StockTold>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', () => reject(new Error('the thread that checks catalogues ended')));
  });
}

function failure(told: StockTold): Error {
  if (told.kind !== 'failed')
    return new TypeError('the thread that checks catalogues answered something else');
  const { code, message } = told;
  return code !== undefined && isCatalogueCode(code) ? new StockError(code, message) : new Error(message);
}
