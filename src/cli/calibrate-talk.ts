import { randomUUID } from 'node:crypto';
import type { PlannedStep } from '#calibration/plan.ts';
import type { SessionView, StepResult } from '#calibration/session.ts';
import type { Weight } from '#calibration/types.ts';
import type { Answer } from '#commands/messages.ts';
import type { PlainMap } from '#events/fields.ts';
import { CliError } from './errors.ts';

/** A cell of a plate and where it stands, mm right of and forward of the plate's centre. */
export interface DeviceCell {
  readonly id: string;
  readonly positionMm: readonly [number, number];
}

/** A weighed plate as `calibration.status` tells of it. */
export interface DevicePlate {
  readonly id: string;
  readonly maxMg?: number;
  readonly intervalMg?: number;
  readonly cells: readonly DeviceCell[];
}

/** What `calibration.status` answers. */
export interface DeviceStatus {
  readonly revision: number;
  readonly plates: readonly DevicePlate[];
  readonly session?: SessionView;
}

/** What a device refused, in its own words. */
export class Refused extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** How commands reach one device. One that is asked again with its transaction is carried out once. */
export type Ask = (
  command: string,
  args: Readonly<Record<string, unknown>>,
  transaction?: string,
) => Promise<Answer>;

/** A commit that nobody answers is asked about so often. */
const commitTries = 3;

/** Of a lease, so many parts pass until it is renewed. */
const renewPart = 1 / 3;

/** The conversation of a wizard with one device, from `calibration.begin` to its end. The lease is renewed while it lasts. */
export class CalibrationTalk {
  readonly #ask: Ask;
  #session = '';
  /** A commit was sent, and not refused. */
  #mayBeCommitted = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  get session(): string {
    return this.#session;
  }

  /** Rejects with Refused, and with CW-CLI-003 where nobody answers; as all of these. */
  async status(): Promise<DeviceStatus> {
    return answered<DeviceStatus>(await this.#do('calibration.status', {}));
  }

  async plan(
    plate: string,
    weights: readonly Weight[],
    model: 'zero' | 'span' | 'full',
  ): Promise<{ readonly steps: readonly PlannedStep[]; readonly notes: readonly string[] }> {
    return answered(await this.#do('calibration.plan', { plate, weights, model }));
  }

  async begin(args: {
    readonly plates: readonly string[];
    readonly purpose: 'calibrate' | 'verify';
    readonly expected: number;
    readonly weights: readonly Weight[];
    readonly leaseS: number;
  }): Promise<void> {
    const { session } = answered<{ readonly session: string }>(
      await this.#do('calibration.begin', { ...args }),
    );
    this.#session = session;
    this.#renewEvery(args.leaseS);
  }

  /** One step of the session: zero, load, verify, undo, test … */
  async step(command: string, args: Readonly<Record<string, unknown>>): Promise<StepResult> {
    return answered<StepResult>(
      await this.#do(`calibration.${command}`, { session: this.#session, ...args }),
    );
  }

  /**
   * Puts a candidate in force. Where no answer comes it is asked again, as the very same command. Rejects with Refused, and
   * with CW-CLI-003 where nobody knows whether it is in force: then nothing is aborted.
   */
  async commit(candidate: string, expected: number): Promise<{ readonly revision: number }> {
    const session = this.#session;
    const transaction = randomUUID();
    this.#mayBeCommitted = true;
    for (let tries = 1; ; tries++) {
      try {
        const args = { session, candidate, expected };
        const result = answered<{ readonly revision: number }>(
          await this.#do('calibration.commit', args, transaction),
        );
        this.end();
        return result;
      } catch (error) {
        if (error instanceof Refused) {
          this.#mayBeCommitted = false;
          throw error;
        }
        if (tries >= commitTries) {
          throw new CliError(
            'CW-CLI-003',
            `nobody answered the commit of session ${session}: whether it is in force, calibration.list of the device says`,
            { cause: error },
          );
        }
      }
    }
  }

  /** Ends a verification with its report on record. */
  async finish(): Promise<void> {
    this.end();
    await this.#do('calibration.finish', { session: this.#session });
    this.#session = '';
  }

  /** Leaves the scale as it was. Never rejects: a session that nobody ends ends with its lease. */
  async abort(why: string): Promise<void> {
    this.end();
    if (this.#session === '' || this.#mayBeCommitted) return;
    await this.#ask('calibration.abort', { session: this.#session, why }).catch(() => undefined);
  }

  /** Stops renewing. */
  end(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #renewEvery(leaseS: number): void {
    this.end();
    const session = this.#session;
    // Where one is not heard, the next one is; where none is, the device ends the session and stays as it was.
    const renew = () => void this.#ask('calibration.renew', { session }).catch(() => undefined);
    this.#timer = setInterval(renew, leaseS * 1_000 * renewPart);
  }

  async #do(
    command: string,
    args: Readonly<Record<string, unknown>>,
    transaction?: string,
  ): Promise<PlainMap> {
    const answer = await this.#ask(command, args, transaction);
    if (answer.status === 'done') return answer.data;
    throw new Refused(answer.code, answer.message);
  }
}

/** What the contract says of an answer's data: commands and answers are of one release, and a wrong one is told as a fault. */
function answered<T>(data: PlainMap): T {
  return data as unknown as T;
}

/** Where a cell stands, in words: `front left`. */
export function placeOf({ positionMm: [x, y] }: DeviceCell): string {
  const along = y > 0 ? 'front' : y < 0 ? 'back' : '';
  const across = x > 0 ? 'right' : x < 0 ? 'left' : '';
  return [along, across].filter((word) => word !== '').join(' ') || 'middle';
}
