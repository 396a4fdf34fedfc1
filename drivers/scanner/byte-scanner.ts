import type { Device, DriverContext } from '../driver.ts';
import type { BytePort } from '../ports/ports.ts';
import { ScannerDevice, type ScannerTalk, type ScanReceiver } from './scanner-device.ts';
import { type ByteChoice, byteRequest } from './shared-options.ts';

/** Opens a scanner that speaks in bytes, where its options say; `talk` makes of the bytes what this scanner means. */
export async function openByteScanner(
  chosen: ByteChoice & { readonly duplicateWindowMs: number },
  context: DriverContext,
  talk: (port: BytePort, receiver: ScanReceiver) => ScannerTalk<Uint8Array>,
): Promise<Device> {
  const port = await context.ports.bytes(byteRequest(chosen));
  return new ScannerDevice<Uint8Array>(context, port, chosen.duplicateWindowMs, (receiver) =>
    talk(port, receiver),
  );
}
