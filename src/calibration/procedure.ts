import type { PlateEntry } from '#config/board.ts';
import { advancePlate, checkArguments } from './advance.ts';
import { makeCandidate } from './candidate.ts';
import type { CapturerOptions } from './capture.ts';
import { CalibrationError } from './errors.ts';
import { cellsOf, coversPlate, referenceSlopes } from './forces.ts';
import { divisionOf } from './guards/capture.ts';
import { commitPlates } from './guards/commit.ts';
import { checkWarm } from './guards/warm.ts';
import type { PlateRules } from './plate-rules.ts';
import { isCold, type Moment, PlateSession, type Taken } from './plate-session.ts';
import { readSaved, rebased, type SavedSession } from './saved.ts';
import {
  type BeginOptions,
  type Candidate,
  type CapturedKind,
  capturedKinds,
  type SessionState,
  type SessionView,
  type Step,
  type StepArgs,
  type StepKind,
  type StepResult,
  stepKinds,
} from './session.ts';
import { defaultSettings, type GuardSettings } from './settings.ts';
import { advice, answerOf } from './state-table.ts';
import { viewPlate } from './view.ts';

/** What stays of the power while a session is restored. */
interface RestoreOptions {
  /** The converter kept its power: its zero is the one that was taken. Else every zero has to be taken again. */
  readonly keptPower?: boolean;
  /** Since when the cells have power, on the clock of now, µs. */
  readonly poweredSinceUs?: number;
}

/** Whether a step waits for readings at rest. */
export function isCaptured(kind: StepKind): kind is CapturedKind {
  return (capturedKinds as readonly StepKind[]).includes(kind);
}

/**
 * One calibration or verification of one or several plates: which step may come when, what readings are believed, what is
 * fitted, and what may be committed. Pure: time and readings come in, nothing is applied; what is in force stays so until
 * the caller has made durable what `commit` returned.
 */
export class Procedure {
  readonly #options: BeginOptions;
  readonly #settings: GuardSettings;
  readonly #plates = new Map<string, { readonly rules: PlateRules; readonly session: PlateSession }>();
  #state: SessionState = 'armed';
  #expiresUs: number;
  /** How many times the session has lost its power. */
  #run = 0;

  private constructor(options: BeginOptions) {
    this.#options = options;
    this.#settings = { ...defaultSettings, ...options.settings };
    this.#expiresUs = options.atUs + options.leaseUs;
    const ids = options.plates.map(({ id }) => id);
    const twice = ids.find((id, index) => ids.indexOf(id) !== index);
    if (ids.length === 0 || twice !== undefined) {
      const message = twice === undefined ? 'name the plates to calibrate' : `plate ${twice} was named twice`;
      throw new CalibrationError('CW-CAL-008', message);
    }
    for (const plate of options.plates) this.#addPlate(plate);
  }

  /**
   * Begins a session; nothing in force changes.
   * @throws CalibrationError CW-CAL-008, -006 (a complete scale can be verified only), -007, -036 (two weights of one name)
   */
  static begin(options: BeginOptions): Procedure {
    const ids = options.weights.map(({ id }) => id);
    const twice = ids.find((id, index) => ids.indexOf(id) !== index);
    if (twice !== undefined) {
      throw new CalibrationError(
        'CW-CAL-036',
        `weight ${twice} was named twice; give each weight its own name`,
      );
    }
    return new Procedure(options);
  }

