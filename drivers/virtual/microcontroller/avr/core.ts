import { avrInstruction, type CPU } from 'avr8js';
import { type Decoded, decode, isLong } from './decode.ts';
import { counted, difference, differenceWithCarry, flags, logic, shifted, sum, wide } from './flags.ts';

const sramStart = 0x100;
const stackPointer = 0x5d;
const interruptsOn = 0x80;
const sleepControl = 0x53;

/** The part of avr8js' queue of events that decides when the processor has to look up. */
interface WithNextEvent {
  readonly nextClockEvent: { readonly cycles: number } | null;
}

/**
 * Runs a processor of avr8js from a program that was taken apart before. avr8js finds out anew at every step which of
 * some hundred instructions it has before it; the fifty that make up nearly all of a compiled program are carried out
 * here, the others, interrupts and peripherals there. Cycles are the same.
 */
export class Core {
  readonly #cpu: CPU;
  readonly #decoded: Decoded;
  readonly #events: WithNextEvent;
  #untilCycles = 0;
  /** Asleep, or hung: time goes from one event to the next. */
  #standing = false;
  #hung = false;
  /** The instruction before was SEI or RETI. */
  #shielded = false;

  constructor(cpu: CPU) {
    this.#cpu = cpu;
    this.#decoded = decode(cpu.progMem);
    this.#events = cpu as unknown as WithNextEvent;
  }

  /** Runs until that many cycles have passed since the reset, and the instruction that is then begun to its end. */
  run(untilCycles: number): void {
    const cpu = this.#cpu;
    const events = this.#events;
    const decoded = this.#decoded;
    this.#untilCycles = untilCycles;
    while (cpu.cycles < this.#untilCycles) {
      if (this.#standing) {
        this.#stand();
        continue;
      }
      this.#step(cpu, decoded[cpu.pc] ?? 0);
      // After SEI and RETI one more instruction comes before any interrupt.
      if (this.#shielded || this.#standing) {
        this.#shielded = false;
        continue;
      }
      const event = events.nextClockEvent;
      const isDue = event !== null && event.cycles <= cpu.cycles;
      if (isDue || (cpu.nextInterrupt >= 0 && ((cpu.data[flags] ?? 0) & interruptsOn) !== 0)) cpu.tick();
    }
  }

  /** Lets a running `run` end no later than then. */
  bound(untilCycles: number): void {
    this.#untilCycles = Math.min(this.#untilCycles, untilCycles);
  }

  /** The program hangs with interrupts off from now on. */
  hang(): void {
    this.#hung = true;
    this.#standing = true;
  }

