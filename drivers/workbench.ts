import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describeError } from '#base/errors.ts';
import { DriverError } from './errors.ts';
import type { MakeBench } from './virtual/bench.ts';
import { type BenchKit, benchKit, findBench } from './virtual/benches.ts';

/** What writers of drivers need, behind one door: the conformance suite, and recordings of the very bytes. */
export { parseRaw, type RawRecording } from './ports/raw/format.ts';
export { type PlaySummary, playRaw } from './ports/raw/play.ts';
export type { MakeBench } from './virtual/bench.ts';
export { verifyAttached } from './virtual/conformance/attached.ts';
export { type CheckResult, verifyDriver } from './virtual/conformance/suite.ts';

/**
 * The bench of a driver: a shipped one, or what a maker's file exports beside it, `bench` or `benches.<driver>`: a
 * function that is given the kit and makes a `MakeBench`. Undefined where there is none. Rejects with CW-DRV-010.
 */
export async function benchOf(
  driver: string,
  makersFiles: readonly string[] = [],
): Promise<MakeBench | undefined> {
  for (const path of makersFiles) {
    const own = await makersBench(path, driver);
    if (own !== undefined) return own;
  }
  return findBench(driver);
}

async function makersBench(path: string, driver: string): Promise<MakeBench | undefined> {
  const file = pathToFileURL(resolve(path)).href;
  try {
    const module = (await import(file)) as {
      readonly bench?: unknown;
      readonly benches?: Readonly<Record<string, unknown>>;
    };
    const maker = module.benches?.[driver] ?? module.bench;
    if (maker === undefined) return undefined;
    return (maker as (kit: BenchKit) => MakeBench)(benchKit);
  } catch (cause) {
    throw new DriverError('CW-DRV-010', `the bench in ${path} can not be made: ${describeError(cause)}`, {
      cause,
    });
  }
}
