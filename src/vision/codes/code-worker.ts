import { parentPort } from 'node:worker_threads';
import { describeError } from '#base/errors.ts';
import { searchCodes } from './search.ts';
import type { FromThread, SearchJob } from './thread.ts';
import { loadZxing } from './zxing.ts';

/** The thread that looks for codes: ZXing behind a message port, one job at a time. */
async function run(port: NonNullable<typeof parentPort>): Promise<void> {
  const post = (message: FromThread) => port.postMessage(message);
  try {
    const read = await loadZxing();
    port.on('message', ({ id, luma, effort }: SearchJob) => {
      searchCodes(read, luma, effort).then(
        (codes) => post({ kind: 'found', id, codes }),
        (error: unknown) => post({ kind: 'failed', why: describeError(error) }),
      );
    });
    post({ kind: 'ready' });
  } catch (error) {
    post({ kind: 'failed', why: `ZXing could not be loaded: ${describeError(error)}` });
  }
}

if (parentPort !== null) await run(parentPort);
