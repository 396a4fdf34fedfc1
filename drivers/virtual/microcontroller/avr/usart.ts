import type { CPU } from 'avr8js';
import type { Interrupt } from './interrupt.ts';

/** USART0 of the ATmega328P (datasheet, chapter 20). Interrupt vectors are word addresses. */
const address = { statusA: 0xc0, controlB: 0xc1, controlC: 0xc2, baudLow: 0xc4, baudHigh: 0xc5, data: 0xc6 };
const statusBits = {
  received: 0x80,
  transmitted: 0x40,
  empty: 0x20,
  framingError: 0x10,
  overrun: 0x08,
  doubleSpeed: 0x02,
  multiProcessor: 0x01,
};
const controlBits = {
  receivedInterrupt: 0x80,
  transmittedInterrupt: 0x40,
  emptyInterrupt: 0x20,
  receiver: 0x10,
  transmitter: 0x08,
};

/** Two characters in the buffer and one complete in the shift register; what comes then is lost. */
const receiveDepth = 3;

interface Character {
  readonly byte: number;
  readonly framingError: boolean;
  overrun: boolean;
}

/**
 * The serial port of the chip: double-buffered both ways, with overrun and framing errors. avr8js has one too, but its
 * data-register-empty interrupt is not level-triggered, writes to the control registers lose received characters and
 * flags, and it knows no overrun.
 */
export class Usart {
  readonly #cpu: CPU;
  readonly #transmit: (byte: number) => void;
  readonly #received: Interrupt;
  readonly #empty: Interrupt;
  readonly #transmitted: Interrupt;
  #arrived: Character[] = [];
  #shifting = false;
  #buffered: number | undefined;

  /** @param transmit called with each byte when its stop bit is over */
  constructor(cpu: CPU, transmit: (byte: number) => void) {
    this.#cpu = cpu;
    this.#transmit = transmit;
    const interrupt = (vector: number, flag: number, enable: number, level: boolean): Interrupt => ({
      address: vector,
      flagRegister: address.statusA,
      flagMask: flag,
      enableRegister: address.controlB,
      enableMask: enable,
      constant: level,
    });
    this.#received = interrupt(0x24, statusBits.received, controlBits.receivedInterrupt, true);
    this.#empty = interrupt(0x26, statusBits.empty, controlBits.emptyInterrupt, true);
    this.#transmitted = interrupt(0x28, statusBits.transmitted, controlBits.transmittedInterrupt, false);
    cpu.data[address.statusA] = statusBits.empty;
    cpu.data[address.controlC] = 0x06;
    cpu.writeHooks[address.statusA] = (value) => this.#writeStatus(value);
    cpu.writeHooks[address.controlB] = (value) => this.#writeControl(value);
    cpu.writeHooks[address.data] = (value) => this.#send(value);
    cpu.readHooks[address.data] = () => this.#take();
  }

  get receives(): boolean {
    return ((this.#cpu.data[address.controlB] ?? 0) & controlBits.receiver) !== 0;
  }

  /** Cycles of the processor in a bit, as UBRR0 and U2X0 say. */
  get cyclesPerBit(): number {
    const { data } = this.#cpu;
    const divider = (((data[address.baudHigh] ?? 0) & 0x0f) << 8) | (data[address.baudLow] ?? 0);
    const isDouble = ((data[address.statusA] ?? 0) & statusBits.doubleSpeed) !== 0;
    return (divider + 1) * (isDouble ? 8 : 16);
  }

  /** A character has come in to its stop bit. */
  receive(byte: number, framingError: boolean): void {
    if (!this.receives) return;
    if (this.#arrived.length >= receiveDepth) {
      const last = this.#arrived.at(-1);
      if (last !== undefined) last.overrun = true;
      return;
    }
    this.#arrived.push({ byte, framingError, overrun: false });
    this.#showReceived();
  }

  #writeStatus(value: number): boolean {
    const { data } = this.#cpu;
    const own = statusBits.doubleSpeed | statusBits.multiProcessor;
    data[address.statusA] = ((data[address.statusA] ?? 0) & ~own) | (value & own);
    if ((value & statusBits.transmitted) !== 0) this.#cpu.clearInterrupt(this.#transmitted);
    return true;
  }

  #writeControl(value: number): boolean {
    this.#cpu.data[address.controlB] = value;
    if ((value & controlBits.receiver) === 0 && this.#arrived.length > 0) {
      this.#arrived = [];
      this.#showReceived();
    }
    for (const interrupt of [this.#received, this.#empty, this.#transmitted]) {
      this.#cpu.updateInterruptEnable(interrupt, value);
    }
    return true;
  }

  #send(value: number): boolean {
    if (((this.#cpu.data[address.controlB] ?? 0) & controlBits.transmitter) === 0) return true;
    if (!this.#shifting) this.#shift(value);
    else if (this.#buffered === undefined) {
      this.#buffered = value;
      this.#cpu.clearInterrupt(this.#empty);
    }
    return true;
  }

  #shift(byte: number): void {
    this.#shifting = true;
    this.#cpu.addClockEvent(() => {
      this.#shifting = false;
      this.#transmit(byte);
      const next = this.#buffered;
      this.#buffered = undefined;
      if (next === undefined) {
        this.#cpu.setInterruptFlag(this.#transmitted);
      } else {
        this.#shift(next);
        this.#cpu.setInterruptFlag(this.#empty);
      }
    }, 10 * this.cyclesPerBit);
  }

  #take(): number {
    const character = this.#arrived.shift();
    this.#showReceived();
    return character?.byte ?? 0;
  }

  /** Error flags are those of the character that is read next. */
  #showReceived(): void {
    const { data } = this.#cpu;
    const [next] = this.#arrived;
    const errors = statusBits.framingError | statusBits.overrun;
    const shown =
      (next?.framingError === true ? statusBits.framingError : 0) |
      (next?.overrun === true ? statusBits.overrun : 0);
    data[address.statusA] = ((data[address.statusA] ?? 0) & ~errors) | shown;
    if (next === undefined) this.#cpu.clearInterrupt(this.#received);
    else this.#cpu.setInterruptFlag(this.#received);
  }
}
