import { usPerMs, usPerSecond } from '#base/units.ts';
import type { PlateEntry } from '#config/board.ts';
import type { WeighingConfig } from '#config/schema.ts';
import { Baseline, type BaselineState } from './baseline.ts';
import type { MotionGate } from './motion.ts';
import type { Movement, WeighingOutput } from './outputs.ts';
import { isPlateau, plateauSigma, SampleWindow } from './plateau.ts';

/** A movement must be this many standard uncertainties large. */
const significance = 4.5;
/** Repeatability of a plate with things put anywhere on it: this part of d, and of the change (span, corners). */
const repeatDivisions = 0.1;
const repeatPart = 3e-4;
/** Drift of a plate's cells between two runs, of the sum of their capacities: 0.01 % (some kelvins). */
const awayPart = 1e-4;
/** Movements while away must be larger than others by this factor. */
const awayFactor = 2;
/** After this long without mass, what changed is treated as having happened while nobody looked. */
const blindUs = 5 * usPerSecond;
/** A slow change is over when the mean has stayed within this part of d (or the noise) for so long. */
const flatDivisions = 0.1;
const flatUs = usPerSecond;
/** Peaks this shortly before or after a motion belong to it (joints of tiles come up to 0.7 s apart). */
const beforeShakeUs = 400 * usPerMs;
const afterShakeUs = 700 * usPerMs;
/** The sensor's own window makes it see motion this much longer than it lasts. */
const gateLagUs = 200 * usPerMs;
/** Without a motion sensor a cart whose mass shakes symmetrically for so long moves. */
const restlessUs = 1_500 * usPerMs;
const oneSided = 0.5;
/** Where it never gets quieter, means that agree over this long make a plateau, up to this spread in d. */
const noisyUs = 3 * usPerSecond;
const noisyDivisions = 4;
/** Weight of a new window in the noise estimate (about 1 s at 80/s). */
const noiseWeight = 1 / 64;

type Phase = 'starting' | 'resting' | 'open';

/**
 * Follows one plate from plateau to plateau. Samples come in as raw calibrated mass; out go activities and movements.
 *
 * `starting`: no plateau yet. `resting`: on a plateau; the baseline follows drift. `open`: the mass has left; it settles
 * when a new plateau is found and the cart is at rest.
 */
export class PlateTracker {
  readonly id: string;
  readonly divisionMg: number;
  readonly maxMg: number;
  readonly baseline: Baseline;
  readonly #config: WeighingConfig;
  readonly #cart: boolean;
  readonly #awayMg: number;
  readonly #stableMg: number;
  readonly #deadMg: number;
  readonly #gate: MotionGate | undefined;
  readonly #sink: (output: WeighingOutput) => void;
  readonly #onWeighable: (plate: string, weighable: boolean, atUs: number) => void;
  readonly #window: SampleWindow;

  #phase: Phase = 'starting';
  /** It is to be told that the plate can be weighed: at its first plateau, and after each time that it could not be. */
  #tellsWeighable = true;
  /** The plate can't be weighed: since when, else NaN. */
  #blindSinceUs = Number.NaN;
  #lastUs = Number.NaN;
  #levelMg = 0;
  #levelSigmaMg = 0;
  #noiseMg = 0;
  /** Tilt at which the baseline was true, rad. */
  #tilt = 0;
  #nearUs = 0;
  session = false;
  zeroVerified = false;
  /** Certificate that the newest indication was made under; cells have none. */
  certificateId: string | undefined;
  /** Certificate that the baseline was indicated under, in this run. */
  #baselineCertificate: string | undefined;

  #announced = false;
  #startedUs = 0;
  #slow = false;
  #peakMg = 0;
  #moved = false;
  #away = false;
  #sumMg = 0;
  #squares = 0;
  #openSamples = 0;
  #flatMg = 0;
  #flatSinceUs = 0;
  #noisyMg = Number.NaN;
  #noisySinceUs = 0;

