export interface PaceOptions {
  readonly restPerSecond: number;
  readonly watchPerSecond: number;
  /** From here on fewer frames are looked at, m°C. */
  readonly warmMilliCelsius: number;
}

/** So much above `warmMilliCelsius` the rate is at its lowest, m°C: Raspberry Pis throttle at 80 to 85 °C. */
const hotterBy = 10_000;
/** Share of the processor that others use from which on, and at which, vision steps back, millionths. */
const busyFrom = 700_000;
const busyAt = 950_000;
/** The lowest share of the usual rate: before and after a movement must still be seen. */
const lowest = 0.25;

/** How many frames a second are looked at: fewer as the processor gets hot or is wanted by others. */
export class Pace {
  readonly #options: PaceOptions;
  #heat = 1;
  #load = 1;

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  /** @param milliCelsius of the processor @param busyPpm share of all processors that others use, millionths */
  loaded(milliCelsius: number | undefined, busyPpm: number | undefined): void {
    const { warmMilliCelsius } = this.#options;
    this.#heat = share(milliCelsius, warmMilliCelsius, warmMilliCelsius + hotterBy);
    this.#load = share(busyPpm, busyFrom, busyAt);
  }

  /** Frames a second of one camera. */
  perSecond(watching: boolean): number {
    const { restPerSecond, watchPerSecond } = this.#options;
    return (watching ? watchPerSecond : restPerSecond) * Math.min(this.#heat, this.#load);
  }

  get slowedBy(): 'heat' | 'load' | undefined {
    if (this.#heat >= 1 && this.#load >= 1) return undefined;
    return this.#heat <= this.#load ? 'heat' : 'load';
  }
}

/** 1 up to `from`, falling evenly to the lowest at `to`. */
function share(value: number | undefined, from: number, to: number): number {
  if (value === undefined || value <= from) return 1;
  return Math.max(lowest, 1 - ((value - from) / (to - from)) * (1 - lowest));
}
