import { z } from 'zod';
import { attributeNumber, attributeNumbers, firstOf } from '../attributes/numbers.ts';
import { type Driver, type DriverContext, driverContract } from '../driver.ts';
import { DriverError } from '../errors.ts';
import type { Lifetime } from '../polled/lifetime.ts';
import { type PolledTools, polledDevice } from '../polled/polled-device.ts';
import type { AttributePort } from '../ports/ports.ts';
import { CellWatch } from './cell-watch.ts';

const options = z
  .strictObject({
    name: z.string().min(1).default('hx711').describe("The IIO device's name."),
    parent: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Which one where there are several: the device it belongs to, such as `hx711@0` or `weight0`.',
      ),
    cellA: z.string().min(1).optional().describe('Load cell on input A.'),
    cellB: z
      .string()
      .min(1)
      .optional()
      .describe('Load cell on input B (gain 32); each change of input costs 4 conversions.'),
    gain: z.literal([128, 64]).default(128).describe('Gain of input A: 128 or 64.'),
    samplesPerSecond: z
      .literal([10, 80])
      .default(10)
      .describe(
        'What its RATE pin is strapped to, conversions a second: 10 or 80. At 80 some are skipped: each is asked for when it should be there.',
      ),
  })
  .refine(({ cellA, cellB }) => cellA !== undefined || cellB !== undefined, 'name `cellA`, `cellB` or both')
  .refine(({ cellA, cellB }) => cellA !== cellB, '`cellA` and `cellB` must differ');
type Settings = z.infer<typeof options>;

/** The kernel's driver turns the sign bit round, so that a code of 0 reads as 2²³ (linux, drivers/iio/adc/hx711.c). */
const kernelOffset = 0x800000;
/** Conversions that still show the gain or input before (datasheet, settling time: 4 at either rate). */
const settling = 4;
/**
 * Rest after a conversion was read, µs. A read before the next one is ready sleeps in the kernel, in steps of 10 ms, and
 * holds one of the process's few threads for files meanwhile. At 10 a second it may, for the sake of its time; at 80 it
 * comes when the conversion is there.
 */
const restUs = { 10: 85_000, 80: 12_500 } as const;
/** A reading that hasn't come for so long is told; the kernel gives up after a second. */
const silenceUs = 800_000;

/** A code as the kernel tells it, signed. Throws DriverError CW-DRV-006 for what no converter of 24 bits gives. */
export function iioHx711Counts(name: string, text: string): number {
  const raw = attributeNumber(name, text);
  if (Number.isInteger(raw) && raw >= 0 && raw <= 0xffffff) return raw - kernelOffset;
  throw new DriverError('CW-DRV-006', `the attribute ${name} holds ${raw}, which is no code of 24 bits`);
}

/** An HX711 on GPIO lines, read by the kernel's own driver. */
export const iioHx711: Driver<Settings> = {
  contract: driverContract,
  name: 'iio-hx711',
  kind: 'load-cell',
  options,
  async open(chosen, context) {
    const { name, parent } = chosen;
    const port = await context.ports.attributes({ subsystem: 'iio', name, parent });
    const reader = new IioHx711(port, chosen, context);
    return polledDevice(
      {
        identity: { vendor: 'Avia', model: 'HX711', ...port.identity },
        port,
        // The reader itself rests until the next conversion is near.
        periodUs: 10_000,
        silenceUs,
        setUp: (tools) => reader.setUp(tools),
        round: (tools) => reader.round(tools),
      },
      context,
    );
  },
};

interface Input {
  readonly cell: string;
  readonly attribute: string;
  sequence: number;
  watch: CellWatch | undefined;
}

class IioHx711 {
  readonly #port: AttributePort;
  readonly #settings: Settings;
  readonly #context: DriverContext;
  readonly #inputs: readonly Input[];
  #turn = 0;
  #readUs: number | undefined;

  constructor(port: AttributePort, settings: Settings, context: DriverContext) {
    this.#port = port;
    this.#settings = settings;
    this.#context = context;
    const input = (cell: string | undefined, attribute: string): Input[] =>
      cell === undefined ? [] : [{ cell, attribute, sequence: 0, watch: undefined }];
    this.#inputs = [...input(settings.cellA, 'in_voltage0_raw'), ...input(settings.cellB, 'in_voltage1_raw')];
  }

  async setUp({ life, faults }: PolledTools): Promise<void> {
    for (const input of this.#inputs) input.watch ??= new CellWatch(input.cell, faults);
    if (this.#settings.cellA !== undefined) await this.#setGain();
    for (const input of this.#inputs) await this.#settle(input, life);
  }

  async round({ life, deliver }: PolledTools): Promise<void> {
    const input = this.#inputs[this.#turn];
    if (input === undefined) return;
    // With both inputs the first code after the change is the kernel's own wait; those after it settle.
    if (this.#inputs.length > 1) await this.#settle(input, life);
    const counts = iioHx711Counts(input.attribute, await this.#read(input, life));
    const atUs = this.#readUs ?? 0;
    input.watch?.see(counts, atUs);
    deliver({ kind: 'cell', source: input.cell, atUs, counts, sequence: input.sequence });
    input.sequence = (input.sequence + 1) >>> 0;
    this.#turn = (this.#turn + 1) % this.#inputs.length;
  }

  async #settle(input: Input, life: Lifetime): Promise<void> {
    for (let conversion = 0; conversion < settling; conversion++) await this.#read(input, life);
  }

  async #read(input: Input, life: Lifetime): Promise<string> {
    const { clock } = this.#context;
    const dueUs = (this.#readUs ?? Number.NEGATIVE_INFINITY) + restUs[this.#settings.samplesPerSecond];
    if (dueUs > clock.nowUs()) await life.rest(dueUs - clock.nowUs());
    const text = await this.#port.read(input.attribute);
    this.#readUs = clock.nowUs();
    return text;
  }

  /** A scale is in mV per count, so the smaller of input A's two belongs to the gain of 128. */
  async #setGain(): Promise<void> {
    const has = new Set(await this.#port.list());
    const scale = firstOf(['in_voltage_scale', 'in_voltage0_scale'], has);
    const available = firstOf(['in_voltage0_scale_available', 'in_voltage_scale_available'], has);
    if (scale === undefined || available === undefined) {
      if (this.#settings.gain === 128) return;
      throw new DriverError(
        'CW-DRV-020',
        'this kernel offers no choice of gain; leave the option gain at 128',
      );
    }
    const words = (await this.#port.read(available)).split(/\s+/).filter((word) => word !== '');
    const values = attributeNumbers(available, words.join(' '));
    const wanted = this.#settings.gain === 128 ? Math.min(...values) : Math.max(...values);
    const word = words[values.indexOf(wanted)];
    if (word === undefined) throw new DriverError('CW-DRV-006', `the attribute ${available} is empty`);
    await this.#port.write(scale, word);
  }
}
