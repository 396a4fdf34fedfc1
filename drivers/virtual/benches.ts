import { existsSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import type { VirtualClock } from '#base/clock.ts';
import type { MakeBench } from './bench.ts';
import { PeerPorts } from './peer-ports.ts';

/**
 * The bench of a shipped driver: `benches/<driver>.ts`, which exports one function. Undefined where it has none.
 */
export async function findBench(driver: string): Promise<MakeBench | undefined> {
  const file = new URL(`./benches/${driver}.ts`, import.meta.url);
  if (!/^[a-z0-9-]+$/.test(driver) || !existsSync(file)) return undefined;
  const module = (await import(file.href)) as Record<string, unknown>;
  return Object.values(module).find((value): value is MakeBench => typeof value === 'function');
}

/** Lets `us` of virtual time pass in slices, between which what was sent is delivered. */
export async function passTime(clock: VirtualClock, us: number, sliceUs = 1_000): Promise<void> {
  const end = clock.nowUs() + us;
  while (clock.nowUs() < end) {
    clock.advanceTo(Math.min(end, clock.nowUs() + sliceUs));
    await setImmediate();
  }
}

/** What a maker's own bench is made from, as its file can't import ours: `export const bench = (kit) => async (clock, seed) => ({ … })`. */
export const benchKit = { PeerPorts, passTime } as const;
export type BenchKit = typeof benchKit;
