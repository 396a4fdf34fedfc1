import { once } from 'node:events';
import { z } from 'zod';
import { type ContenderName, contenderNames, contenders } from './engine-names.ts';
import type { Engine } from './engines.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import { loadSetting } from './setting.ts';
import { type TierName, tierNames } from './tiers.ts';
import { playTrip } from './trip.ts';

/** One trip to play: what the parent sends, one at a time. */
export interface Job {
  readonly tier: TierName;
  readonly engine: ContenderName;
  readonly seed: number;
  /** Measures what decisions cost, with a catalogue enlarged to so many products. */
  readonly timed?: boolean | undefined;
  readonly products?: number | undefined;
}

/** What comes back for a job. */
export type Answer = { readonly outcome: Outcome } | { readonly failed: string };

const jobSchema = z.object({
  tier: z.enum(tierNames),
  engine: z.enum(contenderNames),
  seed: z.number().int(),
  timed: z.boolean().optional(),
  products: z.number().int().optional(),
});
type Setting = Awaited<ReturnType<typeof loadSetting>>;
const settings = new Map<number | undefined, Setting>();

/** Plays one trip and judges it. */
export async function runJob({ tier, engine: name, seed, timed, products }: Job): Promise<Outcome> {
  const setting = settings.get(products) ?? (await loadSetting(products));
  settings.set(products, setting);
  const { cameras, make } = contenders[name];
  let engine: Engine | undefined;
  const { stage } = playTrip({
    tier,
    seed,
    setting,
    cameras,
    makeEngine: (shop) => {
      engine = make(shop, timed);
      return engine;
    },
  });
  return outcomeOf({ tier, engine: name, seed }, stage, engine ?? stage.engine);
}

/** The life of a worker process: jobs in, answers out, until the parent lets go. */
async function work(): Promise<void> {
  process.on('message', (message) => {
    void answer(message).then((reply) => process.send?.(reply));
  });
  await once(process, 'disconnect');
}

async function answer(message: unknown): Promise<Answer> {
  const job = jobSchema.safeParse(message);
  if (!job.success) return { failed: `not a job: ${job.error.message}` };
  try {
    return { outcome: await runJob(job.data) };
  } catch (error) {
    const { tier, engine, seed } = job.data;
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { failed: `${tier}, ${engine}, seed ${seed}: ${why}` };
  }
}

if (process.send !== undefined && import.meta.main) await work();
