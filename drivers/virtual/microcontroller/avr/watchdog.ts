import type { CPU } from 'avr8js';
import type { Interrupt } from './interrupt.ts';

/** Watchdog of the ATmega328P (datasheet, chapter 11). */
const address = { resetStatus: 0x54, control: 0x60 };
const bits = { flag: 0x80, interrupt: 0x40, change: 0x10, enable: 0x08, prescaler: 0x27 };
/** WDRF in MCUSR: while it is set the watchdog can't be switched off. */
const watchdogReset = 0x08;
const oscillatorHz = 128_000;
const changeWindowCycles = 4;

/**
 * The watchdog timer with its timed sequence, interrupt mode, and the trap that it stays on, at 16 ms, after it has
 * bitten. avr8js has one too, which resets the processor in place and so loses the other peripherals' events.
 */
export class Watchdog {
  readonly #cpu: CPU;
  readonly #frequencyHz: number;
  readonly #bite: () => void;
  readonly #interrupt: Interrupt;
  #changeUntil = -1;
  #deadline = Number.POSITIVE_INFINITY;
  #isScheduled = false;
  /** The deadline moves with every WDR; the event stays and looks again. */
  readonly #check = (): void => {
    this.#isScheduled = false;
    if (this.#deadline === Number.POSITIVE_INFINITY) return;
    if (this.#cpu.cycles < this.#deadline) this.#schedule();
    else this.#expire();
  };

  /** @param bite called when the time is over; the caller builds a new chip */
  constructor(cpu: CPU, frequencyHz: number, bite: () => void) {
    this.#cpu = cpu;
    this.#frequencyHz = frequencyHz;
    this.#bite = bite;
    this.#interrupt = {
      address: 0x0c,
      flagRegister: address.control,
      flagMask: bits.flag,
      enableRegister: address.control,
      enableMask: bits.interrupt,
    };
    if (((cpu.data[address.resetStatus] ?? 0) & watchdogReset) !== 0) cpu.data[address.control] = bits.enable;
    cpu.onWatchdogReset = () => this.#wind();
    cpu.writeHooks[address.control] = (value, old) => this.#write(value, old);
    this.#wind();
  }

  #write(value: number, old: number): boolean {
    const { data, cycles } = this.#cpu;
    const opens = (value & bits.change) !== 0 && (value & bits.enable) !== 0;
    const isOpen = cycles <= this.#changeUntil;
    const settings =
      isOpen && !opens
        ? value & (bits.enable | bits.prescaler)
        : (old & (bits.enable | bits.prescaler)) | (value & bits.enable);
    const forced = ((data[address.resetStatus] ?? 0) & watchdogReset) !== 0 ? bits.enable : 0;
    data[address.control] = settings | forced | (value & bits.interrupt) | (old & bits.flag);
    if (opens) this.#changeUntil = cycles + changeWindowCycles;
    else this.#changeUntil = -1;
    if ((value & bits.flag) !== 0) this.#cpu.clearInterrupt(this.#interrupt);
    this.#cpu.updateInterruptEnable(this.#interrupt, value);
    this.#cpu.clearClockEvent(this.#check);
    this.#isScheduled = false;
    this.#wind();
    return true;
  }

  /** Begins to count anew: WDR, or another setting. */
  #wind(): void {
    const control = this.#cpu.data[address.control] ?? 0;
    if ((control & (bits.enable | bits.interrupt)) === 0) {
      this.#deadline = Number.POSITIVE_INFINITY;
      return;
    }
    const setting = ((control & 0x20) >> 2) | (control & 7);
    const ticks = 2048 << Math.min(setting, 9);
    this.#deadline = this.#cpu.cycles + Math.floor((ticks * this.#frequencyHz) / oscillatorHz);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#cpu.addClockEvent(this.#check, this.#deadline - this.#cpu.cycles);
  }

  #expire(): void {
    const control = this.#cpu.data[address.control] ?? 0;
    if ((control & bits.interrupt) === 0) {
      this.#bite();
      return;
    }
    this.#cpu.setInterruptFlag(this.#interrupt);
    // In interrupt-and-reset mode the next time-out resets.
    if ((control & bits.enable) !== 0) {
      this.#cpu.data[address.control] = (this.#cpu.data[address.control] ?? 0) & ~bits.interrupt;
    }
    this.#wind();
  }
}
