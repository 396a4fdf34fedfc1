import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { simulatedCalibration } from '#simulation/hardware.ts';
import { createTrace } from '#traces/folder.ts';
import { cataloguePath } from './catalogue.ts';
import { type ContenderName, contenders } from './engine-names.ts';
import type { Engine } from './engines.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import { loadSetting } from './setting.ts';
import type { Keeper, TrueUnit } from './stage.ts';
import { Story } from './story.ts';
import { worstTrips } from './text.ts';
import { type TierName, tiers } from './tiers.ts';
import { playTrip, shopOf } from './trip.ts';

/** A trip's beginning in traces, so that the same seed gives the same bytes. */
const started = '2026-01-05T10:00:00.000Z';

/** Plays one trip and tells it as text, with what was held against it. */
export async function tellTrip(tier: TierName, seed: number, name: ContenderName): Promise<string> {
  const setting = await loadSetting();
  const story = new Story();
  const { cameras, make } = contenders[name];
  let engine: Engine | undefined;
  const { stage } = playTrip({
    tier,
    seed,
    setting,
    cameras,
    keeper: story,
    makeEngine: (shop) => {
      engine = make(shop);
      return engine;
    },
  });
  const { ledger } = engine ?? stage.engine;
  const outcome = outcomeOf({ tier, engine: name, seed }, stage, engine ?? stage.engine);
  return `${story.tell(ledger)}\n${worstTrips([outcome], 1)}`;
}

/**
 * Plays one trip and writes all that its devices said as a trace that `cartwright replay`, `score` and `explain` can look
 * at. Truths are written when they begin, a little before the hand lets go.
 */
export async function keepTrip(
  tier: TierName,
  seed: number,
  name: ContenderName,
  folder: string,
): Promise<Outcome> {
  const setting = await loadSetting();
  const { board, planogram } = shopOf({ tier, seed, setting });
  await mkdir(folder, { recursive: true });
  const plates = [...(planogram?.byPlate ?? [])].flatMap(([plate, keys]) =>
    keys.map((key) => ({ plate, gtin: key.slice('gtin:'.length) })),
  );
  const planogramPath = join(folder, 'planogram-of-trip.json');
  if (planogram !== undefined) {
    await writeFile(planogramPath, JSON.stringify({ planogram: 1, version: planogram.version, plates }));
  }
  const trace = await createTrace(folder, {
    device: `bench-${tier}-${seed}`,
    board,
    calibration: simulatedCalibration(board),
    catalogue: cataloguePath,
    planogram: planogram === undefined ? undefined : planogramPath,
    extra: { started },
  });
  const keeper: Keeper = {
    input: (input) => trace.recorder.input(input),
    truth: (unit) => {
      const truth = truthOf(unit, tiers[tier].kind === 'shelf');
      if (truth !== undefined) trace.recorder.truth(truth, unit.startUs);
    },
  };
  const { cameras, make } = contenders[name];
  let engine: Engine | undefined;
  const { stage } = playTrip({
    tier,
    seed,
    setting,
    cameras,
    keeper,
    makeEngine: (shop) => {
      engine = make(shop);
      return engine;
    },
  });
  trace.recorder.end(stage.nowUs);
  await trace.close();
  return outcomeOf({ tier, engine: name, seed }, stage, engine ?? stage.engine);
}

function truthOf({ thing, sign, plate, astray }: TrueUnit, shelf: boolean) {
  if (!thing.forSale) return undefined;
  const { product, strangeCode } = thing;
  const kind = shelf
    ? sign < 0
      ? ('taken' as const)
      : astray
        ? ('misplaced' as const)
        : ('returned' as const)
    : sign > 0
      ? ('added' as const)
      : ('removed' as const);
  const gtin = product?.gtin ?? strangeCode;
  return {
    kind,
    ...(gtin === undefined ? {} : { gtin }),
    ...(product?.plu === undefined ? {} : { plu: product.plu }),
    count: 1,
    plate,
    ...(product === undefined ? { listed: false as const } : {}),
  };
}
