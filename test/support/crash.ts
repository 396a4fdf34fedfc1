import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createRandom } from '#base/random.ts';
import type { CartEvent } from '#events/event.ts';
import { loadScenarioFiles } from '#simulation/files.ts';
import { timeline } from '#simulation/play.ts';
import { loadScenario } from '#simulation/scenario.ts';
import type { TimedTruth } from '#traces/replay.ts';
import { type Score, score } from '#traces/score.ts';
import { Collector, foldBasket } from './collector.ts';
import { device, makeGatewayFolder, startGateway, store } from './gateway.ts';

export interface CrashReport {
  readonly kills: number;
  readonly events: number;
  /** Messages that came again; removed by id. */
  readonly repeats: number;
  /** Sequences that never came. */
  readonly gaps: readonly number[];
  /** Basket snapshots that are not what the events up to their sequence give. */
  readonly basketFaults: readonly string[];
  readonly problems: readonly string[];
  readonly score: Score;
  /** Movements that were neither decided nor asked about. */
  readonly unexplained: readonly string[];
  /** What the store has in the end, in order: to see how a fault came about. */
  readonly ledger: readonly CartEvent[];
}

export type Bounds = readonly [from: number, to: number];

export async function waitFor(holds: () => boolean, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (!holds() && performance.now() < deadline) await sleep(10);
  return holds();
}

/** What really happens on a trip whose world began as the anchor in `folder` says, on the machine's monotonic clock. */
export async function tripTruths(folder: string, scenarioPath: string): Promise<TimedTruth[]> {
  const anchor = JSON.parse(await readFile(join(folder, 'anchor.json'), 'utf8')) as {
    seed: number;
    startedAtUs: number;
    originUs: number;
  };
  const scenario = await loadScenario(scenarioPath);
  const files = await loadScenarioFiles(scenario);
  const steps = timeline({ scenario, ...files, seed: anchor.seed, originUs: anchor.originUs });
  return steps.flatMap((step) =>
    step.truths.map(({ atUs, truth }) => ({ truth, atUs: atUs + anchor.startedAtUs })),
  );
}

/**
 * Lets a shopper shop while the daemon is killed (SIGKILL) again and again at random moments, and says what the store
 * saw. The world goes on while the daemon is down. Times in ms.
 */
export async function shopThroughKills(options: {
  readonly brokerUrl: string;
  readonly kills: number;
  readonly seed: number;
  readonly life: Bounds;
  readonly down: Bounds;
}): Promise<CrashReport> {
  const random = createRandom(options.seed);
  const between = ([from, to]: Bounds) => from + random.next() * (to - from);
  const scenario = 'demo-trip';
  const folder = await makeGatewayFolder({ brokerUrl: options.brokerUrl, scenario, seed: options.seed });
  const collector = await Collector.connect(options.brokerUrl, store, device);
  try {
    let daemon = await startGateway(folder);
    const truths = await tripTruths(folder.path, `config/scenarios/${scenario}.yaml`);
    // The first life is long enough for the shopper to open her basket.
    await collector.until((event) => event.type === 'basket.opened', 15_000, 'the basket');
    for (let kill = 0; kill < options.kills; kill++) {
      await sleep(between(options.life));
      await daemon.kill();
      await sleep(between(options.down));
      daemon = await startGateway(folder);
    }
    const endMs = Math.max(0, ...truths.map(({ atUs }) => atUs)) / 1000;
    await sleep(Math.max(0, endMs - Number(process.hrtime.bigint() / 1_000_000n)) + 5_000);
    await daemon.stop();
    await waitFor(() => collector.gaps().length === 0, 10_000);
    const events = collector.ledger();
    const result = score(truths, events);
    return {
      kills: options.kills,
      events: events.length,
      repeats: collector.repeats,
      gaps: collector.gaps(),
      basketFaults: basketFaults(collector),
      problems: collector.problems,
      score: result,
      unexplained: unexplained(result, events),
      ledger: events,
    };
  } finally {
    await collector.close();
    await folder.remove();
  }
}

/** Every snapshot must be what a receiver makes of the events up to the sequence that it names. */
export function basketFaults(collector: Collector): string[] {
  const events = collector.ledger();
  return collector.baskets.flatMap((basket) => {
    if (basket === undefined) return [];
    const folded = foldBasket(events.filter((event) => event.sequence <= basket.sequence));
    const lines = Object.fromEntries(
      basket.lines.map(({ line, name, count, priceMinor }) => [line, { name, count, priceMinor }]),
    );
    const same = folded.session === basket.session && JSON.stringify(folded.lines) === JSON.stringify(lines);
    return same
      ? []
      : [`at ${basket.sequence}: ${JSON.stringify(lines)}, by events ${JSON.stringify(folded.lines)}`];
  });
}

/** A change while nobody looked is asked about after the restart; the question then covers everything that moved. */
const asksLater = 15_000_000;

export function unexplained(result: Score, events: readonly CartEvent[]): string[] {
  const askedAt = events.flatMap((event) =>
    event.type === 'item.unresolved' && event.data.kind === 'changed-while-away' ? [event.atUs] : [],
  );
  return result.verdicts
    .filter(({ verdict }) => verdict === 'missed')
    .filter(({ atUs }) => !askedAt.some((asked) => asked >= atUs && asked - atUs < asksLater))
    .map(({ kind, product, atUs }) => `${kind} ${product} at ${atUs}`);
}
