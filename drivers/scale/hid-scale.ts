import { z } from 'zod';
import { describeError } from '#base/errors.ts';
import type { ReadingSink } from '#readings/readings.ts';
import { type Device, type Driver, type DriverContext, driverContract } from '../driver.ts';
import { DriverError } from '../errors.ts';
import { FaultBus } from '../fault-bus.ts';
import type { ReportPort } from '../ports/ports.ts';
import { parseHidScaleReport, scaleUsagePage, zeroReport } from './hid-report.ts';
import type { Indication } from './indication.ts';
import { certificateOptions } from './options.ts';
import { ScaleReporter } from './reporter.ts';

const hexId = z.string().regex(/^[0-9a-f]{4}$/);
const options = z.strictObject({
  vendorId: hexId.optional().describe('USB vendor, four hexadecimal digits.'),
  productId: hexId.optional().describe('USB product, four hexadecimal digits.'),
  serial: z.string().optional().describe('USB serial number.'),
  topology: z.string().optional().describe('Where it is plugged in, as 1-1.2.'),
  discard: z
    .int()
    .min(0)
    .max(10)
    .default(1)
    .describe('So many first reports after opening are dropped: they may be of the load before.'),
  silenceMs: z
    .int()
    .min(100)
    .max(60_000)
    .default(2_000)
    .describe('A scale that sends nothing for so long is a fault, ms.'),
  onlyChanges: z
    .boolean()
    .default(false)
    .describe(
      'The scale reports only changes: between them its last report is repeated twice a second, and silence is no fault.',
    ),
  zero: z
    .boolean()
    .default(true)
    .describe('Whether the model may be zeroed by an output report (call zero). Not all know it.'),
  ...certificateOptions,
});
type Options = z.infer<typeof options>;

const repeatUs = 500_000;
/** A scale that was zeroed must say so within this time, µs. */
const zeroedWithinUs = 2_000_000;

/** A USB HID scale: postal and counter scales that need no driver of their own. */
export const hidScale: Driver<Options> = {
  contract: driverContract,
  name: 'hid-scale',
  kind: 'scale',
  options,
  async discover(context) {
    const attached = await context.ports.list('hid');
    return attached.filter(({ usagePage }) => usagePage === scaleUsagePage).map(({ identity }) => identity);
  },
  async open(chosen, context) {
    const { vendorId, productId, serial, topology } = chosen;
    const match = { vendorId, productId, serial, topology };
    const port = await context.ports.reports({ match, usagePage: scaleUsagePage });
    return new HidScale(chosen, context, port);
  },
};

class HidScale implements Device {
  readonly identity: Device['identity'];
  readonly faults: FaultBus;
  readonly #options: Options;
  readonly #context: DriverContext;
  readonly #port: ReportPort;
  readonly #reporter: ScaleReporter;
  #state: 'open' | 'running' | 'stopped' = 'open';
  #discard: number;
  #newest: Indication | undefined;
  #cancelWatch: (() => void) | undefined;
  readonly #zeroing = new Set<PromiseWithResolvers<void>>();

  constructor(chosen: Options, context: DriverContext, port: ReportPort) {
    this.#options = chosen;
    this.#context = context;
    this.#port = port;
    this.#discard = chosen.discard;
    this.identity = port.identity;
    this.faults = new FaultBus((error) => context.log.error({ error }, 'a fault listener threw'));
    const { certificateId } = chosen;
    // HID scales don't say whether a mass is net.
    this.#reporter = new ScaleReporter({ id: context.id, faults: this.faults, certificateId, net: 'accept' });
  }

  async start(sink: ReadingSink): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'running';
    this.#reporter.begin(sink);
    this.#port.listen({
      data: (report, atUs) => this.#take(report, atUs),
      lost: (error) => this.#lose(error),
    });
    this.#watch();
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    this.#state = 'stopped';
    this.#cancelWatch?.();
    this.#reporter.end();
    const closed = new DriverError('CW-DRV-005', `${this.#context.id} was closed`);
    for (const waiting of [...this.#zeroing]) waiting.reject(closed);
    await this.#port.close();
  }

  async call(action: string): Promise<unknown> {
    const { id, clock } = this.#context;
    if (action !== 'zero' || !this.#options.zero) {
      const known = this.#options.zero
        ? 'it knows: zero'
        : 'its option zero is off, and it has no other call';
      throw new DriverError('CW-DRV-009', `hid-scale does not know the call ${action}; ${known}`);
    }
    if (this.#state !== 'running')
      throw new DriverError('CW-DRV-020', `${id} is not running; start it first`);
    const zeroed = Promise.withResolvers<void>();
    this.#zeroing.add(zeroed);
    const cancel = clock.after(zeroedWithinUs, () => {
      const message = `${id} did not go to zero; clear it and try again. If it never does, this model can not be zeroed over USB: set its option zero to false`;
      zeroed.reject(new DriverError('CW-DRV-020', message));
    });
    try {
      await this.#port.write(zeroReport);
      await zeroed.promise;
      return {};
    } catch (error) {
      zeroed.promise.catch(() => {});
      if (error instanceof DriverError) throw error;
      throw new DriverError('CW-DRV-020', `${id} refused to be zeroed: ${describeError(error)}`, {
        cause: error,
      });
    } finally {
      cancel();
      this.#zeroing.delete(zeroed);
    }
  }

  #take(report: Uint8Array, atUs: number): void {
    if (this.#state !== 'running') return;
    let indication: Indication | undefined;
    try {
      indication = parseHidScaleReport(report);
    } catch (error) {
      const { log, id } = this.#context;
      log.debug({ device: id, err: describeError(error) }, 'the scale sent a report that is none');
      if (error instanceof DriverError) this.#reporter.refused(error);
      return;
    }
    if (indication === undefined) return;
    if (this.#discard > 0) {
      this.#discard -= 1;
      return;
    }
    this.#newest = indication;
    this.#watch();
    this.#reporter.indicate(indication, atUs);
    if (indication.condition !== 'zero' && !(indication.condition === 'stable' && indication.massMg === 0))
      return;
    for (const waiting of [...this.#zeroing]) waiting.resolve();
  }

  /** Begins to wait anew: for a fault where the scale falls silent, or for repeating where it may. */
  #watch(): void {
    const { clock, id } = this.#context;
    const { onlyChanges, silenceMs } = this.#options;
    this.#cancelWatch?.();
    this.#cancelWatch = clock.after(onlyChanges ? repeatUs : silenceMs * 1000, () => {
      this.#watch();
      if (!onlyChanges) {
        const advice = 'check its cable and power; if it only reports changes, set its option onlyChanges';
        this.#reporter.silent(`${id} sent nothing for ${silenceMs} ms; ${advice}`);
      } else if (this.#newest !== undefined) this.#reporter.indicate(this.#newest, clock.nowUs());
    });
  }

  #lose(error: DriverError): void {
    if (this.#state !== 'running') return;
    this.#reporter.lost(`${this.#context.id} is lost: ${error.message}`);
    void this.stop();
  }
}
