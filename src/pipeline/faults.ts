import { usPerMs } from '#base/units.ts';
import type { Draft } from '#events/event.ts';
import { type DeviceFault, type DeviceFaultKind, deviceFaultKinds } from '#readings/faults.ts';
import { PipelineError } from './errors.ts';

/** A fault that comes back this soon after its end was told flaps, µs. */
const flapUs = 10_000 * usPerMs;
/** The end of a fault that flaps is told when it has been quiet for this long, µs. */
const quietUs = 10_000 * usPerMs;
/** After a restart a fault is over unless its device tells it anew within this long, µs: some take long to open. */
const confirmUs = 30_000 * usPerMs;
/** Different faults that one source is known by at a time. A bridge with eight cells has fewer that make sense. */
export const mostFaults = 64;
/** One that has ended takes its place for this long, µs: ever new faults come no faster than this. */
const keptUs = 600_000 * usPerMs;

/** A fault whose end was not told yet, as it is saved. Times of its run, µs. */
export interface SavedFault {
  readonly source: string;
  readonly channel?: string;
  readonly fault: DeviceFaultKind;
  readonly sinceUs: number;
  /** When it ended last; none where it stands. */
  readonly endedUs?: number;
  readonly times: number;
  readonly flaps?: boolean;
}

interface Entry {
  readonly source: string;
  readonly channel: string | undefined;
  readonly fault: DeviceFaultKind;
  /** Since when the store knows of it, µs. */
  sinceUs: number;
  /** How often it came since then. */
  times: number;
  /** The device says that it is so. */
  stands: boolean;
  /** When it ended last, µs. */
  endedUs: number;
  /** When its end is told unless it comes again, µs; infinite where there is nothing to wait for. */
  dueUs: number;
  /** When its end was told, µs; undefined while the store knows of it. */
  toldUs: number | undefined;
  flaps: boolean;
  /** Known from before the restart only. */
  unconfirmed: boolean;
}

/** A session may begin in the moment between a calibration's commit, which is refused in one, and its coming into force. */
export const recalibratedInSession = {
  fault: 'timing',
  code: 'CW-PIP-013',
  message:
    'a calibration came into force just after a session had begun; what was put in or taken out in that moment may be missing from its basket: look into the basket',
} as const;

/** The fault under which a source's further ones are told together: no device of a board has a channel like this. */
const others = { channel: 'others', fault: 'integrity', code: 'CW-PIP-008' } as const;

/**
 * Which faults the store is told of. A fault is told at once, and so is its end. One that comes back at once after that
 * flaps: from then on its end is held back until it has been quiet for a while, so that a loose cable makes about two
 * events in ten seconds, however it rattles, and not twenty a second. Decisions don't depend on any of this.
 *
 * Without a clock: times come in, in order, and what is due fires in `advance`.
 */
export class OpenFaults {
  readonly #emit: (draft: Draft) => void;
  /** By source, then by channel and kind. */
  readonly #sources = new Map<string, Map<string, Entry>>();
  /** Nothing is due before this, µs. */
  #dueUs = Number.POSITIVE_INFINITY;

