import type { Reading } from '#readings/readings.ts';
import type { Device, DeviceIdentity, DriverContext } from '../../driver.ts';
import { DriverError } from '../../errors.ts';
import { FaultBus } from '../../fault-bus.ts';
import type { BytePort, PortBus } from '../../ports/ports.ts';
import type { Foresight } from '../live-world.ts';
import { unknownCall, type WorldDevice } from '../world.ts';
import { LineFace } from './face.ts';
import { faultSchema, type McuFault } from './faults.ts';
import type { MicrocontrollerOptions } from './options.ts';
import type { Running, RunningEvents } from './running.ts';
import type { SourceBatch, WorldBatch } from './simulator.ts';

/** Without further loss for so long it keeps up again, µs. */
const steadyUs = 5_000_000;

/** An open simulated bridge: its line, what feeds it, and what is made to go wrong. */
export class VirtualBridge implements Device, PortBus {
  readonly identity: DeviceIdentity;
  readonly faults: FaultBus;
  readonly #options: MicrocontrollerOptions;
  readonly #context: DriverContext;
  readonly #world: WorldDevice;
  readonly #face: LineFace;
  readonly #injected = new Map<number, McuFault>();
  #running: Running | undefined;
  #lastFault = 0;
  #slippedUs = 0;
  #cancelSteady = () => {};
  #endings: (() => void)[] = [];
  #started = false;
  #stopped = false;

  static async open(
    options: MicrocontrollerOptions,
    context: DriverContext,
    world: WorldDevice,
    start: (events: RunningEvents) => Promise<Running> | Running,
  ): Promise<VirtualBridge> {
    const bridge = new VirtualBridge(options, context, world);
    bridge.#running = await start({
      bytes: (bytes, atUs) => bridge.#face.deliver(bytes, atUs),
      slipped: (us) => bridge.#slipped(us),
      failed: (error) => bridge.#failed(error),
    });
    bridge.#endings.push(world.world.listenAhead((foresight) => bridge.#feed(foresight)));
    return bridge;
  }

  private constructor(options: MicrocontrollerOptions, context: DriverContext, world: WorldDevice) {
    this.#options = options;
    this.#context = context;
    this.#world = world;
    this.identity = {
      vendor: 'Cartwright',
      model: 'simulated ATmega328P',
      serial: `virtual-${context.id}`,
      address: `simulated line of ${context.id}`,
    };
    this.faults = new FaultBus((error) => context.log.error({ error }, 'a fault listener threw'));
    this.#face = new LineFace(this.identity, (bytes) => this.#running?.send(bytes));
  }

  async start(): Promise<void> {
    if (this.#started || this.#stopped) return;
    this.#started = true;
    for (const { what, fromS, untilS } of this.#options.faults) this.#plan(what, fromS, untilS);
    await this.#world.started();
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    for (const end of this.#endings) end();
    this.#endings = [];
    this.#cancelSteady();
    this.#face.lose(new DriverError('CW-DRV-005', `${this.#context.id} was stopped`));
    await this.#running?.stop();
  }

  /** The far end of the serial line. Rejects with CW-DRV-003 while another uses it, CW-DRV-005 while it is unplugged. */
  async openBytes(): Promise<BytePort> {
    const port = this.#face.open();
    if (this.#options.resetOnOpen) this.#running?.pressReset();
    return port;
  }

  async call(action: string, args: unknown): Promise<unknown> {
    switch (action) {
      case 'inject':
        return { id: await this.#inject(args) };
      case 'heal':
        return this.#heal(args);
      case 'statistics':
        return this.#running?.statistics();
      default:
        throw unknownCall('virtual-microcontroller', action, ['inject', 'heal', 'statistics']);
    }
  }

  #plan(what: McuFault, fromS: number, untilS: number | undefined): void {
    const tell = (error: unknown) => this.#context.log.error({ error }, 'a planned fault could not begin');
    this.#endings.push(
      this.#context.clock.after(fromS * 1e6, () => {
        this.#inject(what).then((id) => {
          if (untilS === undefined || this.#stopped) return;
          const lasts = Math.max(0, untilS - fromS) * 1e6;
          this.#endings.push(this.#context.clock.after(lasts, () => void this.#heal({ id }).catch(tell)));
        }, tell);
      }),
    );
  }

  async #inject(args: unknown): Promise<number> {
    const parsed = faultSchema.safeParse(args);
    if (!parsed.success) {
      const why = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
      throw new DriverError('CW-DRV-020', `this is no fault that can be injected: ${why}`);
    }
    this.#lastFault += 1;
    const id = this.#lastFault;
    await this.#running?.beginFault(id, parsed.data);
    this.#injected.set(id, parsed.data);
    if (parsed.data.fault === 'unplugged') {
      this.#face.lose(new DriverError('CW-DRV-005', `${this.#context.id} was unplugged; plug it in again`));
    }
    return id;
  }

  async #heal(args: unknown): Promise<unknown> {
    const wanted = typeof args === 'object' && args !== null && 'id' in args ? Number(args.id) : undefined;
    for (const [id, fault] of [...this.#injected]) {
      if (wanted !== undefined && id !== wanted) continue;
      this.#injected.delete(id);
      await this.#running?.endFault(id);
      if (fault.fault === 'unplugged' && !this.#stopped) this.#face.comeBack();
    }
    return {};
  }

  #feed({ readings, knownUntilUs }: Foresight): void {
    this.#running?.feed(toBatch(readings, knownUntilUs));
  }

  #slipped(us: number): void {
    this.#slippedUs += us;
    this.#cancelSteady();
    this.#cancelSteady = this.#context.clock.after(steadyUs, () => {
      this.#slippedUs = 0;
      this.faults.emit({ ...this.#tooSlow(), cleared: true });
    });
    // Once until it has recovered; a machine that is overloaded needs no more to do.
    if (this.#slippedUs === us) this.faults.emit(this.#tooSlow());
  }

  #tooSlow() {
    return {
      fault: 'timing',
      code: 'CW-DRV-017',
      message: `${this.#context.id} is simulated slower than real time; give the machine less to do`,
    } as const;
  }

  #failed(error: Error): void {
    if (this.#stopped) return;
    const message = `the simulated microcontroller ${this.#context.id} ended: ${error.message}`;
    const lost = new DriverError('CW-DRV-005', message, { cause: error });
    this.#face.lose(lost);
    this.faults.emit({ fault: 'disconnected', code: lost.code, message });
  }
}

/** Readings by source, for a simulator. */
function toBatch(readings: readonly Reading[], knownUntilUs: number): WorldBatch {
  const sources = new Map<string, { timesUs: number[]; values: number[] }>();
  for (const reading of readings) {
    if (reading.kind !== 'cell' && reading.kind !== 'motion') continue;
    const batch = sources.get(reading.source) ?? { timesUs: [], values: [] };
    sources.set(reading.source, batch);
    batch.timesUs.push(reading.atUs);
    if (reading.kind === 'cell') batch.values.push(reading.counts);
    else batch.values.push(...reading.accelerationMmS2);
  }
  const list: SourceBatch[] = [...sources].map(([source, batch]) => ({ source, ...batch }));
  return { sources: list, knownUntilUs };
}
