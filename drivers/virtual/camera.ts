import { z } from 'zod';
import { loadCutouts } from '#simulation/pictures/cutouts.ts';
import { Studio } from '#simulation/pictures/studio.ts';
import { CameraDevice } from '../camera/camera-device.ts';
import { frameOptions } from '../camera/options.ts';
import { Ticker } from '../camera/ticker.ts';
import { type Device, type Driver, type DriverContext, driverContract } from '../driver.ts';
import { DriverError } from '../errors.ts';
import { type Shown, watchShowing } from './showing-line.ts';

const options = z.strictObject({
  world: z
    .string()
    .describe('The `name` of the virtual world that it looks at, in the process that started this one.'),
  seed: z.int().nonnegative().default(1).describe("Seed of the basket's look, light and noise. Default 1."),
  ...frameOptions,
  width: frameOptions.width.default(640).describe('Width, pixels. Default 640.'),
  height: frameOptions.height.default(480).describe('Height, pixels. Default 480.'),
});
type Options = z.infer<typeof options>;

/**
 * A camera over the plates of a virtual world: pictures are composed of real cut-outs (config/cutouts) at the asked rate,
 * with hands, shadows, flicker and noise. It runs in the vision process, its world in the gateway's.
 */
export const virtualCamera: Driver<Options> = {
  contract: driverContract,
  name: 'virtual-camera',
  kind: 'camera',
  options,

  async open(chosen, context) {
    const view = new VirtualView(chosen, context);
    await view.open();
    return view.device;
  },
};

/** Shows at each tick what its world is like then. */
class VirtualView {
  readonly device: Device;
  readonly #chosen: Options;
  readonly #context: DriverContext;
  readonly #camera: CameraDevice;
  #shown: Shown | undefined;
  #studio: { readonly of: string; readonly studio: Studio } | undefined;
  #cutouts: Awaited<ReturnType<typeof loadCutouts>> = new Map();
  #shots = 0;
  #unwatch: (() => void) | undefined;

  constructor(chosen: Options, context: DriverContext) {
    this.#chosen = chosen;
    this.#context = context;
    const ticker = new Ticker(context.clock, chosen.framesPerSecond, (atUs) => this.#shoot(atUs));
    this.#camera = new CameraDevice(context, {
      identity: { vendor: 'Cartwright', model: 'virtual camera', serial: `virtual-${context.id}` },
      framesPerSecond: chosen.framesPerSecond,
      begin: async () => ticker.start(),
      close: async () => {
        ticker.stop();
        this.#unwatch?.();
      },
    });
    this.device = this.#camera;
  }

  /** Finds its world. Rejects with CW-DRV-004. */
  async open(): Promise<void> {
    try {
      this.#cutouts = await loadCutouts();
    } catch (cause) {
      throw new DriverError('CW-DRV-004', `${this.#context.id}: ${(cause as Error).message}`, { cause });
    }
    this.#unwatch = await watchShowing(this.#chosen.world, this.#context, {
      shown: (shown) => {
        this.#shown = shown;
      },
      lost: (error) => this.#camera.lost(error),
    });
  }

  #shoot(atUs: number): void {
    const shown = this.#shown;
    if (shown === undefined || !this.#camera.wants(atUs)) return;
    const { film, startedAtUs, speed } = shown;
    const worldUs = startedAtUs === undefined ? 0 : (atUs - startedAtUs) * speed;
    const { width, height, data } = this.#studioFor(shown).picture(film, worldUs, this.#shots++);
    this.#camera.frame({ width, height, format: 'rgb24', data }, atUs);
  }

  #studioFor({ views }: Shown): Studio {
    const of = JSON.stringify(views);
    if (this.#studio?.of !== of) {
      const { width, height, seed } = this.#chosen;
      this.#studio = { of, studio: new Studio({ width, height, seed, views, cutouts: this.#cutouts }) };
    }
    return this.#studio.studio;
  }
}
