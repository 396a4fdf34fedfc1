import { createRandom, type Random } from '#base/random.ts';
import type { I2cChip } from '../chips/i2c-chip.ts';
import type { Pin } from './avr/ports.ts';
import { cyclesPerSecond, makeEeprom, type ResetCause, Rig, type RigParts } from './avr/rig.ts';
import { type CellSource, type Conversion, Hx711, type Hx711Statistics } from './hx711.ts';
import { SerialDirection } from './serial-line.ts';

/** Pins of the load-cell bridge: boards/firmware/load-cell-bridge/PROTOCOL.md. */
const pin = (name: string): Pin => ({ port: name[1] as Pin['port'], bit: Number(name[2]) });
const dataPins = ['PD2', 'PD3', 'PD4', 'PD5', 'PD6', 'PD7', 'PB0', 'PB1'].map(pin);
const clockPins = ['PB2', 'PB3', 'PB4', 'PB5', 'PC0', 'PC1', 'PC2', 'PC3'].map(pin);
const dataLine = pin('PC4');
/** Channel 7 or, where that has no converter, RATE of all the others. */
const rateChannel = 7;

/** What the host may send before the line has carried it, bytes; a driver that sends more loses it, and it is counted. */
const mostQueued = 65_536;

export interface MicrocontrollerOptions {
  /** Flash as 16-bit words, as `readHex` gives it. */
  readonly program: Uint16Array;
  /** What each channel's cell gives; `undefined` where no converter is wired. */
  readonly cells: readonly (CellSource | undefined)[];
  /** The chips on the I²C bus, by address; they live in this microcontroller's time. */
  readonly chips?: ((nowUs: () => number) => ReadonlyMap<number, I2cChip>) | undefined;
  readonly seed: number;
  /** Deviation of the converters' oscillators; drawn with a standard deviation of 1.5 % where left out. */
  readonly skews?: readonly number[] | undefined;
  /** Deviation of the crystal, parts per million. */
  readonly crystalPpm?: number | undefined;
  /** What RATE is strapped to on the converter boards, where channel 7 is in use. */
  readonly strappedRate?: 10 | 80 | undefined;
  /** What the host's end of the line is set to. */
  readonly baudRate?: number | undefined;
  readonly onConversion?: ((channel: number, conversion: Conversion) => void) | undefined;
}

export interface MicrocontrollerStatistics {
  readonly channels: readonly (Hx711Statistics | undefined)[];
  readonly resets: Readonly<Record<ResetCause, number>>;
  readonly toHost: SerialDirection['statistics'];
  readonly toMcu: SerialDirection['statistics'];
}

/**
 * A load-cell bridge without its plastic: the real firmware on a simulated ATmega328P, an HX711 at each channel's pins,
 * chips on its I²C bus, and a serial line. It knows no clock: `run` moves it on, in µs since it got power first, and
 * the same options, bytes and times give the same bytes.
 */
export class Microcontroller {
  readonly converters: readonly (Hx711 | undefined)[];
  readonly chips: ReadonlyMap<number, I2cChip>;
  readonly toHost: SerialDirection;
  readonly toMcu: SerialDirection;
  /** The host's end of the line. */
  baudRate: number;
  readonly #options: MicrocontrollerOptions;
  readonly #cyclesPerUs: number;
  readonly #parts: RigParts;
  readonly #bus: { chips: ReadonlyMap<number, I2cChip>; stuck: boolean };
  readonly #resets: Record<ResetCause, number> = { power: 0, pin: 0, brownOut: 0, watchdog: 0 };
  /** Cycles before the present rig's reset. */
  #beforeRig = 0;
  #rig: Rig | undefined;
  #out: number[] = [];
  #in: number[] = [];
  #inAtUs = Number.POSITIVE_INFINITY;
  #lineFreeUs = 0;
  #lostInQueue = 0;
  #stretch: { readonly channel: number; readonly highUs: number; before: number } | undefined;

