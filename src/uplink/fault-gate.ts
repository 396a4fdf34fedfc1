import type { UplinkError } from './errors.ts';

/** Codes that tell of one outage: said once, until the link was up again. */
const oncePerOutage = new Set(['CW-UPL-020', 'CW-UPL-021', 'CW-UPL-031', 'CW-UPL-032']);
/** Others come at most this often, per code, ms: what the network does must not flood the log. */
const pauseMs = 10_000;

/** Lets a fault through if it is news. */
export class FaultGate {
  readonly #report: (error: UplinkError) => void;
  #outage = new Set<string>();
  readonly #last = new Map<string, number>();

  constructor(report: (error: UplinkError) => void) {
    this.#report = report;
  }

  pass(error: UplinkError, nowMs: number): void {
    if (oncePerOutage.has(error.code)) {
      // Each address of the broker has its own troubles.
      const key = `${error.code} ${String(error.details.url)}`;
      if (this.#outage.has(key)) return;
      this.#outage.add(key);
    } else {
      const last = this.#last.get(error.code);
      if (last !== undefined && nowMs - last < pauseMs) return;
      this.#last.set(error.code, nowMs);
    }
    this.#report(error);
  }

  linkUp(): void {
    this.#outage.clear();
  }
}
