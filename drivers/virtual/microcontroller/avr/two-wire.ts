import type { CPU } from 'avr8js';
import type { I2cChip } from '../../chips/i2c-chip.ts';
import type { Interrupt } from './interrupt.ts';

/** TWI of the ATmega328P as a master (datasheet, chapter 22). */
const address = { bitRate: 0xb8, status: 0xb9, data: 0xbb, control: 0xbc };
const bits = {
  interrupt: 0x80,
  acknowledge: 0x40,
  start: 0x20,
  stop: 0x10,
  enable: 0x04,
  interruptEnable: 0x01,
};
const idleStatus = 0xf8;

/** What hangs on the bus. */
export interface I2cBus {
  readonly chips: ReadonlyMap<number, I2cChip>;
  /** Something holds a line low: no start condition gets through. */
  stuck: boolean;
}

/** What the next byte is. */
type Phase = 'idle' | 'address' | 'write' | 'read' | 'refused';

/**
 * The two-wire interface as a master, with the time that every byte takes. avr8js has one too, but it clears TWINT on
 * entry to the interrupt and on every write, sets it after a stop condition, and takes no time.
 */
export class TwoWire {
  readonly #cpu: CPU;
  readonly #bus: I2cBus;
  readonly #interrupt: Interrupt;
  #phase: Phase = 'idle';
  #chip: I2cChip | undefined;
  /** Counts what was begun, so that what was given up doesn't end later. */
  #action = 0;

  constructor(cpu: CPU, bus: I2cBus) {
    this.#cpu = cpu;
    this.#bus = bus;
    this.#interrupt = {
      address: 0x30,
      flagRegister: address.control,
      flagMask: bits.interrupt,
      enableRegister: address.control,
      enableMask: bits.interruptEnable,
      constant: true,
    };
    cpu.data[address.status] = idleStatus;
    cpu.data[address.data] = 0xff;
    cpu.writeHooks[address.status] = (value) => {
      cpu.data[address.status] = ((cpu.data[address.status] ?? 0) & 0xf8) | (value & 0x03);
      return true;
    };
    cpu.writeHooks[address.control] = (value, old) => this.#control(value, old);
  }

  #control(value: number, old: number): boolean {
    const { data } = this.#cpu;
    data[address.control] = (value & ~bits.interrupt) | (old & bits.interrupt);
    if ((value & bits.enable) === 0) {
      this.#release();
      this.#cpu.clearInterrupt(this.#interrupt);
      return true;
    }
    if ((value & bits.interrupt) !== 0) {
      this.#cpu.clearInterrupt(this.#interrupt);
      this.#act(value);
    }
    this.#cpu.updateInterruptEnable(this.#interrupt, value);
    return true;
  }

  #act(control: number): void {
    if ((control & bits.stop) !== 0) {
      this.#after(1, () => {
        this.#release();
        this.#cpu.data[address.control] = (this.#cpu.data[address.control] ?? 0) & ~bits.stop;
        if ((control & bits.start) !== 0) this.#start();
      });
    } else if ((control & bits.start) !== 0) {
      this.#start();
    } else if (this.#phase === 'address') {
      this.#after(9, () => this.#connect(this.#cpu.data[address.data] ?? 0));
    } else if (this.#phase === 'write') {
      this.#after(9, () => {
        const isThere = this.#chip?.absent === false;
        if (isThere) this.#chip?.writeByte(this.#cpu.data[address.data] ?? 0);
        this.#finish(isThere ? 0x28 : 0x30, isThere ? 'write' : 'refused');
      });
    } else if (this.#phase === 'read') {
      this.#after(9, () => {
        this.#cpu.data[address.data] = this.#chip?.absent === false ? this.#chip.readByte() : 0xff;
        const acknowledges = ((this.#cpu.data[address.control] ?? 0) & bits.acknowledge) !== 0;
        this.#finish(acknowledges ? 0x50 : 0x58, acknowledges ? 'read' : 'refused');
      });
    }
  }

  #start(): void {
    if (this.#bus.stuck) return;
    const repeated = this.#phase !== 'idle';
    this.#after(1, () => this.#finish(repeated ? 0x10 : 0x08, 'address'));
  }

  #connect(slaveAddress: number): void {
    const reads = (slaveAddress & 1) !== 0;
    const chip = this.#bus.chips.get(slaveAddress >> 1);
    if (chip === undefined || chip.absent) {
      this.#finish(reads ? 0x48 : 0x20, 'refused');
      return;
    }
    this.#chip = chip;
    if (reads) chip.beginRead();
    else chip.beginWrite();
    this.#finish(reads ? 0x40 : 0x18, reads ? 'read' : 'write');
  }

  #finish(status: number, phase: Phase): void {
    const { data } = this.#cpu;
    this.#phase = phase;
    data[address.status] = ((data[address.status] ?? 0) & 0x03) | status;
    this.#cpu.setInterruptFlag(this.#interrupt);
  }

  #release(): void {
    this.#action += 1;
    this.#phase = 'idle';
    this.#chip = undefined;
    const { data } = this.#cpu;
    data[address.status] = ((data[address.status] ?? 0) & 0x03) | idleStatus;
  }

  #after(clocks: number, action: () => void): void {
    const { data } = this.#cpu;
    const prescaler = 4 ** ((data[address.status] ?? 0) & 3);
    const cycles = 16 + 2 * (data[address.bitRate] ?? 0) * prescaler;
    this.#action += 1;
    const mine = this.#action;
    this.#cpu.addClockEvent(() => {
      if (this.#action === mine) action();
    }, clocks * cycles);
  }
}
