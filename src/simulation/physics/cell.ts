import type { Random } from '#base/random.ts';
import type { CellEntry } from '#config/board.ts';
import { convert, countsPerVolt, excitationVolts, inputNoiseVolts } from './converter.ts';
import { Hysteresis } from './hysteresis.ts';
import { PinkNoise } from './noise.ts';

/** What one piece of hardware is like: drawn once from the hardware's seed, the same in every trip. */
export interface CellTraits {
  /** Bridge output per mg, V; negative where signal wires are swapped. */
  readonly voltsPerMg: number;
  /** Bridge output without any load at the reference temperature, V. */
  readonly zeroVolts: number;
  /** Creep toward `creepFraction` of the load (0.02–0.05 % in 30 min), with a time constant of about 10 min. */
  readonly creepFraction: number;
  readonly creepSeconds: number;
  /** Shift of zero with temperature, mg/K: 0.02–0.05 % of capacity per 10 K. */
  readonly zeroMgPerKelvin: number;
  /** Largest deviation from a straight line, at half capacity, as a fraction of capacity. */
  readonly nonlinearity: number;
  readonly capacityMg: number;
  /** Change of the slope with temperature, ppm/K; none where left out. */
  readonly spanPpmPerKelvin?: number | undefined;
  /** Excess on the way down, in its middle, as a fraction of the largest load (0.02–0.05 %); none where left out. */
  readonly hysteresis?: number | undefined;
}

/** 2 mV/V at capacity, as nearly all beam and single-point cells have. */
const ratedVoltsPerVolt = 0.002;

/** Draws the traits of a cell: spreads are those of data sheets of C3 and commodity single-point cells. */
export function drawCellTraits(cell: CellEntry, random: Random): CellTraits {
  const rated = (ratedVoltsPerVolt * excitationVolts) / cell.capacityMg;
  const swapped = random.next() < 0.1;
  const sensitivity = rated * (1 + 0.004 * random.gaussian());
  return {
    voltsPerMg: swapped ? -sensitivity : sensitivity,
    zeroVolts: 0.0002 * random.gaussian(),
    creepFraction: (0.0002 + 0.0003 * random.next()) * (random.next() < 0.8 ? 1 : -1),
    creepSeconds: 400 + 400 * random.next(),
    zeroMgPerKelvin: cell.capacityMg * (2e-5 + 3e-5 * random.next()) * (random.next() < 0.5 ? -1 : 1),
    nonlinearity: 5e-5 * random.gaussian(),
    capacityMg: cell.capacityMg,
  };
}

/** Counts of a cell at rest under `loadMg`, without noise, creep and temperature: what calibration looks for. */
export function idealCounts(traits: CellTraits, loadMg: number): number {
  return (traits.zeroVolts + traits.voltsPerMg * bowed(traits, loadMg)) * countsPerVolt;
}

function bowed(traits: CellTraits, loadMg: number): number {
  const relative = loadMg / traits.capacityMg;
  return loadMg + 4 * traits.nonlinearity * traits.capacityMg * relative * (1 - relative);
}

/** One load cell and its converter channel: force in, codes out. */
export class CellModel {
  readonly traits: CellTraits;
  readonly #noise: Random;
  readonly #pink: PinkNoise;
  readonly #noiseVolts: number;
  readonly #periodS: number;
  readonly #creepKeep: number;
  readonly #hysteresis: Hysteresis | undefined;
  readonly #restMg: number;
  #creepMg: number;

  /** @param restMg load at the start, long enough on the cell that creep has ended */
  constructor(traits: CellTraits, restMg: number, samplesPerSecond: number, random: Random) {
    this.traits = traits;
    this.#noise = random.fork('white');
    this.#pink = new PinkNoise(random.fork('pink'));
    this.#noiseVolts = inputNoiseVolts(samplesPerSecond);
    this.#periodS = 1 / samplesPerSecond;
    this.#creepKeep = Math.exp(-this.#periodS / traits.creepSeconds);
    this.#creepMg = restMg * traits.creepFraction;
    this.#restMg = restMg;
    const { hysteresis = 0 } = traits;
    this.#hysteresis = hysteresis === 0 ? undefined : new Hysteresis(hysteresis);
  }

  /** One conversion: the code for the mean load since the last one, `kelvin` from the reference temperature. */
  sample(loadMg: number, kelvin: number): number {
    const { traits } = this;
    const creepTarget = loadMg * traits.creepFraction;
    this.#creepMg = creepTarget + (this.#creepMg - creepTarget) * this.#creepKeep;
    // A technician calibrates a plate whose dead load has crept fully: what counts is creep beyond that.
    const excessMg = this.#hysteresis?.at(loadMg - this.#restMg) ?? 0;
    const effectiveMg = bowed(traits, loadMg) + excessMg + this.#creepMg + traits.zeroMgPerKelvin * kelvin;
    const noise = this.#noiseVolts * (this.#noise.gaussian() + 0.2 * this.#pink.next());
    const slope = traits.voltsPerMg * (1 + (traits.spanPpmPerKelvin ?? 0) * 1e-6 * kelvin);
    return convert(traits.zeroVolts + slope * effectiveMg + noise);
  }
}
