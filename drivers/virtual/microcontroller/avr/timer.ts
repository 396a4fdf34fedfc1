import type { CPU } from 'avr8js';
import type { Interrupt } from './interrupt.ts';

interface TimerConfig {
  readonly bits: 8 | 16;
  readonly dividers: readonly number[];
  readonly flags: number;
  readonly mask: number;
  readonly controlA: number;
  readonly controlB: number;
  readonly count: number;
  readonly compareA: number;
  readonly compareB: number;
  /** Word addresses of the interrupt vectors. */
  readonly vectors: { readonly overflow: number; readonly compareA: number; readonly compareB: number };
}

const usualDividers = [0, 1, 8, 64, 256, 1024, 0, 0];

/** Timers 0, 1 and 2 of the ATmega328P (datasheet, chapters 15, 16, 18). */
export const timerConfigs: readonly TimerConfig[] = [
  {
    bits: 8,
    dividers: usualDividers,
    flags: 0x35,
    mask: 0x6e,
    controlA: 0x44,
    controlB: 0x45,
    count: 0x46,
    compareA: 0x47,
    compareB: 0x48,
    vectors: { compareA: 0x1c, compareB: 0x1e, overflow: 0x20 },
  },
  {
    bits: 16,
    dividers: usualDividers,
    flags: 0x36,
    mask: 0x6f,
    controlA: 0x80,
    controlB: 0x81,
    count: 0x84,
    compareA: 0x88,
    compareB: 0x8a,
    vectors: { compareA: 0x16, compareB: 0x18, overflow: 0x1a },
  },
  {
    bits: 8,
    dividers: [0, 1, 8, 32, 64, 128, 256, 1024],
    flags: 0x37,
    mask: 0x70,
    controlA: 0xb0,
    controlB: 0xb1,
    count: 0xb2,
    compareA: 0xb3,
    compareB: 0xb4,
    vectors: { compareA: 0x0e, compareB: 0x10, overflow: 0x12 },
  },
];

interface Match {
  readonly interrupt: Interrupt;
  readonly fire: () => void;
  /** Cycle at which it happens next; infinite while the timer stands. */
  dueAt: number;
  isScheduled: boolean;
}

/**
 * A timer that counts from the processor's cycles when it is looked at, in normal and CTC mode, without outputs. The
 * one of avr8js has an event for every count: at half a microsecond those would be most of the simulation's work.
 */
export class Timer {
  readonly #cpu: CPU;
  readonly #config: TimerConfig;
  readonly #overflow: Match;
  readonly #matches: readonly Match[];
  readonly #maximum: number;
  /** The count was this at that cycle. */
  #base = { count: 0, cycle: 0 };
  #divider = 0;
  #top: number;
  #highByte = 0;

