import type { Clock } from '#base/clock.ts';
import { isCoded } from '#base/errors.ts';
import { DriverError } from '../../errors.ts';
import type { BridgeLink } from './link.ts';
import { type BridgeIdentity, firmwareName, protocolVersion } from './protocol.ts';

/** Opening a port resets many boards, and their boot loader then waits for up to two seconds. */
const greetWithinUs = 6_000_000;
const attemptUs = 400_000;
/** So many attempts unanswered by a board that speaks Firmata: it has other firmware. */
const attemptsForOthers = 4;

const firmataVersionQuery = Uint8Array.of(0xf9);
const firmataFirmwareQuery = Uint8Array.of(0xf0, 0x79, 0xf7);

/**
 * Finds out who is at the other end, and leaves it silent and waiting. Rejects with CW-DRV-016 where the firmware is
 * another one, CW-DRV-011 where nothing answers, CW-DRV-005 where the port is lost.
 */
export async function greet(link: BridgeLink, clock: Clock, where: string): Promise<BridgeIdentity> {
  const untilUs = clock.nowUs() + greetWithinUs;
  let attempts = 0;
  for (;;) {
    const identity = await attempt(link);
    attempts += 1;
    if (identity !== undefined) {
      if (await settled(link, attempts)) return checked(identity, where);
      continue;
    }
    const { firmware } = link;
    const other = firmware !== undefined && firmware.name !== firmwareName;
    if (other && attempts >= attemptsForOthers) {
      const runs = `${firmware.name || 'a firmware without a name'} ${firmware.major}.${firmware.minor}`;
      throw new DriverError(
        'CW-DRV-016',
        `the board at ${where} runs ${runs}, not ${firmwareName}; flash it: scripts/flash-firmware`,
      );
    }
    if (clock.nowUs() >= untilUs) throw silent(link, where);
  }
}

/** One round; undefined where no answer came in time. */
async function attempt(link: BridgeLink): Promise<BridgeIdentity | undefined> {
  try {
    await link.send({ kind: 'stop' });
    await link.write(firmataVersionQuery);
    await link.write(firmataFirmwareQuery);
    return await link.identify(attemptUs);
  } catch (error) {
    if (isCoded(error) && error.code === 'CW-DRV-011') return undefined;
    throw error;
  }
}

/** True when all earlier replies have come: a later identity then means that the bridge was reset. */
async function settled(link: BridgeLink, tag: number): Promise<boolean> {
  try {
    const sent = Uint8Array.of(0xc5, tag & 0xff);
    const received = await link.echo(sent, attemptUs);
    return received.length === 2 && received[1] === sent[1];
  } catch (error) {
    if (isCoded(error) && error.code === 'CW-DRV-011') return false;
    throw error;
  }
}

function checked(identity: BridgeIdentity, where: string): BridgeIdentity {
  if (identity.protocol === protocolVersion) return identity;
  throw new DriverError(
    'CW-DRV-016',
    `the bridge at ${where} speaks protocol ${identity.protocol} (firmware ${identity.version.join('.')}), this release ${protocolVersion}; flash the firmware of this release: scripts/flash-firmware`,
    { details: { protocol: identity.protocol, firmware: identity.version.join('.') } },
  );
}

function silent(link: BridgeLink, where: string): DriverError {
  if (link.heard) {
    return new DriverError(
      'CW-DRV-011',
      `the board at ${where} speaks, but its answers are damaged; check cable, grounding and baudRate`,
    );
  }
  return new DriverError(
    'CW-DRV-016',
    `nothing that speaks Firmata answers at ${where}; where it is the load-cell bridge, check baudRate and flash it: scripts/flash-firmware`,
  );
}
