import type { Random } from '#base/random.ts';

/** 24 bits, two's complement. */
const maximumCode = 0x7fffff;
const minimumCode = -0x800000;
/** Clock high for longer powers the converter down; falling again wakes it (datasheet, p. 5). */
const powerDownUs = 60;
/** Shortest high and low times of the clock (datasheet, p. 5, T3 and T4). */
const shortestUs = 0.2;
const settlingConversions = 4;
/** What the filter shows of the final value before it has settled, in sixteenths. */
const settling = [1, 5, 11] as const;
const dataBits = 24;

/** What a number of clock pulses selects for the next conversion. */
export const inputsByPulses = {
  25: { input: 'A', gain: 128 },
  26: { input: 'B', gain: 32 },
  27: { input: 'A', gain: 64 },
} as const;
export type Hx711Input = (typeof inputsByPulses)[keyof typeof inputsByPulses];

/**
 * Counts (signed, 24 bits) of a conversion that ends at `atUs`. `undefined`: the converter doesn't convert, as if its
 * supply were interrupted.
 */
export type CellSource = (atUs: number, input: Hx711Input) => number | undefined;

export interface Conversion {
  readonly atUs: number;
  /** What DOUT will shift out, -2²³ to 2²³ - 1. */
  readonly counts: number;
  readonly input: Hx711Input;
  /** Four conversions or more since power-up or a change of gain. */
  readonly settled: boolean;
}

export interface Hx711Troubles {
  /** Nothing drives DOUT. */
  absent: boolean;
  /** DOUT is stuck at this level. */
  stuck: 'low' | 'high' | undefined;
  /** Share of clock pulses after which DOUT shows the wrong level. */
  bitErrors: number;
  /** Every conversion gives the same counts. */
  frozen: boolean;
  /** The cell is beyond full scale, with this sign. */
  saturated: -1 | 0 | 1;
  /** How much faster the oscillator runs than nominal: 0.01 is 1 %. */
  skew: number;
}

export interface Hx711Statistics {
  conversions: number;
  /** Conversions that nobody read before the next. */
  overwritten: number;
  pulses: number;
  /** Reads with less than 25 or more than 27 pulses, or begun while no conversion was there. */
  badReads: number;
  /** Clock high for more than 60 µs, meant or not. */
  powerDowns: number;
  /** Clock levels shorter than the data sheet allows. */
  shortPulses: number;
}

export interface Hx711Options {
  readonly source: CellSource;
  readonly random: Random;
  readonly skew?: number | undefined;
  /** Hears of every conversion as it is latched. */
  readonly onConversion?: ((conversion: Conversion) => void) | undefined;
}

/**
 * An HX711 at its pins: an oscillator of its own, DOUT low when a conversion is there, 24 bits out with the clock,
 * gain by further pulses, power-down by a long one, settling after all of that. Times are µs.
 */
export class Hx711 {
  readonly troubles: Hx711Troubles;
  readonly statistics: Hx711Statistics = {
    conversions: 0,
    overwritten: 0,
    pulses: 0,
    badReads: 0,
    powerDowns: 0,
    shortPulses: 0,
  };
  readonly #options: Hx711Options;
  #samplesPerSecond: 10 | 80 = 10;
  #input: Hx711Input = inputsByPulses[25];
  /** When the next conversion ends. */
  #nextUs = 0;
  #sinceRestart = 0;
  #counts = 0;
  #isReady = false;
  #level = true;
  #pulses = 0;
  #clock = false;
  #edgeUs = 0;
  #wasAbsent = false;

  constructor(options: Hx711Options) {
    this.#options = options;
    this.troubles = {
      absent: false,
      stuck: undefined,
      bitErrors: 0,
      frozen: false,
      saturated: 0,
      skew: options.skew ?? 0,
    };
    this.#nextUs = options.random.next() * this.#periodUs();
  }

  /** Time of the next change that comes by itself, µs. */
  get nextUs(): number {
    return this.#nextUs;
  }

  /** The level that the converter drives DOUT to; `undefined` where it is absent. */
  get dout(): boolean | undefined {
    if (this.troubles.absent) return undefined;
    return this.troubles.stuck === undefined ? this.#level : this.troubles.stuck === 'high';
  }