  /**
   * @param saved what an earlier run had told, at `savedUs` of its time; this one begins at `startUs`
   * @throws PipelineError CW-PIP-009 where it is no such state
   */
  constructor(
    emit: (draft: Draft) => void,
    startUs = 0,
    saved: readonly SavedFault[] = [],
    savedUs = startUs,
  ) {
    this.#emit = emit;
    if (!Array.isArray(saved) || !saved.every(isSaved)) {
      throw new PipelineError(
        'CW-PIP-009',
        'the saved faults are not readable; leave them out to start empty',
      );
    }
    const rebaseUs = startUs - savedUs;
    for (const { source, channel, fault, sinceUs, endedUs, times, flaps } of saved) {
      const dueUs = startUs + confirmUs;
      this.#of(source).set(keyOf(fault, channel), {
        source,
        channel,
        fault,
        sinceUs: sinceUs + rebaseUs,
        times,
        stands: endedUs === undefined,
        endedUs: (endedUs ?? savedUs) + rebaseUs,
        dueUs,
        toldUs: undefined,
        flaps: flaps === true,
        unconfirmed: true,
      });
      this.#dueUs = dueUs;
    }
  }

  /** A fault that lasts has begun, or with `cleared` ended. What is known already is not told again. */
  report(source: string, fault: DeviceFault, nowUs: number): void {
    const known = this.#sources.get(source)?.get(keyOf(fault.fault, fault.channel));
    if (fault.cleared === true) {
      if (known !== undefined) this.#ended(known, nowUs);
    } else if (known !== undefined || this.#hasRoom(source, nowUs)) {
      this.#began(source, fault, nowUs);
    } else {
      const message = `${source} has had more than ${mostFaults} different faults in ten minutes; further ones are not told one by one, see the gateway's log`;
      this.pulse(source, { ...others, message }, nowUs);
    }
  }

  /** Something bad happened just now: a fault that ends when it hasn't happened for a while. */
  pulse(source: string, fault: DeviceFault, nowUs: number): void {
    const entry = this.#began(source, fault, nowUs);
    entry.flaps = true;
    this.#ended(entry, nowUs);
  }

  /** When `advance` may have something to tell, µs; nothing is due before it. Infinite where nothing ever is. */
  get dueUs(): number {
    return this.#dueUs;
  }

  /** Tells of the ends that are due by `nowUs`. */
  advance(nowUs: number): void {
    if (nowUs < this.#dueUs) return;
    let nextUs = Number.POSITIVE_INFINITY;
    for (const entries of this.#sources.values()) {
      for (const entry of entries.values()) {
        if (entry.dueUs <= nowUs) this.#recovered(entry, nowUs);
        else if (entry.dueUs < nextUs) nextUs = entry.dueUs;
      }
    }
    this.#dueUs = nextUs;
  }

  saveState(): SavedFault[] {
    return [...this.#sources.values()]
      .flatMap((entries) => [...entries.values()])
      .filter(({ toldUs }) => toldUs === undefined)
      .map(({ source, channel, fault, sinceUs, stands, endedUs, times, flaps }) => ({
        source,
        ...(channel === undefined ? {} : { channel }),
        fault,
        sinceUs,
        ...(stands ? {} : { endedUs }),
        times,
        ...(flaps ? { flaps } : {}),
      }));
  }

  #began(source: string, fault: DeviceFault, nowUs: number): Entry {
    const { channel } = fault;
    const entries = this.#of(source);
    const key = keyOf(fault.fault, channel);
    const before = entries.get(key);
    if (before !== undefined && before.toldUs === undefined) {
      if (!before.stands) before.times += 1;
      before.stands = true;
      before.dueUs = Number.POSITIVE_INFINITY;
      // Receivers may have started afresh with the gateway: what stands is told once in each run.
      if (before.unconfirmed) this.#tell(before, fault);
      before.unconfirmed = false;
      return before;
    }
    const entry: Entry = {
      source,
      channel,
      fault: fault.fault,
      sinceUs: nowUs,
      times: 1,
      stands: true,
      endedUs: nowUs,
      dueUs: Number.POSITIVE_INFINITY,
      toldUs: undefined,
      flaps: before?.toldUs !== undefined && nowUs - before.toldUs < flapUs,
      unconfirmed: false,
    };
    entries.set(key, entry);
    this.#tell(entry, fault);
    return entry;
  }

  #ended(entry: Entry, nowUs: number): void {
    if (!entry.stands) return;
    entry.stands = false;
    entry.endedUs = nowUs;
    if (!entry.flaps) {
      this.#recovered(entry, nowUs);
      return;
    }
    entry.dueUs = nowUs + quietUs;
    this.#dueUs = Math.min(this.#dueUs, entry.dueUs);
  }

  #tell({ source, channel, fault }: Entry, { code, message }: DeviceFault): void {
    const where = channel === undefined ? {} : { channel };
    this.#emit({ type: 'device.fault', data: { source, ...where, fault, code, message } });
  }

  #recovered(entry: Entry, nowUs: number): void {
    const { source, channel, fault, times } = entry;
    entry.toldUs = nowUs;
    entry.dueUs = Number.POSITIVE_INFINITY;
    this.#emit({
      type: 'device.recovered',
      data: {
        source,
        ...(channel === undefined ? {} : { channel }),
        fault,
        lastedUs: Math.max(0, entry.endedUs - entry.sinceUs),
        ...(times > 1 ? { times } : {}),
      },
    });
  }

  #of(source: string): Map<string, Entry> {
    const known = this.#sources.get(source);
    if (known !== undefined) return known;
    const made = new Map<string, Entry>();
    this.#sources.set(source, made);
    return made;
  }

  /** Whether the source may have another fault; those that ended long ago make room. */
  #hasRoom(source: string, nowUs: number): boolean {
    const entries = this.#of(source);
    if (entries.size < mostFaults) return true;
    for (const [key, { toldUs }] of entries) {
      if (toldUs !== undefined && nowUs - toldUs >= keptUs) entries.delete(key);
    }
    return entries.size < mostFaults;
  }
}

function keyOf(fault: DeviceFaultKind, channel: string | undefined): string {
  return `${fault}/${channel ?? ''}`;
}

function isSaved(value: unknown): value is SavedFault {
  if (typeof value !== 'object' || value === null) return false;
  const { source, channel, fault, sinceUs, endedUs, times, flaps } = value as Record<string, unknown>;
  return (
    typeof source === 'string' &&
    (channel === undefined || typeof channel === 'string') &&
    deviceFaultKinds.some((kind) => kind === fault) &&
    Number.isSafeInteger(sinceUs) &&
    (endedUs === undefined || Number.isSafeInteger(endedUs)) &&
    Number.isSafeInteger(times) &&
    (flaps === undefined || typeof flaps === 'boolean')
  );
}
