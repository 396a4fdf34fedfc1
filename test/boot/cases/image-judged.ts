import type { Bench } from '../bench.ts';
import { expect } from '../case.ts';
import { ImageCart } from '../image/cart.ts';
import { mustEmulate } from '../image/firmware-machine.ts';
import { type BuiltImage, prepareImage } from '../image/prepare.ts';
import { addFile, plantRoot } from '../image/roots.ts';

export const title =
  'a root that starts is taken back all the same where the gateway is not well under it, or where nobody judges it';

/** Runs the case; rejects where something does not hold. */
export async function run(bench: Bench): Promise<readonly string[]> {
  mustEmulate('x64');
  const image = await prepareImage(bench, 'x64');
  const units = '/etc/systemd/system';
  return [
    ...(await takenBack(bench, image, {
      what: 'a root whose gateway does not reach its broker',
      version: '0.9.3',
      edits: await addFile(
        bench.folder,
        `${units}/cartwright.service.d/alone.conf`,
        '[Service]\nPrivateNetwork=yes\n',
      ),
      why: /not healthy within 10 minutes: .*link to the broker/,
    })),
    ...(await takenBack(bench, image, {
      what: 'a root that nobody judges',
      version: '0.9.4',
      // The deadline is half an hour; nothing else of it is changed.
      edits: [
        'rm /usr/lib/systemd/system/cartwright-slot-judge.service',
        `mkdir ${units}/cartwright-slot-deadline.timer.d`,
        ...(await addFile(
          bench.folder,
          `${units}/cartwright-slot-deadline.timer.d/soon.conf`,
          '[Timer]\nOnBootSec=\nOnBootSec=4min\n',
        )),
      ],
      why: /nobody judged it/,
    })),
  ];
}

interface BadRoot {
  readonly what: string;
  readonly version: string;
  readonly edits: readonly string[];
  /** What the store is told. */
  readonly why: RegExp;
}

/** It runs, gives itself up, and the slot from before is in service again and says why. */
async function takenBack(bench: Bench, image: BuiltImage, bad: BadRoot): Promise<string[]> {
  const { what, version, edits, why } = bad;
  const cart = await ImageCart.make(bench, image);
  try {
    bench.log(`starting ${what}`);
    await plantRoot(image, cart.disk, bench.folder, { version, youngerS: 180, edits });
    const began = performance.now();
    const onTrial = await cart.start();
    const ended = await onTrial.ended;
    const gaveUp = performance.now();
    expect(ended === 'guest-reset', `the machine ended by ${ended}\n${onTrial.console()}`);
    bench.log('starting what it went back to');
    const { machine, birth } = await cart.birth();
    await machine.up();
    const running = await machine.sh('cat /proc/cmdline');
    expect(running.includes('cartwright.slot=a'), `it did not go back: ${running}`);
    const { data } = await cart.rootEvent(machine, 'rolled-back', version);
    expect(why.test(data.why ?? ''), `the store is told ${JSON.stringify(data)}`);
    const entries = await machine.sh('ls /efi/loader/entries');
    expect(!entries.includes('cartwright-b'), `it is still offered: ${entries}`);
    return [
      `${what}: given up ${((gaveUp - began) / 1_000).toFixed(0)} s after power-on, ` +
        `and ${((birth.atMs - gaveUp) / 1_000).toFixed(0)} s later the birth of the one before`,
    ];
  } finally {
    await cart.end();
  }
}
