import type { PowerConfig } from '#config/power.ts';
import type { Measurement } from './measurements.ts';

/** What the guard goes by. */
interface PowerFacts {
  readonly nowUs: number;
  /** What the sensors say now; undefined where one is not there or says nothing. */
  readonly battery: Measurement | undefined;
  readonly ignition: Measurement | undefined;
  readonly inSession: boolean;
}

interface PowerVerdict {
  /** Why the machine is to be shut down, for people; undefined where it is not (yet). */
  readonly why: string | undefined;
  /** It is to happen now. */
  readonly isDue: boolean;
  /** In so many s it will be, unless something changes; undefined while a shopper holds it up. */
  readonly inS?: number;
}

/** A battery that is nearly empty may say so for a moment under load, µs. */
const criticalAfterUs = 10_000_000;

/**
 * Decides when a machine on battery is shut down. A sensor that is gone decides nothing: a loose cable must not switch a
 * cart off. Pure.
 */
export class PowerGuard {
  readonly #config: PowerConfig;
  /** Since when each reason stands, µs. */
  readonly #since = new Map<'low' | 'critical' | 'ignition', number>();

  constructor(config: PowerConfig) {
    this.#config = config;
  }

  judge({ nowUs, battery, ignition, inSession }: PowerFacts): PowerVerdict {
    const { shutdownBelowPpm, shutdownAfterS, criticalBelowPpm, ignitionOffS } = this.#config;
    const left = battery?.externalPower === false ? battery.batteryPpm : undefined;
    const percent = left === undefined ? '' : `${Math.floor(left / 10_000)} %`;
    const critical = this.#stands('critical', left !== undefined && left < criticalBelowPpm, nowUs);
    const low = this.#stands('low', left !== undefined && left < shutdownBelowPpm, nowUs);
    const off = this.#stands('ignition', ignition?.externalPower === false, nowUs);
    const due = [
      { sinceUs: critical, afterUs: criticalAfterUs, holds: false, why: `the battery has ${percent} left` },
      {
        sinceUs: low,
        afterUs: shutdownAfterS * 1_000_000,
        holds: inSession,
        why: `the battery has ${percent} left`,
      },
      {
        sinceUs: off,
        afterUs: ignitionOffS * 1_000_000,
        holds: inSession,
        why: `the sign to be on is away for ${ignitionOffS} s`,
      },
    ].flatMap(({ sinceUs, afterUs, ...rest }) =>
      sinceUs === undefined ? [] : [{ ...rest, leftUs: Math.max(0, sinceUs + afterUs - nowUs) }],
    );
    const running = due.filter(({ holds }) => !holds).sort((a, b) => a.leftUs - b.leftUs);
    const [first = due[0]] = running;
    if (first === undefined) return { why: undefined, isDue: false };
    if (first.holds) return { why: first.why, isDue: false };
    return { why: first.why, isDue: first.leftUs === 0, inS: Math.ceil(first.leftUs / 1_000_000) };
  }

  #stands(reason: 'low' | 'critical' | 'ignition', holds: boolean, nowUs: number): number | undefined {
    if (!holds) this.#since.delete(reason);
    else if (!this.#since.has(reason)) this.#since.set(reason, nowUs);
    return this.#since.get(reason);
  }
}
