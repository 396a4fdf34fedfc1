import { parentPort, workerData } from 'node:worker_threads';
import { describeError } from '#base/errors.ts';
import { Engine } from './engine.ts';
import { toPlain, UplinkError } from './errors.ts';
import type { FromWorker, Ping, ToWorker, WorkerStart } from './thread.ts';

/** The uplink's thread: an engine behind a message port. */
function run(port: NonNullable<typeof parentPort>, start: WorkerStart): void {
  const post = (message: FromWorker) => port.postMessage(message);
  let engine: Engine;
  try {
    engine = new Engine(start, post, (error) => {
      // The facade starts a new thread, which opens the file anew and sets it aside where it is damaged.
      throw error;
    });
  } catch (error) {
    const known =
      error instanceof UplinkError
        ? error
        : new UplinkError('CW-UPL-001', describeError(error), { cause: error });
    post({ kind: 'failed', error: toPlain(known) });
    port.close();
    return;
  }
  port.on('message', (message: ToWorker | Ping) => {
    if (message.kind === 'ping') post({ kind: 'pong' });
    else engine.handle(message);
  });
  engine.start();
}

if (parentPort !== null) run(parentPort, workerData);
