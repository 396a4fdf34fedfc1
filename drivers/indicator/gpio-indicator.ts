import { z } from 'zod';
import { describeError, isCoded } from '#base/errors.ts';
import { type Device, type Driver, type DriverContext, driverContract } from '../driver.ts';
import { DriverError } from '../errors.ts';
import { FaultBus } from '../fault-bus.ts';
import type { LinePort } from '../ports/ports.ts';
import { blinkPatterns, PatternPlayer, type Step, stepsSchema, tonePatterns } from './pattern.ts';

const line = {
  offset: z.int().min(0).max(1023).describe('Number of the line on its chip.'),
  activeLow: z.boolean().default(false).describe('Lit (or sounding) when the line is low.'),
};
const options = z
  .strictObject({
    chip: z
      .string()
      .min(1)
      .describe('Label of the GPIO chip, as `gpiodetect` tells: `pinctrl-rp1` on a Raspberry Pi 5.'),
    lamps: z
      .array(
        z.strictObject({
          name: z.string().min(1).max(32).describe('What calls name it by: `green`, `red`, `help`.'),
          ...line,
        }),
      )
      .max(16)
      .default([])
      .describe('Its lamps.'),
    buzzer: z.strictObject(line).optional().describe('A buzzer with a tone of its own, where there is one.'),
  })
  .refine(({ lamps, buzzer }) => lamps.length > 0 || buzzer !== undefined, 'name at least a lamp or a buzzer')
  .refine(({ lamps, buzzer }) => {
    const offsets = [...lamps, ...(buzzer === undefined ? [] : [buzzer])].map(({ offset }) => offset);
    return new Set(offsets).size === offsets.length;
  }, 'each line can be used once')
  .refine(
    ({ lamps }) => new Set(lamps.map(({ name }) => name)).size === lamps.length,
    'each lamp needs a name of its own',
  );
type Settings = z.infer<typeof options>;

const lampArguments = z.strictObject({
  lamp: z.string(),
  state: z.union([z.enum(['on', 'off']), z.enum(namesOf(blinkPatterns)), stepsSchema]),
  times: z.int().min(1).max(1000).optional(),
});
const toneArguments = z.strictObject({
  pattern: z.union([z.enum(namesOf(tonePatterns)), stepsSchema]).default('ok'),
  times: z.int().min(1).max(20).default(1),
});
const noArguments = z.union([z.undefined(), z.null(), z.strictObject({})]);

/** Lines are set again this often, µs: a chip that is gone says so only then. */
const refreshUs = 500_000;

/**
 * Lamps and a buzzer on output lines. Calls: `lamp` with `{ lamp, state, times? }` where `state` is `on`, `off`, a named
 * pattern or steps of [on, off] ms; `tone` with `{ pattern?, times? }`; `off`. Everything is off at start and at stop.
 */
export const gpioIndicator: Driver<Settings> = {
  contract: driverContract,
  name: 'gpio-indicator',
  kind: 'indicator',
  options,
  async open(chosen, context) {
    const all = [...chosen.lamps, ...(chosen.buzzer === undefined ? [] : [chosen.buzzer])];
    const port = await context.ports.lines({
      chip: chosen.chip,
      lines: all.map(({ offset, activeLow }) => ({ offset, activeLow })),
    });
    return new GpioIndicator(port, chosen, context);
  },
};

class GpioIndicator implements Device {
  readonly faults: FaultBus;
  readonly #port: LinePort;
  readonly #context: DriverContext;
  readonly #values: boolean[];
  readonly #lamps = new Map<string, PatternPlayer>();
  readonly #buzzer: PatternPlayer | undefined;
  #cancelRefresh: (() => void) | undefined;
  #state: 'open' | 'started' | 'lost' | 'stopped' = 'open';
  #writing: Promise<void> = Promise.resolve();
  #isQueued = false;
  #closing: Promise<void> | undefined;

  constructor(port: LinePort, { lamps, buzzer }: Settings, context: DriverContext) {
    this.#port = port;
    this.#context = context;
    this.faults = new FaultBus((error) =>
      context.log.error({ err: describeError(error) }, 'a fault listener threw'),
    );
    this.#values = lamps.map(() => false);
    lamps.forEach(({ name }, index) => {
      this.#lamps.set(name, this.#player(index));
    });
    if (buzzer !== undefined) {
      this.#values.push(false);
      this.#buzzer = this.#player(lamps.length);
    }
  }

