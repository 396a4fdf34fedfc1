import { join } from 'node:path';
import { describeError } from '#base/errors.ts';
import { Outbox } from '#uplink/outbox.ts';

/** Another process that tries to open an outbox which is in use; it prints what it was told. */
try {
  new Outbox(join(process.argv[2] ?? '', 'outbox.sqlite'), { maxBytes: 1e7, ledgerShare: 0.8 }).close();
  console.log('opened');
} catch (error) {
  console.log(describeError(error));
}
