import type { FrameReading, Reading } from '#readings/readings.ts';
import type { DeviceKind } from '../../driver.ts';

/** What a device of a kind delivers; undefined where it delivers nothing. */
export const readingOfKind: Readonly<Record<DeviceKind, Reading['kind'] | undefined>> = {
  'load-cell': 'cell',
  scale: 'scale',
  scanner: 'scan',
  camera: 'frame',
  motion: 'motion',
  power: 'power',
  temperature: 'temperature',
  position: 'position',
  'tag-reader': 'tag',
  indicator: undefined,
  bus: undefined,
};

const whole = (value: unknown) => Number.isSafeInteger(value);
const within = (value: number, least: number, most: number) =>
  whole(value) && value >= least && value <= most;

/** What is wrong with a reading, whatever device it comes from; undefined where nothing is. */
export function findReadingFault(reading: Reading): string | undefined {
  if (typeof reading.source !== 'string' || reading.source === '')
    return 'source is not the id of a device or cell';
  if (!whole(reading.atUs)) return `atUs is ${reading.atUs}, not whole microseconds`;
  return findValueFault(reading);
}

function findValueFault(reading: Reading): string | undefined {
  switch (reading.kind) {
    case 'cell':
      if (!whole(reading.counts)) return `counts is ${reading.counts}, not a whole number`;
      return within(reading.sequence, 0, 0xffff_ffff)
        ? undefined
        : 'sequence is not an unsigned number of 32 bits';
    case 'scale':
      if (!whole(reading.massMg)) return `massMg is ${reading.massMg}, not whole milligrams`;
      return typeof reading.stable === 'boolean' ? undefined : 'stable is neither true nor false';
    case 'scan':
      if (!(reading.data instanceof Uint8Array) || reading.data.length === 0)
        return 'data is not bytes, or empty';
      return /^\][\x21-\x7e][\x21-\x7e]$/.test(reading.symbology)
        ? undefined
        : `symbology is ${JSON.stringify(reading.symbology)}, not an AIM identifier such as "]E0"`;
    case 'frame':
      return findFrameFault(reading);
    case 'motion':
      return reading.accelerationMmS2.length === 3 && reading.accelerationMmS2.every(whole)
        ? undefined
        : 'accelerationMmS2 is not three whole numbers';
    case 'power':
      if (typeof reading.externalPower !== 'boolean') return 'externalPower is neither true nor false';
      return reading.batteryPpm === undefined || within(reading.batteryPpm, 0, 1_000_000)
        ? undefined
        : `batteryPpm is ${reading.batteryPpm}, not 0 to 1,000,000`;
    case 'temperature':
      return within(reading.milliCelsius, -273_150, 1_000_000)
        ? undefined
        : `milliCelsius is ${reading.milliCelsius}, which no sensor of a cart can mean`;
    case 'position':
      return reading.positionMm.every(whole) && within(reading.sigmaMm, 0, 1_000_000_000)
        ? undefined
        : 'positionMm or sigmaMm is not whole millimetres';
    case 'tag':
      return reading.epc instanceof Uint8Array && reading.epc.length > 0
        ? undefined
        : 'epc is not bytes, or empty';
  }
}

/** Frames have no padding: their bytes follow from their size. A JPEG is looked at by its ends. */
function findFrameFault({ width, height, format, data }: FrameReading): string | undefined {
  if (!within(width, 1, 65_536) || !within(height, 1, 65_536)) return 'width or height is wrong';
  if (!(data instanceof Uint8Array) || data.length === 0) return 'data is not bytes, or empty';
  if (format === 'mjpeg') {
    const [first, second] = data;
    const isWhole = first === 0xff && second === 0xd8 && data.at(-2) === 0xff && data.at(-1) === 0xd9;
    return isWhole ? undefined : 'data is not one whole JPEG, from its start marker to its end marker';
  }
  const half = (side: number) => Math.ceil(side / 2);
  const bytes = {
    grey: width * height,
    rgb24: 3 * width * height,
    yuv420: width * height + 2 * half(width) * half(height),
  }[format];
  if (bytes === undefined) return `format is ${JSON.stringify(format)}, none that is known`;
  return data.length === bytes
    ? undefined
    : `data has ${data.length} bytes; ${width} × ${height} pixels of ${format} have ${bytes}`;
}
