import { DriverError } from '../errors.ts';
import { hex, type RegisterChip, signed16 } from '../i2c/chip.ts';

/** Registers of the INA219 (TI SBOS448G); each has 16 bits, most significant byte first. */
const register = { configuration: 0x00, shuntVoltage: 0x01, busVoltage: 0x02 } as const;
const configuration = {
  reset: 0x8000,
  afterReset: 0x399f,
  /** 32 V, shunt ±320 mV, both averaged over 128 conversions (68 ms each), continuously. */
  averaging: 0x3fff,
} as const;
const shuntMicrovoltPerCount = 10;
const busMillivoltPerCount = 4;
/** Below the voltage in the bus register: conversion ready and overflow. */
const busShift = 3;

/** What it measures at one moment. */
export interface Ina219Measurement {
  readonly busMillivolt: number;
  /** Across the shunt, signed. */
  readonly shuntMicrovolt: number;
  readonly atUs: number;
}

/** Bus voltage in mV from the register's 16 bits. */
export function ina219BusMillivolt(high: number, low: number): number {
  return (((high << 8) | low) >> busShift) * busMillivoltPerCount;
}

/** Shunt voltage in µV, signed, from the register's 16 bits. */
export function ina219ShuntMicrovolt(high: number, low: number): number {
  return signed16(high, low) * shuntMicrovoltPerCount;
}

/**
 * Resets what answers and looks whether its configuration is then that of an INA219: it has no number of its own.
 * Rejects with CW-DRV-006 where it isn't.
 */
export async function identifyIna219(chip: RegisterChip): Promise<void> {
  await writeConfiguration(chip, configuration.reset);
  const value = await readConfiguration(chip);
  if (value === configuration.afterReset) return;
  throw new DriverError(
    'CW-DRV-006',
    `the chip at ${hex(chip.address)} is configured ${hex(value)} after a reset, an INA219 or INA220 ${hex(configuration.afterReset)}; check what is wired there`,
  );
}

export async function setUpIna219(chip: RegisterChip): Promise<void> {
  await writeConfiguration(chip, configuration.averaging);
}

/** Measures. Rejects with CW-DRV-018 where the chip has lost its configuration. */
export async function measureIna219(chip: RegisterChip): Promise<Ina219Measurement> {
  if ((await readConfiguration(chip)) !== configuration.averaging) {
    throw new DriverError('CW-DRV-018', 'the INA219 has lost its configuration; check its supply');
  }
  const shunt = await chip.read(register.shuntVoltage, 2);
  const bus = await chip.read(register.busVoltage, 2);
  return {
    busMillivolt: ina219BusMillivolt(bus.data[0] ?? 0, bus.data[1] ?? 0),
    shuntMicrovolt: ina219ShuntMicrovolt(shunt.data[0] ?? 0, shunt.data[1] ?? 0),
    atUs: bus.atUs,
  };
}

async function readConfiguration(chip: RegisterChip): Promise<number> {
  const { data } = await chip.read(register.configuration, 2);
  return ((data[0] ?? 0) << 8) | (data[1] ?? 0);
}

async function writeConfiguration(chip: RegisterChip, value: number): Promise<void> {
  await chip.write(register.configuration, value >> 8, value & 0xff);
}