  constructor(options: MicrocontrollerOptions) {
    this.#options = options;
    this.#cyclesPerUs = (cyclesPerSecond / 1e6) * (1 + (options.crystalPpm ?? 0) / 1e6);
    this.baudRate = options.baudRate ?? 115_200;
    const random = createRandom(options.seed);
    this.toHost = new SerialDirection(random.fork('to host'));
    this.toMcu = new SerialDirection(random.fork('to microcontroller'));
    this.chips = options.chips?.(() => this.nowUs) ?? new Map();
    this.#bus = { chips: this.chips, stuck: false };
    this.converters = dataPins.map((_, channel) =>
      this.#converter(channel, random.fork(`converter ${channel}`)),
    );
    this.#parts = {
      program: options.program,
      eeprom: makeEeprom(),
      bus: this.#bus,
      wiring: { output: (at, level) => this.#output(at, level) },
      transmit: (byte) => this.#transmitted(byte),
    };
    this.powerOn();
  }

  /** µs since power came first. */
  get nowUs(): number {
    return (this.#beforeRig + (this.#rig?.cycles ?? 0)) / this.#cyclesPerUs;
  }

  get isPowered(): boolean {
    return this.#rig !== undefined;
  }

  get statistics(): MicrocontrollerStatistics {
    const toMcu = { ...this.toMcu.statistics };
    toMcu.lost += this.#lostInQueue;
    return {
      channels: this.converters.map((converter) => converter && { ...converter.statistics }),
      resets: { ...this.#resets },
      toHost: { ...this.toHost.statistics },
      toMcu,
    };
  }

  /** What the chip keeps without power. */
  get eeprom(): Uint8Array {
    return this.#parts.eeprom.memory;
  }

  /** Lets time pass until `untilUs`. */
  run(untilUs: number): void {
    while (this.nowUs < untilUs) {
      const rig = this.#rig;
      const until = Math.min(untilUs, this.#nextUs());
      if (rig === undefined)
        this.#beforeRig = Math.max(this.#beforeRig + 1, Math.ceil(until * this.#cyclesPerUs));
      else {
        rig.run(Math.ceil(until * this.#cyclesPerUs) - this.#beforeRig);
        if (rig.bitten) this.#reset('watchdog');
      }
      this.#advance();
    }
  }

  /** Sends bytes of the host down the line, after those that are still on their way. */
  send(bytes: Uint8Array): void {
    if (this.#rig === undefined) return;
    for (const byte of bytes) {
      if (this.#in.length >= mostQueued) this.#lostInQueue += 1;
      else this.#in.push(byte);
    }
    if (this.#inAtUs === Number.POSITIVE_INFINITY && this.#in.length > 0) {
      this.#inAtUs = Math.max(this.nowUs, this.#lineFreeUs) + this.#characterUs();
    }
  }

  /** Takes what has arrived at the host's end since the last call. */
  take(): Uint8Array {
    if (this.#out.length === 0) return new Uint8Array();
    return Uint8Array.from(this.#out.splice(0));
  }

  /** The reset pin is pulled, as an opening host does through DTR. */
  pressReset(): void {
    if (this.#rig !== undefined) this.#reset('pin');
  }

  /** The program hangs, until something resets it. */
  hang(): void {
    this.#rig?.hang();
  }

  /**
   * The processor is held up in the middle of a clock pulse of a channel, once: `before` pulses come before it. Its clock is
   * high for `highUs` longer than the program means it to be.
   */
  stretchPulse(channel: number, highUs: number, before: number): void {
    this.#stretch = { channel, highUs, before };
  }

  /** Something holds the I²C data line low. */
  holdBus(held: boolean): void {
    this.#bus.stuck = held;
    this.#rig?.ports.drive(dataLine, held ? false : undefined);
  }

  powerOff(): void {
    this.#beforeRig += this.#rig?.cycles ?? 0;
    this.#rig = undefined;
    this.#in = [];
    this.#out = [];
    this.#inAtUs = Number.POSITIVE_INFINITY;
  }

  /** Also at the start. Converters and chips get power with the processor. */
  powerOn(): void {
    if (this.#rig !== undefined) return;
    for (const converter of this.converters) converter?.powerOn(this.nowUs);
    for (const chip of this.chips.values()) chip.powerOn();
    this.#reset('power');
  }

  /** After something about a converter has been changed from outside: its data line shows it. */
  refresh(channel: number): void {
    const at = dataPins[channel];
    if (at !== undefined) this.#rig?.ports.drive(at, this.converters[channel]?.dout);
  }

  #converter(channel: number, random: Random): Hx711 | undefined {
    const source = this.#options.cells[channel];
    if (source === undefined) return undefined;
    const { skews, onConversion, strappedRate } = this.#options;
    const converter = new Hx711({
      source,
      random: random.fork('pins'),
      skew: skews?.[channel] ?? 0.015 * random.gaussian(),
      onConversion: onConversion && ((conversion) => onConversion(channel, conversion)),
    });
    if (this.#isStrapped) converter.rate(strappedRate ?? 80, 0);
    return converter;
  }

  get #isStrapped(): boolean {
    return this.#options.cells[rateChannel] !== undefined;
  }

  #reset(cause: ResetCause): void {
    const before = this.#rig;
    this.#beforeRig += before?.cycles ?? 0;
    this.#resets[cause] += 1;
    this.#rig = undefined;
    const rig = new Rig(this.#parts, cause, before);
    this.#rig = rig;
    rig.ports.tellAll();
    for (let channel = 0; channel < dataPins.length; channel++) this.refresh(channel);
    if (this.#bus.stuck) this.holdBus(true);
  }

  #nextUs(): number {
    let next = this.#inAtUs;
    if (this.#rig === undefined) return next;
    for (const converter of this.converters) {
      if (converter !== undefined && converter.nextUs < next) next = converter.nextUs;
    }
    return next;
  }

  #advance(): void {
    if (this.#rig === undefined) return;
    const { nowUs } = this;
    for (let channel = 0; channel < this.converters.length; channel++) {
      const converter = this.converters[channel];
      if (converter === undefined || converter.nextUs > nowUs) continue;
      converter.advance(nowUs);
      this.refresh(channel);
    }
    if (this.#inAtUs <= nowUs) this.#arrive(this.#inAtUs);
  }

  #arrive(atUs: number): void {
    const byte = this.#in.shift();
    this.#lineFreeUs = atUs;
    this.#inAtUs = this.#in.length > 0 ? atUs + this.#characterUs() : Number.POSITIVE_INFINITY;
    const usart = this.#rig?.usart;
    if (byte === undefined || usart === undefined) return;
    const arrived = this.toMcu.carry(byte, 1e6 / this.baudRate, usart.cyclesPerBit / this.#cyclesPerUs);
    if (arrived !== undefined) usart.receive(arrived.byte, arrived.framingError);
  }

  #transmitted(byte: number): void {
    const senderBit = (this.#rig?.usart.cyclesPerBit ?? 0) / this.#cyclesPerUs;
    const arrived = this.toHost.carry(byte, senderBit, 1e6 / this.baudRate);
    if (arrived !== undefined) this.#out.push(arrived.byte);
  }

  #output(at: Pin, level: boolean): void {
    const channel = clockPins.findIndex((other) => other.port === at.port && other.bit === at.bit);
    if (channel < 0) return;
    const { nowUs } = this;
    if (channel === rateChannel && !this.#isStrapped) {
      for (const converter of this.converters) converter?.rate(level ? 80 : 10, nowUs);
    }
    const converter = this.converters[channel];
    if (converter !== undefined) {
      converter.clock(level, nowUs);
      this.refresh(channel);
    }
    if (level && this.#stretch?.channel === channel) this.#holdUp(this.#stretch);
    this.#rig?.bound(Math.ceil(this.#nextUs() * this.#cyclesPerUs) - this.#beforeRig);
  }

  #holdUp(stretch: { readonly highUs: number; before: number }): void {
    if (stretch.before > 0) {
      stretch.before -= 1;
      return;
    }
    this.#stretch = undefined;
    this.#rig?.pause(Math.round(stretch.highUs * this.#cyclesPerUs));
  }

  #characterUs(): number {
    return 10e6 / this.baudRate;
  }
}