  constructor(
    plate: PlateEntry,
    config: WeighingConfig,
    gate: MotionGate | undefined,
    state: BaselineState | undefined,
    sink: (output: WeighingOutput) => void,
    onWeighable: (plate: string, weighable: boolean, atUs: number) => void = () => {},
  ) {
    this.id = plate.id;
    this.#onWeighable = onWeighable;
    const capacity = (plate.cells ?? []).reduce((sum, cell) => sum + cell.capacityMg, 0);
    this.maxMg = plate.maxMg ?? (capacity > 0 ? capacity : Number.POSITIVE_INFINITY);
    this.divisionMg = plate.divisionMg ?? plate.intervalMg ?? Math.max(1_000, Math.round(capacity / 6_000));
    this.#awayMg = awayPart * (capacity > 0 ? capacity : (plate.maxMg ?? 0));
    this.#deadMg = plate.deadLoadMg;
    this.#cart = plate.kind === 'cart';
    this.#config = config;
    this.#stableMg = config.stableDivisions * this.divisionMg;
    this.#gate = gate;
    this.#sink = sink;
    this.#window = new SampleWindow(config.windowMs);
    this.baseline = new Baseline({
      creepMgPerS: config.creepMgPerS,
      zeroDivisionsPerS: config.zeroTrackingDivisionsPerS,
      divisionMg: this.divisionMg,
      maxMg: this.maxMg,
      state,
    });
    this.#away = state?.baselineMg !== undefined;
  }

  get resting(): boolean {
    return this.#phase === 'resting' && this.weighable;
  }

