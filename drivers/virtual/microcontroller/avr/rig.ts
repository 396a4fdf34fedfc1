import { AVREEPROM, CPU, EEPROMMemoryBackend } from 'avr8js';
import { Core } from './core.ts';
import { Ports, type Wiring } from './ports.ts';
import { Timer, timerConfigs } from './timer.ts';
import { type I2cBus, TwoWire } from './two-wire.ts';
import { Usart } from './usart.ts';
import { Watchdog } from './watchdog.ts';

/** Bits of MCUSR. */
export const resetCauses = { power: 1, pin: 2, brownOut: 4, watchdog: 8 } as const;
export type ResetCause = keyof typeof resetCauses;

/** A crystal of 16 MHz. */
export const cyclesPerSecond = 16_000_000;
const sramBytes = 2048;
const sramStart = 0x100;
const resetStatusAddress = 0x54;

/** Everything that lives on when the chip is reset. */
export interface RigParts {
  readonly program: Uint16Array;
  readonly eeprom: EEPROMMemoryBackend;
  readonly bus: I2cBus;
  readonly wiring: Wiring;
  readonly transmit: (byte: number) => void;
}

/** Memory that keeps its contents without power: 1 KiB, erased. */
export function makeEeprom(): EEPROMMemoryBackend {
  return new EEPROMMemoryBackend(1024);
}

/**
 * An ATmega328P from one reset to the next: avr8js' processor and EEPROM, and ports, timers, USART, two-wire interface
 * and watchdog of our own. A reset is a new rig, because avr8js' `reset` loses the peripherals' pending events.
 */
export class Rig {
  readonly usart: Usart;
  readonly ports: Ports;
  /** The watchdog has bitten: this rig is over. */
  bitten = false;
  readonly #cpu: CPU;
  readonly #core: Core;

  /** @param before the rig that was reset: its SRAM is kept, as on the chip */
  constructor(parts: RigParts, cause: ResetCause, before?: Rig) {
    this.#cpu = new CPU(parts.program, sramBytes);
    if (before !== undefined && cause !== 'power')
      this.#cpu.data.set(before.#cpu.data.subarray(sramStart), sramStart);
    const cpu = this.#cpu;
    this.#core = new Core(cpu);
    cpu.data[resetStatusAddress] = resetCauses[cause];
    this.ports = new Ports(cpu, parts.wiring);
    this.usart = new Usart(cpu, parts.transmit);
    for (const config of timerConfigs) new Timer(cpu, config);
    new AVREEPROM(cpu, parts.eeprom);
    new TwoWire(cpu, parts.bus);
    new Watchdog(cpu, cyclesPerSecond, () => {
      this.bitten = true;
      this.#core.bound(0);
    });
  }

  /** Cycles since this rig's reset. */
  get cycles(): number {
    return this.#cpu.cycles;
  }

  /** The processor stands still for so many cycles, while timers and all outside go on. */
  pause(cycles: number): void {
    this.#cpu.cycles += cycles;
  }

  /** The program hangs with interrupts off from now on: nothing but the watchdog or a reset ends it. */
  hang(): void {
    this.#core.hang();
  }

  /** Runs to that many cycles since the reset (and the instruction that is then begun to its end), or to a bite. */
  run(untilCycles: number): void {
    this.#core.run(untilCycles);
  }

  /** Lets a running `run` end no later than then: something outside changes at that time. */
  bound(untilCycles: number): void {
    this.#core.bound(untilCycles);
  }
}