  /** All sleep modes are as idle here, in which peripherals go on. */
  #stand(): void {
    const cpu = this.#cpu;
    if (this.#hung) cpu.data[flags] = (cpu.data[flags] ?? 0) & ~interruptsOn;
    if (!cpu.interruptsEnabled || cpu.nextInterrupt < 0) {
      const next = this.#events.nextClockEvent?.cycles ?? Number.POSITIVE_INFINITY;
      cpu.cycles = Math.max(cpu.cycles + 1, Math.min(next, this.#untilCycles));
    }
    const { pc } = cpu;
    cpu.tick();
    if (cpu.pc !== pc) this.#standing = false;
  }

  /**
   * One instruction. HOT PATH: some ten million of these are a second of the chip. The cases are the `kinds` of decode.ts
   * as literals, without which V8 compares one after the other.
   */
  #step(cpu: CPU, instruction: number): void {
    const { data, pc } = cpu;
    const d = (instruction >> 8) & 0xff;
    const r = instruction >> 16;
    switch (instruction & 0xff) {
      case 1 /* ldi */:
        data[d] = r;
        break;
      case 2 /* mov */:
        data[d] = data[r] ?? 0;
        break;
      case 3 /* movw */:
        data[d] = data[r] ?? 0;
        data[d + 1] = data[r + 1] ?? 0;
        break;
      case 4 /* add */:
        data[d] = sum(data, data[d] ?? 0, data[r] ?? 0, 0);
        break;
      case 5 /* adc */:
        data[d] = sum(data, data[d] ?? 0, data[r] ?? 0, (data[flags] ?? 0) & 1);
        break;
      case 6 /* sub */:
        data[d] = difference(data, data[d] ?? 0, data[r] ?? 0);
        break;
      case 11 /* subi */:
        data[d] = difference(data, data[d] ?? 0, r);
        break;
      case 8 /* cp */:
        difference(data, data[d] ?? 0, data[r] ?? 0);
        break;
      case 10 /* cpi */:
        difference(data, data[d] ?? 0, r);
        break;
      case 7 /* sbc */:
        data[d] = differenceWithCarry(data, data[d] ?? 0, data[r] ?? 0);
        break;
      case 12 /* sbci */:
        data[d] = differenceWithCarry(data, data[d] ?? 0, r);
        break;
      case 9 /* cpc */:
        differenceWithCarry(data, data[d] ?? 0, data[r] ?? 0);
        break;
      case 13 /* and */:
        data[d] = logic(data, (data[d] ?? 0) & (data[r] ?? 0));
        break;
      case 16 /* andi */:
        data[d] = logic(data, (data[d] ?? 0) & r);
        break;
      case 14 /* or */:
        data[d] = logic(data, (data[d] ?? 0) | (data[r] ?? 0));
        break;
      case 17 /* ori */:
        data[d] = logic(data, (data[d] ?? 0) | r);
        break;
      case 15 /* eor */:
        data[d] = logic(data, (data[d] ?? 0) ^ (data[r] ?? 0));
        break;
      case 51 /* com */:
        data[d] = logic(data, ~(data[d] ?? 0) & 0xff);
        data[flags] = (data[flags] ?? 0) | 1;
        break;
      case 18 /* inc */:
        {
          const value = ((data[d] ?? 0) + 1) & 0xff;
          data[d] = value;
          counted(data, value, value === 0x80);
          break;
        }
      case 19 /* dec */:
        {
          const value = ((data[d] ?? 0) - 1) & 0xff;
          data[d] = value;
          counted(data, value, value === 0x7f);
          break;
        }
      case 20 /* lsr */:
        data[d] = shifted(data, data[d] ?? 0, 0);
        break;
      case 21 /* ror */:
        data[d] = shifted(data, data[d] ?? 0, ((data[flags] ?? 0) & 1) << 7);
        break;
      case 22 /* lds */:
        cpu.cycles += 1;
        data[d] = this.#read(r);
        cpu.pc = pc + 1;
        break;
      case 23 /* sts */:
        this.#write(r, data[d] ?? 0);
        cpu.pc = pc + 1;
        cpu.cycles += 1;
        break;
      case 28 /* loadX */:
        cpu.cycles += 1;
        data[d] = this.#read(this.#word(26));
        break;
      case 29 /* loadXUp */:
        cpu.cycles += 1;
        data[d] = this.#read(this.#up(26));
        break;
      case 24 /* loadY */:
        cpu.cycles += 1;
        data[d] = this.#read(this.#word(28) + r);
        break;
      case 25 /* loadZ */:
        cpu.cycles += 1;
        data[d] = this.#read(this.#word(30) + r);
        break;
      case 30 /* loadZUp */:
        cpu.cycles += 1;
        data[d] = this.#read(this.#up(30));
        break;
      case 31 /* storeX */:
        this.#write(this.#word(26), data[d] ?? 0);
        cpu.cycles += 1;
        break;
      case 32 /* storeXUp */:
        {
          const value = data[d] ?? 0;
          this.#write(this.#up(26), value);
          cpu.cycles += 1;
          break;
        }
      case 26 /* storeY */:
        this.#write(this.#word(28) + r, data[d] ?? 0);
        cpu.cycles += 1;
        break;
      case 27 /* storeZ */:
        this.#write(this.#word(30) + r, data[d] ?? 0);
        cpu.cycles += 1;
        break;
      case 33 /* storeZUp */:
        {
          const value = data[d] ?? 0;
          this.#write(this.#up(30), value);
          cpu.cycles += 1;
          break;
        }
      case 34 /* push */:
        {
          const top = this.#word(stackPointer);
          data[top] = data[d] ?? 0;
          this.#setWord(stackPointer, top - 1);
          cpu.cycles += 1;
          break;
        }
      case 35 /* pop */:
        {
          const top = this.#word(stackPointer) + 1;
          this.#setWord(stackPointer, top);
          data[d] = data[top] ?? 0;
          cpu.cycles += 1;
          break;
        }
      case 36 /* in */:
        data[d] = this.#read(r);
        break;
      case 37 /* out */:
        this.#write(r, data[d] ?? 0);
        break;
      case 48 /* adiw */:
        {
          const value = this.#word(d);
          const result = (value + r) & 0xffff;
          this.#setWord(d, result);
          wide(data, result, (~value & result & 0x8000) !== 0, (~result & value & 0x8000) !== 0);
          cpu.cycles += 1;
          break;
        }
      case 49 /* sbiw */:
        {
          const value = this.#word(d);
          const result = (value - r) & 0xffff;
          this.#setWord(d, result);
          wide(data, result, (value & ~result & 0x8000) !== 0, (result & ~value & 0x8000) !== 0);
          cpu.cycles += 1;
          break;
        }
      case 52 /* sei */:
        data[flags] = (data[flags] ?? 0) | interruptsOn;
        this.#shielded = true;
        break;
      case 50 /* sleep */:
        this.#sleep();
        break;
      default:
        this.#flow(instruction);
        return;
    }
    cpu.pc += 1;
    cpu.cycles += 1;
  }

  /** Instructions that decide where the program goes on, and those left to avr8js. HOT PATH. */
  #flow(instruction: number): void {
    const cpu = this.#cpu;
    const { data, pc } = cpu;
    const d = (instruction >> 8) & 0xff;
    const r = instruction >> 16;
    let skips = false;
    switch (instruction & 0xff) {
      case 43 /* branchSet */:
        this.#branch(pc, ((data[flags] ?? 0) & d) !== 0 ? r : undefined);
        return;
      case 44 /* branchClear */:
        this.#branch(pc, ((data[flags] ?? 0) & d) === 0 ? r : undefined);
        return;
      case 38 /* rjmp */:
        this.#branch(pc, r);
        return;
      case 41 /* jmp */:
        cpu.pc = r;
        cpu.cycles += 3;
        return;
      case 39 /* rcall */:
        this.#call(pc + 1, (pc + r + 1) & 0x3fff, 3);
        return;
      case 40 /* call */:
        this.#call(pc + 2, r, 4);
        return;
      case 53 /* reti */:
        data[flags] = (data[flags] ?? 0) | interruptsOn;
        this.#shielded = true;
        this.#return();
        return;
      case 42 /* ret */:
        this.#return();
        return;
      case 45 /* skipClear */:
        skips = ((data[d] ?? 0) & r) === 0;
        break;
      case 46 /* skipSet */:
        skips = ((data[d] ?? 0) & r) !== 0;
        break;
      case 47 /* skipEqual */:
        skips = data[d] === data[r];
        break;
      default:
        avrInstruction(cpu);
        return;
    }
    const words = skips ? (isLong(cpu.progMem[pc + 1] ?? 0) ? 3 : 2) : 1;
    cpu.pc = pc + words;
    cpu.cycles += words;
  }

