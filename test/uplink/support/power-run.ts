import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '#base/random.ts';
import { Outbox } from '#uplink/outbox.ts';
import type { Batch } from '#uplink/outbox-types.ts';

/**
 * A life of an outbox whose system calls are recorded: it is made, filled, emptied, closed and opened again, with a
 * small log so that checkpoints happen. After each thing that the outbox promised, one line on standard output says
 * what must hold from here on.
 */
const [folder, seed] = process.argv.slice(2);
if (folder === undefined || seed === undefined) throw new Error('usage: power-run FOLDER SEED');
const path = join(folder, 'outbox.sqlite');
const random = createRandom(Number(seed));
const promise = { ledger: '', next: 1, released: 0, connection: 0, acknowledged: false };

function say(): void {
  writeSync(1, `PROMISE ${JSON.stringify(promise)}\n`);
}

function batch(): Batch {
  const events = Array.from({ length: 1 + random.integer(5) }, (_, i) => ({
    sequence: promise.next + i,
    type: 'item.added',
    class: 'ledger' as const,
    bytes: new Uint8Array(40 + random.integer(600)).fill((promise.next + i) & 255),
  }));
  promise.next += events.length;
  return { events, state: { last: String(promise.next - 1) }, reported: [] };
}

for (let life = 0; life < 3; life++) {
  const outbox = new Outbox(path, { maxBytes: 10_000_000, ledgerShare: 0.8, checkpointPages: 12 });
  promise.ledger = outbox.start.ledger;
  say();
  for (let step = 0; step < 25; step++) {
    const dice = random.integer(10);
    if (dice < 6) outbox.append(random.next() < 0.5 ? [batch()] : [batch(), batch()]);
    else if (dice < 8) {
      // What may be gone is said before it is made so.
      promise.released += random.integer(promise.next - promise.released);
      say();
      outbox.release(promise.released);
      if (random.next() < 0.7) outbox.flush();
    } else if (dice < 9) promise.connection = outbox.nextConnection();
    else {
      outbox.setAcknowledged(true);
      promise.acknowledged = true;
    }
    say();
  }
  outbox.close();
  say();
}
