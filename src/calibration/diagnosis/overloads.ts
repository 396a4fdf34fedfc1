/** How often a cell (or plate) carried more than it may, since its calibration: plain JSON. */
export interface Overloads {
  readonly count: number;
  /** Heaviest load seen, mg. */
  readonly worstMg: number;
  /** UTC, ms, of the last time; missing while the clock was not set. */
  readonly lastMs?: number | undefined;
}

export type OverloadState = Readonly<Record<string, Overloads>>;

/** An overload is over below this part of the limit: a load that swings about it is one. */
const overPart = 0.95;

/** Counts overloads by cell or plate. Fed with loads as they are known; saved with the state of the gateway. */
export class OverloadHistory {
  readonly #found = new Map<string, Overloads>();
  readonly #on = new Set<string>();

  /** @param saved what `save` gave; whatever is not of its form is left out */
  constructor(saved?: OverloadState) {
    for (const [id, one] of Object.entries(saved ?? {})) {
      if (Number.isSafeInteger(one.count) && Number.isFinite(one.worstMg)) this.#found.set(id, one);
    }
  }

  /**
   * A load of a cell or plate, mg, with what it may carry. True where that began an overload.
   * @param utcMs undefined while the clock is not set
   */
  observe(id: string, loadMg: number, limitMg: number, utcMs: number | undefined): boolean {
    if (loadMg <= limitMg) {
      if (loadMg < overPart * limitMg) this.#on.delete(id);
      return false;
    }
    const known = this.#found.get(id);
    const begins = !this.#on.has(id);
    if (!begins && known !== undefined && loadMg <= known.worstMg) return false;
    this.#on.add(id);
    const lastMs = utcMs ?? known?.lastMs;
    this.#found.set(id, {
      count: (known?.count ?? 0) + (begins ? 1 : 0),
      worstMg: Math.round(Math.max(loadMg, known?.worstMg ?? 0)),
      ...(lastMs === undefined ? {} : { lastMs }),
    });
    return begins;
  }

  save(): OverloadState {
    return Object.fromEntries(this.#found);
  }
}
