import { AVRIOPort, type CPU, portBConfig, portCConfig, portDConfig } from 'avr8js';

/** A pin of the chip: `PB2` is port B, bit 2. */
export interface Pin {
  readonly port: 'B' | 'C' | 'D';
  readonly bit: number;
}

/** What is wired to the pins from outside. */
export interface Wiring {
  /** The level of an output (or of the pull-up of an input; low where it floats) has changed. */
  output(pin: Pin, level: boolean): void;
}

const configs = { B: portBConfig, C: portCConfig, D: portDConfig } as const;
const names = ['B', 'C', 'D'] as const;

/**
 * The chip's ports with what avr8js leaves out: an input that nothing drives follows its pull-up, and reads low without
 * one, so that firmware which forgets the pull-up sees an absent converter as ready.
 */
export class Ports {
  readonly #cpu: CPU;
  readonly #wiring: Wiring;
  readonly #ports: Readonly<Record<'B' | 'C' | 'D', AVRIOPort>>;
  /** Bits that something outside drives. */
  readonly #driven = { B: 0, C: 0, D: 0 };
  /** Levels as last told to the wiring. */
  readonly #levels = { B: 0, C: 0, D: 0 };

  constructor(cpu: CPU, wiring: Wiring) {
    this.#cpu = cpu;
    this.#wiring = wiring;
    const make = (name: 'B' | 'C' | 'D') => {
      const port = new AVRIOPort(cpu, configs[name]);
      port.addListener((value) => this.#changed(name, value));
      return port;
    };
    this.#ports = { B: make('B'), C: make('C'), D: make('D') };
  }

  /** Drives an input from outside; `undefined` lets go of it. */
  drive(pin: Pin, level: boolean | undefined): void {
    const mask = 1 << pin.bit;
    if (level === undefined) {
      this.#driven[pin.port] &= ~mask;
      this.#ports[pin.port].setPin(pin.bit, (this.#levels[pin.port] & mask) !== 0);
    } else {
      this.#driven[pin.port] |= mask;
      this.#ports[pin.port].setPin(pin.bit, level);
    }
  }

  /** Tells the wiring all levels, as after a reset. */
  tellAll(): void {
    for (const port of names) {
      for (let bit = 0; bit < 8; bit++) {
        this.#wiring.output({ port, bit }, (this.#levels[port] & (1 << bit)) !== 0);
      }
    }
  }

  /** `value` has outputs as they are driven and, for inputs, their pull-ups. */
  #changed(name: 'B' | 'C' | 'D', value: number): void {
    let changed = value ^ this.#levels[name];
    this.#levels[name] = value;
    for (let bit = 0; changed !== 0; bit++, changed >>= 1) {
      if ((changed & 1) === 0) continue;
      const level = (value & (1 << bit)) !== 0;
      const isInput = ((this.#cpu.data[configs[name].DDR] ?? 0) & (1 << bit)) === 0;
      if (isInput && (this.#driven[name] & (1 << bit)) === 0) this.#ports[name].setPin(bit, level);
      this.#wiring.output({ port: name, bit }, level);
    }
  }
}
