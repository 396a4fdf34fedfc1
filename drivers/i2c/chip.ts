import { z } from 'zod';
import type { DriverContext } from '../driver.ts';
import { DriverError } from '../errors.ts';
import type { I2cAnswer, I2cPort, I2cRequest } from '../ports/ports.ts';

/** The options that say on which bus a chip is. */
export const i2cPlace = {
  bus: z
    .string()
    .optional()
    .describe('Device of the profile whose I²C bus it is on, such as a load-cell bridge. This or `adapter`.'),
  adapter: z
    .union([z.int().min(0), z.string().min(1)])
    .optional()
    .describe(
      'Linux I²C adapter it is on: its number, or better its name, as `i2cdetect -l` tells. This or `bus`.',
    ),
};

export interface I2cPlace {
  readonly bus?: string | undefined;
  readonly adapter?: number | string | undefined;
}

/** True where exactly one of `bus` and `adapter` is given: for zod's `refine`, with `onePlace` as what it says. */
export function hasOnePlace({ bus, adapter }: I2cPlace): boolean {
  return (bus === undefined) !== (adapter === undefined);
}
export const onePlace = 'give either `bus` (a device of the profile) or `adapter` (of Linux)';

/** 7-bit addresses that are not reserved (UM10204, table 3). */
export const chipAddress = z.int().min(0x08).max(0x77);

/**
 * The most bytes to ask for in one transfer. Boards that speak Firmata answer with no more than fits their buffers (32
 * bytes with most firmwares); through the kernel it is bounded so that the others on the bus have their turn.
 */
export function longestRead(place: I2cPlace): number {
  return place.bus === undefined ? 120 : 30;
}

/** A chip with 8-bit register addresses on an I²C bus. */
export class RegisterChip {
  readonly port: I2cPort;
  readonly address: number;

  constructor(port: I2cPort, address: number) {
    this.port = port;
    this.address = address;
  }

  /** Reads `bytes` from a register on. Rejects as `I2cPort.transfer`, and with CW-DRV-006 for a short answer. */
  async read(register: number, bytes: number): Promise<I2cAnswer> {
    const answer = await this.port.transfer(this.address, Uint8Array.of(register), bytes);
    if (answer.data.length === bytes) return answer;
    throw new DriverError(
      'CW-DRV-006',
      `the chip at ${hex(this.address)} answered with ${answer.data.length} of ${bytes} bytes; check the bus`,
    );
  }

  async readByte(register: number): Promise<number> {
    const { data } = await this.read(register, 1);
    return data[0] ?? 0;
  }

  async write(register: number, ...values: readonly number[]): Promise<void> {
    await this.port.transfer(this.address, Uint8Array.of(register, ...values), 0);
  }
}

/** Opens the bus; what `identify` answers is the device's. The bus is closed again where it rejects. */
export async function openChip<Identity>(
  place: I2cPlace,
  address: number,
  context: DriverContext,
  identify: (chip: RegisterChip) => Promise<Identity>,
): Promise<{ readonly chip: RegisterChip; readonly identified: Identity }> {
  const port = await context.ports.i2c(requestFor(place));
  const chip = new RegisterChip(port, address);
  try {
    return { chip, identified: await identify(chip) };
  } catch (error) {
    await port.close();
    throw error;
  }
}

/** A stable address for identities: the bus and the chip's place on it. */
export function placeName(place: I2cPlace, address: number): string {
  return `${place.bus ?? `i2c-${place.adapter ?? 0}`}/${hex(address)}`;
}

/** Two bytes, most significant first, as two's complement. */
export function signed16(high: number, low: number): number {
  return ((high << 24) | (low << 16)) >> 16;
}

export function hex(value: number): string {
  return `0x${value.toString(16).padStart(2, '0')}`;
}

function requestFor({ bus, adapter }: I2cPlace): I2cRequest {
  return bus === undefined ? { via: 'linux', adapter: adapter ?? 0 } : { via: 'bus', bus };
}
