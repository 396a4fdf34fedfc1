import { z } from 'zod';
import { type Driver, driverContract } from '../driver.ts';
import { DriverError } from '../errors.ts';
import { openByteScale, type ScaleCall, type ScaleProtocol } from './byte-scale.ts';
import { argumentsOf, noArguments, refuseTare } from './calls.ts';
import { ascii, DelimiterFramer, latin1 } from './framers.ts';
import { byteOptions, namesOneWay, oneWay } from './options.ts';
import {
  parseToledoFrame,
  type ToledoLayout,
  toledoAccepted,
  toledoCommands,
  toledoTare,
  usualDecimals,
} from './toledo-8217-protocol.ts';

const options = z
  .strictObject({
    ...byteOptions({ baudRate: 9_600, dataBits: 7, parity: 'even', stopBits: 1, flowControl: 'none' }),
    unit: z
      .enum(['kg', 'lb', 'oz', 'g'])
      .describe(
        'Unit that the scale is set to: the protocol does not send it. No default, for a wrong one is a wrong mass.',
      ),
    decimals: z
      .int()
      .min(0)
      .max(4)
      .optional()
      .describe(
        'Digits after the point: 3 for kg, 2 for lb and oz, 0 for g unless told. Weights with another number are refused.',
      ),
  })
  .refine(namesOneWay, { error: oneWay });
type Options = z.infer<typeof options>;

const stx = 0x02;
const cr = 0x0d;
const tareArguments = z.strictObject({
  massMg: z.int().positive().optional().describe('A known tare, mg; left out: what is on the scale.'),
});

/** Checkout scales that speak the METTLER TOLEDO 8217 protocol: Viva, Diva, Ariva, Magellan, many others that emulate it. */
export const toledo8217: Driver<Options> = {
  contract: driverContract,
  name: 'toledo-8217',
  kind: 'scale',
  options,
  async open(chosen, context) {
    const layout = { unit: chosen.unit, decimals: chosen.decimals ?? usualDecimals[chosen.unit] };
    return openByteScale(chosen, context, protocolFor(layout));
  },
};

function protocolFor(layout: ToledoLayout): ScaleProtocol {
  return {
    name: 'toledo-8217',
    // The longest frame is a net weight; bit 7 is parity, which a serial server may let through.
    framer: new DelimiterFramer({ start: stx, end: cr, longest: 16, mask: 0x7f }),
    poll: (dialogue) =>
      dialogue.exchange(ascii(toledoCommands.weight), (frame) => parseToledoFrame(latin1(frame), layout)),
    calls: {
      zero: async (args, { dialogue, zeroed }) => {
        argumentsOf(noArguments, args);
        await commanded(dialogue, toledoCommands.zero);
        await zeroed();
        return {};
      },
      tare: async (args, { dialogue, acceptsNet }) => {
        const { massMg } = argumentsOf(tareArguments, args);
        refuseTare(acceptsNet);
        await commanded(dialogue, massMg === undefined ? toledoCommands.tare : toledoTare(massMg, layout));
        return {};
      },
      'clear-tare': async (args, { dialogue }) => {
        argumentsOf(noArguments, args);
        await commanded(dialogue, toledoCommands.clearTare);
        return {};
      },
    },
  };
}

/** Sends a command and reads the status that answers it (after 150 ms for tare). */
async function commanded(dialogue: Parameters<ScaleCall>[1]['dialogue'], command: string): Promise<void> {
  const accepted = await dialogue.exchange(
    ascii(command),
    (frame) => toledoAccepted(latin1(frame)),
    1_000_000,
  );
  if (accepted) return;
  throw new DriverError(
    'CW-DRV-020',
    'the scale is in motion or out of range; let it come to rest and try again',
  );
}