  get identity() {
    return this.#port.identity;
  }

  async start(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'started';
    await this.#port.set(this.#values.map(() => false));
    this.#refresh();
  }

  async stop(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async call(action: string, args: unknown): Promise<unknown> {
    if (this.#state !== 'started') {
      throw new DriverError('CW-DRV-020', `${this.#context.id} is not running; it can be called once it is`);
    }
    switch (action) {
      case 'lamp':
        this.#lamp(this.#checked(lampArguments, action, args));
        break;
      case 'tone':
        this.#tone(this.#checked(toneArguments, action, args ?? {}));
        break;
      case 'off':
        this.#checked(noArguments, action, args);
        this.#allOff();
        break;
      default:
        throw new DriverError(
          'CW-DRV-009',
          `${this.#context.id} (gpio-indicator) does not know the call ${action}; it knows: lamp, tone, off`,
        );
    }
    await this.#writing;
    return {};
  }

  #lamp({ lamp, state, times }: z.infer<typeof lampArguments>): void {
    const player = this.#lamps.get(lamp);
    if (player === undefined) {
      const names = [...this.#lamps.keys()].join(', ');
      throw new DriverError('CW-DRV-020', `${this.#context.id} has no lamp ${lamp}; it has: ${names}`);
    }
    if (state === 'on' || state === 'off') player.hold(state === 'on');
    else player.play(typeof state === 'string' ? blinkPatterns[state] : state, times);
  }

  #tone({ pattern, times }: z.infer<typeof toneArguments>): void {
    if (this.#buzzer === undefined) {
      throw new DriverError(
        'CW-DRV-020',
        `${this.#context.id} has no buzzer; name its line in the option buzzer`,
      );
    }
    this.#buzzer.play(typeof pattern === 'string' ? tonePatterns[pattern] : pattern, times);
  }

  #allOff(): void {
    for (const player of this.#lamps.values()) player.hold(false);
    this.#buzzer?.hold(false);
  }

  #checked<Schema extends z.ZodType>(schema: Schema, action: string, args: unknown): z.infer<Schema> {
    const result = schema.safeParse(args);
    if (result.success) return result.data;
    const issue = result.error.issues[0];
    const where = issue === undefined || issue.path.length === 0 ? 'arguments' : issue.path.join('.');
    throw new DriverError(
      'CW-DRV-020',
      `${this.#context.id}: call ${action}: ${where}: ${issue?.message ?? 'not valid'}`,
    );
  }

  #player(index: number): PatternPlayer {
    return new PatternPlayer(this.#context.clock, (isOn) => {
      if (this.#values[index] === isOn) return;
      this.#values[index] = isOn;
      this.#write();
    });
  }

  /** One write at a time; what changes meanwhile goes with the next. */
  #write(): void {
    if (this.#isQueued) return;
    this.#isQueued = true;
    this.#writing = this.#writing.then(async () => {
      this.#isQueued = false;
      if (this.#state !== 'started') return;
      try {
        await this.#port.set([...this.#values]);
      } catch (error) {
        this.#lose(error);
      }
    });
  }

  #refresh(): void {
    this.#cancelRefresh = this.#context.clock.after(refreshUs, () => {
      this.#write();
      this.#refresh();
    });
  }

  #lose(error: unknown): void {
    if (this.#state !== 'started') return;
    this.#state = 'lost';
    this.#quiet();
    const code = isCoded(error) ? error.code : 'CW-DRV-005';
    const message = `${this.#context.id}: ${error instanceof Error ? error.message : String(error)}`;
    this.faults.emit({ fault: 'disconnected', code, message });
  }

  /** No timer of it is left. */
  #quiet(): void {
    this.#cancelRefresh?.();
    this.#cancelRefresh = undefined;
    this.#allOff();
  }

  async #close(): Promise<void> {
    const isReachable = this.#state === 'started';
    this.#state = 'stopped';
    this.#quiet();
    await this.#writing;
    if (isReachable) {
      await this.#port.set(this.#values.map(() => false)).catch((error: unknown) => {
        const fields = { device: this.#context.id, err: describeError(error) };
        this.#context.log.debug(fields, 'lamps could not be switched off');
      });
    }
    await this.#port.close();
  }
}

function namesOf<Names extends string>(of: Readonly<Record<Names, readonly Step[]>>): [Names, ...Names[]] {
  return Object.keys(of) as [Names, ...Names[]];
}
