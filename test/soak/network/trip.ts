import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CartEvent } from '#events/event.ts';
import { Collector } from '#test/support/collector.ts';
import { tripTruths, waitFor } from '#test/support/crash.ts';
import { decisions } from '#test/support/decisions.ts';
import { device, type GatewayFolder, makeGatewayFolder, startGateway, store } from '#test/support/gateway.ts';
import { openTrace, type TraceReader } from '#traces/reader.ts';
import { replay } from '#traces/replay.ts';
import { score } from '#traces/score.ts';
import { loadReplaySetup } from '#traces/setup.ts';

const scenario = 'demo-trip';

/** What became of a trip while the network failed. */
export interface TripReport {
  readonly what: string;
  readonly events: number;
  readonly repeats: number;
  /** Longest time between two samples of one cell in the recording, ms. */
  readonly longestGapMs: number;
  readonly happened: string;
  readonly problems: readonly string[];
}

export interface TripOptions {
  readonly what: string;
  /** Where the gateway finds the broker. */
  readonly url: string;
  /** Where the store's consumer finds it, past the network that fails. */
  readonly storeUrl: string;
  /** What happens during the trip; resolves when the network is well again. */
  readonly trouble: (gateway: Gateway) => Promise<string>;
}

export interface Gateway {
  readonly log: readonly string[];
  /** Distinct events at the store so far. */
  readonly arrived: () => number;
}

/**
 * A shopper shops with the real daemon while the network fails. Nothing may be missing or come twice under one number, and the
 * decisions must be those of the recording, which knows of no network.
 */
export async function shopInTrouble(options: TripOptions): Promise<TripReport> {
  const folder = await makeGatewayFolder({ brokerUrl: options.url, scenario, config: { healthS: 5 } });
  const collector = await Collector.connect(options.storeUrl, store, device);
  try {
    const record = join(folder.path, 'recording');
    const daemon = await startGateway(folder, { record });
    const problems: string[] = [];
    let happened = '';
    try {
      const trouble = options.trouble({ log: daemon.log, arrived: () => collector.events.length });
      const truths = await tripTruths(folder.path, `config/scenarios/${scenario}.yaml`);
      const lastMs = Math.max(...truths.map(({ atUs }) => atUs)) / 1_000;
      happened = await trouble;
      await sleep(Math.max(0, lastMs - Number(process.hrtime.bigint() / 1_000_000n)) + 5_000);
      if (!daemon.running()) problems.push('the gateway ended');
      // The longest pause between two attempts, and what is sent after that.
      if (!(await waitFor(() => isWhole(collector, lastMs), 90_000))) problems.push('the end never came');
      await daemon.stop();
      await waitFor(() => collector.gaps().length === 0, 15_000);
      problems.push(...(await judge(folder, collector)));
    } finally {
      await daemon.kill();
    }
    return {
      ...{ what: options.what, events: collector.events.length, repeats: collector.repeats, happened },
      longestGapMs: await longestGapMs(await openTrace(join(record, 'trace.ndjson'))),
      problems,
    };
  } finally {
    await collector.close();
    await folder.remove();
  }
}

/** Something of after the trip's end has come, and nothing of before it is missing. */
function isWhole(collector: Collector, lastMs: number): boolean {
  return collector.gaps().length === 0 && collector.events.some(({ atUs }) => atUs / 1_000 > lastMs + 4_000);
}

async function judge(folder: GatewayFolder, collector: Collector): Promise<string[]> {
  const live = collector.ledger();
  const trace = join(folder.path, 'recording/trace.ndjson');
  const reader = await openTrace(trace);
  const replayed: CartEvent[] = [];
  const result = await replay(reader, await loadReplaySetup(trace, reader.header), (event) =>
    replayed.push(event),
  );
  const truths = await tripTruths(folder.path, `config/scenarios/${scenario}.yaml`);
  const { wrongEvents, missed } = score(truths, live);
  const out = collector.events.filter(
    ({ sequence }, i) => sequence < (collector.events[i - 1]?.sequence ?? 0),
  );
  const numbers = new Set(live.map(({ sequence }) => sequence));
  const checks: [boolean, string][] = [
    [collector.gaps().length === 0, `never came: ${collector.gaps().join(', ')}`],
    [collector.problems.length === 0, collector.problems.join('; ')],
    [out.length === 0, `out of order: ${out.map(({ sequence }) => sequence).join(', ')}`],
    [numbers.size === live.length, 'a number came under two ids'],
    [result.error === undefined, `the recording could not be replayed: ${String(result.error)}`],
    [
      JSON.stringify(decisions(live)) === JSON.stringify(decisions(replayed)),
      'the store has other decisions than the recording',
    ],
    [
      wrongEvents.length === 0 && missed === 0,
      `${wrongEvents.length} decisions were wrong, ${missed} missed`,
    ],
  ];
  return checks.flatMap(([holds, problem]) => (holds ? [] : [problem]));
}

/** Whether sensing ever waited: the recording has every sample, whatever the network did. */
async function longestGapMs(reader: TraceReader): Promise<number> {
  const last = new Map<string, number>();
  let longestUs = 0;
  for await (const lines of reader.batches()) {
    for (const line of lines) {
      if (line.kind !== 'counts') continue;
      const beforeUs = last.get(line.source);
      if (beforeUs !== undefined) longestUs = Math.max(longestUs, line.t - beforeUs);
      last.set(line.source, line.t + (line.counts.length - 1) * line.periodUs);
    }
  }
  return longestUs / 1_000;
}
