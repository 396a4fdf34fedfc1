import type { Handler } from '#commands/desk.ts';
import { parseArguments } from './arguments.ts';
import { GatewayError } from './errors.ts';
import type { Keep } from './kept-change.ts';
import type { Operations } from './operations.ts';
import { powerArguments } from './power-wish.ts';

/** The commands `device.…`: each leaves a `command.done`, and its answer outlives the restart that it asks for. */
export const machineChanges = ['device.reboot', 'device.poweroff'] as const;

const keepWithinUs = 5_000_000;

interface MachinePort {
  readonly operations: Pick<Operations, 'wish' | 'wishFor'>;
  readonly inSession: () => boolean;
  readonly keep: Keep;
  /** Waits for work, but not longer than so many µs. */
  readonly within: (limitUs: number, work: Promise<unknown>) => Promise<boolean>;
}

/** Restarting and switching off the machine. What was asked for is on disk before it is done: a repeat doesn't do it again. */
export function machineHandlers({
  operations,
  inSession,
  keep,
  within,
}: MachinePort): ReadonlyMap<string, Handler> {
  const handler =
    (command: (typeof machineChanges)[number], action: 'reboot' | 'poweroff'): Handler =>
    async (args, context) => {
      const { why, force } = parseArguments(command, powerArguments, args);
      if (inSession() && force !== true) {
        throw new GatewayError(
          'CW-GWY-010',
          'a shopper is there; wait until the trip is over, or say force: true (the basket is kept)',
        );
      }
      await operations.wish.demandHelper();
      const data = { action };
      // A disk that takes nothing is a reason for a restart, not against it: then a repeat may do it once more.
      await within(keepWithinUs, keep({ command, args }, context, data, { facts: {} }));
      await operations.wishFor(action, why);
      return data;
    };
  return new Map([
    ['device.reboot', handler('device.reboot', 'reboot')],
    ['device.poweroff', handler('device.poweroff', 'poweroff')],
  ]);
}
