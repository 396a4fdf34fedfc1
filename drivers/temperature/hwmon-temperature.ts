import { z } from 'zod';
import { readNumber } from '../attributes/numbers.ts';
import { type Driver, type DriverContext, driverContract } from '../driver.ts';
import { DriverError } from '../errors.ts';
import { type PolledTools, polledDevice } from '../polled/polled-device.ts';
import type { AttributePort } from '../ports/ports.ts';

const options = z.strictObject({
  name: z
    .string()
    .min(1)
    .describe(
      "The hwmon device's name, such as `cpu_thermal` (thermal zones are there as well), `lm75` or `w1_slave_temp`.",
    ),
  parent: z
    .string()
    .min(1)
    .optional()
    .describe('Which one where there are several: the device it belongs to, such as `1-0048`.'),
  channel: z.int().min(1).max(64).default(1).describe('Number of the sensor: 1 is `temp1_input`.'),
  label: z
    .string()
    .min(1)
    .optional()
    .describe('Label of the sensor (`temp…_label`), in place of its number.'),
  everyMs: z.int().min(100).max(60_000).default(1000).describe('How often it is read, ms.'),
});
type Settings = z.infer<typeof options>;

/** What no sensor of a cart measures, m°C: what lies beyond is a broken wire. */
const coldest = -100_000;
const hottest = 250_000;

/** A temperature as the kernel knows it (hwmon). */
export const hwmonTemperature: Driver<Settings> = {
  contract: driverContract,
  name: 'hwmon-temperature',
  kind: 'temperature',
  options,
  async open(chosen, context) {
    const { name, parent, everyMs } = chosen;
    const port = await context.ports.attributes({ subsystem: 'hwmon', name, parent });
    let input: string;
    try {
      input = await inputOf(port, chosen);
    } catch (error) {
      await port.close();
      throw error;
    }
    return polledDevice(
      {
        identity: { model: name, ...port.identity },
        port,
        periodUs: everyMs * 1000,
        silenceUs: Math.max(700_000, 3 * everyMs * 1000),
        setUp: async () => {},
        round: (tools) => readTemperature(port, input, context, tools),
      },
      context,
    );
  },
};

/** `temp3`, by number or label. Rejects with CW-DRV-020 where there is none. */
async function inputOf(port: AttributePort, { name, channel, label }: Settings): Promise<string> {
  const has = await port.list();
  const inputs = has
    .filter((attribute) => /^temp\d+_input$/.test(attribute))
    .map((each) => each.slice(0, -6));
  if (label === undefined) {
    if (inputs.includes(`temp${channel}`)) return `temp${channel}`;
    throw new DriverError('CW-DRV-020', `${name} has no temp${channel}_input; it has: ${inputs.join(', ')}`);
  }
  for (const input of inputs) {
    if (has.includes(`${input}_label`) && (await port.read(`${input}_label`)).trim() === label) return input;
  }
  throw new DriverError('CW-DRV-020', `${name} has no sensor labelled ${JSON.stringify(label)}`);
}

async function readTemperature(
  port: AttributePort,
  input: string,
  { id, clock }: DriverContext,
  { deliver, faults }: PolledTools,
): Promise<void> {
  const milliCelsius = Math.round(await readNumber(port, `${input}_input`));
  const isUntrue = milliCelsius < coldest || milliCelsius > hottest;
  faults.set(isUntrue, {
    fault: 'integrity',
    code: 'CW-DRV-015',
    message: `${id}: it says ${milliCelsius / 1000} °C; check the sensor's wires`,
  });
  if (!isUntrue) deliver({ kind: 'temperature', source: id, atUs: clock.nowUs(), milliCelsius });
}
