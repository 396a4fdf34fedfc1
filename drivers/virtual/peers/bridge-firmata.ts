import type { I2cPeer } from '../peer-ports.ts';

export interface BridgeFirmware {
  readonly name: string;
  readonly version: readonly [major: number, minor: number, patch: number];
  /** Of PROTOCOL.md; another firmware than ours has none. */
  readonly protocol: number | undefined;
}

/** Pins of an Uno: 18 and 19 are A4 and A5. */
const pins = 20;
const firstI2cPin = 18;
const i2cMode = 6;

export const versionReport = Uint8Array.of(0xf9, 2, 7);

export function firmwareReport({ name, version: [major, minor] }: BridgeFirmware): Uint8Array {
  return Uint8Array.of(0xf0, 0x79, major, minor, ...[...Buffer.from(name, 'latin1')].flatMap(pair), 0xf7);
}

/** What a bridge answers to a Firmata message: nothing, where it doesn't know it. `onSilence`: no chip at the address. */
export function firmataAnswer(
  message: Uint8Array,
  firmware: BridgeFirmware,
  chips: ReadonlyMap<number, I2cPeer>,
  onSilence: (address: number) => void,
): Uint8Array | undefined {
  switch (message[1]) {
    case 0x79:
      return firmwareReport(firmware);
    case 0x6b:
      return Uint8Array.of(
        0xf0,
        0x6c,
        ...perPin((pin) => (pin < firstI2cPin ? [0x7f] : [i2cMode, 1, 0x7f])),
        0xf7,
      );
    case 0x69:
      return Uint8Array.of(0xf0, 0x6a, ...perPin(() => [0x7f]), 0xf7);
    case 0x6d:
      return Uint8Array.of(
        0xf0,
        0x6e,
        message[2] ?? 0,
        (message[2] ?? 0) < firstI2cPin ? 0x7f : i2cMode,
        0,
        0xf7,
      );
    case 0x76:
      return i2cAnswer(message, chips, onSilence);
    default:
      return undefined;
  }
}

function i2cAnswer(
  message: Uint8Array,
  chips: ReadonlyMap<number, I2cPeer>,
  onSilence: (address: number) => void,
): Uint8Array | undefined {
  const address = message[2] ?? 0;
  const mode = ((message[3] ?? 0) >> 3) & 3;
  const values: number[] = [];
  for (let i = 4; i + 1 < message.length - 1; i += 2)
    values.push((message[i] ?? 0) | ((message[i + 1] ?? 0) << 7));
  try {
    const chip = chips.get(address);
    if (chip === undefined) throw new Error('no chip');
    if (mode === 0) {
      chip.transfer(Uint8Array.from(values), 0);
      return undefined;
    }
    if (mode !== 1) return undefined;
    const bytes = values.at(-1) ?? 0;
    const register = values.length > 1 ? values[0] : undefined;
    const data = chip.transfer(register === undefined ? new Uint8Array() : Uint8Array.of(register), bytes);
    return Uint8Array.of(
      0xf0,
      0x77,
      ...pair(address),
      ...pair(register ?? 0),
      ...[...data].flatMap(pair),
      0xf7,
    );
  } catch {
    onSilence(address);
    return undefined;
  }
}

function perPin(modes: (pin: number) => number[]): number[] {
  return Array.from({ length: pins }, (_, pin) => modes(pin)).flat();
}

function pair(value: number): [number, number] {
  return [value & 0x7f, (value >> 7) & 0x7f];
}
