import { z } from 'zod';
import { type Driver, driverContract } from '../driver.ts';
import { DriverError } from '../errors.ts';
import { openByteScale, type ScaleProtocol } from './byte-scale.ts';
import { argumentsOf, noArguments, refuseTare } from './calls.ts';
import type { Dialogue } from './dialogue.ts';
import { ascii, DelimiterFramer, latin1 } from './framers.ts';
import { byteOptions, namesOneWay, oneWay } from './options.ts';
import { parseScpStatus, parseScpWeight, type ScpStatus, scpCommands } from './scp-01-protocol.ts';

const options = z
  // NCI 6712 user's manual: factory default 9600 baud, 8 data bits, no parity, 1 stop bit. Older ones: 7 bits, even.
  .strictObject(
    byteOptions({ baudRate: 9_600, dataBits: 8, parity: 'none', stopBits: 1, flowControl: 'none' }),
  )
  .refine(namesOneWay, { error: oneWay });
type Options = z.infer<typeof options>;

const etx = 0x03;

/** Scales that speak the NCI standard protocol (Weigh-Tronix SCP-01), also called ECR: NCI, Avery Weigh-Tronix, Brecknell, Adam. */
export const scp01: Driver<Options> = {
  contract: driverContract,
  name: 'scp-01',
  kind: 'scale',
  options,
  async open(chosen, context) {
    return openByteScale(chosen, context, protocol());
  },
};

function protocol(): ScaleProtocol {
  return {
    name: 'scp-01',
    // The longest answer is pounds and ounces with four status bytes; bit 7 is parity, or always 0.
    framer: new DelimiterFramer({ end: etx, longest: 48, mask: 0x7f }),
    poll: (dialogue) =>
      dialogue.exchange(ascii(scpCommands.weight), (frame) => parseScpWeight(latin1(frame))),
    calls: {
      zero: async (args, { dialogue, zeroed }) => {
        argumentsOf(noArguments, args);
        const status = await commanded(dialogue, 'zero', scpCommands.zero);
        if (status.motion === true) throw moving();
        await zeroed();
        return {};
      },
      tare: async (args, { dialogue, acceptsNet }) => {
        argumentsOf(noArguments, args);
        refuseTare(acceptsNet);
        const status = await commanded(dialogue, 'tare', scpCommands.tare);
        if (status.motion === true) throw moving();
        return {};
      },
    },
  };
}

async function commanded(dialogue: Dialogue, name: string, command: string): Promise<ScpStatus> {
  const answer = await dialogue.exchange(
    ascii(command),
    (frame) => ({ status: parseScpStatus(latin1(frame)) }),
    1_000_000,
  );
  if (answer.status !== undefined) return answer.status;
  throw new DriverError('CW-DRV-020', `this model does not know the command for ${name}; use its keyboard`);
}

function moving(): DriverError {
  return new DriverError('CW-DRV-020', 'the scale is in motion; let it come to rest and try again');
}
