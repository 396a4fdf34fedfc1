import { describeError } from '#base/errors.ts';
import type { FrameAssembly, FrameReading, ReadingSink } from '#readings/readings.ts';
import type { Device, DeviceIdentity, DriverContext } from '../driver.ts';
import { DriverError } from '../errors.ts';
import { FaultBus } from '../fault-bus.ts';
import { FaultLatch } from '../polled/fault-latch.ts';

/** Without a frame for so long the camera is taken for stuck, so that it is told within two seconds where processors are short, too, µs. */
const leastSilenceUs = 1_500_000;
/** … but a slow camera may miss so many frames. */
const mostMissed = 5;
/** Before silence is told, it is looked at once more after this, µs: what came while this process slept is read then. */
const secondLookUs = 150_000;
/** The first frame may take longer: a camera measures the light first, µs. */
const firstFrameUs = 6_000_000;
/** A fault of damaged frames ends when none came for this long, µs. */
const quietUs = 800_000;
/** A camera that sends only damaged frames for this long is opened anew, µs. */
const mostDamagedUs = 10_000_000;

/** A frame's bytes, or how they are put together; lent for the call. */
export type FrameContent = { readonly data: Uint8Array } | { readonly assembly: FrameAssembly };

/** A frame as a driver has it. */
export type CameraFrame = Pick<FrameReading, 'width' | 'height' | 'format' | 'range'> & FrameContent;

export interface CameraPlan {
  readonly identity: DeviceIdentity;
  /** Frames that are delivered, a second; what comes faster is left out. */
  readonly framesPerSecond: number;
  /** Called by `start`, before frames are waited for. */
  begin?(): Promise<void>;
  /** Frees what the camera holds. */
  close(): Promise<void>;
  call?(action: string, args: unknown): Promise<unknown>;
  /** Names of its calls besides `counts`. */
  readonly actions?: readonly string[];
}

/**
 * The life of a camera, whatever delivers its frames: rate, stalls, damage, loss. A camera that falls silent is told as
 * `disconnected` with CW-DRV-008, upon which the supervisor stops and reopens it. The call `counts` answers with
 * `delivered`, `leftOut` (too fast, or overtaken by a newer one), `lost` (by the camera) and `damaged`.
 */
export class CameraDevice implements Device {
  readonly identity: DeviceIdentity;
  readonly faults: FaultBus;
  readonly #context: DriverContext;
  readonly #plan: CameraPlan;
  readonly #latch: FaultLatch;
  readonly #counts = { delivered: 0, leftOut: 0, lost: 0, damaged: 0 };
  #state: 'open' | 'started' | 'over' = 'open';
  #sink: ReadingSink | undefined;
  #error: DriverError | undefined;
  #heardUs = 0;
  #goodUs = 0;
  #hasFrame = false;
  #dueUs = Number.NEGATIVE_INFINITY;
  #latestUs = Number.NEGATIVE_INFINITY;
  #cancelWatch: (() => void) | undefined;
  #cancelQuiet: (() => void) | undefined;

  constructor(context: DriverContext, plan: CameraPlan) {
    this.#context = context;
    this.#plan = plan;
    this.identity = plan.identity;
    this.faults = new FaultBus((error) =>
      context.log.error({ err: describeError(error) }, 'a fault listener threw'),
    );
    this.#latch = new FaultLatch(this.faults);
  }