  /**
   * Goes on with a saved session, in whatever state it was, at a new lease from `atUs` on. The clock may be another one:
   * steps that it would put into the future are told on it.
   * @throws CalibrationError CW-CAL-001 where it can't be read, or its steps don't hold any more
   */
  static restore(saved: unknown, atUs: number, leaseUs: number, options: RestoreOptions = {}): Procedure {
    const session = readSaved(saved);
    const { poweredSinceUs: _old, ...rest } = session.options;
    const { poweredSinceUs } = options;
    const procedure = new Procedure({
      ...rest,
      atUs,
      leaseUs,
      ...(poweredSinceUs === undefined ? {} : { poweredSinceUs }),
    });
    procedure.#state = session.state;
    procedure.#run = (session.run ?? 0) + (options.keptPower === true ? 0 : 1);
    const plates = Object.entries(rebased(session.plates, atUs));
    for (const [id, { journal, undone, zeroDoubtful, beforeLoss }] of plates) {
      // Sessions that were saved without the mark say of their newest zero only whether it is in doubt.
      const lostBefore = beforeLoss ?? (zeroDoubtful ? journal.length : 0);
      const lost = options.keptPower === true ? lostBefore : journal.length;
      try {
        procedure.#plate(id).session.replay(journal, undone, lost);
      } catch (error) {
        const message = `the steps of plate ${id} do not hold any more; begin anew`;
        throw new CalibrationError('CW-CAL-001', message, { cause: error });
      }
    }
    return procedure;
  }

  get state(): SessionState {
    return this.#state;
  }

  get session(): string {
    return this.#options.session;
  }

  /** When the lease runs out unless it is renewed, monotonic µs. */
  expireUs(): number {
    return this.#expiresUs;
  }

  /** @throws CalibrationError CW-CAL-003 … 005 where the session is over */
  renew(atUs: number): void {
    this.#mustBeArmed(atUs);
    this.#expiresUs = atUs + this.#options.leaseUs;
  }