  get weighable(): boolean {
    return Number.isNaN(this.#blindSinceUs);
  }

  /** Newest mass before zero and tare, mg; undefined while the plate can't be weighed. */
  get massMg(): number | undefined {
    if (!this.weighable || Number.isNaN(this.#lastUs)) return undefined;
    return this.#phase === 'resting' ? this.#levelMg : this.#window.mgAt(0);
  }

  /** Moving by the motion sensor, or where there is none, by a mass that does not come to rest. */
  moving(atUs: number): boolean {
    if (this.#gate?.knows(atUs)) return this.#gate.moving(atUs);
    return this.#restless(atUs);
  }

  /** The plate can't be weighed from `atUs` on. What is open ends: nobody should wait for a broken cell. */
  hold(atUs: number): void {
    if (!this.weighable) return;
    this.#blindSinceUs = Number.isNaN(this.#lastUs) ? atUs : Math.min(this.#lastUs, atUs);
    if (this.#announced) this.#announce(false, atUs);
    if (this.#phase === 'resting') this.#begin(this.#blindSinceUs, false);
    this.#tellsWeighable = true;
    this.#onWeighable(this.id, false, atUs);
  }

  /** The plate can be weighed again: whatever plateau comes is compared with the baseline. */
  release(atUs: number): void {
    if (this.weighable) return;
    if (atUs - this.#blindSinceUs > blindUs && this.baseline.massMg !== undefined) this.#away = true;
    this.#blindSinceUs = Number.NaN;
    this.#lastUs = Number.NaN;
    this.#window.clear();
    this.#noisyMg = Number.NaN;
  }

  /** The mass is computed otherwise from now on. That it jumps is no movement: everything begins anew, but for the tare. */
  recalibrate(atUs: number): void {
    if (this.#announced) this.#announce(false, atUs);
    this.baseline.restart();
    this.#phase = 'starting';
    this.#away = false;
    this.#lastUs = Number.NaN;
    this.#levelMg = 0;
    this.#levelSigmaMg = 0;
    this.#noiseMg = 0;
    this.#noisyMg = Number.NaN;
    this.#window.clear();
    this.zeroVerified = false;
  }

  /** Takes one raw mass of the plate. HOT PATH. */
  sample(atUs: number, mg: number): void {
    const elapsedUs = Number.isNaN(this.#lastUs) ? 0 : Math.max(0, atUs - this.#lastUs);
    this.#lastUs = atUs;
    const window = this.#window;
    window.push(atUs, mg);
    const full = window.measure();
    const moving = this.#gate?.moving(atUs) ?? false;
    if (this.#phase === 'resting') {
      this.#rest(atUs, mg, elapsedUs, moving);
      return;
    }
    if (this.#phase === 'open') this.#observe(atUs, mg, moving);
    if (moving) {
      this.#noisyMg = Number.NaN;
    } else if (full && this.#settled(atUs)) {
      this.#settle(atUs);
    }
  }

  /**
   * Takes an indication of a complete scale: the plateau is the scale's own. Two stable indications that agree within
   * d make one, for the first after a change may be old.
   */
  indicate(atUs: number, mg: number, stable: boolean): void {
    const before = this.#indicatedMg;
    this.#indicatedMg = stable ? mg : Number.NaN;
    const moving = this.#gate?.moving(atUs) ?? false;
    const agree = stable && Math.abs(mg - before) <= this.divisionMg;
    const elapsedUs = Number.isNaN(this.#lastUs) ? 0 : Math.max(0, atUs - this.#lastUs);
    this.#lastUs = atUs;
    this.#window.push(atUs, mg);
    const rounding = (this.divisionMg * this.divisionMg) / 12;
    if (this.#phase === 'resting') {
      const left = Math.abs(mg - this.#levelMg) >= Math.max(this.divisionMg, this.#config.minimumMovementMg);
      if (left || !stable) {
        this.#begin(atUs, false);
        this.#announce(true, atUs);
        this.#observe(atUs, mg, moving);
      } else if (agree && !moving) {
        this.#atRest(mg, Math.sqrt(rounding), elapsedUs, atUs);
      }
      return;
    }
    if (this.#phase === 'open') this.#observe(atUs, mg, moving);
    if (agree && !moving) this.#settleAt(mg, Math.sqrt(rounding), atUs, atUs);
  }
  #indicatedMg = Number.NaN;

  #rest(atUs: number, mg: number, elapsedUs: number, moving: boolean): void {
    const { stats } = this.#window;
    const level = this.#levelMg;
    const openMg = this.#openMg();
    const before = this.#window.mgAt(1);
    const jumped = Math.abs(mg - level) > openMg && Math.abs(before - level) > openMg;
    if (jumped || stats.sdMg > 1.2 * Math.max(this.#stableMg, 4 * this.#noiseMg)) {
      this.#begin(
        this.#window.leftAtUs(level, Math.min(openMg, 0.5 * this.#config.minimumMovementMg)),
        false,
      );
      this.#announce(true, atUs);
      this.#observe(atUs, mg, moving);
      return;
    }
    if (moving) return;
    this.#noiseMg += (stats.noiseMg - this.#noiseMg) * noiseWeight;
    this.#atRest(stats.meanMg, plateauSigma(stats), elapsedUs, atUs);
  }

  /** On a plateau: drift, zero, and what has added up slowly. */
  #atRest(levelMg: number, sigmaMg: number, elapsedUs: number, atUs: number): void {
    this.#levelMg = levelMg;
    this.#levelSigmaMg = sigmaMg;
    const { baseline } = this;
    baseline.follow(this.#levelMg, elapsedUs, atUs);
    if (!this.session) baseline.trackZero(this.#levelMg, elapsedUs);
    if (!this.zeroVerified) this.#verifyZero();
    const gap = Math.abs(this.#levelMg - (baseline.massMg ?? this.#levelMg));
    const { minimumMovementMg } = this.#config;
    if (gap < 0.25 * minimumMovementMg) {
      this.#nearUs = atUs;
      this.#tilt = this.#gate?.tilt ?? 0;
    }
    if (gap >= minimumMovementMg && gap >= significance * this.#uncertainty(levelMg, gap, 0, atUs, atUs)) {
      this.#begin(this.#nearUs, true);
      this.#announce(true, atUs);
      this.#flatMg = this.#levelMg;
      this.#flatSinceUs = atUs;
      this.#peakMg = gap;
    }
  }

  #openMg(): number {
    return Math.max(0.6 * this.#config.minimumMovementMg, 6 * this.#noiseMg);
  }

  #begin(startedUs: number, slow: boolean): void {
    this.#phase = 'open';
    this.#startedUs = startedUs;
    this.#slow = slow;
    this.#peakMg = 0;
    this.#moved = false;
    this.#sumMg = 0;
    this.#squares = 0;
    this.#openSamples = 0;
    this.#noisyMg = Number.NaN;
  }

  #announce(open: boolean, atUs: number): void {
    this.#announced = open;
    this.#sink({ kind: 'activity', plate: this.id, open, atUs });
  }

  /** What happens between two plateaus: how far from the baseline, and whether the cart moved. */
  #observe(atUs: number, mg: number, moving: boolean): void {
    const deviation = mg - (this.baseline.massMg ?? mg);
    this.#sumMg += deviation;
    this.#squares += deviation * deviation;
    this.#openSamples++;
    if (moving) {
      // What came just before the sensor noticed belongs to the motion too.
      if (!this.#moved && atUs - this.#startedUs < beforeShakeUs) this.#peakMg = 0;
      this.#moved = true;
      return;
    }
    if (this.#gate !== undefined && atUs - this.#gate.movedUs < afterShakeUs) return;
    const size = Math.abs(deviation);
    if (size > this.#peakMg) this.#peakMg = size;
  }

  #restless(atUs: number): boolean {
    if (!this.#cart || this.#phase !== 'open' || atUs - this.#startedUs < restlessUs) return false;
    const mean = Math.abs(this.#sumMg);
    return mean * mean < oneSided * oneSided * this.#squares * this.#openSamples;
  }

  /** True where the newest window is the plateau that ends what is open. */
  #settled(atUs: number): boolean {
    const { stats } = this.#window;
    // A window that still reaches back to the old plateau hides what has just begun.
    if (this.#phase === 'open' && atUs - stats.spanUs < this.#startedUs) return false;
    if (this.#gate?.knows(atUs) && atUs - stats.spanUs < this.#gate.movedUs - gateLagUs) return false;
    if (!isPlateau(stats, this.#stableMg, this.#noiseMg)) return this.#noisyPlateau(atUs);
    if (!this.#slow) return true;
    const flat = Math.max(flatDivisions * this.divisionMg, (4 * this.#noiseMg) / Math.sqrt(stats.samples));
    if (Math.abs(stats.meanMg - this.#flatMg) > flat) {
      this.#flatMg = stats.meanMg;
      this.#flatSinceUs = atUs;
    }
    return atUs - this.#flatSinceUs >= flatUs;
  }

  /** A place that never gets quiet (a compressor, a busy floor): means that stay the same are a plateau with a wide σ. */
  #noisyPlateau(atUs: number): boolean {
    const { stats } = this.#window;
    if (stats.sdMg > noisyDivisions * this.divisionMg) {
      this.#noisyMg = Number.NaN;
      return false;
    }
    const agree = (significance * stats.sdMg) / Math.sqrt(stats.samples);
    if (!(Math.abs(stats.meanMg - this.#noisyMg) <= agree)) {
      this.#noisyMg = stats.meanMg;
      this.#noisySinceUs = atUs;
    }
    if (atUs - this.#noisySinceUs < noisyUs) return false;
    this.#noiseMg = Math.max(this.#noiseMg, stats.sdMg / 2);
    return true;
  }

  #settle(atUs: number): void {
    const { stats } = this.#window;
    this.#settleAt(stats.meanMg, plateauSigma(stats), atUs - stats.spanUs, atUs);
    if (this.#noiseMg === 0) this.#noiseMg = stats.noiseMg;
  }

  /** A plateau at `massMg` that began at `sinceUs` and is known at `atUs`. */
  #settleAt(massMg: number, sigma: number, sinceUs: number, atUs: number): void {
    const { baseline } = this;
    const from = baseline.massMg;
    const restless = this.#gate?.knows(atUs) ? false : this.#restless(atUs);
    const delta = massMg - (from ?? massMg);
    const started = this.#phase === 'open' ? this.#startedUs : sinceUs;
    const uncertainty = this.#uncertainty(massMg, delta, sigma, started, atUs);
    const movement = this.#movement(from, delta, uncertainty, started, atUs, restless);
    // What is too small for a movement stays owed, so that small additions sum; what is only too uncertain does not.
    const owed = from !== undefined && !this.#away && Math.abs(delta) < this.#config.minimumMovementMg;
    if (movement !== undefined || !owed) {
      baseline.settle(massMg, atUs);
      this.#baselineCertificate = this.certificateId;
    }
    this.#phase = 'resting';
    this.#away = false;
    this.#levelMg = massMg;
    this.#levelSigmaMg = sigma;
    this.#nearUs = atUs;
    this.#tilt = this.#gate?.tilt ?? 0;
    if (movement !== undefined) this.#sink(movement);
    if (this.#announced) this.#announce(false, atUs);
    if (this.#tellsWeighable) this.#onWeighable(this.id, true, atUs);
    this.#tellsWeighable = false;
  }

  #movement(
    from: number | undefined,
    delta: number,
    sigma: number,
    startedAtUs: number,
    atUs: number,
    restless: boolean,
  ): Movement | undefined {
    if (from === undefined) return undefined;
    const { minimumMovementMg } = this.#config;
    const smallest = this.#away ? awayFactor * minimumMovementMg : minimumMovementMg;
    const real = Math.abs(delta) >= Math.max(smallest, significance * sigma);
    const touched =
      !this.#away &&
      !restless &&
      this.#peakMg >= Math.max(minimumMovementMg, significance * sigma, 6 * this.#noiseMg);
    if (!real && !touched) return undefined;
    return {
      kind: 'movement',
      plate: this.id,
      massMg: Math.round(delta),
      sigmaMg: Math.max(1, Math.round(sigma)),
      beforeMg: this.baseline.net(from),
      afterMg: this.baseline.net(from + delta),
      startedAtUs,
      settledAtUs: atUs,
      moving: this.#moved || restless,
      whileAway: this.#away,
      ...this.#certified(from),
    };
  }

  /** Both plateaus were indicated under one certificate; from the scale's own zero, the mass itself was. */
  #certified(from: number): Pick<Movement, 'certificateId' | 'indicated'> {
    const { certificateId } = this;
    if (certificateId === undefined || certificateId !== this.#baselineCertificate) return {};
    return { certificateId, ...(from === 0 ? { indicated: true } : {}) };
  }

  /**
   * Standard uncertainty of a change: both plateaus, repeatability of the plate, creep while it was open, a change of
   * tilt (each plateau weighs m · cos θ), and the drift of a time away.
   */
  #uncertainty(massMg: number, delta: number, sigma: number, startedUs: number, atUs: number): number {
    const repeat = repeatDivisions * this.divisionMg;
    const span = repeatPart * delta;
    const creep =
      (this.baseline.rateMgPerS(atUs) * Math.max(0, atUs - startedUs)) / usPerSecond / Math.sqrt(3);
    const load = Math.abs(massMg) + this.#deadMg;
    const tilt =
      this.#gate === undefined ? 0 : load * Math.abs(Math.cos(this.#gate.tilt) - Math.cos(this.#tilt));
    const away = this.#away ? this.#awayMg : 0;
    const before = this.#levelSigmaMg;
    return Math.sqrt(
      sigma * sigma +
        before * before +
        repeat * repeat +
        span * span +
        creep * creep +
        tilt * tilt +
        away * away,
    );
  }

  #verifyZero(): void {
    this.zeroVerified = Math.abs(this.#levelMg - this.baseline.zeroMg) <= 2 * this.divisionMg;
  }
}
