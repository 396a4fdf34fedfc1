import type { Answer } from './broker.ts';

/** The longest lease that devices give: a locked screen or a look elsewhere loses no work, s. */
export const leaseS = 600;
/** Every third of it. */
const renewEveryMs = (leaseS * 1_000) / 3;
/** Where the device did not answer. */
const againMs = 10_000;
const answerWithinMs = 12_000;
/** Who took no step for so long may have gone, and keeps a cart from the shop. */
const askAfterMs = 30 * 60_000;
/** Told while there is time to act. */
const nearEndMs = 60_000;
/** The session is over, or somebody else's. */
const lostCodes = ['CW-CAL-171', 'CW-CAL-172'];

interface Held {
  readonly session: string;
  /** When the lease is over: by the device's own clock, µs, and by this page's, ms, where it asked for it. */
  expiresUs: number | undefined;
  endsMs: number | undefined;
  steppedMs: number;
  /** Not before is it asked again. */
  nextMs: number;
  isAsking: boolean;
}

/** A session of calibration that this page holds, as it is kept for a reload. */
export interface HeldSession {
  readonly device: string;
  readonly session: string;
}

export interface LeasesOptions {
  connected(): boolean;
  ask(
    device: string,
    command: string,
    args: Readonly<Record<string, unknown>>,
    withinMs: number,
  ): Promise<Answer>;
  /** Monotonic, ms. */
  nowMs(): number;
  /** What is held has changed. */
  changed(held: readonly HeldSession[]): void;
  /** A session was lost. */
  lost(device: string, message: string): void;
}

/**
 * Keeps the sessions of calibration that are this page's alive, whatever the page shows: each is renewed for as long as
 * somebody works. A page that was forgotten renews nothing: it asks whether anybody is there, and the device ends the session
 * where nobody answers.
 */
export class Leases {
  readonly #options: LeasesOptions;
  readonly #held = new Map<string, Held>();

  /** @param kept what was held before a reload: it is renewed at once */
  constructor(options: LeasesOptions, kept: readonly HeldSession[] = []) {
    this.#options = options;
    for (const { device, session } of kept) this.#held.set(device, this.#new(session));
  }

  /** Takes note that a session is this page's, and until when, if that is known (µs of the device). */
  hold(device: string, session: string, expiresUs?: number): void {
    const known = this.#held.get(device);
    if (known?.session === session) known.expiresUs = expiresUs ?? known.expiresUs;
    else {
      this.#held.set(device, { ...this.#new(session), expiresUs });
      this.#changed();
    }
  }

  /** Somebody did something in the session of this device. */
  stepped(device: string): void {
    const held = this.#held.get(device);
    if (held !== undefined) held.steppedMs = this.#options.nowMs();
  }

  /** The session is no longer this page's. */
  end(device: string): void {
    if (this.#held.delete(device)) this.#changed();
  }

  holds(device: string): boolean {
    return this.#held.has(device);
  }

  /**
   * s until the lease is over; undefined where that is not known.
   * @param nowUs the device's own time, where live values tell it
   */
  leftS(device: string, nowUs?: number): number | undefined {
    const { expiresUs, endsMs } = this.#held.get(device) ?? {};
    if (nowUs !== undefined && expiresUs !== undefined) return Math.max(0, (expiresUs - nowUs) / 1e6);
    return endsMs === undefined ? undefined : Math.max(0, (endsMs - this.#options.nowMs()) / 1_000);
  }

  /** Devices whose session ends unless somebody says that he is there. */
  waiting(): readonly string[] {
    const nowMs = this.#options.nowMs();
    return [...this.#held]
      .filter(([, held]) => isForgotten(held, nowMs) || (held.endsMs ?? Infinity) - nowMs < nearEndMs)
      .map(([device]) => device);
  }

  /** Renews what is due. Called every second or so, as far as browsers let a page in the background. */
  tick(): void {
    if (!this.#options.connected()) return;
    const nowMs = this.#options.nowMs();
    for (const [device, held] of this.#held) {
      if (held.isAsking || nowMs < held.nextMs || isForgotten(held, nowMs)) continue;
      void this.#renew(device, held, 'renew');
    }
  }

  /** The connection is back, or the page is looked at again: what is held is renewed with the next tick. */
  back(): void {
    for (const held of this.#held.values()) held.nextMs = 0;
  }

  /** Somebody is there: goes on. Answers with what the device says, or undefined where nothing is held. */
  async goOn(device: string): Promise<Answer | undefined> {
    const held = this.#held.get(device);
    if (held === undefined) return undefined;
    held.steppedMs = this.#options.nowMs();
    return await this.#renew(device, held, 'resume');
  }

  async #renew(device: string, held: Held, command: 'renew' | 'resume'): Promise<Answer> {
    const { ask, nowMs, lost } = this.#options;
    const askedMs = nowMs();
    held.isAsking = true;
    const answer = await ask(device, `calibration.${command}`, { session: held.session }, answerWithinMs);
    held.isAsking = false;
    if (answer.status === 'done') {
      held.endsMs = askedMs + leaseS * 1_000;
      held.nextMs = askedMs + renewEveryMs;
      held.expiresUs = expiryIn(answer.data) ?? held.expiresUs;
    } else {
      held.nextMs = nowMs() + againMs;
      if (lostCodes.includes(answer.code) && this.#held.get(device) === held) {
        this.end(device);
        lost(device, answer.message);
      }
    }
    return answer;
  }

  #new(session: string): Held {
    const { nowMs } = this.#options;
    return {
      session,
      expiresUs: undefined,
      endsMs: undefined,
      steppedMs: nowMs(),
      nextMs: 0,
      isAsking: false,
    };
  }

  #changed(): void {
    this.#options.changed([...this.#held].map(([device, { session }]) => ({ device, session })));
  }
}

const isForgotten = ({ steppedMs }: Held, nowMs: number) => nowMs - steppedMs >= askAfterMs;

/** `calibration.renew` tells it by itself, `calibration.resume` within the session. */
function expiryIn(data: Readonly<Record<string, unknown>>): number | undefined {
  const { session, expiresUs } = data;
  const within =
    typeof session === 'object' && session !== null && 'expiresUs' in session && session.expiresUs;
  return typeof expiresUs === 'number' ? expiresUs : typeof within === 'number' ? within : undefined;
}
