import { z } from 'zod';
import { type Driver, driverContract } from '../driver.ts';
import { openByteScale, type ScaleProtocol } from './byte-scale.ts';
import { ack, casBlocks, casLines, dc1, enq, nak, parseCasBlock, parseCasLine } from './cas-protocol.ts';
import { LayoutFramer } from './framers.ts';
import { byteOptions, namesOneWay, oneWay } from './options.ts';

const options = z
  .strictObject({
    // CAS AP-1, PDS and CI indicators: 9600 baud, 8 data bits, no parity, 1 stop bit.
    ...byteOptions({ baudRate: 9_600, dataBits: 8, parity: 'none', stopBits: 1, flowControl: 'none' }),
    mode: z
      .enum(['request', 'continuous'])
      .default('request')
      .describe(
        'What the scale is set to: answers to ENQ and DC1 (request), or lines of 22 bytes that it sends by itself (continuous).',
      ),
    enquiry: z
      .boolean()
      .default(true)
      .describe(
        'In mode request: ask with ENQ whether it is ready, before DC1. A PD-II set to type 6 knows DC1 alone.',
      ),
  })
  .refine(namesOneWay, { error: oneWay });
type Options = z.infer<typeof options>;

/** CAS scales and indicators, and those that emulate them. They take no commands over these protocols: use their keyboard. */
export const cas: Driver<Options> = {
  contract: driverContract,
  name: 'cas',
  kind: 'scale',
  options,
  async open(chosen, context) {
    return openByteScale(
      chosen,
      context,
      chosen.mode === 'request' ? onRequest(chosen.enquiry) : continuous(),
    );
  },
};

function onRequest(enquiry: boolean): ScaleProtocol {
  return {
    name: 'cas',
    framer: new LayoutFramer(casBlocks),
    async poll(dialogue) {
      // NAK: it has nothing to say yet, and is asked again at the next turn.
      const ready = !enquiry || (await dialogue.exchange(Uint8Array.of(enq), ([first]) => answerTo(first)));
      if (!ready) return undefined;
      const answer = await dialogue.exchange(Uint8Array.of(dc1), (frame) => {
        if (frame[0] === ack) return undefined;
        return frame[0] === nak ? 'none' : parseCasBlock(frame);
      });
      return answer === 'none' ? undefined : answer;
    },
    calls: {},
  };
}

function answerTo(first: number | undefined): boolean | undefined {
  if (first === ack) return true;
  return first === nak ? false : undefined;
}

function continuous(): ScaleProtocol {
  return {
    name: 'cas',
    framer: new LayoutFramer(casLines),
    unasked: parseCasLine,
    calls: {},
  };
}
