import { setTimeout as sleep } from 'node:timers/promises';
import type { CartEvent } from '#events/event.ts';
import { startGateway } from '../rig/gateway.ts';
import { type Context, limitMs, type Plan } from './context.ts';

/** Text of a `scan.read` of that device. */
export function scanOf(event: CartEvent, source: string): string | undefined {
  if (event.type !== 'scan.read' || event.data.source !== source) return undefined;
  return event.data.raw === undefined ? undefined : Buffer.from(event.data.raw).toString('latin1');
}

const codes = ['4006381333931', '96385074', '0123456789012'];

/** The gateway on the rig, and a broker that is elsewhere. */
export function gatewayCases(plan: Plan, share: (part: Partial<Context>) => void): void {
  const { inMachine, everywhere } = plan;
  inMachine.serial(
    'the keys of a scanner that types reach everybody before the gateway takes it',
    async (t) => {
      t.timeout(limitMs);
      t.true((await keysSeen(t.context, '96385074')) > 0);
    },
  );

  everywhere.serial(
    'the gateway runs on the rig, and every device delivers or waits without a fault',
    async (t) => {
      t.timeout(limitMs);
      const { rig, brokerUrl } = t.context;
      const gateway = await startGateway(rig, brokerUrl);
      share({ gateway });
      const born = await gateway.event('the birth', ({ type }) => type === 'gateway.born');
      t.is(born.source, 'hil-store/hil-device');
      for (const { id, plate } of plan.scales) {
        if (plan.devices.some((device) => device.id === id))
          await gateway.until(`a mass of ${id}`, () => gateway.massMg.get(plate) !== undefined);
      }
      const attached = plan.devices.map(({ id }) => id);
      await gateway.until('every fault is over', () => !gateway.faults().some((id) => attached.includes(id)));
      t.pass();
    },
  );

  plan.scanners.forEach(({ id }, index) => {
    plan.forDevice(id, true).serial(`a code shown to ${id} arrives as event`, async (t) => {
      t.timeout(limitMs);
      const code = codes[index % codes.length] ?? '';
      const { shown, event, repeats } = await scanAsTold(t.context, id, code);
      if (repeats > 0) t.log(`shown ${repeats} times more: keys were lost in the kernel's queue, and told`);
      t.is(scanOf(event, id), shown ?? scanOf(event, id));
      // Scanners that call an EAN-8 EAN-13 are corrected.
      const symbology = code.length === 8 ? ']E4' : ']E0';
      if (shown !== undefined) t.is(event.type === 'scan.read' ? event.data.symbology : undefined, symbology);
    });
  });

  inMachine.serial('a code longer than a HID report arrives whole', async (t) => {
    t.timeout(limitMs);
    const { machine, gateway } = t.context;
    const text = Array.from({ length: 60 }, (_, index) => String.fromCharCode(48 + (index % 75))).join('');
    await machine.gadget('scan', 'hid-scanner', text, ']Q1');
    const event = await gateway.event(
      'the long code',
      (one) => (scanOf(one, 'hid-scanner')?.length ?? 0) > 50,
    );
    t.is(scanOf(event, 'hid-scanner'), text);
  });

  inMachine.serial('while the gateway has the scanner that types, nobody else gets its keys', async (t) => {
    t.timeout(limitMs);
    const { gateway } = t.context;
    const since = gateway.store.events.length;
    t.is(await keysSeen(t.context, '5901234123457'), 0);
    const fits = (one: CartEvent) => scanOf(one, 'key-scanner') !== undefined || keysLost(one, 'key-scanner');
    let event = await gateway.event('the scan', fits, since);
    if (keysLost(event, 'key-scanner'))
      ({ event } = await scanAsTold(t.context, 'key-scanner', '5901234123457'));
    t.is(scanOf(event, 'key-scanner'), '5901234123457');
  });

  for (const { id, plate } of plan.scales) {
    plan.forDevice(id, true).serial(`what is put on ${id} shows as live mass and as movement`, async (t) => {
      t.timeout(limitMs);
      const { rig, gateway } = t.context;
      const since = gateway.store.events.length;
      const massMg = await rig.hands.load(id, 1_234_000);
      const moved = await gateway.event(
        `the movement on ${plate}`,
        (event) => event.type === 'movement.settled' && event.data.plate === plate,
        since,
      );
      if (moved.type !== 'movement.settled') return t.fail();
      t.is(moved.data.massMg, massMg ?? moved.data.massMg);
      await gateway.until(`the mass of ${id}`, () => gateway.massMg.get(plate) === moved.data.afterMg);
    });
  }
}

/** A program that is late by 64 key events finds the queue of its keyboard emptied (linux/input-event-codes.h: SYN_DROPPED). */
function keysLost({ type, data }: CartEvent, id: string): boolean {
  const { source, fault } = data as { source?: string; fault?: string };
  return type === 'device.fault' && source === id && fault === 'integrity';
}

/**
 * Shows a code, and as a shopper does again where the gateway says that keys were lost: an emulated processor that still
 * compiles what it runs is late by more than a keyboard's queue. No loss goes untold, and hardware gets one try only.
 * A code may have been read all the same, right after the loss was told: shown again it would be a repetition.
 */
async function scanAsTold(
  { rig, gateway, machine }: Context,
  id: string,
  code: string,
): Promise<{ shown: string | undefined; event: CartEvent; repeats: number }> {
  const most = machine === undefined ? 0 : 3;
  const first = gateway.store.events.length;
  const isScan = (one: CartEvent) => scanOf(one, id) !== undefined;
  let shown: string | undefined;
  for (let repeats = 0; ; repeats++) {
    await gateway.until(`${id} is well`, () => !gateway.faults().includes(id));
    const known = gateway.store.events.slice(first).find(isScan);
    if (known !== undefined) return { shown, event: known, repeats: repeats - 1 };
    const since = gateway.store.events.length;
    shown = await rig.hands.scan(id, code);
    const fits = (one: CartEvent) => isScan(one) || (repeats < most && keysLost(one, id));
    const event = await gateway.event(`the scan of ${id}`, fits, since);
    if (!keysLost(event, id)) return { shown, event, repeats };
  }
}

/** How many bytes of key events another program reads while a code is typed. */
async function keysSeen({ rig }: Context, text: string): Promise<number> {
  const node =
    '/dev/input/by-id/usb-Symbol_Technologies__Inc__2008_Symbol_Bar_Code_Scanner_KBD_S-0002-KBD-event-kbd';
  const other = await rig.start(['dd', `if=${node}`, 'of=/tmp/keys', 'bs=24', 'status=none']);
  await sleep(100 * rig.patience);
  await rig.hands.scan('key-scanner', text);
  await sleep(100 * rig.patience);
  await other.signal('SIGTERM');
  await other.finished;
  return Number(await rig.sh('stat -c %s /tmp/keys'));
}
