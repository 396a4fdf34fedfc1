import type { Attached } from '#drivers/ports/ports.ts';
import { gatewayIds, strangerIds } from '../rig/virtual.ts';
import { type Context, limitMs, type Plan } from './context.ts';

/** What a technician is told about what is attached, and why it can't be opened. */
export function attachedCases({ inMachine: test }: Plan): void {
  test.serial('each device is listed with its identity, its port and its holder', async (t) => {
    t.timeout(limitMs);
    const { rig } = t.context;
    // Only root sees into the processes of others: the holder is one of the gateway's own user.
    const port = '/dev/serial/by-id/usb-METTLER_TOLEDO_Ariva-S_S-0005-CDC-if00';
    const holder = await rig.start(['sh', '-c', `exec sleep 6000 <>${port}`], gatewayIds);
    const listed = await rig.run(['node', rig.program('attached'), 'hid', 'serial', 'input', 'i2c']);
    t.is(listed.stderr, '');
    const attached = JSON.parse(listed.stdout) as Attached[];
    const of = (serial: string, kind: string) =>
      attached.find((one) => one.identity.serial === serial && one.kind === kind);
    const scanner = of('S-0001-HID', 'hid');
    t.like(scanner, { vendorId: '05e0', productId: '1300', usagePage: 0x8c });
    t.is(scanner?.identity.model, 'Symbol Bar Code Scanner');
    t.regex(scanner?.topology ?? '', /^\d+-1:1\.0$/);
    t.like(of('S-0004-HID', 'hid'), { vendorId: '0922', usagePage: 0x8d });
    t.like(of('S-0002-KBD', 'input'), { vendorId: '05e0', productId: '1200' });
    t.is(
      of('S-0003-CDC', 'serial')?.identity.address,
      '/dev/serial/by-id/usb-Datalogic_Handheld_Barcode_Scanner_S-0003-CDC-if00',
    );
    t.deepEqual(of('S-0005-CDC', 'serial')?.holder, { pid: holder.pid, name: 'sleep' });

    const refused = await open(t.context, 'cdc-scale', gatewayIds);
    t.is(refused.refused, 'CW-DRV-003');
    t.regex(refused.message ?? '', new RegExp(`held by process ${holder.pid} \\(sleep\\)`));
    await holder.signal('SIGKILL');
    await holder.finished;
  });

  test.serial('who lacks the permission is told the udev rule that is missing', async (t) => {
    t.timeout(limitMs);
    const refused = await open(t.context, 'hid-scanner', strangerIds);
    t.is(refused.refused, 'CW-DRV-012');
    t.regex(refused.message ?? '', /60-cartwright\.rules/);
    t.regex(refused.message ?? '', /SUBSYSTEM=="hidraw".*05e0.*GROUP="cartwright"/);
  });
}

async function open(
  { rig }: Context,
  id: string,
  who: { readonly uid?: number; readonly gid?: number },
): Promise<{ readonly refused?: string; readonly message?: string }> {
  const process = await rig.start(['node', rig.program('open'), rig.board, id], who);
  await process.end();
  const { stdout, stderr } = await process.finished;
  const line = stdout.split('\n').find((text) => text.includes('"refused"'));
  if (line === undefined) throw new Error(`${id} was not refused: ${stdout}${stderr}`);
  return JSON.parse(line) as { refused: string; message: string };
}
