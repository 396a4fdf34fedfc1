import { Worker } from 'node:worker_threads';
import { DriverError } from '../../errors.ts';
import type { McuFault } from './faults.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import type { MicrocontrollerStatistics } from './microcontroller.ts';
import type { Running, RunningEvents } from './running.ts';
import type { SimulatorOptions } from './simulator.ts';

type Request =
  | { readonly kind: 'statistics' }
  | { readonly kind: 'begin'; readonly fault: number; readonly what: McuFault }
  | { readonly kind: 'end'; readonly fault: number };

interface Waiting {
  resolve(statistics: MicrocontrollerStatistics): void;
  reject(error: Error): void;
}

/**
 * Runs a simulator in real time in a thread of its own. Resolves once it runs; rejects with CW-DRV-016 where the
 * firmware can't be used.
 */
export async function runInThread(options: SimulatorOptions, events: RunningEvents): Promise<Running> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: options });
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let stopped = false;
  const fail = (error: Error) => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
    if (!stopped) events.failed(error);
  };
  const post = (message: ToWorker) => worker.postMessage(message);
  const ask = (request: Request): Promise<MicrocontrollerStatistics> =>
    new Promise((resolve, reject) => {
      lastId += 1;
      waiting.set(lastId, { resolve, reject });
      post({ ...request, id: lastId });
    });
  worker.on('message', (message: FromWorker) => {
    if (message.kind === 'bytes') events.bytes(message.bytes, message.atUs);
    else if (message.kind === 'slipped') events.slipped(message.us);
    else {
      const asked = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.ok) asked?.resolve(message.statistics);
      else
        asked?.reject(
          new DriverError(message.code === 'CW-DRV-002' ? 'CW-DRV-002' : 'CW-DRV-004', message.message),
        );
    }
  });
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  worker.on('error', fail);
  worker.on('exit', () => fail(new DriverError('CW-DRV-005', 'the simulated microcontroller has ended')));
  await ask({ kind: 'statistics' });
  return {
    send: (bytes) => post({ kind: 'send', bytes }),
    feed: (batch) => post({ kind: 'feed', batch }),
    pressReset: () => post({ kind: 'reset' }),
    beginFault: async (fault, what) => {
      await ask({ kind: 'begin', fault, what });
    },
    endFault: async (fault) => {
      await ask({ kind: 'end', fault });
    },
    statistics: () => ask({ kind: 'statistics' }),
    stop: async () => {
      if (stopped) return;
      stopped = true;
      post({ kind: 'stop' });
      await exited;
    },
  };
}
