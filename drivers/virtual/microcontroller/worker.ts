import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '#base/clock.ts';
import { describeError, isCoded } from '#base/errors.ts';
import type { Answer, FromWorker, ToWorker } from './messages.ts';
import { pace } from './pace.ts';
import { Simulator, type SimulatorOptions } from './simulator.ts';

/** The microcontroller's own thread: real time by the monotonic clock, in slices with rest between them. */

/** ms; a USB adapter hands bytes over at most every 16. */
const sliceMs = 8;
/** Until V8 has compiled what is hot, falling behind says nothing of the machine, µs. */
const warmUpUs = 5_000_000;
const port = parentPort;
if (port === null) throw new Error('worker.ts runs in a worker thread');

const startedUs = systemClock.nowUs();
const simulator = new Simulator(workerData as SimulatorOptions, startedUs);
const post = (message: FromWorker) => port.postMessage(message);
let timer: NodeJS.Timeout | undefined;

function turn(): void {
  const atUs = systemClock.nowUs();
  const { bytes, behind, slippedUs } = pace(simulator, atUs);
  if (bytes.length > 0) post({ kind: 'bytes', bytes, atUs });
  if (slippedUs > 0 && atUs - startedUs > warmUpUs) post({ kind: 'slipped', us: slippedUs });
  timer = setTimeout(turn, behind ? 0 : sliceMs);
}

port.on('message', (message: ToWorker) => {
  switch (message.kind) {
    case 'send':
      simulator.mcu.send(message.bytes);
      break;
    case 'feed':
      simulator.feed(message.batch);
      break;
    case 'reset':
      simulator.mcu.pressReset();
      break;
    case 'stop':
      clearTimeout(timer);
      port.close();
      break;
    default:
      post({ kind: 'answer', id: message.id, ...answer(message) });
  }
});

function answer(message: Extract<ToWorker, { id: number }>): Answer {
  try {
    if (message.kind === 'begin') simulator.beginFault(message.fault, message.what);
    if (message.kind === 'end') simulator.endFault(message.fault);
    return { ok: true, statistics: simulator.statistics() };
  } catch (error) {
    const code = isCoded(error) ? error.code : undefined;
    return { ok: false, code, message: describeError(error) };
  }
}

turn();
