import { z } from 'zod';
import { describeError } from '#base/errors.ts';
import type { ReadingSink } from '#readings/readings.ts';
import {
  type Device,
  type DeviceIdentity,
  type Driver,
  type DriverContext,
  driverContract,
} from '../../driver.ts';
import { DriverError } from '../../errors.ts';
import { FaultBus } from '../../fault-bus.ts';
import type { BytePort } from '../../ports/ports.ts';
import {
  addRoSpec,
  closeConnection,
  deleteRoSpec,
  enableRoSpec,
  getCapabilities,
  getIdentification,
  ownRoSpec,
  type ReaderEvent,
  readCapabilities,
  readEvents,
  readIdentification,
  readTags,
  setReaderConfig,
} from './messages.ts';
import { TagPresence } from './presence.ts';
import { LlrpSession } from './session.ts';
import { type LlrpMessage, messageTypes } from './wire.ts';

const options = z.strictObject({
  host: z.string().min(1).describe("The reader's address on the network."),
  port: z.int().min(1).max(65_535).default(5084).describe('Its LLRP port.'),
  antennas: z
    .array(z.int().min(1).max(255))
    .max(32)
    .default([])
    .describe('Antennas to use, by number; empty: all.'),
  session: z
    .int()
    .min(0)
    .max(3)
    .default(0)
    .describe(
      'Session of the air protocol; in 0 a tag answers again and again, so that it is known to be there.',
    ),
  population: z.int().min(1).max(65_535).default(32).describe('How many tags are expected at once.'),
  minimumRssiDbm: z
    .int()
    .min(-128)
    .max(0)
    .optional()
    .describe("Weaker sightings are ignored, dBm: the neighbour's tags."),
  goneMs: z
    .int()
    .min(100)
    .max(600_000)
    .default(3_000)
    .describe('A tag that was not seen for this long has left, and counts anew when it is back, ms.'),
  repeatMs: z
    .int()
    .min(1_000)
    .max(20_000)
    .default(15_000)
    .describe(
      'A tag that stays is told again this often, so that a trip that begins learns of it, ms. At most a third of fusion.forgetTagMs.',
    ),
  keepaliveMs: z
    .int()
    .min(200)
    .max(60_000)
    .default(1_000)
    .describe('How often the reader shows that it is alive, ms; after three it is given up.'),
});
type Options = z.infer<typeof options>;

/** A reader greets within this long of the connection, µs. */
const greetWithinUs = 5_000_000;
/** What came while the process was held up is read within this, µs. */
const secondLookUs = 200_000;
/** A buffer that ran over is told for this long, µs. */
const overflowUs = 5_000_000;
/** UHF RFID readers that speak LLRP: each tag that comes into the field is a reading, and again now and then while it stays. */
export const llrpReader: Driver<Options> = {
  contract: driverContract,
  name: 'llrp-reader',
  kind: 'tag-reader',
  options,
  async open(chosen, context) {
    const port = await context.ports.bytes({ via: 'tcp', host: chosen.host, port: chosen.port });
    const reader = new LlrpReader(chosen, context, port);
    try {
      await reader.greet();
      return reader;
    } catch (error) {
      await reader.stop();
      throw error;
    }
  },
};

class LlrpReader implements Device {
  readonly faults: FaultBus;
  readonly #options: Options;
  readonly #context: DriverContext;
  readonly #port: BytePort;
  readonly #session: LlrpSession;
  readonly #presence: TagPresence;
  readonly #greeting = Promise.withResolvers<void>();
  readonly #cancels = new Map<string, () => void>();
  readonly #badAntennas = new Set<number>();
  #identity: DeviceIdentity;
  #sink: ReadingSink | undefined;
  #state: 'open' | 'running' | 'stopped' = 'open';