  /** The RATE input: high for 80, low for 10 samples a second. */
  rate(samplesPerSecond: 10 | 80, atUs: number): void {
    if (samplesPerSecond === this.#samplesPerSecond) return;
    this.#samplesPerSecond = samplesPerSecond;
    this.#restart(atUs);
  }

  /** Supply comes back: input A, gain 128, nothing converted yet. */
  powerOn(atUs: number): void {
    this.#input = inputsByPulses[25];
    this.#restart(atUs);
  }

  /** The clock input has this level from `atUs` on. */
  clock(level: boolean, atUs: number): void {
    if (level === this.#clock) return;
    const lastedUs = atUs - this.#edgeUs;
    this.#clock = level;
    this.#edgeUs = atUs;
    if (lastedUs < shortestUs) this.statistics.shortPulses += 1;
    if (level) this.#pulse();
    else if (lastedUs > powerDownUs) {
      this.statistics.powerDowns += 1;
      this.powerOn(atUs);
    }
  }

  /** What has become due by `atUs`: the end of a conversion. */
  advance(atUs: number): void {
    while (this.#nextUs <= atUs) {
      const endsUs = this.#nextUs;
      this.#nextUs += this.#periodUs();
      this.#endConversion(endsUs);
    }
  }

  #periodUs(): number {
    return 1e6 / (this.#samplesPerSecond * (1 + this.troubles.skew));
  }

  #restart(atUs: number): void {
    this.#nextUs = atUs + this.#periodUs();
    this.#sinceRestart = 0;
    this.#isReady = false;
    this.#level = true;
    this.#pulses = 0;
  }

  #pulse(): void {
    this.statistics.pulses += 1;
    this.#pulses += 1;
    if (!this.#isReady || this.#pulses > 27) {
      this.#level = true;
    } else {
      const left = dataBits - this.#pulses;
      this.#level = left < 0 || ((this.#counts >> left) & 1) === 1;
    }
    const { bitErrors } = this.troubles;
    if (bitErrors > 0 && this.#options.random.next() < bitErrors) this.#level = !this.#level;
  }

  #endConversion(atUs: number): void {
    if (this.troubles.absent) {
      this.#wasAbsent = true;
      return;
    }
    if (this.#wasAbsent) {
      this.#wasAbsent = false;
      this.powerOn(atUs);
    }
    // Powered down, or in the middle of being read: the register keeps what is in it.
    if (this.#clock && atUs - this.#edgeUs > powerDownUs) return;
    if (this.#pulses > 0 && this.#pulses <= dataBits && atUs - this.#edgeUs < powerDownUs) {
      this.statistics.overwritten += 1;
      return;
    }
    this.#endRead();
    const counts = this.#convert(atUs);
    if (counts === undefined) return;
    this.#sinceRestart += 1;
    this.statistics.conversions += 1;
    this.#counts = counts;
    this.#isReady = true;
    this.#level = false;
    const settled = this.#sinceRestart >= settlingConversions;
    this.#options.onConversion?.({ atUs, counts, input: this.#input, settled });
  }

  /** The pulses since the last conversion say how it was read and what comes now. */
  #endRead(): void {
    const pulses = this.#pulses;
    this.#pulses = 0;
    if (!this.#isReady) {
      if (pulses > 0) this.statistics.badReads += 1;
      return;
    }
    this.#isReady = false;
    if (pulses === 0) this.statistics.overwritten += 1;
    else if (pulses < 25 || pulses > 27) this.statistics.badReads += 1;
    else {
      const selected = inputsByPulses[pulses as keyof typeof inputsByPulses];
      if (selected !== this.#input) this.#sinceRestart = 0;
      this.#input = selected;
    }
  }

  #convert(atUs: number): number | undefined {
    const { frozen, saturated } = this.troubles;
    const counts = this.#options.source(atUs, this.#input);
    if (counts === undefined) return undefined;
    if (frozen) return this.#counts;
    if (saturated !== 0) return saturated > 0 ? maximumCode : minimumCode;
    const part = (settling[this.#sinceRestart] ?? 16) / 16;
    return Math.max(minimumCode, Math.min(maximumCode, Math.round(counts * part)));
  }
}