  /** Ends the session where its lease has run out; nothing in force has changed. True where it just has. */
  expire(atUs: number): boolean {
    if (this.#state !== 'armed' || atUs < this.#expiresUs) return false;
    this.#state = 'expired';
    return true;
  }

  /**
   * What would be refused before anybody waits for readings.
   * @throws CalibrationError a code for each guard, see docs/errors.md
   */
  check(kind: StepKind, args: StepArgs, atUs: number): void {
    if (!stepKinds.includes(kind)) {
      throw new CalibrationError('CW-CAL-029', `there is no step ${JSON.stringify(kind)}`);
    }
    this.#mustBeArmed(atUs);
    if (kind === 'abort') return;
    if (kind === 'commit') {
      this.#checkCommit(args);
      return;
    }
    const { rules, session } = this.#plate(this.#plateOf(args));
    this.#mustAllow(kind, session, rules);
    if (isCaptured(kind)) {
      checkWarm(rules, session, kind, args, this.#moment(atUs));
      if (session.zeroDoubtful && kind !== 'zero') {
        throw new CalibrationError(
          'CW-CAL-019',
          `the power was lost since zero of plate ${rules.plate.id} was taken: take everything off and take zero again`,
        );
      }
    }
    checkArguments(rules, session.progress, kind, args);
  }

  /**
   * Takes a step with its readings, or throws what speaks against it and stays as it was.
   * @throws CalibrationError a code for each guard, see docs/errors.md
   */
  take(step: Step, atUs: number): StepResult {
    const { kind, capture, ...args } = step;
    this.check(kind, args, atUs);
    switch (kind) {
      case 'abort':
        this.#state = 'aborted';
        return { kind, state: 'aborted', notices: [] };
      case 'commit':
        return this.#commit();
      case 'undo':
        return this.#undo(args);
      default: {
        const { rules, session } = this.#plate(this.#plateOf(args));
        const before = session.progress;
        const taken: Taken = {
          ...{ kind, args },
          ...(capture === undefined ? {} : { capture }),
          ...this.#moment(atUs),
          ...(this.#run === 0 ? {} : { run: this.#run }),
        };
        session.take(taken);
        return this.#resultOf(kind, rules.plate.id, before.notices.length);
      }
    }
  }

  /** What a commit would put in force; undefined unless every plate that was begun is fitted. */
  candidate(): Candidate | undefined {
    const stated = this.#stated();
    return stated === undefined ? undefined : { hash: stated.hash, plates: stated.plates };
  }

  /**
   * How readings of a plate are waited for: by the slopes that are known of its cells. Whoever reads cells while they warm up
   * wants to see how they drift.
   */
  capturerOptions(plate: string, startUs: number): CapturerOptions {
    const { rules, session } = this.#plate(plate);
    const cells = cellsOf(rules.plate);
    const { magnitudes } = referenceSlopes(cells, rules.former, session.progress.loads, this.#settings);
    return {
      plate,
      cells: cells.map(({ id }, index) => ({ id, milligramsPerCount: magnitudes[index] ?? 0 })),
      ...(cells.length === 0 && rules.plate.scale !== undefined ? { scale: rules.plate.scale } : {}),
      divisionMg: divisionOf(rules.plate),
      driftDivisionsPerS: isCold(this.#moment(startUs), this.#settings.warmUpUs)
        ? this.#settings.coldDriftDivisionsPerS
        : this.#settings.driftDivisionsPerS,
      startUs,
    };
  }

  view(): SessionView {
    const { session, purpose, by, atUs, current, weights, environment } = this.#options;
    const candidate = this.candidate()?.hash;
    return {
      session,
      purpose,
      state: this.#state,
      by,
      begunUs: atUs,
      expiresUs: this.#expiresUs,
      revision: current?.revision ?? 0,
      weights,
      ...(environment === undefined ? {} : { environment }),
      plates: Object.fromEntries(
        [...this.#plates].map(([id, { rules, session: own }]) => [id, viewPlate(rules, own, this.#state)]),
      ),
      ...(candidate === undefined ? {} : { candidate }),
    };
  }

  /** Everything that `restore` needs: plain JSON. */
  save(): SavedSession {
    const plates = [...this.#plates].map(([id, { session }]) => {
      const { journal, undone, zeroDoubtful, beforeLoss } = session;
      const lost = beforeLoss === 0 ? {} : { beforeLoss };
      return [id, { journal: [...journal], undone, zeroDoubtful, ...lost }] as const;
    });
    const run = this.#run === 0 ? {} : { run: this.#run };
    return {
      saved: 1,
      options: this.#options,
      state: this.#state,
      ...run,
      plates: Object.fromEntries(plates),
    };
  }

  #addPlate(plate: PlateEntry): void {
    const { purpose, current, weights, regime, gravityUmS2 } = this.#options;
    if (plate.kind === 'unweighed' || plate.maxMg === undefined || plate.intervalMg === undefined) {
      throw new CalibrationError(
        'CW-CAL-007',
        `plate ${plate.id} is not weighed, or the board does not say its maxMg and intervalMg; without them nothing can be judged`,
      );
    }
    if (plate.cells === undefined && purpose === 'calibrate') {
      throw new CalibrationError(
        'CW-CAL-006',
        `a complete scale carries plate ${plate.id}: its maker's procedure calibrates it; begin a verification`,
      );
    }
    const former = Object.hasOwn(current?.plates ?? {}, plate.id) ? current?.plates[plate.id] : undefined;
    const cells = cellsOf(plate);
    if (purpose === 'verify' && cells.length > 0 && !coversPlate(cells, former)) {
      throw new CalibrationError(
        'CW-CAL-012',
        `plate ${plate.id} has no calibration that could be verified; calibrate it`,
      );
    }
    const rules: PlateRules = {
      plate,
      purpose,
      former,
      weights,
      regime: regime ?? 'r76-initial',
      settings: this.#settings,
      gravity: { former: current?.gravityUmS2, here: gravityUmS2 },
    };
    const session = new PlateSession((progress, taken) => advancePlate(rules, progress, taken));
    this.#plates.set(plate.id, { rules, session });
  }

  #plateOf({ plate }: StepArgs): string {
    if (plate !== undefined) return plate;
    const [only] = this.#plates.keys();
    if (this.#plates.size === 1 && only !== undefined) return only;
    throw new CalibrationError('CW-CAL-029', `say which plate: ${[...this.#plates.keys()].join(', ')}`);
  }

  #plate(id: string) {
    const found = this.#plates.get(id);
    if (found !== undefined) return found;
    throw new CalibrationError(
      'CW-CAL-002',
      `plate ${JSON.stringify(id)} is not one of the session; there are: ${[...this.#plates.keys()].join(', ')}`,
    );
  }

  #mustBeArmed(atUs: number): void {
    this.expire(atUs);
    const { session } = this.#options;
    switch (this.#state) {
      case 'armed':
        return;
      case 'committed':
        throw new CalibrationError('CW-CAL-003', `session ${session} has been committed; begin a new one`);
      case 'aborted':
        throw new CalibrationError('CW-CAL-004', `session ${session} was aborted; begin a new one`);
      case 'expired':
        throw new CalibrationError(
          'CW-CAL-005',
          `the lease of session ${session} has run out and nothing was changed; begin a new one`,
        );
    }
  }

  #mustAllow(kind: StepKind, session: PlateSession, { purpose, plate }: PlateRules): void {
    const answer = answerOf(purpose, session.progress.state, kind);
    if (answer === 'yes') return;
    const { state } = session.progress;
    throw new CalibrationError(
      answer,
      `${kind} is not possible for plate ${plate.id} now: ${advice[answer] ?? 'another step comes first'}`,
      { details: { plate: plate.id, state } },
    );
  }

  /** The moment of a step, and since when the cells had had power then. */
  #moment(atUs: number): Moment {
    const { poweredSinceUs } = this.#options;
    return { atUs, ...(poweredSinceUs === undefined ? {} : { poweredSinceUs }) };
  }

