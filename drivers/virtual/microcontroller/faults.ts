import { z } from 'zod';
import { DriverError } from '../../errors.ts';
import type { Hx711 } from './hx711.ts';
import type { Microcontroller } from './microcontroller.ts';
import type { LineTroubles, SerialDirection } from './serial-line.ts';

const channel = z.number().int().min(0).max(7).describe('Channel of the bridge, 0 to 7.');
const direction = z
  .enum(['to-host', 'to-mcu', 'both'])
  .default('both')
  .describe('Which way: to-host, to-mcu or both. Default both.');
const share = z.number().positive().max(1);

/** What can be made to go wrong with the simulated microcontroller and what is wired to it. */
export const faultSchema = z.discriminatedUnion('fault', [
  z.strictObject({ fault: z.literal('absent'), channel }),
  z.strictObject({
    fault: z.literal('stuck'),
    channel,
    level: z.enum(['low', 'high']).describe('Level that the data line is stuck at.'),
  }),
  z.strictObject({
    fault: z.literal('bit-errors'),
    channel,
    share: share.describe('Share of clock pulses after which the data line is wrong.'),
  }),
  z.strictObject({ fault: z.literal('frozen'), channel }),
  z.strictObject({
    fault: z.literal('saturated'),
    channel,
    sign: z.literal([-1, 1]).default(1).describe('Side on which the cell is beyond full scale. Default 1.'),
  }),
  z.strictObject({
    fault: z.literal('skew'),
    channel,
    share: z.number().min(-0.5).max(0.5).describe('How much faster the converter runs: 0.02 is 2 %.'),
  }),
  z.strictObject({ fault: z.literal('reset') }),
  z.strictObject({ fault: z.literal('hang') }),
  z.strictObject({
    fault: z.literal('line-errors'),
    direction,
    share: share.describe('Share of bytes with a turned bit.'),
  }),
  z.strictObject({
    fault: z.literal('lost-bytes'),
    direction,
    share: share.describe('Share of bytes that are lost.'),
  }),
  z.strictObject({
    fault: z.literal('baud'),
    baudRate: z.number().int().positive().describe("What the host's end of the line is set to, Bd."),
  }),
  z.strictObject({
    fault: z.literal('chip-absent'),
    address: z.number().int().min(8).max(0x77).describe('Address of the chip on the I²C bus.'),
  }),
  z.strictObject({ fault: z.literal('bus-held') }),
  z.strictObject({ fault: z.literal('unplugged') }),
]);
export type McuFault = z.infer<typeof faultSchema>;
type FaultOf<Kind extends McuFault['fault']> = Extract<McuFault, { fault: Kind }>;

/**
 * Makes something go wrong; the returned function ends it. A reset and a hang are over by themselves. Throws CW-DRV-004
 * where nothing is wired to the channel or has the address.
 */
export function beginFault(mcu: Microcontroller, fault: McuFault): () => void {
  switch (fault.fault) {
    case 'absent':
    case 'stuck':
    case 'bit-errors':
    case 'frozen':
    case 'saturated':
    case 'skew':
      return spoilConverter(mcu, fault);
    case 'reset':
      mcu.pressReset();
      return () => {};
    case 'hang':
      mcu.hang();
      return () => {};
    case 'line-errors':
      return spoilLine(mcu, fault, 'bitErrors');
    case 'lost-bytes':
      return spoilLine(mcu, fault, 'lostBytes');
    case 'baud': {
      const before = mcu.baudRate;
      mcu.baudRate = fault.baudRate;
      return () => {
        mcu.baudRate = before;
      };
    }
    case 'chip-absent':
      return takeChip(mcu, fault.address);
    case 'bus-held':
      mcu.holdBus(true);
      return () => mcu.holdBus(false);
    case 'unplugged':
      mcu.powerOff();
      return () => mcu.powerOn();
  }
}

type ConverterFault = FaultOf<'absent' | 'stuck' | 'bit-errors' | 'frozen' | 'saturated' | 'skew'>;

function spoilConverter(mcu: Microcontroller, fault: ConverterFault): () => void {
  const converter = mcu.converters[fault.channel];
  if (converter === undefined) {
    throw new DriverError('CW-DRV-004', `no converter is wired to channel ${fault.channel}`);
  }
  const before = { ...converter.troubles };
  const change = (troubles: Partial<Hx711['troubles']>) => {
    Object.assign(converter.troubles, troubles);
    mcu.refresh(fault.channel);
  };
  switch (fault.fault) {
    case 'absent':
      change({ absent: true });
      return () => change({ absent: before.absent });
    case 'stuck':
      change({ stuck: fault.level });
      return () => change({ stuck: before.stuck });
    case 'bit-errors':
      change({ bitErrors: fault.share });
      return () => change({ bitErrors: before.bitErrors });
    case 'frozen':
      change({ frozen: true });
      return () => change({ frozen: before.frozen });
    case 'saturated':
      change({ saturated: fault.sign });
      return () => change({ saturated: before.saturated });
    case 'skew':
      change({ skew: fault.share });
      return () => change({ skew: before.skew });
  }
}

function spoilLine(
  mcu: Microcontroller,
  fault: FaultOf<'line-errors' | 'lost-bytes'>,
  trouble: keyof LineTroubles,
): () => void {
  const directions: SerialDirection[] = [];
  if (fault.direction !== 'to-mcu') directions.push(mcu.toHost);
  if (fault.direction !== 'to-host') directions.push(mcu.toMcu);
  const before = directions.map(({ troubles }) => troubles[trouble]);
  for (const { troubles } of directions) troubles[trouble] = fault.share;
  return () => {
    for (const [index, { troubles }] of directions.entries()) troubles[trouble] = before[index] ?? 0;
  };
}

function takeChip(mcu: Microcontroller, address: number): () => void {
  const chip = mcu.chips.get(address);
  if (chip === undefined) {
    throw new DriverError('CW-DRV-004', `no chip is wired to address 0x${address.toString(16)}`);
  }
  chip.absent = true;
  return () => {
    chip.absent = false;
    // It lost its supply meanwhile.
    chip.powerOn();
  };
}
