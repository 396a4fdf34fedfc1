import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { callDevice } from '#cli/call.ts';
import { isKnown } from '#events/codec.ts';
import { readEventPayload } from '#events/payload.ts';
import { openTrace } from '#traces/reader.ts';
import { readState } from '#uplink/payloads.ts';
import { line } from '../bridge/load.ts';
import { Observer } from '../support/observer.ts';
import type { BenchContext } from '../support/part.ts';
import { cpuUs, prefer, type Running, root, startNode, waitedUs } from '../support/processes.ts';
import { type Attached, baudRate, cellNames, writeLoadConfig } from './config.ts';
import type { ProbeAnswer } from './drivers.ts';
import { BurstScanner, ProbeEnd } from './far-end.ts';

export const samplesPerSecond = 320;
export const burstReports = 500;
const burstEveryMs = 5_000;
const warmUpMs = 4_000;

/** What is attached, and whether the gateway records what it decides on, so that it can be counted. */
export interface Load {
  readonly cells: boolean;
  readonly scanner: boolean;
  readonly camera: boolean;
  readonly recorded: boolean;
}

export interface LoadOutcome extends ProbeAnswer {
  /** Of one core, all threads of the gateway. */
  readonly cpuShare: number;
  /** Part of the time in which the main thread was ready and had no processor: what else ran on the machine. */
  readonly waitedShare: number;
  readonly codesSent: number;
  readonly codesLost: number;
  readonly reports: number;
  /** Inputs whose time the gateway could not keep. */
  readonly late: number;
  /** Samples on the line, and those that the gateway decided on; of a recorded run. */
  readonly samplesSent?: number;
  readonly samplesDecided?: number;
  /** Samples that are missing between others by their numbers. */
  readonly samplesMissing?: number;
}

