/** Displacement (as the load it stands for, mg) and its rate (mg/s) of the plate over one cell. */
export interface SuspensionState {
  loadMg: number;
  rateMgPerS: number;
}

/** Steps of a damped oscillator, exact for a load that is constant over the step. */
export interface SuspensionStep {
  readonly a11: number;
  readonly a12: number;
  readonly a21: number;
  readonly a22: number;
}

/**
 * Natural frequency (rad/s) of a plate: f = f₀ · √(m₀ / (m₀ + m)). `f₀` is the frequency of the empty plate of mass
 * `m₀`; a basket of sheet metal on beam cells rings at about 20 Hz, a shelf slot, stiffer and lighter, at 30.
 */
export function naturalFrequency(emptyHz: number, emptyMg: number, loadMg: number): number {
  return 2 * Math.PI * emptyHz * Math.sqrt(emptyMg / (emptyMg + Math.max(0, loadMg)));
}

/** Transition of y'' + 2ζω y' + ω² y = 0 over `seconds`, for ζ < 1 (y: deviation from the static load). */
export function suspensionStep(omega: number, damping: number, seconds: number): SuspensionStep {
  const damped = omega * Math.sqrt(1 - damping * damping);
  const decay = Math.exp(-damping * omega * seconds);
  const cos = Math.cos(damped * seconds);
  const sin = Math.sin(damped * seconds);
  const ratio = (damping * omega) / damped;
  return {
    a11: decay * (cos + ratio * sin),
    a12: (decay * sin) / damped,
    a21: (-decay * omega * omega * sin) / damped,
    a22: decay * (cos - ratio * sin),
  };
}

/** Moves the plate over one cell one step toward the static load `targetMg`. */
export function stepSuspension(state: SuspensionState, step: SuspensionStep, targetMg: number): void {
  const deviation = state.loadMg - targetMg;
  const rate = state.rateMgPerS;
  state.loadMg = targetMg + step.a11 * deviation + step.a12 * rate;
  state.rateMgPerS = step.a21 * deviation + step.a22 * rate;
}
