import { z } from 'zod';
import { type DeviceIdentity, type Driver, driverContract } from '../driver.ts';
import { DriverError } from '../errors.ts';
import { openByteScale, type ScaleCall, type ScaleProtocol } from './byte-scale.ts';
import { argumentsOf, noArguments, refuseTare } from './calls.ts';
import type { Dialogue } from './dialogue.ts';
import { DelimiterFramer, latin1 } from './framers.ts';
import type { Indication } from './indication.ts';
import { formatMassIn } from './mass.ts';
import {
  parseSicsOutcome,
  parseSicsTare,
  parseSicsText,
  parseSicsWeight,
  sics,
  sicsCommand,
  sicsErrors,
  sicsText,
} from './mt-sics-protocol.ts';
import { byteOptions, namesOneWay, oneWay } from './options.ts';

const options = z
  .strictObject({
    // METTLER TOLEDO's factory setting of MT-SICS scales: 9600 baud, 8 data bits, no parity, 1 stop bit.
    ...byteOptions({ baudRate: 9_600, dataBits: 8, parity: 'none', stopBits: 1, flowControl: 'none' }),
    mode: z
      .enum(['request', 'continuous'])
      .default('request')
      .describe('Ask for each weight (SI), or have the scale send all of them (SIR).'),
    tareCheckMs: z
      .int()
      .min(0)
      .max(60_000)
      .default(2_000)
      .describe(
        'In mode request: how often the scale is asked for its tare, ms; 0 never. Its weights do not say that they are net.',
      ),
    certifiedSerial: z
      .string()
      .optional()
      .describe(
        'Serial number of the certified scale: where the scale tells another one, nothing is weighed under its certificate.',
      ),
  })
  .refine(namesOneWay, { error: oneWay });
type Options = z.infer<typeof options>;

const lf = 0x0a;
/** The longest line that is of interest: identity texts. */
const longestLine = 160;
/** A scale waits for rest before it zeroes or tares; after this it is asked no longer, µs. */
const restUs = 10_000_000;
/** Tares are sent with this many decimals of grams: whole milligrams. */
const tareDecimals = 3;

const textArguments = z.strictObject({
  text: z
    .string()
    .max(64)
    .regex(/^[ -~]*$/, 'printable ASCII only')
    .describe('Shown on the display; empty: the weight again.'),
});
const tareArguments = z.strictObject({
  massMg: z.int().positive().optional().describe('A known tare, mg; left out: what is on the scale.'),
});

/** METTLER TOLEDO balances, bench and counter scales, and others that speak MT-SICS. */
export const mtSics: Driver<Options> = {
  contract: driverContract,
  name: 'mt-sics',
  kind: 'scale',
  options,
  async open(chosen, context) {
    return openByteScale(chosen, context, new SicsProtocol(chosen, () => context.clock.nowUs()));
  },
};

class SicsProtocol implements ScaleProtocol {
  readonly name = 'mt-sics';
  readonly framer = new DelimiterFramer({ end: lf, longest: longestLine });
  readonly poll?: (dialogue: Dialogue) => Promise<Indication>;
  readonly begin?: (dialogue: Dialogue) => Promise<void>;
  readonly end?: (dialogue: Dialogue) => Promise<void>;
  readonly calls: Readonly<Record<string, ScaleCall>>;
  readonly #options: Options;
  readonly #nowUs: () => number;
  #net: boolean | undefined;
  #tareAskedUs = Number.NEGATIVE_INFINITY;
  #tellsTare = true;
  #identifying = false;

  constructor(chosen: Options, nowUs: () => number) {
    this.#options = chosen;
    this.#nowUs = nowUs;
    if (chosen.mode === 'request') {
      this.poll = (dialogue) => this.#weigh(dialogue);
    } else {
      this.begin = (dialogue) => dialogue.send(sicsCommand(sics.repeat));
      // SIR ends with the next SI. `@` would end it too, and clear the tare.
      this.end = (dialogue) => dialogue.send(sicsCommand(sics.weight));
    }
    this.calls = {
      zero: async (args, { dialogue, zeroed }) => {
        argumentsOf(noArguments, args);
        await this.#command(dialogue, sics.zero);
        await zeroed();
        return {};
      },
      tare: async (args, { dialogue, acceptsNet }) => {
        const { massMg } = argumentsOf(tareArguments, args);
        refuseTare(acceptsNet);
        if (massMg === undefined) await this.#command(dialogue, sics.tare);
        else await this.#command(dialogue, sics.tareValue, formatMassIn(massMg, 'g', tareDecimals), 'g');
        return {};
      },
      'clear-tare': async (args, { dialogue }) => {
        argumentsOf(noArguments, args);
        await this.#command(dialogue, sics.clearTare);
        return {};
      },
      display: async (args, { dialogue }) => {
        const { text } = argumentsOf(textArguments, args);
        if (text === '') await this.#command(dialogue, sics.displayWeight);
        else await this.#command(dialogue, sics.display, sicsText(text));
        return {};
      },
    };
  }

