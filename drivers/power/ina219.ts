import { z } from 'zod';
import { type Driver, type DriverContext, driverContract } from '../driver.ts';
import {
  chipAddress,
  hasOnePlace,
  i2cPlace,
  onePlace,
  openChip,
  placeName,
  type RegisterChip,
} from '../i2c/chip.ts';
import { type PolledTools, polledDevice } from '../polled/polled-device.ts';
import { type ChargePoint, chargeOf } from './charge-table.ts';
import { identifyIna219, measureIna219, setUpIna219 } from './ina219-chip.ts';

const point = z.strictObject({
  millivolt: z.int().min(0).max(32_000).describe('Voltage of the battery at rest, mV.'),
  ppm: z.int().min(0).max(1_000_000).describe('How full it is then, millionths.'),
});

const options = z
  .strictObject({
    ...i2cPlace,
    address: chipAddress
      .default(0x40)
      .describe('Address on the bus: 64 (0x40) to 79, by its pins A0 and A1.'),
    shuntMilliohm: z.number().positive().max(10_000).default(100).describe('Resistance of the shunt, mΩ.'),
    chargesWhen: z
      .enum(['positive', 'negative'])
      .default('negative')
      .describe('Sign of the current while the battery charges, by how the shunt is wired.'),
    chargingAboveMilliamp: z
      .int()
      .min(1)
      .max(10_000)
      .default(30)
      .describe('A charging current above this says that there is external power, mA.'),
    externalAboveMillivolt: z
      .int()
      .min(1)
      .max(32_000)
      .optional()
      .describe(
        'So does a voltage above this, mV: that of the charger, which a resting battery does not reach.',
      ),
    batteryMilliohm: z
      .number()
      .min(0)
      .max(10_000)
      .default(0)
      .describe(
        'Inner resistance of battery and wires, mΩ: what the current takes off its voltage is added back.',
      ),
    table: z
      .array(point)
      .min(2)
      .max(64)
      .optional()
      .describe('Discharge curve of the battery at rest, rising; without it no state of charge is told.'),
    everyMs: z.int().min(150).max(60_000).default(1000).describe('How often it is read, ms.'),
  })
  .refine(hasOnePlace, onePlace)
  .refine(
    ({ table }) => table === undefined || rises(table),
    'the points of `table` must rise in `millivolt` and in `ppm`',
  );
type Settings = z.infer<typeof options>;

/** Each round's voltage counts for so much in the mean that the state of charge is read from: motors make it jump. */
const meanPart = 0.2;

/** A TI INA219 or INA220 in the wire of a battery. */
export const ina219: Driver<Settings> = {
  contract: driverContract,
  name: 'ina219',
  kind: 'power',
  options,
  async open(chosen, context) {
    const { address, everyMs } = chosen;
    const { chip } = await openChip(chosen, address, context, identifyIna219);
    const monitor = new BatteryMonitor(chip, chosen, context);
    return polledDevice(
      {
        identity: { vendor: 'Texas Instruments', model: 'INA219', address: placeName(chosen, address) },
        port: chip.port,
        onLost: (listener) => chip.port.onLost(listener),
        periodUs: everyMs * 1000,
        silenceUs: Math.max(700_000, 3 * everyMs * 1000),
        setUp: (tools) => monitor.setUp(tools),
        round: (tools) => monitor.round(tools),
      },
      context,
    );
  },
};

/** Twice the time of a measurement: before that the registers hold what was before. */
const firstMeasurementUs = 140_000;

class BatteryMonitor {
  readonly #chip: RegisterChip;
  readonly #settings: Settings;
  readonly #context: DriverContext;
  #restingMillivolt: number | undefined;

  constructor(chip: RegisterChip, settings: Settings, context: DriverContext) {
    this.#chip = chip;
    this.#settings = settings;
    this.#context = context;
  }

  async setUp({ life }: PolledTools): Promise<void> {
    await setUpIna219(this.#chip);
    await life.rest(firstMeasurementUs);
    this.#restingMillivolt = undefined;
  }

  async round({ deliver }: PolledTools): Promise<void> {
    const { shuntMilliohm, chargesWhen, chargingAboveMilliamp, externalAboveMillivolt, table } =
      this.#settings;
    const { busMillivolt, shuntMicrovolt, atUs } = await measureIna219(this.#chip);
    const milliamp = shuntMicrovolt / shuntMilliohm;
    const chargingMilliamp = chargesWhen === 'positive' ? milliamp : -milliamp;
    const externalPower =
      chargingMilliamp > chargingAboveMilliamp ||
      (externalAboveMillivolt !== undefined && busMillivolt > externalAboveMillivolt);
    const resting = busMillivolt - (chargingMilliamp * this.#settings.batteryMilliohm) / 1000;
    const before = this.#restingMillivolt ?? resting;
    this.#restingMillivolt = before + (resting - before) * meanPart;
    deliver({
      kind: 'power',
      source: this.#context.id,
      atUs,
      externalPower,
      ...(table === undefined ? {} : { batteryPpm: chargeOf(this.#restingMillivolt, table) }),
    });
  }
}

function rises(table: readonly ChargePoint[]): boolean {
  return table.every((each, index) => {
    const before = table[index - 1];
    return before === undefined || (each.millivolt > before.millivolt && each.ppm >= before.ppm);
  });
}