  constructor(chosen: Options, context: DriverContext, port: BytePort) {
    this.#options = chosen;
    this.#context = context;
    this.#port = port;
    this.#identity = port.identity;
    this.#presence = new TagPresence(chosen.goneMs * 1000, chosen.repeatMs * 1000);
    this.faults = new FaultBus((error) => context.log.error({ error }, 'a fault listener threw'));
    this.#greeting.promise.catch(() => {});
    this.#session = new LlrpSession(context.id, port, context.clock, {
      message: (message, atUs) => this.#heard(message, atUs),
      lost: (error) => this.#lose(error),
    });
  }

  get identity(): DeviceIdentity {
    return this.#identity;
  }

  /** Waits until the reader has accepted the connection, and asks who it is. */
  async greet(): Promise<void> {
    const { id } = this.#context;
    this.#after('greeting', greetWithinUs, () =>
      this.#greeting.reject(
        new DriverError('CW-DRV-008', `${id} does not greet; is LLRP switched on, and its port right?`),
      ),
    );
    await this.#greeting.promise;
    this.#cancel('greeting');
    const types = messageTypes;
    const general = readCapabilities(
      await this.#session.ask('tell what it can', types.getReaderCapabilitiesResponse, getCapabilities),
    );
    const serial = readIdentification(
      await this.#session.ask('tell who it is', types.getReaderConfigResponse, getIdentification, () => true),
    );
    this.#identity = {
      ...this.#port.identity,
      ...(general === undefined
        ? {}
        : {
            vendor: `IANA enterprise ${general.maker}`,
            model: `LLRP reader model ${general.model}, ${general.antennas} antennas`,
            firmware: general.firmware,
          }),
      ...(serial === undefined ? {} : { serial }),
    };
  }

  async start(sink: ReadingSink): Promise<void> {
    if (this.#state === 'running') return;
    if (this.#state === 'stopped') {
      throw new DriverError(
        'CW-DRV-005',
        `the connection to ${this.#context.id} has ended; it is opened anew`,
      );
    }
    this.#sink = sink;
    const types = messageTypes;
    const { keepaliveMs } = this.#options;
    await this.#session.ask('send keepalives', types.setReaderConfigResponse, (id) =>
      setReaderConfig(id, keepaliveMs),
    );
    // What an earlier connection left behind: a reader keeps it until it is deleted.
    await this.#session.ask(
      'forget the inventory of before',
      types.deleteRoSpecResponse,
      (id) => deleteRoSpec(id, ownRoSpec),
      // Readers refuse it with different codes where there is none; whatever else is wrong, adding fails as well.
      () => true,
    );
    await this.#session.ask('take the inventory', types.addRoSpecResponse, (id) =>
      addRoSpec(id, ownRoSpec, this.#options),
    );
    this.#state = 'running';
    await this.#session.ask('begin the inventory', types.enableRoSpecResponse, (id) =>
      enableRoSpec(id, ownRoSpec),
    );
    this.#watch();
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    const wasRunning = this.#state === 'running';
    this.#state = 'stopped';
    this.#sink = undefined;
    for (const name of [...this.#cancels.keys()]) this.#cancel(name);
    // Tags must not stay lit by a reader that nobody listens to; closing is enough for one that does not answer.
    if (wasRunning) await this.#farewell();
    this.#session.end();
    await this.#port.close();
  }

  /** Without waiting for answers: the port is closed either way, and the reader deletes nothing by itself. */
  async #farewell(): Promise<void> {
    try {
      await this.#port.write(deleteRoSpec(0x7ffffffe, ownRoSpec));
      await this.#port.write(closeConnection(0x7fffffff));
    } catch (error) {
      this.#context.log.debug(
        { device: this.#context.id, err: describeError(error) },
        'the reader is gone already',
      );
    }
  }

  #heard(message: LlrpMessage, atUs: number): void {
    if (message.type === messageTypes.roAccessReport) this.#tags(message, atUs);
    else if (message.type === messageTypes.readerEventNotification) {
      for (const event of readEvents(message)) this.#event(event);
    }
  }

  #tags(message: LlrpMessage, atUs: number): void {
    const { minimumRssiDbm } = this.#options;
    for (const { epc, rssiDbm } of readTags(message)) {
      if (minimumRssiDbm !== undefined && rssiDbm !== undefined && rssiDbm < minimumRssiDbm) continue;
      if (!this.#presence.isDue(epc, atUs)) continue;
      this.#sink?.({ kind: 'tag', source: this.#context.id, atUs, epc });
    }
  }

  #event(event: ReaderEvent): void {
    const { id } = this.#context;
    switch (event.kind) {
      case 'connection':
        if (event.status === 0) this.#greeting.resolve();
        else this.#greeting.reject(this.#refusedConnection(event.status));
        return;
      case 'closing':
        this.#lose(new DriverError('CW-DRV-005', `${id} closes the connection`));
        return;
      case 'antenna':
        this.#antenna(event.antenna, event.connected);
        return;
      case 'buffer':
        this.#overflow(event.lost);
        return;
      case 'exception':
        this.#context.log.warn({ device: id, said: event.text }, 'the tag reader reports an exception');
    }
  }

  /** Status of a ConnectionAttemptEvent: 1 and 2: somebody else is connected, 4: another attempt is under way. */
  #refusedConnection(status: number): DriverError {
    const { id } = this.#context;
    return status === 3
      ? new DriverError('CW-DRV-020', `${id} refuses the connection; see its own log`)
      : new DriverError(
          'CW-DRV-003',
          `${id} is held by another client (status ${status}); end that one first`,
        );
  }

  #antenna(antenna: number, connected: boolean): void {
    const { id } = this.#context;
    const { antennas } = this.#options;
    if (antennas.length > 0 && !antennas.includes(antenna)) return;
    const fault = { fault: 'missing', code: 'CW-DRV-004', channel: `antenna-${antenna}` } as const;
    if (!connected && !this.#badAntennas.has(antenna)) {
      this.#badAntennas.add(antenna);
      this.faults.emit({
        ...fault,
        message: `antenna ${antenna} of ${id} is not connected; check its cable`,
      });
    } else if (connected && this.#badAntennas.delete(antenna)) {
      this.faults.emit({
        ...fault,
        message: `antenna ${antenna} of ${id} is connected again`,
        cleared: true,
      });
    }
  }

  #overflow(lost: boolean): void {
    const { id } = this.#context;
    if (!lost) {
      this.#context.log.warn({ device: id }, 'the buffer of the tag reader fills up');
      return;
    }
    const fault = { fault: 'integrity', code: 'CW-DRV-017' } as const;
    this.faults.emit({ ...fault, message: `${id} lost sightings, its buffer ran over; check the network` });
    this.#after('overflow', overflowUs, () =>
      this.faults.emit({ ...fault, message: `${id} keeps up again`, cleared: true }),
    );
  }

  /**
   * A reader that says nothing for three keepalives is gone, whatever TCP still believes. Where the process itself was
   * held up, timers run before what came meanwhile is read: so it is looked at once more.
   */
  #watch(warned = false): void {
    const limitUs = this.#options.keepaliveMs * 3_000;
    const { clock, id } = this.#context;
    const silentUs = clock.nowUs() - this.#session.heardUs;
    if (silentUs < limitUs) this.#after('watch', limitUs - silentUs, () => this.#watch());
    else if (!warned) this.#after('watch', secondLookUs, () => this.#watch(true));
    else
      this.#lose(
        new DriverError('CW-DRV-008', `${id} has been silent for ${Math.round(silentUs / 1000)} ms`),
      );
  }

  #lose(error: DriverError): void {
    if (this.#state === 'stopped') return;
    this.#greeting.reject(error);
    const told = this.#state === 'running';
    this.#state = 'stopped';
    this.#sink = undefined;
    for (const name of [...this.#cancels.keys()]) this.#cancel(name);
    this.#session.end();
    void this.#port.close();
    const message = `${this.#context.id} is lost: ${error.message}; check its power and network cable`;
    if (told) this.faults.emit({ fault: 'disconnected', code: 'CW-DRV-005', message });
  }

  /** One timer of each name. */
  #after(name: string, us: number, action: () => void): void {
    this.#cancel(name);
    this.#cancels.set(
      name,
      this.#context.clock.after(us, () => {
        this.#cancels.delete(name);
        action();
      }),
    );
  }

  #cancel(name: string): void {
    this.#cancels.get(name)?.();
    this.#cancels.delete(name);
  }
}