  unasked(frame: Uint8Array): Indication | 'restarted' | undefined {
    const line = lineOf(frame);
    if (!this.#identifying && parseSicsText(sics.serial, line) !== undefined) {
      this.#tareAskedUs = Number.NEGATIVE_INFINITY;
      return 'restarted';
    }
    // A late answer to a poll that was given up says nothing about now.
    return this.#options.mode === 'continuous' ? parseSicsWeight(line) : undefined;
  }

  /** Model, software and serial number. What the scale doesn't tell is left out. */
  async identify(dialogue: Dialogue): Promise<DeviceIdentity> {
    this.#identifying = true;
    try {
      const model = await this.#text(dialogue, sics.model);
      const firmware = await this.#text(dialogue, sics.software);
      const serial = await this.#text(dialogue, sics.serial);
      return {
        ...(model === undefined ? {} : { model }),
        ...(firmware === undefined ? {} : { firmware }),
        ...(serial === undefined ? {} : { serial }),
      };
    } finally {
      this.#identifying = false;
    }
  }

  async #weigh(dialogue: Dialogue): Promise<Indication> {
    await this.#askTare(dialogue);
    const indication = await dialogue.exchange(sicsCommand(sics.weight), (frame) => {
      const line = lineOf(frame);
      const error = sicsErrors.get(line);
      if (error !== undefined) throw new DriverError('CW-DRV-006', `the scale ${error}`);
      return parseSicsWeight(line);
    });
    return this.#net === undefined ? indication : { ...indication, net: this.#net };
  }

  /** Weights are net of whatever tare is set and don't say so: the tare is asked for now and then. */
  async #askTare(dialogue: Dialogue): Promise<void> {
    const everyUs = this.#options.tareCheckMs * 1000;
    if (everyUs === 0 || !this.#tellsTare || this.#nowUs() - this.#tareAskedUs < everyUs) return;
    this.#tareAskedUs = this.#nowUs();
    const answer = await dialogue.exchange(sicsCommand(sics.tareValue), (frame) => {
      const line = lineOf(frame);
      if (line === 'TA I') return 'busy';
      return sicsErrors.has(line) || line === 'TA L' ? 'unknown' : parseSicsTare(line);
    });
    if (answer === 'unknown') this.#tellsTare = false;
    else if (answer !== 'busy') this.#net = answer !== 0;
  }

  async #text(dialogue: Dialogue, command: string): Promise<string | undefined> {
    try {
      return await dialogue.exchange(sicsCommand(command), (frame) => {
        const line = lineOf(frame);
        if (sicsErrors.has(line) || line === `${command} I`) {
          throw new DriverError('CW-DRV-020', `the scale does not tell ${command}`);
        }
        return parseSicsText(command, line);
      });
    } catch (error) {
      // Not every scale tells everything; that it is there has been seen.
      if (error instanceof DriverError && error.code !== 'CW-DRV-005') return undefined;
      throw error;
    }
  }

  async #command(dialogue: Dialogue, command: string, ...parameters: readonly string[]): Promise<void> {
    this.#tareAskedUs = Number.NEGATIVE_INFINITY;
    const outcome = await dialogue.exchange(
      sicsCommand(command, ...parameters),
      (frame) => parseSicsOutcome(command, lineOf(frame)),
      restUs,
    );
    if (outcome.refusal !== undefined) throw new DriverError('CW-DRV-020', `the scale ${outcome.refusal}`);
  }
}

const lineOf = (frame: Uint8Array) => latin1(frame).replace(/\r$/, '').trimEnd();
