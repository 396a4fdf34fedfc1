import { z } from 'zod';
import type { DeviceIdentity } from '../../driver.ts';
import { DriverError } from '../../errors.ts';
import type { CellStream } from './cells.ts';
import type { BridgeLink } from './link.ts';
import { serialText } from './protocol.ts';

const answerWithinUs = 1_000_000;
const serialArgs = z.strictObject({ serial: z.string().regex(/^[!-~]{1,8}$/) });

/** Counts of a bridge since it was opened. */
export interface BridgeCounts {
  frames: number;
  framesLost: number;
  damaged: number;
  resets: number;
}

/** Of a bridge, what its actions need. */
export interface CallTarget {
  readonly cells: readonly (string | undefined)[];
  readonly counts: BridgeCounts;
  readonly stream: CellStream;
  paused<Result>(work: () => Promise<Result>): Promise<Result>;
  refresh(): Promise<DeviceIdentity>;
}

/**
 * What a bridge can be asked for:
 * - `status`: the bridge's own status report, and what the host has counted;
 * - `restart`: resets the bridge through its watchdog; its readings come back by themselves;
 * - `set-serial {serial}`: gives it a serial number of up to eight printable characters, kept in its EEPROM.
 *   Calibrations are bound to it, so that they have to be made anew.
 *
 * Rejects with CW-DRV-009 for other actions, CW-DRV-020 where the arguments or the bridge refuse it.
 */
export async function bridgeCall(
  target: CallTarget,
  link: BridgeLink,
  action: string,
  args: unknown,
): Promise<unknown> {
  switch (action) {
    case 'status':
      return { bridge: await link.status(answerWithinUs), host: hostStatus(target) };
    case 'restart':
      await link.send({ kind: 'restart' });
      return {};
    case 'set-serial':
      return setSerial(target, link, args);
    default:
      throw new DriverError(
        'CW-DRV-009',
        `firmata-hx711 knows no call ${action}; it knows status, restart and set-serial`,
      );
  }
}

function hostStatus({ cells, counts, stream }: CallTarget) {
  const ratePerS: Record<string, number> = {};
  cells.forEach((cell, channel) => {
    if (cell !== undefined) ratePerS[cell] = Math.round(1e7 / stream.periodUs(channel)) / 10;
  });
  return { ...counts, samples: stream.samples, driftPpm: stream.time.driftPpm, ratePerS };
}

async function setSerial(target: CallTarget, link: BridgeLink, args: unknown): Promise<{ serial: string }> {
  const parsed = serialArgs.safeParse(args);
  if (!parsed.success) {
    throw new DriverError('CW-DRV-020', 'set-serial needs {serial}: one to eight printable characters');
  }
  const serial = new Uint8Array(8);
  serial.set(Buffer.from(parsed.data.serial, 'latin1'));
  return target.paused(async () => {
    await link.command({ kind: 'setSerial', serial }, answerWithinUs);
    const identity = await target.refresh();
    const kept = serialText(serial);
    if (kept === undefined || identity.serial !== kept) {
      throw new DriverError(
        'CW-DRV-020',
        `the bridge kept ${identity.serial ?? 'no serial number'}, not ${kept}`,
      );
    }
    return { serial: kept };
  });
}
