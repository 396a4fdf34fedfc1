import { z } from 'zod';
import { readNumber } from '../attributes/numbers.ts';
import { type DeviceIdentity, type Driver, type DriverContext, driverContract } from '../driver.ts';
import { DriverError } from '../errors.ts';
import { type PolledTools, polledDevice } from '../polled/polled-device.ts';
import type { AttributePort } from '../ports/ports.ts';

const options = z
  .strictObject({
    battery: z
      .string()
      .min(1)
      .optional()
      .describe('Folder of the battery in /sys/class/power_supply, such as `BAT0`.'),
    external: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Folder of what brings external power, such as `AC` or `usb`. Without it a battery that is not discharging tells.',
      ),
    everyMs: z.int().min(100).max(60_000).default(1000).describe('How often it is read, ms.'),
  })
  .refine(
    ({ battery, external }) => battery !== undefined || external !== undefined,
    'name `battery`, `external` or both',
  );
type Settings = z.infer<typeof options>;

/** Pairs of attributes that tell the state of charge more finely than whole percents do. */
const pairs = [
  ['energy_now', 'energy_full'],
  ['charge_now', 'charge_full'],
] as const;

/** Battery and external power as the kernel knows them (power_supply). */
export const linuxPowerSupply: Driver<Settings> = {
  contract: driverContract,
  name: 'linux-power-supply',
  kind: 'power',
  options,
  async open(chosen, context) {
    const supply = await openSupply(chosen, context);
    return polledDevice(
      {
        identity: supply.identity,
        port: { identity: supply.identity, close: () => supply.close() },
        periodUs: chosen.everyMs * 1000,
        silenceUs: Math.max(700_000, 3 * chosen.everyMs * 1000),
        setUp: async () => {},
        round: (tools) => supply.round(tools),
      },
      context,
    );
  },
};

async function openSupply({ battery, external }: Settings, context: DriverContext): Promise<Supply> {
  const opened: AttributePort[] = [];
  const open = async (name: string | undefined) => {
    if (name === undefined) return undefined;
    const port = await context.ports.attributes({ subsystem: 'power_supply', name });
    opened.push(port);
    return port;
  };
  try {
    const batteryPort = await open(battery);
    const externalPort = await open(external);
    const has = new Set(await batteryPort?.list());
    return new Supply(batteryPort, externalPort, has, await identityOf(batteryPort, has), context);
  } catch (error) {
    for (const port of opened) await port.close();
    throw error;
  }
}

async function identityOf(
  port: AttributePort | undefined,
  has: ReadonlySet<string>,
): Promise<DeviceIdentity> {
  const text = async (name: string) => {
    const value = port !== undefined && has.has(name) ? (await port.read(name)).trim() : '';
    return value === '' ? undefined : value;
  };
  const vendor = await text('manufacturer');
  const model = await text('model_name');
  const serial = await text('serial_number');
  return {
    ...port?.identity,
    ...(vendor === undefined ? {} : { vendor }),
    ...(model === undefined ? {} : { model }),
    ...(serial === undefined ? {} : { serial }),
  };
}

class Supply {
  readonly identity: DeviceIdentity;
  readonly #battery: AttributePort | undefined;
  readonly #external: AttributePort | undefined;
  readonly #has: ReadonlySet<string>;
  readonly #context: DriverContext;

  constructor(
    battery: AttributePort | undefined,
    external: AttributePort | undefined,
    has: ReadonlySet<string>,
    identity: DeviceIdentity,
    context: DriverContext,
  ) {
    this.#battery = battery;
    this.#external = external;
    this.#has = has;
    this.identity = identity;
    this.#context = context;
  }

  async close(): Promise<void> {
    await this.#battery?.close();
    await this.#external?.close();
  }

  async round({ deliver }: PolledTools): Promise<void> {
    const batteryPpm = await this.#charge();
    const externalPower = await this.#isExternal();
    const { id, clock } = this.#context;
    deliver({
      kind: 'power',
      source: id,
      atUs: clock.nowUs(),
      externalPower,
      ...(batteryPpm === undefined ? {} : { batteryPpm }),
    });
  }

  /** State of charge, millionths. Rejects with CW-DRV-008 where the battery is taken out. */
  async #charge(): Promise<number | undefined> {
    const port = this.#battery;
    if (port === undefined) return undefined;
    if (this.#has.has('present') && (await port.read('present')).trim() === '0') {
      throw new DriverError('CW-DRV-008', 'the battery is not in its place; put it in');
    }
    for (const [now, full] of pairs) {
      if (!this.#has.has(now) || !this.#has.has(full)) continue;
      const whole = await readNumber(port, full);
      if (whole > 0) return ppm((await readNumber(port, now)) / whole);
    }
    return this.#has.has('capacity') ? ppm((await readNumber(port, 'capacity')) / 100) : undefined;
  }

  async #isExternal(): Promise<boolean> {
    if (this.#external !== undefined) return (await readNumber(this.#external, 'online')) > 0;
    const status = (await this.#battery?.read('status'))?.trim();
    return status !== 'Discharging' && status !== 'Unknown';
  }
}

/** A part of the whole in millionths, as batteries tell more than full after a calibration. */
function ppm(part: number): number {
  return Math.round(Math.min(1, Math.max(0, part)) * 1_000_000);
}