  constructor(cpu: CPU, config: TimerConfig) {
    this.#cpu = cpu;
    this.#config = config;
    this.#maximum = 2 ** config.bits - 1;
    this.#top = this.#maximum;
    this.#overflow = this.#match(config.vectors.overflow, 0x01);
    this.#matches = [
      this.#overflow,
      this.#match(config.vectors.compareA, 0x02),
      this.#match(config.vectors.compareB, 0x04),
    ];
    this.#hook();
  }

  #match(vector: number, bit: number): Match {
    const match: Match = {
      interrupt: {
        address: vector,
        flagRegister: this.#config.flags,
        flagMask: bit,
        enableRegister: this.#config.mask,
        enableMask: bit,
      },
      fire: () => {
        match.isScheduled = false;
        this.#look(match);
        this.#schedule(match);
      },
      dueAt: Number.POSITIVE_INFINITY,
      isScheduled: false,
    };
    return match;
  }

  #hook(): void {
    const cpu = this.#cpu;
    const { count, flags, mask, controlA, controlB, compareA, compareB, bits } = this.#config;
    cpu.readHooks[count] = () => {
      const value = this.#count();
      cpu.data[count] = value & 0xff;
      if (bits === 16) cpu.data[count + 1] = value >> 8;
      return value & 0xff;
    };
    cpu.writeHooks[count] = (value) => {
      this.#rebase(bits === 16 ? (this.#highByte << 8) | value : value);
      return true;
    };
    for (const register of [compareA, compareB]) {
      cpu.writeHooks[register] = (value) => {
        const now = this.#count();
        cpu.data[register] = value;
        if (bits === 16) cpu.data[register + 1] = this.#highByte;
        this.#rebase(now);
        return true;
      };
    }
    if (bits === 16) {
      for (const register of [count, compareA, compareB]) {
        cpu.writeHooks[register + 1] = (value) => {
          this.#highByte = value;
          return true;
        };
      }
    }
    for (const register of [controlA, controlB]) {
      cpu.writeHooks[register] = (value) => {
        const now = this.#count();
        cpu.data[register] = value;
        this.#rebase(now);
        return true;
      };
    }
    cpu.readHooks[flags] = () => {
      for (const match of this.#matches) this.#look(match);
      return cpu.data[flags] ?? 0;
    };
    cpu.writeHooks[flags] = (value) => {
      for (const match of this.#matches) {
        this.#look(match);
        if ((value & match.interrupt.flagMask) !== 0) cpu.clearInterrupt(match.interrupt);
      }
      return true;
    };
    cpu.writeHooks[mask] = (value) => {
      cpu.data[mask] = value;
      for (const match of this.#matches) {
        this.#look(match);
        cpu.updateInterruptEnable(match.interrupt, value);
        this.#schedule(match);
      }
      return true;
    };
  }

  #count(): number {
    if (this.#divider === 0) return this.#base.count;
    const counted = this.#base.count + Math.floor((this.#cpu.cycles - this.#base.cycle) / this.#divider);
    // A count that stands above a lowered top first runs to the end.
    if (this.#base.count <= this.#top) return counted % (this.#top + 1);
    return counted <= this.#maximum ? counted : (counted - this.#maximum - 1) % (this.#top + 1);
  }

  /** Settings or count have changed: everything that is due is due at another time. */
  #rebase(count: number): void {
    const { data, cycles } = this.#cpu;
    const { bits, controlA, controlB, compareA, compareB, dividers } = this.#config;
    const a = data[controlA] ?? 0;
    const b = data[controlB] ?? 0;
    const compare = (register: number) =>
      (data[register] ?? 0) | (bits === 16 ? (data[register + 1] ?? 0) << 8 : 0);
    const mode = (a & 3) | ((b & (bits === 16 ? 0x18 : 0x08)) >> 1);
    const clears = bits === 16 ? 4 : 2;
    if (mode !== 0 && mode !== clears) {
      throw new Error(`the simulated timers know normal and CTC mode, the program chose mode ${mode}`);
    }
    this.#base = { count, cycle: cycles };
    this.#divider = dividers[b & 7] ?? 0;
    this.#top = mode === clears ? compare(compareA) : this.#maximum;
    const values = [0, compare(compareA), compare(compareB)];
    for (const [index, match] of this.#matches.entries()) {
      match.dueAt = this.#whenAt(values[index] ?? 0, match);
      if (match.isScheduled) this.#cpu.clearClockEvent(match.fire);
      match.isScheduled = false;
      this.#schedule(match);
    }
  }

  /** The cycle at which the count will next become `value`. */
  #whenAt(value: number, match: Match): number {
    const { count, cycle } = this.#base;
    const never =
      value > this.#top || (match === this.#overflow && this.#top < this.#maximum && count <= this.#top);
    if (this.#divider === 0 || never) return Number.POSITIVE_INFINITY;
    const range = this.#top + 1;
    const counts =
      count <= this.#top ? (value - count + range) % range || range : this.#maximum + 1 - count + value;
    return cycle + counts * this.#divider;
  }

  /** Sets the flag of what has become due. */
  #look(match: Match): void {
    const { cycles } = this.#cpu;
    if (cycles < match.dueAt) return;
    const period = (this.#top + 1) * this.#divider;
    const isOver = match === this.#overflow && this.#top < this.#maximum;
    match.dueAt = isOver
      ? Number.POSITIVE_INFINITY
      : match.dueAt + (Math.floor((cycles - match.dueAt) / period) + 1) * period;
    this.#cpu.setInterruptFlag(match.interrupt);
  }

  /** Only an interrupt that is allowed needs an event; flags that are polled are seen when they are read. */
  #schedule(match: Match): void {
    const isAllowed = ((this.#cpu.data[this.#config.mask] ?? 0) & match.interrupt.enableMask) !== 0;
    if (match.isScheduled || !isAllowed || match.dueAt === Number.POSITIVE_INFINITY) return;
    match.isScheduled = true;
    this.#cpu.addClockEvent(match.fire, match.dueAt - this.#cpu.cycles);
  }
}
