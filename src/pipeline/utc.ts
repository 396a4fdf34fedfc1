import type { TimeQuality } from '#events/event.ts';
import type { Moment } from '#events/ledger.ts';

/** Turns monotonic time into UTC by the last time synchronization that came in with the data. */
export class UtcClock {
  #atUs = 0;
  #utcMs: number | undefined;
  #quality: TimeQuality = 'unset';

  /** From now on `atUs` is `utcMs`; `unset` forgets what was known. */
  synchronize(atUs: number, utcMs: number, quality: TimeQuality): void {
    this.#atUs = atUs;
    this.#utcMs = quality === 'unset' ? undefined : utcMs;
    this.#quality = quality;
  }

  /** @param atUs monotonic µs; negative differences (before the synchronization) are fine */
  moment(atUs: number): Moment {
    const time =
      this.#utcMs === undefined ? 0 : Math.max(0, Math.floor(this.#utcMs + (atUs - this.#atUs) / 1000));
    return { atUs, time, timeQuality: this.#quality };
  }

  /** Today's date in UTC, which the century of a two-digit year needs; undefined while the clock is unset. */
  today(atUs: number): { year: number; month: number; day: number } | undefined {
    if (this.#utcMs === undefined) return undefined;
    const date = new Date(this.moment(atUs).time);
    return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
  }

  /** Today's date in a time zone (IANA), YYYY-MM-DD; undefined while the clock is unset. */
  dayIn(timeZone: string, atUs: number): string | undefined {
    if (this.#utcMs === undefined) return undefined;
    const format = new Intl.DateTimeFormat('en', {
      timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
    });
    const parts = new Map(
      format.formatToParts(this.moment(atUs).time).map(({ type, value }) => [type, value]),
    );
    return `${parts.get('year')}-${parts.get('month')}-${parts.get('day')}`;
  }
}
