import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '#base/clock.ts';
import { visionOf } from '#test/vision/support/processes.ts';
import { readState } from '#uplink/payloads.ts';
import type { ProbeAnswer } from '../load/drivers.ts';
import { ProbeEnd } from '../load/far-end.ts';
import { Observer } from '../support/observer.ts';
import type { BenchContext } from '../support/part.ts';
import { cpuUs, type Running, startNode, waitedUs } from '../support/processes.ts';
import { place, writeEyesConfig } from './config.ts';
import { type Memory, memoryOf } from './memory.ts';
import { type Side, sides, type Timeline, windowAt } from './timeline.ts';

/** What one window gave. */
export interface EyesWindow extends Pick<ProbeAnswer, 'delayMs'> {
  readonly side: Side;
  /** Movements that the gateway published, and sightings. */
  readonly movements: number;
  readonly sightings: number;
  /** Of one core. */
  readonly visionShare: number;
  /** Part of the time in which the gateway's main thread was ready and had no processor. */
  readonly waitedShare: number;
}

export interface EyesOutcome {
  /** Of both sides in turn. */
  readonly windows: readonly EyesWindow[];
  readonly gateway: Memory;
  readonly vision: Memory;
}

const windowMs = { quick: 10_000, full: 20_000 };
const everyUs = 2_000_000;
/** On a machine that is busy with other things. */
const startsWithinMs = 90_000;

/** One gateway whose plates are used in turn where a camera sees it and where none does. */
export async function runEyes(
  context: BenchContext,
  brokerUrl: string,
  rounds: number,
): Promise<EyesOutcome> {
  const timeline = { windowUs: 1000 * windowMs[context.quick ? 'quick' : 'full'], everyUs };
  const folder = join(context.folder, 'eyes');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const ends: (() => Promise<unknown>)[] = [];
  try {
    const probe = await ProbeEnd.open();
    ends.push(() => probe.close());
    const { store, device } = place;
    const observer = await Observer.connect(brokerUrl, [`cw/1/${store}/${device}/#`]);
    ends.push(() => observer.close());
    const config = await writeEyesConfig(folder, brokerUrl, probe.port, timeline);
    const born = observer.next(
      (topic, payload) => topic.endsWith('/state') && readState(payload)?.online === true,
      'the birth of the gateway',
      startsWithinMs,
    );
    const cache = { NODE_COMPILE_CACHE: join(context.folder, 'compile-cache') };
    const running = startNode(['src/main.ts', config], cache, context.prefer);
    ends.push(() => running.stop());
    try {
      await born;
      await observer.next(
        (topic) => topic.endsWith('/event/look/seen'),
        'the first sighting',
        startsWithinMs,
      );
      return await measure({ running, observer, probe, timeline, context }, rounds);
    } catch (error) {
      throw new Error(`the gateway said last:\n${running.tail()}`, { cause: error });
    }
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

interface Bench {
  readonly running: Running;
  readonly observer: Observer;
  readonly probe: ProbeEnd;
  readonly timeline: Timeline;
  readonly context: BenchContext;
}

async function measure(bench: Bench, rounds: number): Promise<EyesOutcome> {
  const { running, timeline, context } = bench;
  const child = await visionOf(running.pid);
  if (child === undefined) throw new Error('there is no vision process');
  const next = windowAt(timeline, systemClock.nowUs()) + 1;
  // A pair begins with the side that nobody sees.
  const first = next % 2 === 0 ? next : next + 1;
  await until(timeline, first);
  const windows: EyesWindow[] = [];
  for (let window = first; window < first + 2 * rounds; window++) {
    context.say(`eyes: window ${window - first + 1} of ${2 * rounds}`);
    windows.push(await lookAt(bench, child, window));
  }
  return { windows, gateway: memoryOf(running.pid), vision: memoryOf(child) };
}

async function lookAt(bench: Bench, child: number, window: number): Promise<EyesWindow> {
  const { running, observer, probe, timeline } = bench;
  await probe.look();
  const facts = () => ({
    cpu: cpuUs(child),
    waited: waitedUs(running.pid),
    movements: observer.count('/event/movement/settled'),
    sightings: observer.count('/event/look/seen'),
    at: performance.now(),
  });
  const before = facts();
  await until(timeline, window + 1);
  const after = facts();
  const { delayMs } = await probe.look();
  const wallUs = (after.at - before.at) * 1_000;
  return {
    side: sides[window % 2] ?? 'apart',
    delayMs,
    movements: after.movements - before.movements,
    sightings: after.sightings - before.sightings,
    visionShare: (after.cpu - before.cpu) / wallUs,
    waitedShare: (after.waited - before.waited) / wallUs,
  };
}

const until = ({ windowUs }: Timeline, window: number) =>
  sleep(Math.max(0, (window * windowUs - systemClock.nowUs()) / 1000));
