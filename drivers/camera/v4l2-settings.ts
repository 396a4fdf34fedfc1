import { z } from 'zod';
import { DriverError } from '../errors.ts';
import type { VideoPort } from '../ports/ports.ts';

/** linux/v4l2-controls.h */
export const controlIds = {
  autoWhiteBalance: 0x98090c,
  autoGain: 0x980912,
  gain: 0x980913,
  powerLine: 0x980918,
  whiteBalanceKelvin: 0x98091a,
  exposureMode: 0x9a0901,
  exposureTime: 0x9a0902,
  exposureKeepsRate: 0x9a0903,
  focus: 0x9a090a,
  autoFocus: 0x9a090c,
} as const;

/** Values of the menus. */
const exposureModes = { auto: 0, manual: 1, aperturePriority: 3 } as const;
const powerLines = { off: 0, 50: 1, 60: 2 } as const;
/** Exposure times are counted in these, µs. */
const exposureUnitUs = 100;

const auto = z.literal('auto');
const untouched = 'Default: what the camera has.';

/** What a camera is set to; each is left alone where nothing is given. */
export const settingOptions = {
  exposureUs: z
    .union([auto, z.int().min(100).max(1_000_000)])
    .optional()
    .describe(
      `Exposure time, µs, in steps of 100, or auto. A short one keeps hands and goods sharp. ${untouched}`,
    ),
  gain: z
    .union([auto, z.int()])
    .optional()
    .describe(`Gain, in the camera's own numbers, or auto. ${untouched}`),
  focus: z
    .union([auto, z.int()])
    .optional()
    .describe(`Focus, in the camera's own numbers, or auto. A fixed one does not hunt. ${untouched}`),
  whiteBalanceKelvin: z
    .union([auto, z.int().min(1_000).max(20_000)])
    .optional()
    .describe(`Colour temperature of the light, K, or auto. ${untouched}`),
  powerLineHz: z
    .union([z.literal('off'), z.literal(50), z.literal(60)])
    .optional()
    .describe(`Frequency of the mains, against flicker: off, 50 or 60 Hz. ${untouched}`),
};
export type CameraSettings = z.infer<z.ZodObject<typeof settingOptions>>;

/** Sets what is asked for and reads it back. Rejects with CW-DRV-020 where the camera can't, saying what it can. */
export async function applySettings(port: VideoPort, settings: CameraSettings): Promise<void> {
  const setter = new Setter(port);
  const { exposureUs, gain, focus, whiteBalanceKelvin, powerLineHz } = settings;
  if (powerLineHz !== undefined) {
    await setter.set('powerLineHz', controlIds.powerLine, powerLines[powerLineHz]);
  }
  if (exposureUs === 'auto') await setter.autoExposure();
  else if (exposureUs !== undefined) {
    await setter.setIfThere(controlIds.exposureMode, exposureModes.manual);
    // Otherwise some cameras lengthen the exposure, and with it the frame, on their own.
    await setter.setIfThere(controlIds.exposureKeepsRate, 0);
    await setter.set(
      'exposureUs',
      controlIds.exposureTime,
      Math.round(exposureUs / exposureUnitUs),
      exposureUnitUs,
    );
  }
  await setter.autoOrValue('gain', gain, controlIds.autoGain, controlIds.gain);
  await setter.autoOrValue('focus', focus, controlIds.autoFocus, controlIds.focus);
  const { autoWhiteBalance } = controlIds;
  await setter.autoOrValue(
    'whiteBalanceKelvin',
    whiteBalanceKelvin,
    autoWhiteBalance,
    controlIds.whiteBalanceKelvin,
  );
}

class Setter {
  readonly #port: VideoPort;

  constructor(port: VideoPort) {
    this.#port = port;
  }

  /** Cameras have one of two modes that are automatic. */
  async autoExposure(): Promise<void> {
    const id = controlIds.exposureMode;
    if ((await this.#port.control(id)) === undefined) throw lacking('exposureUs');
    try {
      await this.set('exposureUs', id, exposureModes.aperturePriority);
    } catch (error) {
      if (!(error instanceof DriverError) || error.code !== 'CW-DRV-020') throw error;
      await this.set('exposureUs', id, exposureModes.auto);
    }
  }

  async autoOrValue(
    option: string,
    value: 'auto' | number | undefined,
    autoId: number,
    valueId: number,
  ): Promise<void> {
    if (value === undefined) return;
    if (value === 'auto') {
      await this.set(option, autoId, 1);
      return;
    }
    await this.setIfThere(autoId, 0);
    await this.set(option, valueId, value);
  }

  async setIfThere(id: number, value: number): Promise<void> {
    if ((await this.#port.control(id)) !== undefined)
      await this.set(`control 0x${id.toString(16)}`, id, value);
  }

  /** @param unit of the option in which the control counts */
  async set(option: string, id: number, value: number, unit = 1): Promise<void> {
    const control = await this.#port.control(id);
    if (control === undefined) throw lacking(option);
    const { name, minimum, maximum } = control;
    if (value < minimum || value > maximum) {
      const range = `${minimum * unit} to ${maximum * unit}`;
      throw new DriverError(
        'CW-DRV-020',
        `${option}: the camera's "${name}" goes from ${range}, not to ${value * unit}`,
      );
    }
    const now = await this.#port.setControl(id, value);
    if (now === value) return;
    throw new DriverError(
      'CW-DRV-020',
      `${option}: the camera made ${now * unit} of ${value * unit} ("${name}", ${minimum * unit} to ${maximum * unit}); ask for that, or leave the option out`,
    );
  }
}

function lacking(option: string): DriverError {
  return new DriverError('CW-DRV-020', `${option}: the camera has no such control; leave the option out`);
}
