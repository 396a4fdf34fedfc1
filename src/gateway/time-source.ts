import { existsSync } from 'node:fs';
import type { Clock } from '#base/clock.ts';
import type { TimeQuality } from '#events/event.ts';

/** Before this instant a wall clock can't be right: this software is younger. A Pi without a clock battery starts earlier. */
const earliestPlausibleMs = Date.UTC(2026, 0, 1);
/** systemd-timesyncd and chrony's Debian package leave these behind once the clock was set from the network. */
const synchronizedMarks = ['/run/systemd/timesync/synchronized', '/run/chrony-helper', '/run/chrony'];

/** How far the machine's wall clock can be trusted now. */
export function timeQuality(clock: Clock): TimeQuality {
  if (clock.utcMs() < earliestPlausibleMs) return 'unset';
  return synchronizedMarks.some((path) => existsSync(path)) ? 'synced' : 'holdover';
}
