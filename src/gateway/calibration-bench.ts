import { randomUUID } from 'node:crypto';
import type { Clock } from '#base/clock.ts';
import { describeError, isCoded } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { usPerSecond } from '#base/units.ts';
import { Capturer } from '#calibration/capture.ts';
import { CalibrationError } from '#calibration/errors.ts';
import { isCaptured, Procedure } from '#calibration/procedure.ts';
import type {
  BeginOptions,
  CapturedKind,
  Purpose,
  SessionView,
  Step,
  StepArgs,
  StepKind,
  StepResult,
} from '#calibration/session.ts';
import type { Capture, Environment, Weight } from '#calibration/types.ts';
import type { Calibration, DeviceEntry, PlateEntry } from '#config/board.ts';
import type { Draft } from '#events/event.ts';
import type { PipelineInput } from '#pipeline/inputs.ts';
import { stringsIn } from './calibrated-hardware.ts';
import type { DecisionLoop } from './decisions.ts';
import type { LiveFeed } from './live.ts';
import { RefusedOutcome } from './refused.ts';
import type { StateChanges, StoredState } from './state.ts';

/** Under this key a session lies in the outbox's state. */
const sessionKey = 'calibration/session';
/** Somebody who lost the connection, or whose device was switched off, has so long to go on, µs. */
const resumeWithinUs = 600 * usPerSecond;
/** What moves on plates that are worked on is nobody's purchase; the lease ends that sooner, min. */
const maintenanceMinutes = 480;
/** Readings of a moment are here by then, µs. */
const lateUs = usPerSecond / 2;
const tickUs = usPerSecond / 4;
/** After so long without a word a temperature sensor is silent, µs: as weighing takes it. */
const freshUs = 150 * usPerSecond;

interface BenchOptions {
  /** Weighed plates of the board, and its devices. */
  readonly plates: readonly PlateEntry[];
  readonly devices: readonly DeviceEntry[];
  readonly clock: Clock;
  readonly log: Logger;
  readonly loop: Pick<DecisionLoop, 'command' | 'append' | 'saveState'>;
  readonly live: Pick<LiveFeed, 'start'>;
  /** Calibration in force; undefined before the first. */
  readonly current: () => Calibration | undefined;
  /** Newest revision, which is in force unless it is damaged; 0 before the first. */
  readonly newest: () => number;
  readonly isMoving: (plate: string) => boolean;
  /** What the procedure is told beyond what the technician says: since when there is power, gravity, settings. */
  readonly conditions: (
    plates: readonly PlateEntry[],
  ) => Pick<BeginOptions, 'gravityUmS2' | 'poweredSinceUs' | 'regime' | 'settings'>;
  readonly stored: StoredState;
  /** Work nobody waits for. */
  readonly background: (work: Promise<unknown>) => void;
}

/** What a change of the session brings with it, to be stored in one write. */
interface SessionChange {
  readonly state: StateChanges;
  readonly drafts: readonly Draft[];
}

/** Who asks, as a session knows people. */
export type Who = BeginOptions['by'];

/** What `calibration.begin` asks for. */
interface BeginArgs {
  readonly plates: readonly string[];
  readonly purpose: Purpose;
  readonly expected: number;
  readonly weights: readonly Weight[];
  readonly environment?: Environment | undefined;
  readonly leaseS: number;
}

/**
 * A technician's session on this device: one at a time, held by its lease, kept across restarts. The procedure decides; this
 * brings it readings, time and durability. Whatever ends without a commit leaves the scale as it was.
 */
export class CalibrationBench {
  readonly #options: BenchOptions;
  #procedure: Procedure | undefined;
  /** A step that waits for rest. */
  #taking:
    | {
        readonly plate: PlateEntry;
        readonly capturer: Capturer;
        /** Whose faults concern it. */
        readonly sources: ReadonlySet<string>;
        readonly look: () => void;
        readonly cancel: () => void;
      }
    | undefined;
  /** Something is being done to the session: resolves when that is durable. */
  #turn: Promise<void> | undefined;
  #cancelExpiry: (() => void) | undefined;
  /** What sensors said last, m°C. */
  readonly #milliCelsius = new Map<string, { readonly milliCelsius: number; readonly atUs: number }>();

  constructor(options: BenchOptions) {
    this.#options = options;
  }