  async start(sink: ReadingSink): Promise<void> {
    if (this.#error !== undefined) throw this.#error;
    if (this.#state !== 'open') return;
    this.#state = 'started';
    this.#sink = sink;
    await this.#plan.begin?.();
    if (this.#isOver()) return;
    this.#heardUs = this.#context.clock.nowUs();
    this.#goodUs = this.#heardUs;
    this.#watch();
  }

  async stop(): Promise<void> {
    this.#end();
    await this.#plan.close();
  }

  async call(action: string, args: unknown): Promise<unknown> {
    if (action === 'counts') return { ...this.#counts };
    const { actions = [] } = this.#plan;
    if (this.#plan.call === undefined || !actions.includes(action)) {
      const known = [...actions, 'counts'].join(', ');
      throw new DriverError(
        'CW-DRV-009',
        `${this.#context.id} does not know the call ${action}; it knows: ${known}`,
      );
    }
    return this.#plan.call(action, args);
  }

  /** Whether the frame that was taken at `atUs` is to be read at all: asked once for each, whole or not, before `frame`. */
  wants(atUs: number): boolean {
    if (this.#state !== 'started') return false;
    this.#heardUs = this.#context.clock.nowUs();
    const isDue = this.#isDue(atUs);
    if (!isDue) this.#counts.leftOut += 1;
    return isDue;
  }

  /** A whole frame that was taken at `atUs`. */
  frame(frame: CameraFrame, atUs: number): void {
    if (this.#state !== 'started') return;
    this.#goodUs = this.#context.clock.nowUs();
    if (!this.#hasFrame) {
      this.#hasFrame = true;
      this.#watch();
    }
    this.#counts.delivered += 1;
    this.#latestUs = Math.max(this.#latestUs, Math.round(atUs));
    const { width, height, format, range } = frame;
    const shape = {
      kind: 'frame',
      source: this.#context.id,
      atUs: this.#latestUs,
      width,
      height,
      format,
      ...(range === undefined ? {} : { range }),
    } as const;
    this.#sink?.('data' in frame ? { ...shape, data: frame.data } : assembled(shape, frame.assembly));
  }

  /** A frame that can't be used. Cameras begin with some, so those before the first good one are counted only. */
  damaged(why: string): void {
    if (this.#state !== 'started') return;
    const { clock, id } = this.#context;
    this.#heardUs = clock.nowUs();
    this.#counts.damaged += 1;
    if (this.#heardUs - this.#goodUs >= mostDamagedUs) {
      const message = `it sends only damaged frames (${why}); check its cable and supply`;
      this.lost(new DriverError('CW-DRV-017', message));
      return;
    }
    if (!this.#hasFrame) return;
    this.#cancelQuiet?.();
    this.#cancelQuiet = clock.after(quietUs, () => this.#latch.clear('integrity'));
    const message = `${id}: a frame is damaged: ${why}; check its cable and supply`;
    this.#latch.raise({ fault: 'integrity', code: 'CW-DRV-017', message });
  }

  /** So many frames were overtaken by newer ones before anybody read them. */
  overtaken(frames: number): void {
    this.#counts.leftOut += frames;
  }

  /** So many frames never came, as the camera's own numbers say. */
  missed(frames: number): void {
    this.#counts.lost += frames;
  }

  /** The camera is gone, or as good as gone. Told once. */
  lost(error: DriverError): void {
    if (this.#isOver()) return;
    const wasStarted = this.#state === 'started';
    this.#error = error;
    this.#end();
    if (!wasStarted) return;
    this.faults.emit({
      fault: 'disconnected',
      code: error.code,
      message: `${this.#context.id}: ${error.message}`,
    });
  }

  #isOver(): boolean {
    return this.#state === 'over';
  }

  #end(): void {
    this.#state = 'over';
    this.#sink = undefined;
    this.#cancelWatch?.();
    this.#cancelQuiet?.();
  }

  /** Keeps the rate: a frame counts for the instant next to it, so that 30 a second become 20 by leaving every third out. */
  #isDue(atUs: number): boolean {
    const periodUs = 1_000_000 / this.#plan.framesPerSecond;
    if (atUs < this.#dueUs - periodUs / 4) return false;
    // After a gap the count begins anew.
    this.#dueUs = atUs > this.#dueUs + periodUs ? atUs + periodUs : this.#dueUs + periodUs;
    return true;
  }

  #silenceUs(): number {
    const silenceUs = Math.max(leastSilenceUs, (mostMissed * 1_000_000) / this.#plan.framesPerSecond);
    return this.#hasFrame ? silenceUs : Math.max(silenceUs, firstFrameUs);
  }

  #watch(isSecondLook = false): void {
    const { clock } = this.#context;
    const limitUs = this.#silenceUs();
    const dueUs = isSecondLook ? secondLookUs : Math.max(0, this.#heardUs + limitUs - clock.nowUs());
    this.#cancelWatch?.();
    this.#cancelWatch = clock.after(dueUs, () => {
      if (clock.nowUs() - this.#heardUs < this.#silenceUs()) this.#watch();
      else if (!isSecondLook) this.#watch(true);
      else this.#tellSilence(limitUs);
    });
  }

  #tellSilence(limitUs: number): void {
    const seconds = (limitUs / 1_000_000).toFixed(1);
    const message = `no frame came for ${seconds} s; it is opened anew; should that go on, check its cable and supply`;
    this.lost(new DriverError('CW-DRV-008', message));
  }
}

/** A reading whose bytes are put together when somebody asks for them, or writes them straight to where they are kept. */
function assembled(shape: Omit<FrameReading, 'data'>, assembly: FrameAssembly): FrameReading {
  let made: Uint8Array | undefined;
  return {
    ...shape,
    assembly,
    get data() {
      if (made === undefined) {
        made = new Uint8Array(assembly.bytes);
        assembly.copyTo(made);
      }
      return made;
    },
  };
}