/** One run of the whole daemon under a load, in processes of its own, against a broker. */
export async function runLoad(
  load: Load,
  context: BenchContext,
  brokerUrl: string,
  windowMs: number,
): Promise<LoadOutcome> {
  const folder = join(context.folder, 'load');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const ends: (() => Promise<unknown>)[] = [];
  try {
    const probe = await ProbeEnd.open();
    ends.push(() => probe.close());
    const feed = load.cells ? startFeed(ends) : undefined;
    const bridge =
      feed === undefined ? undefined : await line(await feed.next(), { ...context, folder }, ends);
    const scanner = load.scanner ? await BurstScanner.open() : undefined;
    if (scanner !== undefined) ends.push(() => scanner.close());
    const attached = { probePort: probe.port, bridge, scannerPort: scanner?.port, camera: load.camera };
    const gateway = await startGateway(folder, brokerUrl, attached, load.recorded, context);
    ends.push(
      () => gateway.running.stop(),
      () => gateway.observer.close(),
    );
    try {
      const measured = await measure(gateway, probe, scanner, windowMs);
      const late = await lateInputs(brokerUrl);
      if (!load.recorded || feed === undefined) return { ...measured, late };
      const samplesSent = Number(await feed.hush());
      // What is held back is given out when the daemon stops; the line and the kernel need a moment before.
      await sleep(300);
      await gateway.running.stop();
      return { ...measured, late, samplesSent, ...(await decided(join(folder, 'trace'))) };
    } catch (error) {
      throw new Error(`the gateway said last:\n${gateway.running.tail()}`, { cause: error });
    }
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

/** The bridge's process, with what it prints. */
function startFeed(ends: (() => Promise<unknown>)[]) {
  const child = spawn(
    process.execPath,
    ['test/bench/bridge/feed.ts', String(samplesPerSecond), String(baudRate)],
    { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] },
  );
  prefer(child.pid);
  ends.push(async () => {
    const exited = once(child, 'exit');
    child.stdin.end();
    await exited;
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => String((await lines.next()).value);
  return {
    next,
    /** Ends the samples; answers with how many were sent. */
    hush: () => {
      child.stdin.write('\n');
      return next();
    },
  };
}

interface Gateway {
  readonly running: Running;
  readonly observer: Observer;
  /** Codes that were published, by their text. */
  readonly seen: ReadonlySet<string>;
}

async function startGateway(
  folder: string,
  brokerUrl: string,
  attached: Attached,
  recorded: boolean,
  context: BenchContext,
): Promise<Gateway> {
  const config = await writeLoadConfig(folder, brokerUrl, attached);
  const observer = await Observer.connect(brokerUrl, ['cw/1/bench/load/state', 'cw/1/bench/load/event/#']);
  await observer.clear('cw/1/bench/load/state');
  const seen = new Set<string>();
  const born = observer.next(
    (topic, payload) => topic.endsWith('/state') && readState(payload)?.online === true,
    'the birth of the gateway',
  );
  observer.hear((topic, payload) => {
    if (!topic.endsWith('/event/scan/read')) return;
    const event = readEventPayload(payload);
    if (!isKnown(event) || event.type !== 'scan.read' || event.data.raw === undefined) return;
    seen.add(Buffer.from(event.data.raw).toString('latin1'));
  });
  const args = recorded
    ? ['src/cli/main.ts', 'run', config, '--record', join(folder, 'trace')]
    : ['src/main.ts', config];
  const cache = { NODE_COMPILE_CACHE: join(context.folder, 'compile-cache') };
  const running = startNode(args, cache, context.prefer);
  try {
    await born;
  } catch (error) {
    await running.stop();
    await observer.close();
    throw new Error(`the gateway said last:\n${running.tail()}`, { cause: error });
  }
  return { running, observer, seen };
}

async function measure(
  { running, seen }: Gateway,
  probe: ProbeEnd,
  scanner: BurstScanner | undefined,
  windowMs: number,
) {
  await scanner?.burst(burstReports);
  await sleep(warmUpMs);
  await probe.look();
  const began = performance.now();
  const cpu = cpuUs(running.pid);
  const waited = waitedUs(running.pid);
  for (let next = began; next < began + windowMs; next += burstEveryMs) {
    await sleep(Math.max(0, next - performance.now()));
    await scanner?.burst(burstReports);
  }
  await sleep(Math.max(0, began + windowMs - performance.now()));
  const wallUs = (performance.now() - began) * 1_000;
  const cpuShare = (cpuUs(running.pid) - cpu) / wallUs;
  const waitedShare = (waitedUs(running.pid) - waited) / wallUs;
  const inside = await probe.look();
  const codes = scanner?.sent ?? [];
  const lost = () => codes.filter((code) => !seen.has(code)).length;
  for (let waits = 0; waits < 100 && lost() > 0; waits++) await sleep(100);
  return {
    ...inside,
    cpuShare,
    waitedShare,
    codesSent: codes.length,
    codesLost: lost(),
    reports: scanner?.reports ?? 0,
  };
}

async function lateInputs(broker: string): Promise<number> {
  const call = { broker, store: 'bench', device: 'load', command: 'gateway.info', args: {}, timeout: 10 };
  const answer = await callDevice(call);
  if (answer.status !== 'done') throw new Error(`gateway.info was refused: ${answer.message}`);
  return Number((answer.data as { lateInputs: number }).lateInputs);
}

/** Counts the samples of a trace, and by the low eight bits of their counts those missing in between. */
async function decided(folder: string): Promise<{ samplesDecided: number; samplesMissing: number }> {
  const trace = await openTrace(join(folder, 'trace.ndjson'));
  const last = new Map<string, number>();
  let samplesDecided = 0;
  let samplesMissing = 0;
  for await (const lines of trace.batches()) {
    for (const entry of lines) {
      if (entry.kind !== 'counts' || !cellNames.includes(entry.source)) continue;
      for (const counts of entry.counts) {
        const index = counts & 0xff;
        const before = last.get(entry.source);
        if (before !== undefined) samplesMissing += (index - before - 1) & 0xff;
        last.set(entry.source, index);
        samplesDecided += 1;
      }
    }
  }
  return { samplesDecided, samplesMissing };
}