  #branch(pc: number, distance: number | undefined): void {
    this.#cpu.pc = distance === undefined ? pc + 1 : (pc + distance + 1) & 0x3fff;
    this.#cpu.cycles += distance === undefined ? 1 : 2;
  }

  #return(): void {
    const cpu = this.#cpu;
    const top = this.#word(stackPointer) + 2;
    this.#setWord(stackPointer, top);
    cpu.pc = ((cpu.data[top - 1] ?? 0) << 8) + (cpu.data[top] ?? 0);
    cpu.cycles += 4;
  }

  #call(returnTo: number, target: number, cycles: number): void {
    const cpu = this.#cpu;
    const top = this.#word(stackPointer);
    cpu.data[top] = returnTo & 0xff;
    cpu.data[top - 1] = returnTo >> 8;
    this.#setWord(stackPointer, top - 2);
    cpu.pc = target;
    cpu.cycles += cycles;
  }

  /** SLEEP does nothing unless SE is set. */
  #sleep(): void {
    this.#standing = ((this.#cpu.data[sleepControl] ?? 0) & 1) !== 0;
  }

  /** Only registers below SRAM have hooks. */
  #read(address: number): number {
    return address >= sramStart ? (this.#cpu.data[address] ?? 0) : this.#cpu.readData(address);
  }

  #write(address: number, value: number): void {
    if (address >= sramStart) this.#cpu.data[address] = value;
    else this.#cpu.writeData(address, value);
  }

  #word(address: number): number {
    const { data } = this.#cpu;
    return (data[address] ?? 0) | ((data[address + 1] ?? 0) << 8);
  }

  #setWord(address: number, value: number): void {
    const { data } = this.#cpu;
    data[address] = value & 0xff;
    data[address + 1] = (value >> 8) & 0xff;
  }

  /** A pointer register, moved on by one afterwards. */
  #up(address: number): number {
    const value = this.#word(address);
    this.#setWord(address, value + 1);
    return value;
  }
}
