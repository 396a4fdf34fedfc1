import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import type { Clock } from '#base/clock.ts';
import type { TimeQuality } from '#events/event.ts';

/** Before this instant a wall clock can't be right: this software is younger. A Pi without a clock battery starts earlier. */
const earliestPlausibleMs = Date.UTC(2026, 0, 1);
/** systemd-timesyncd makes this file when it has set the clock, and not before. */
const timesyncdMark = '/run/systemd/timesync/synchronized';
/** The answer comes over the system bus, which may be busy while the machine boots. */
const answerWithinMs = 1_000;

/**
 * Whether the kernel's clock is being kept right from the network: timesyncd's mark, or for any other program (chrony,
 * ntpd) what the kernel itself says, as timedatectl reports it. Where neither can be asked, it isn't known to be.
 */
export async function isSynchronized(): Promise<boolean> {
  try {
    await access(timesyncdMark);
    return true;
  } catch {
    return await new Promise((resolve) => {
      execFile(
        'timedatectl',
        ['show', '-p', 'NTPSynchronized', '--value'],
        { timeout: answerWithinMs, killSignal: 'SIGKILL' },
        (error, stdout) => resolve(error === null && stdout.trim() === 'yes'),
      );
    });
  }
}

/** How far the machine's wall clock can be trusted. Asking the system is slow, so the answer is kept until `refresh`. */
export class TimeSource {
  readonly #clock: Pick<Clock, 'utcMs'>;
  readonly #ask: () => Promise<boolean>;
  readonly #isBehind: () => boolean;
  #synchronized = false;

  /** @param isBehind the clock says less than what is known to have been; a synchronized one is believed nevertheless */
  constructor(
    clock: Pick<Clock, 'utcMs'>,
    ask: () => Promise<boolean> = isSynchronized,
    isBehind: () => boolean = () => false,
  ) {
    this.#clock = clock;
    this.#ask = ask;
    this.#isBehind = isBehind;
  }

  get quality(): TimeQuality {
    if (this.#clock.utcMs() < earliestPlausibleMs) return 'unset';
    if (this.#synchronized) return 'synced';
    return this.#isBehind() ? 'unset' : 'holdover';
  }

  async refresh(): Promise<void> {
    this.#synchronized = await this.#ask();
  }
}
