import { createInterface } from 'node:readline';
import { BenchDevice } from './bench-device.ts';

/**
 * A program whose outbox is to be hung from outside: stores an event for every line that it reads, and says how it
 * goes, a line of JSON each.
 */
const [folder = ''] = process.argv.slice(2);
const say = (what: object) => process.stdout.write(`${JSON.stringify(what)}\n`);
const done: (() => unknown)[] = [];
const bench = await BenchDevice.open(
  { teardown: (last) => done.push(last) },
  {
    folder,
    url: 'mqtt://127.0.0.1:9',
    silent: true,
    limits: { silentMs: 600 },
    onFault: ({ code }) => say({ fault: code, silentMs: bench.uplink.workerSilentMs }),
  },
);
say({ open: true });
for await (const _line of createInterface({ input: process.stdin })) {
  await bench.store(1);
  const { nextSequence } = bench.uplink.start;
  say({ stored: bench.events.length, first: nextSequence, silentMs: bench.uplink.workerSilentMs });
}
for (const last of done) await last();
process.exit(0);
