import type { Clock } from '#base/clock.ts';
import { usPerSecond } from '#base/units.ts';
import type { DeviceEntry } from '#config/board.ts';
import type { DeviceFault } from '#readings/faults.ts';
import { type LensMemory, type LensNormal, lensCodes } from '#vision/change/lens-memory.ts';
import type { CameraHealth } from '#vision/process/messages.ts';
import type { DeviceReport } from './devices.ts';

/** What the vision process itself is called where it has faults. */
export const visionSource = 'vision';
/** So long a new process takes to judge a lens as the one before did, µs. */
const judgedWithinUs = 20 * usPerSecond;

export interface CameraBookOptions {
  readonly cameras: readonly DeviceEntry[];
  readonly clock: Clock;
  /** Hears of each fault once, and once of its end, however many processes say so. */
  readonly onFault: (source: string, fault: DeviceFault, atUs: number) => void;
  /** A camera said for the first time what it is. */
  readonly onIdentity: () => void;
}

interface Standing {
  readonly source: string;
  readonly fault: DeviceFault;
  /** Which process said so. */
  readonly generation: number;
}

/** What is known of the cameras, over all the processes that opened them one after the other. */
export class CameraBook {
  readonly #options: CameraBookOptions;
  /** Those that stand, by source, channel, kind and code. */
  readonly #faults = new Map<string, Standing>();
  /** Frames that earlier processes had of each camera. */
  readonly #before = new Map<string, number>();
  readonly #last = new Map<string, CameraHealth>();
  /** Since when each camera runs, in which process. */
  readonly #running = new Map<string, { readonly generation: number; readonly sinceUs: number }>();
  readonly #identified = new Set<string>();
  readonly #lenses = new Map<string, LensNormal>();

  constructor(options: CameraBookOptions) {
    this.#options = options;
  }

  /** @param generation number of the process that says so */
  see(camera: CameraHealth, generation: number): void {
    const { id } = camera;
    const last = this.#last.get(id);
    // A new process counts from 0.
    if (last !== undefined && camera.frames < last.frames) {
      this.#before.set(id, (this.#before.get(id) ?? 0) + last.frames);
    }
    this.#last.set(id, camera);
    if (camera.state !== 'running') {
      this.#running.delete(id);
      return;
    }
    if (!this.#identified.has(id)) {
      this.#identified.add(id);
      this.#options.onIdentity();
    }
    const running = this.#running.get(id);
    if (running?.generation === generation) this.endOld(id, running.sinceUs, generation);
    else this.#running.set(id, { generation, sinceUs: this.#options.clock.nowUs() });
  }

  /** A lens is known as it is when nothing is wrong with it. */
  learn(camera: string, normal: LensNormal): void {
    this.#lenses.set(camera, normal);
  }

  /** What the next process has to know of the lenses: what is normal, and what it has to see the end of. */
  lenses(): LensMemory[] {
    return this.#options.cameras.map(({ id }) => ({
      camera: id,
      normal: this.#lenses.get(id),
      standing: [...this.#faults.values()].flatMap(({ source, fault: { code } }) =>
        source === id && lensCodes.includes(code) ? code : [],
      ),
    }));
  }

  /**
   * What earlier processes said of a source, and that one does not since a while, is over. Not so what is wrong with a lens:
   * the process knows of it from the start, and says itself when it sees that it is over.
   */
  endOld(about: string, sinceUs: number, current: number): void {
    const nowUs = this.#options.clock.nowUs();
    if (nowUs - sinceUs < judgedWithinUs) return;
    for (const { source, fault, generation } of [...this.#faults.values()]) {
      if (source === about && generation !== current && !lensCodes.includes(fault.code)) {
        this.fault(source, { ...fault, cleared: true }, current, nowUs);
      }
    }
  }

  fault(source: string, fault: DeviceFault, generation: number, atUs: number): void {
    const key = `${source}/${fault.channel ?? ''}/${fault.fault}/${fault.code}`;
    const known = this.#faults.get(key);
    if (fault.cleared === true) {
      if (!this.#faults.delete(key)) return;
    } else {
      this.#faults.set(key, { source, fault, generation });
      // Told before, by a process that ended meanwhile: it still stands.
      if (known !== undefined && known.fault.message === fault.message) return;
    }
    this.#options.onFault(source, fault, atUs);
  }

  /**
   * The cameras, as the supervisor of other devices reports those.
   *
   * @param now what the process that runs says; undefined while there is none
   * @param absent what a camera is of which nothing is known now
   */
  reports(now: readonly CameraHealth[] | undefined, absent: DeviceReport['state']): DeviceReport[] {
    return this.#options.cameras.map(({ id, driver }) => {
      const camera = now?.find((one) => one.id === id);
      const last = camera ?? this.#last.get(id);
      const fault = [...this.#faults.values()].findLast(
        ({ source }) => source === id || source === visionSource,
      );
      return {
        id,
        driver,
        kind: 'camera',
        state: camera?.state ?? absent,
        identity: identityOf(camera),
        readings: (this.#before.get(id) ?? 0) + (last?.frames ?? 0),
        lastReadingUs: last?.lastFrameUs,
        fault: fault?.fault,
      };
    });
  }
}

function identityOf(camera: CameraHealth | undefined): DeviceReport['identity'] {
  const { vendor, model, serial, firmware } = camera?.identity ?? {};
  return {
    ...(vendor === undefined ? {} : { vendor }),
    ...(model === undefined ? {} : { model }),
    ...(serial === undefined ? {} : { serial }),
    ...(firmware === undefined ? {} : { firmware }),
  };
}
