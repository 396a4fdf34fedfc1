import { describeError } from '#base/errors.ts';
import { loadCatalogue, loadPlanogram } from '#catalogue/load.ts';
import type { PipelineInput } from '#pipeline/inputs.ts';
import { besideTrace } from './beside.ts';
import { TraceError } from './errors.ts';

type StoreInput = Extract<PipelineInput, { kind: 'store' }>;

/**
 * What the store gave the device in the middle of a trace: catalogue and planogram lie beside it. Undefined for a message of
 * another kind. Rejects with CW-TRC-001 for a name that leads out of the folder, CW-TRC-005 for a file that can't be used.
 */
export async function readStoreMessage(
  tracePath: string,
  message: unknown,
  atUs: number,
): Promise<StoreInput | undefined> {
  const catalogueFile = fileOf(tracePath, message, 'catalogue');
  const planogramFile = fileOf(tracePath, message, 'planogram');
  if (catalogueFile === undefined && planogramFile === undefined) return undefined;
  try {
    const catalogue = catalogueFile === undefined ? undefined : await loadCatalogue(catalogueFile);
    const planogram = planogramFile === undefined ? undefined : await loadPlanogram(planogramFile);
    return {
      kind: 'store',
      atUs,
      stock: {
        ...(catalogue === undefined ? {} : { catalogue }),
        ...(planogram === undefined ? {} : { planogram }),
      },
      files: {},
    };
  } catch (cause) {
    throw new TraceError(
      'CW-TRC-005',
      `${tracePath}: what the store gave can't be used: ${describeError(cause)}`,
      { cause },
    );
  }
}

function fileOf(tracePath: string, message: unknown, what: 'catalogue' | 'planogram'): string | undefined {
  if (typeof message !== 'object' || message === null || !Object.hasOwn(message, what)) return undefined;
  const name: unknown = Reflect.get(message, what);
  return typeof name === 'string' ? besideTrace(tracePath, what, name) : undefined;
}
