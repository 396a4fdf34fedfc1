import { type Context, limitMs, type Plan } from './context.ts';
import { scanOf } from './gateway.ts';

/** linux/hidraw.h: HIDRAW_BUFFER_SIZE; one place of the ring always stays empty. */
const kernelRing = 63;
const count = 500;

/** Scanners faster than anybody reads. */
export function burstCases({ inMachine: test }: Plan): void {
  test.serial(
    `of ${count} HID reports in a row the gateway publishes each that the kernel kept`,
    async (t) => {
      t.timeout(limitMs);
      const { machine: rig, gateway } = t.context;
      const sent = codes('A');
      await rig.gadget('burst', 'hid-scanner', sent);
      const got = await arrivals(t.context, 'A');
      t.deepEqual(
        got,
        sent.filter((code) => got.includes(code)),
        'in order, none twice',
      );
      t.is(got.at(0), sent.at(0));
      t.true(got.length >= kernelRing, `${got.length} delivered`);
      t.log(
        `${got.length} of ${count} delivered; ${count - got.length} lost in the kernel's ring of ${kernelRing}`,
      );
      t.deepEqual(gateway.store.unreported(), [], 'events lost between the gateway and the store');
    },
  );

  test.serial(
    'what comes while the gateway does not read is lost in the kernel alone, and exactly that',
    async (t) => {
      t.timeout(limitMs);
      const { machine: rig, gateway } = t.context;
      const sent = codes('B');
      await rig.sh(`kill -STOP ${gateway.pid}`);
      await rig.gadget('burst', 'hid-scanner', sent);
      await rig.sh(`kill -CONT ${gateway.pid}`);
      const got = await arrivals(t.context, 'B');
      t.log(
        `${got.length} of ${count} delivered; ${count - got.length} lost in the kernel's ring of ${kernelRing}`,
      );
      // The ring keeps the oldest; a report or two may be on their way in the library besides.
      t.deepEqual(got, sent.slice(0, got.length));
      t.true(got.length >= kernelRing && got.length <= kernelRing + 2, `${got.length} delivered`);
      t.deepEqual(gateway.store.unreported(), []);
    },
  );
}

function codes(series: string): string[] {
  return Array.from({ length: count }, (_, index) => `${series}${String(index).padStart(7, '0')}`);
}

/** All codes of a series that have arrived when one sent after them has. */
async function arrivals({ rig, gateway }: Context, series: string): Promise<string[]> {
  const last = `${series}-END`;
  await rig.hands.scan('hid-scanner', last);
  await gateway.event('the scan after the burst', (event) => scanOf(event, 'hid-scanner') === last);
  return gateway.store
    .ledger()
    .map((event) => scanOf(event, 'hid-scanner'))
    .filter((text): text is string => text?.startsWith(`${series}0`) === true);
}