  #checkCommit(args: StepArgs): void {
    commitPlates(
      [...this.#plates].map(([id, { rules, session }]) => ({ id, rules, session })),
      args,
      this.#options.current?.revision ?? 0,
      this.candidate(),
    );
  }

  #stated() {
    const { current, gravityUmS2 } = this.#options;
    return makeCandidate(
      [...this.#plates].map(([id, { session }]) => [id, session.progress] as const),
      { former: current?.gravityUmS2, here: gravityUmS2, inForce: Object.keys(current?.plates ?? {}) },
    );
  }

  /**
   * What `commit` would hand out, with the session as it is: whoever makes it durable takes the step afterwards.
   * @throws CalibrationError as `check` of `commit` does
   */
  committing(args: StepArgs, atUs: number): StepResult {
    this.check('commit', args, atUs);
    return this.#commitment();
  }

  #commit(): StepResult {
    this.#state = 'committed';
    return this.#commitment();
  }

  #commitment(): StepResult {
    const candidate = this.candidate();
    const gravityUmS2 = this.#stated()?.gravityUmS2;
    const entries = Object.entries(candidate?.plates ?? {}).map(([id, { entry }]) => [id, entry] as const);
    return {
      kind: 'commit',
      state: 'committed',
      notices: [],
      plates: Object.fromEntries(entries),
      ...(candidate === undefined ? {} : { candidate }),
      ...(gravityUmS2 === undefined ? {} : { gravityUmS2 }),
    };
  }

  #undo(args: StepArgs): StepResult {
    const id = this.#plateOf(args);
    const { session } = this.#plate(id);
    session.undo();
    return { kind: 'undo', plate: id, state: session.progress.state, notices: [] };
  }

  #resultOf(kind: StepKind, plate: string, told: number): StepResult {
    const { progress } = this.#plate(plate).session;
    const candidate = kind === 'fit' || kind === 'zero' ? this.candidate() : undefined;
    const own = progress.candidate;
    const load = kind === 'load' ? progress.loads.at(-1)?.figures : undefined;
    const verification = kind === 'verify' ? progress.verifications.at(-1) : undefined;
    const observation = kind === 'test' ? progress.observations.at(-1) : undefined;
    return {
      kind,
      plate,
      state: progress.state,
      notices: [...progress.notices.slice(told), ...(kind === 'fit' ? (own?.warnings ?? []) : [])],
      ...(load === undefined ? {} : { load }),
      ...(kind === 'substitute' ? { substitutedMg: progress.substituted?.massMg ?? 0 } : {}),
      ...(kind === 'fit' && own !== undefined ? { fitted: own } : {}),
      ...(candidate === undefined ? {} : { candidate }),
      ...(verification === undefined ? {} : { verification }),
      ...(observation === undefined ? {} : { observation }),
    };
  }
}