  /** Goes on with the session that an earlier run was in; one that can't be read is over, which is logged. */
  restore(): void {
    const { stored, clock, log, loop, background, conditions } = this.#options;
    const text = stored[sessionKey];
    if (text === undefined) return;
    try {
      // After a power loss the cells are cold, whatever they were when the session began.
      const { poweredSinceUs } = conditions([]);
      const power = poweredSinceUs === undefined ? {} : { poweredSinceUs };
      this.#procedure = Procedure.restore(JSON.parse(text), clock.nowUs(), resumeWithinUs, power);
      this.#watchLease();
    } catch (error) {
      const code = isCoded(error) ? error.code : 'CW-CAL-001';
      log.error(
        { code },
        `the calibration that was under way can't be gone on with: ${describeError(error)}`,
      );
      background(loop.saveState({ [sessionKey]: null }));
    }
  }

  /** The session that is under way; undefined where there is none. */
  get view(): SessionView | undefined {
    return this.#procedure?.view();
  }

  /**
   * Begins a session and answers with what has to be stored with it. Rejects with CW-CAL-171 while somebody else has one,
   * CW-CAL-174 for plates that are none, CW-PIP-011 while a shopper is there, and what the procedure says against it.
   */
  async begin(args: BeginArgs, by: Who): Promise<SessionChange> {
    const { clock, current, newest, conditions } = this.#options;
    const running = this.#procedure;
    if (running !== undefined) throw this.#isHeld(running.view());
    const chosen = args.plates.map((id) => this.#plate(id));
    const calibration = current();
    const inForce = calibration?.revision ?? 0;
    // Where the newest one is damaged an earlier one is in force: whoever names either knows what he begins with.
    if (args.expected !== inForce && args.expected !== newest()) {
      throw new CalibrationError(
        'CW-CAL-015',
        `revision ${inForce} is in force, not ${args.expected}; look at it (calibration.status) and begin again`,
      );
    }
    const nowUs = clock.nowUs();
    const leaseUs = args.leaseS * usPerSecond;
    const session = randomUUID();
    const procedure = Procedure.begin({
      ...{ session, purpose: args.purpose, plates: chosen, current: calibration, by, weights: args.weights },
      ...(args.environment === undefined ? {} : { environment: args.environment }),
      ...{ atUs: nowUs, leaseUs },
      ...conditions(chosen),
    });
    await this.#maintain('begin', { plates: args.plates, minutes: maintenanceMinutes, owner: session });
    this.#procedure = procedure;
    this.#showLive(procedure);
    const data = { session, plates: [...args.plates], purpose: args.purpose };
    const revision = calibration === undefined ? {} : { revision: calibration.revision };
    const actor = by.key === undefined ? {} : { actor: by.key };
    return this.#change([{ type: 'calibration.begun', data: { ...data, ...revision, ...actor } }]);
  }

  /**
   * Lets one thing after the other be done to the session, up to its being durable. Rejects with CW-CAL-173 while another
   * one is under way; with `interrupts` that one is cut short, as far as it waits for readings, and waited for.
   */
  async inTurn<T>(work: () => Promise<T>, interrupts = false): Promise<T> {
    while (this.#turn !== undefined) {
      if (!interrupts) {
        throw new CalibrationError(
          'CW-CAL-173',
          'a step is being carried out; wait for its answer, then go on',
        );
      }
      this.#taking?.cancel();
      await this.#turn;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#turn = promise;
    try {
      return await work();
    } finally {
      this.#turn = undefined;
      resolve();
      // The lease may have run out meanwhile.
      if (this.#procedure !== undefined) this.#watchLease();
    }
  }

  /** Throws CW-CAL-171 where somebody has a session who is not this one. */
  freeFor(by: Who): void {
    const view = this.#procedure?.view();
    if (view !== undefined && view.by.key !== by.key) throw this.#isHeld(view);
  }

  /** Throws CW-CAL-171 where somebody else holds the session, -172 where it is none. */
  held(session: string, by: Who): void {
    this.#of(session, by);
  }

  /** The lease goes on, and the live values with it. Throws CW-CAL-171 and -172. */
  renew(session: string, by: Who): SessionView {
    const procedure = this.#of(session, by);
    procedure.renew(this.#options.clock.nowUs());
    this.#watchLease();
    this.#showLive(procedure);
    return procedure.view();
  }

  /** Live values flow for as long as the lease lasts. */
  #showLive(procedure: Procedure): void {
    const { clock, live } = this.#options;
    const seconds = Math.max(1, Math.ceil((procedure.expireUs() - clock.nowUs()) / usPerSecond));
    for (const what of ['weight', 'counts'] as const) live.start(what, seconds);
  }

  /**
   * Carries a step out, in its turn; where readings belong to it, it waits for rest and takes them. The answer comes with what
   * has to be stored with it. Rejects with CW-CAL-171 to -173, what makes the capture fail, and what the procedure says against it.
   */
  async step(
    kind: StepKind,
    session: string,
    args: StepArgs,
    by: Who,
  ): Promise<{ readonly result: StepResult; readonly change: SessionChange }> {
    const { clock } = this.#options;
    const procedure = this.#of(session, by);
    procedure.check(kind, args, clock.nowUs());
    const step: Step = isCaptured(kind)
      ? { kind, ...args, capture: await this.#captured(kind, args, procedure) }
      : { kind, ...args };
    const result = procedure.take(step, clock.nowUs());
    return { result, change: this.#change([]) };
  }

  /** What a commit would put in force; the session stays as it is until `ending`. Throws as a step does. */
  committing(session: string, args: StepArgs, by: Who): StepResult {
    return this.#of(session, by).committing(args, this.#options.clock.nowUs());
  }

  /** What is stored with the end of the session; `ended` follows once it is. */
  ending(
    outcome: 'committed' | 'aborted' | 'expired' | 'verified',
    revision: number | undefined,
  ): SessionChange {
    const procedure = this.#procedure;
    if (procedure === undefined) return { state: {}, drafts: [] };
    const { session } = procedure;
    const data = { session, outcome, ...(revision === undefined ? {} : { revision }) };
    return { state: { [sessionKey]: null }, drafts: [{ type: 'calibration.ended', data }] };
  }

  /** The session is over: its plates are the shop's again as soon as the test weights are off. */
  async ended(): Promise<void> {
    const procedure = this.#procedure;
    this.#procedure = undefined;
    this.#cancelExpiry?.();
    if (procedure === undefined) return;
    const plates = Object.keys(procedure.view().plates);
    await this.#maintain('end', { plates, owner: procedure.session, cleared: true });
  }

  /** Ends what an earlier run left of plates that no session works on any more: it was cut off in between. */
  async tidy(owned: ReadonlyMap<string, string>): Promise<void> {
    for (const [plate, owner] of owned) {
      if (owner === this.#procedure?.session) continue;
      await this.#maintain('end', { plates: [plate], owner, cleared: true });
    }
  }

  stop(): void {
    this.#cancelExpiry?.();
    this.#taking?.cancel();
  }

  /** Sees every input before it is decided on. HOT PATH: nothing to do for nearly all of them. */
  see(input: PipelineInput): void {
    if (input.kind === 'temperature') this.#milliCelsius.set(input.source, input);
    const taking = this.#taking;
    if (taking === undefined) return;
    const { capturer, plate } = taking;
    if (input.kind === 'cell') capturer.cell(input.source, input.atUs, input.counts, input.sequence);
    else if (input.kind === 'scale') {
      if (input.source === plate.scale) capturer.scale(input.atUs, input.massMg, input.stable);
    } else if (input.kind === 'motion') {
      if (input.source === plate.motion) capturer.motion(input.atUs, this.#options.isMoving(plate.id));
    } else if (input.kind === 'temperature') {
      if (input.source === plate.temperature) capturer.temperature(input.milliCelsius);
    } else if (input.kind === 'device-fault') {
      const { source, fault, atUs } = input;
      const id = fault.channel ?? source;
      if (taking.sources.has(id) && fault.fault !== 'timing')
        capturer.fault(id, atUs, fault.cleared === true);
    }
    taking.look();
  }

  /** Waits for rest and takes readings of the plate of a step. Rejects with why it does not come to rest. */
  async #captured(kind: CapturedKind, args: StepArgs, procedure: Procedure): Promise<Capture> {
    const { clock } = this.#options;
    const id = args.plate ?? Object.keys(procedure.view().plates)[0] ?? '';
    const plate = this.#plate(id);
    const capturer = new Capturer(procedure.capturerOptions(id, clock.nowUs()));
    const told = plate.temperature === undefined ? undefined : this.#milliCelsius.get(plate.temperature);
    // A sensor that fell silent says nothing of now.
    if (told !== undefined && clock.nowUs() - told.atUs <= freshUs) capturer.temperature(told.milliCelsius);
    else if (kind === 'temperature') {
      throw new CalibrationError(
        'CW-CAL-045',
        `no sensor tells the temperature at plate ${id}; name one in its board profile (plates.temperature)`,
      );
    }
    try {
      return await new Promise<Capture>((resolve, reject) => {
        const look = () => {
          const { outcome } = capturer;
          if (outcome.state === 'done') resolve(outcome.capture);
          else if (outcome.state === 'failed') reject(outcome.error);
        };
        const cancel = () =>
          reject(
            new CalibrationError('CW-CAL-172', 'the calibration ended while the plate was read; begin again'),
          );
        this.#taking = { plate, capturer, sources: this.#sourcesOf(plate), look, cancel };
        this.#tick();
      });
    } finally {
      this.#taking = undefined;
    }
  }

  /** Time passes for a capture also where nothing is read any more. */
  #tick(): void {
    const { clock } = this.#options;
    const taking = this.#taking;
    if (taking === undefined) return;
    taking.capturer.advance(clock.nowUs() - lateUs);
    taking.look();
    clock.after(tickUs, () => {
      if (this.#taking === taking) this.#tick();
    });
  }

  /** Cells, scale and the devices that bring them. */
  #sourcesOf(plate: PlateEntry): ReadonlySet<string> {
    const cells = (plate.cells ?? []).map(({ id }) => id);
    const ids = new Set([...cells, ...(plate.scale === undefined ? [] : [plate.scale])]);
    for (const { id, options } of this.#options.devices) {
      if (stringsIn(options).some((text) => cells.includes(text))) ids.add(id);
    }
    return ids;
  }

  #plate(id: string): PlateEntry {
    const plate = this.#options.plates.find((one) => one.id === id);
    if (plate !== undefined) return plate;
    const known = this.#options.plates.map((one) => one.id).join(', ');
    throw new CalibrationError('CW-CAL-174', `there is no plate ${JSON.stringify(id)}; there are: ${known}`);
  }

  /** The session by its id, for whoever holds it. Throws CW-CAL-171 and -172. */
  #of(session: string, by: Who): Procedure {
    const procedure = this.#procedure;
    if (procedure === undefined || procedure.session !== session) {
      throw new CalibrationError(
        'CW-CAL-172',
        `session ${session} is not under way; it was ended, or its lease ran out, and nothing was changed`,
      );
    }
    const view = procedure.view();
    if (view.by.key !== by.key) throw this.#isHeld(view);
    return procedure;
  }

  #isHeld({ by, expiresUs }: SessionView): CalibrationError {
    const who = by.who === undefined ? (by.key ?? 'somebody at the device') : `${by.role ?? 'key'} ${by.who}`;
    const seconds = Math.max(0, Math.ceil((expiresUs - this.#options.clock.nowUs()) / usPerSecond));
    return new CalibrationError(
      'CW-CAL-171',
      `${who} is calibrating this device; wait until that is ended, or for ${seconds} s if nobody goes on with it`,
    );
  }

  #watchLease(): void {
    const { clock, background } = this.#options;
    const procedure = this.#procedure;
    this.#cancelExpiry?.();
    if (procedure === undefined) return;
    const leftUs = Math.max(0, procedure.expireUs() - clock.nowUs());
    this.#cancelExpiry = clock.after(leftUs, () => {
      // What is under way is finished first; then this is looked at again.
      if (this.#procedure !== procedure || this.#turn !== undefined) return;
      background(this.inTurn(() => this.#expired(procedure)));
    });
  }

  async #expired(procedure: Procedure): Promise<void> {
    const { clock, log, loop, current } = this.#options;
    if (this.#procedure !== procedure || !procedure.expire(clock.nowUs())) return;
    log.warn({ code: 'CW-CAL-005' }, 'the calibration was not gone on with; the scale stays as it was');
    const { state, drafts } = this.ending('expired', current()?.revision);
    for (const draft of drafts) await loop.append(draft, state);
    await this.ended();
  }

  #change(drafts: readonly Draft[]): SessionChange {
    return { state: { [sessionKey]: JSON.stringify(this.#procedure?.save() ?? null) }, drafts };
  }

  /** What moves on the plates is nobody's purchase while they are worked on. Throws what the pipeline says against it. */
  async #maintain(what: 'begin' | 'end', args: Readonly<Record<string, unknown>>): Promise<void> {
    const outcome = await this.#options.loop.command(
      `maintenance.${what}`,
      args,
      `calibration-${randomUUID()}`,
    );
    if (outcome.status === 'refused') throw new RefusedOutcome(outcome.code, outcome.message);
  }
}
