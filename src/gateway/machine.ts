import { readdir, readFile, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Health } from './health.ts';
import type { Warning } from './warnings.ts';

/** What the machine says of its supply and its heat; what it doesn't tell is left out. */
export interface MachineFacts {
  readonly underVoltage?: boolean;
  readonly underVoltageSeen?: boolean;
  readonly throttled?: boolean;
  readonly milliCelsius?: number;
}

/** Raspberry Pi firmware (`vcgencmd get_throttled`): low bits are now, the same ones 16 higher are since the boot. */
const bits = { underVoltage: 1 << 0, frequencyCapped: 1 << 1, throttled: 1 << 2, softLimit: 1 << 3 } as const;
const sinceBoot = 16;
/** Where the Pi's own kernels show that word, in hexadecimal: Pi 4 and before, Pi 5. */
const throttledPaths = [
  'sys/devices/platform/soc/soc:firmware/get_throttled',
  'sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled',
];

/**
 * Asks the machine. On a Pi with its own kernel the firmware's word; with Debian's the kernel's voltage alarm
 * (`rpi_volt`, hwmon); elsewhere only the temperature. Never rejects.
 * @param root of the file system, for tests
 */
export async function readMachine(root = '/'): Promise<MachineFacts> {
  const milliCelsius = integer(await text(join(root, 'sys/class/thermal/thermal_zone0/temp')), 10);
  const word = await firmwareWord(root);
  const alarm = word === undefined ? await voltageAlarm(root) : undefined;
  const supply = word === undefined ? (alarm === undefined ? {} : { underVoltage: alarm }) : ofWord(word);
  return { ...supply, ...(milliCelsius === undefined ? {} : { milliCelsius }) };
}

function ofWord(word: number): MachineFacts {
  return {
    underVoltage: (word & bits.underVoltage) !== 0,
    underVoltageSeen: (word & (bits.underVoltage << sinceBoot)) !== 0,
    throttled: (word & (bits.frequencyCapped | bits.throttled | bits.softLimit)) !== 0,
  };
}

async function firmwareWord(root: string): Promise<number | undefined> {
  for (const path of throttledPaths) {
    const word = integer(await text(join(root, path)), 16);
    if (word !== undefined) return word;
  }
  return undefined;
}

async function voltageAlarm(root: string): Promise<boolean | undefined> {
  const folder = join(root, 'sys/class/hwmon');
  for (const name of await readdir(folder).catch(() => [])) {
    if ((await text(join(folder, name, 'name')))?.trim() !== 'rpi_volt') continue;
    const alarm = integer(await text(join(folder, name, 'in0_lcrit_alarm')), 10);
    return alarm === undefined ? undefined : alarm !== 0;
  }
  return undefined;
}

async function text(path: string): Promise<string | undefined> {
  return await readFile(path, 'utf8').catch(() => undefined);
}

function integer(digits: string | undefined, base: 10 | 16): number | undefined {
  const value = digits === undefined ? Number.NaN : Number.parseInt(digits, base);
  return Number.isNaN(value) ? undefined : value;
}

/** Room on the disk under `folder`; undefined where it isn't told. */
export async function readStorage(folder: string): Promise<Health['storage']> {
  try {
    const { bavail, blocks, bsize } = await statfs(folder);
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch {
    return undefined;
  }
}

/** Less room than this is told: below it a card wears faster, and soon nothing is kept any more. */
const scarceBytes = 128 * 1_048_576;
const scarcePart = 0.02;

/** What is to be said of supply, heat and disk. Pure. */
export function machineWarnings(
  facts: MachineFacts,
  storage: Health['storage'],
  hotMilliCelsius: number,
): Warning[] {
  const warnings: Warning[] = [];
  const { underVoltage, throttled, milliCelsius } = facts;
  if (underVoltage === true) {
    const message =
      'the supply of the machine is below its voltage: it may slow down, lose USB devices or damage its card; check supply, cable and what is plugged into USB';
    warnings.push({ code: 'CW-GWY-013', fault: 'integrity', message });
  }
  if (milliCelsius !== undefined && milliCelsius >= hotMilliCelsius) {
    const slowed = throttled === true ? ' and is slowed down' : '';
    const message = `the processor has ${Math.round(milliCelsius / 1000)} °C${slowed}; give it air, a heat sink or shade`;
    warnings.push({ code: 'CW-GWY-014', fault: 'integrity', message });
  }
  if (storage !== undefined) {
    const { freeBytes, totalBytes } = storage;
    if (freeBytes < Math.min(scarceBytes, totalBytes * scarcePart)) {
      const message = `only ${Math.floor(freeBytes / 1_048_576)} MiB are left where the outbox lies; when it is full, events wait in memory and are then given up: make room (journalctl --vacuum-size=50M, old recordings)`;
      warnings.push({ code: 'CW-GWY-019', fault: 'integrity', message });
    }
  }
  return warnings;
}
