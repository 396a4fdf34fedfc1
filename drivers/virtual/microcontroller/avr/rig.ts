import { AVREEPROM, avrInstruction, CPU, EEPROMMemoryBackend } from 'avr8js';
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
const sleepControlAddress = 0x53;
const sleepInstruction = 0x9588;

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

/** The part of avr8js' queue of events that decides how long an idle processor may sleep. */
interface WithNextEvent {
  readonly nextClockEvent: { readonly cycles: number } | null;
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
  #untilCycles = 0;
  #standing = false;
  #hung = false;

  /** @param before the rig that was reset: its SRAM is kept, as on the chip */
  constructor(parts: RigParts, cause: ResetCause, before?: Rig) {
    this.#cpu = new CPU(parts.program, sramBytes);
    if (before !== undefined && cause !== 'power')
      this.#cpu.data.set(before.#cpu.data.subarray(sramStart), sramStart);
    const cpu = this.#cpu;
    cpu.data[resetStatusAddress] = resetCauses[cause];
    this.ports = new Ports(cpu, parts.wiring);
    this.usart = new Usart(cpu, parts.transmit);
    for (const config of timerConfigs) new Timer(cpu, config);
    new AVREEPROM(cpu, parts.eeprom);
    new TwoWire(cpu, parts.bus);
    new Watchdog(cpu, cyclesPerSecond, () => {
      this.bitten = true;
      this.#untilCycles = 0;
    });
  }

  /** Cycles since this rig's reset. */
  get cycles(): number {
    return this.#cpu.cycles;
  }

  /** The program hangs with interrupts off from now on: nothing but the watchdog or a reset ends it. */
  hang(): void {
    this.#hung = true;
    this.#standing = true;
  }

  /** Runs to that many cycles since the reset (and the instruction that is then begun to its end), or to a bite. */
  run(untilCycles: number): void {
    const cpu = this.#cpu;
    this.#untilCycles = untilCycles;
    while (cpu.cycles < this.#untilCycles) {
      if (this.#standing) this.#stand();
      else {
        if (cpu.progMem[cpu.pc] === sleepInstruction) this.#standing = this.#mayStand();
        avrInstruction(cpu);
        cpu.tick();
      }
    }
  }

  /** Lets a running `run` end no later than then: something outside changes at that time. */
  bound(untilCycles: number): void {
    this.#untilCycles = Math.min(this.#untilCycles, untilCycles);
  }

  /**
   * Hung, or asleep until an interrupt: from one event to the next. All sleep modes are as idle here, in which
   * peripherals go on.
   */
  #stand(): void {
    const cpu = this.#cpu;
    if (this.#hung) cpu.data[95] = (cpu.data[95] ?? 0) & 0x7f;
    const next = (cpu as unknown as WithNextEvent).nextClockEvent?.cycles ?? Number.POSITIVE_INFINITY;
    cpu.cycles = Math.max(cpu.cycles + 1, Math.min(next, this.#untilCycles));
    const { pc } = cpu;
    cpu.tick();
    if (cpu.pc !== pc) this.#standing = false;
  }

  /** SLEEP with SE set, and no interrupt that waits. */
  #mayStand(): boolean {
    const cpu = this.#cpu;
    return (
      ((cpu.data[sleepControlAddress] ?? 0) & 1) !== 0 && !(cpu.interruptsEnabled && cpu.nextInterrupt >= 0)
    );
  }
}
