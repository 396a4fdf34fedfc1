import { type PlateFacts, platesIn } from './board.ts';
import type { Answer } from './broker.ts';
import {
  asVerification,
  canInsist,
  type Notice,
  noticesIn,
  type PlannedStep,
  type PlateView,
  planIn,
  type SessionView,
  sessionIn,
  zeroPlan,
} from './calibration.ts';
import { leaseS } from './leases.ts';
import type { Desk } from './view.ts';

const storageName = 'cartwright-plan';
/** The same key may have gone on, or have ended it, in another window. */
const lookEveryMs = 15_000;

/** What a step of a plan does to the session. */
const commandOf: Readonly<Record<string, string>> = {
  zero: 'zero',
  load: 'load',
  fit: 'fit',
  verify: 'verify',
};

interface Kept {
  readonly session: string;
  readonly plate: string;
  readonly plan: readonly PlannedStep[];
}

/**
 * One technician's work on the scales of one device: what the device says of it, kept fresh, and the steps that change it.
 * Where the connection is lost nothing here goes on: the device has the session, and tells what it is when it is back.
 */
export class Bench {
  readonly device: string;
  readonly #desk: Desk;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #nowUs: () => number | undefined;
  #inForce = 0;
  plates: readonly PlateFacts[] = [];
  session: SessionView | undefined;
  plate = '';
  plan: readonly PlannedStep[] = [];
  planNotes: readonly string[] = [];
  /** Told by the last step. */
  notices: readonly Notice[] = [];
  /** Why the last step was refused. */
  refusal: { readonly code: string; readonly message: string } | undefined;
  /** The step that was refused, where it may be taken all the same for a reason. */
  #insisting: { readonly command: string; readonly args: Readonly<Record<string, unknown>> } | undefined;
  #isRefreshing = false;
  #refreshedMs = 0;
  /** What is being done now, for people. */
  busy: string | undefined;
  /** How the last session ended. */
  ended:
    | {
        readonly outcome: 'committed' | 'aborted' | 'over';
        readonly session: string;
        readonly revision?: number;
      }
    | undefined;
  loaded = false;

  /** @param nowUs the device's own time, as live values tell it */
  constructor(desk: Desk, device: string, nowUs: () => number | undefined) {
    this.#desk = desk;
    this.#nowUs = nowUs;
    this.device = device;
    this.#timer = setInterval(() => this.#tick(), 1_000);
    void this.load();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** Whether the session is this browser's key's; undefined without one. */
  get isMine(): boolean {
    const { key } = this.#desk;
    return (
      this.session !== undefined && (this.session.by.key === undefined || this.session.by.key === key?.id)
    );
  }

  /** s until the lease is over; undefined where the device's time is not known. */
  get leaseLeftS(): number | undefined {
    const nowUs = this.#nowUs();
    if (this.#desk.leases.holds(this.device)) return this.#desk.leases.leftS(this.device, nowUs);
    const endsUs = this.session?.expiresUs;
    return nowUs === undefined || endsUs === undefined ? undefined : Math.max(0, (endsUs - nowUs) / 1e6);
  }

  /** Whether the step that was just refused may be taken all the same, for a reason. */
  get canInsist(): boolean {
    return this.refusal !== undefined && this.#insisting !== undefined;
  }

  get facts(): PlateFacts | undefined {
    return this.plates.find(({ id }) => id === this.plate);
  }

  get view(): PlateView | undefined {
    return this.session?.plates[this.plate];
  }

  /** Revision in force, as the device told it last. */
  get revision(): number {
    return this.#inForce;
  }

  /** Asks the device for its plates and for the session, if there is one. */
  async load(): Promise<void> {
    if (!this.#desk.broker.connected) return;
    await this.refresh();
    this.loaded = true;
    this.#desk.draw();
  }

  /** Hears from the device how the session stands. */
  async refresh(): Promise<void> {
    const before = this.session;
    this.#refreshedMs = performance.now();
    const answer = await this.#desk.broker.ask(this.device, 'calibration.status', {}, 12_000);
    if (answer.status !== 'done') {
      if (answer.code !== 'no-answer') this.refusal ??= answer;
      return;
    }
    this.plates = platesIn(answer.data);
    if (this.plate === '') this.plate = this.plates[0]?.id ?? '';
    this.#inForce = typeof answer.data.revision === 'number' ? answer.data.revision : 0;
    const found = sessionIn(answer.data);
    const open = found?.state === 'armed' ? found : undefined;
    if (before !== undefined && open?.session !== before.session) {
      // What this page neither put in force nor ended itself, the device has ended.
      if (this.ended?.session !== before.session) this.ended = { outcome: 'over', session: before.session };
      this.plan = [];
    }
    this.session = open;
    const { leases } = this.#desk;
    if (open !== undefined && this.isMine) leases.hold(this.device, open.session, open.expiresUs);
    else leases.end(this.device);
    if (open !== undefined) this.#restorePlan(open);
    this.#desk.draw();
  }

  async makePlan(args: Readonly<Record<string, unknown>>, purpose: string): Promise<boolean> {
    this.refusal = undefined;
    const { weights, model } = args;
    if (model === 'zero' && Array.isArray(weights) && weights.length === 0) {
      this.plan = zeroPlan;
      this.planNotes = [];
      return true;
    }
    const answer = await this.#during('Making a plan …', () => this.#ask('calibration.plan', args));
    if (answer.status !== 'done') {
      this.refusal = answer;
      return false;
    }
    const plan = planIn(answer.data);
    this.plan = purpose === 'verify' ? asVerification(plan) : plan;
    const notes = answer.data.notes;
    this.planNotes = Array.isArray(notes) ? notes.map(String) : [];
    return true;
  }

  async begin(args: Readonly<Record<string, unknown>>): Promise<void> {
    this.ended = undefined;
    const answer = await this.#step('Beginning …', 'begin', { ...args, expected: this.revision, leaseS });
    if (answer.status !== 'done') return;
    await this.refresh();
    if (this.session !== undefined) this.#keepPlan(this.session.session);
  }

  /** Takes the next step of the plan, or another one; true where the device took it. */
  async take(command: string, args: Readonly<Record<string, unknown>>, doing: string): Promise<boolean> {
    const answer = await this.#step(doing, command, { session: this.session?.session ?? '', ...args });
    if (answer.status === 'refused' && canInsist(command, answer.code)) this.#insisting = { command, args };
    await this.refresh();
    return answer.status === 'done';
  }

  /** Takes the step that was refused all the same; why goes on record. */
  async insist(why: string): Promise<void> {
    if (this.#insisting === undefined) return;
    const { command, args } = this.#insisting;
    await this.take(command, { ...args, force: why }, 'Waiting for rest, then measuring …');
  }

  /** The command and arguments of a planned step. */
  async takePlanned({ step, massMg, at, direction, weights }: PlannedStep): Promise<boolean> {
    const command = commandOf[step];
    if (command === undefined) return false;
    const plate = this.plate;
    if (step === 'zero')
      return await this.take(command, { plate }, 'Waiting for rest, then measuring the empty plate …');
    if (step === 'fit') return await this.take(command, { plate }, 'Calculating …');
    const load = { plate, massMg, at, ...(weights.length === 0 ? {} : { weights }) };
    return await this.take(
      command,
      step === 'load' ? { ...load, direction } : load,
      'Waiting for rest, then measuring …',
    );
  }

  async commit(): Promise<void> {
    const { session } = this;
    if (session?.candidate === undefined) return;
    const answer = await this.#step('Putting it in force …', 'commit', {
      session: session.session,
      candidate: session.candidate,
      expected: session.revision,
    });
    if (answer.status === 'done') {
      const { revision } = answer.data;
      this.ended = {
        outcome: 'committed',
        session: session.session,
        ...(typeof revision === 'number' ? { revision } : {}),
      };
    }
    await this.refresh();
  }

  async abort(): Promise<void> {
    const session = this.session?.session ?? '';
    const answer = await this.#step('Ending …', 'abort', { session });
    if (answer.status === 'done') this.ended = { outcome: 'aborted', session };
    await this.refresh();
  }

  async #step(doing: string, command: string, args: Readonly<Record<string, unknown>>): Promise<Answer> {
    this.refusal = undefined;
    this.notices = [];
    this.#insisting = undefined;
    this.#desk.leases.stepped(this.device);
    const answer = await this.#during(doing, () => this.#ask(`calibration.${command}`, args));
    if (answer.status === 'done') this.notices = noticesIn(answer.data.notices);
    else this.refusal = answer;
    return answer;
  }

  async #during(doing: string, work: () => Promise<Answer>): Promise<Answer> {
    this.busy = doing;
    this.#desk.draw();
    const screen = stayAwake();
    const answer = await work();
    void screen.then((lock) => lock?.release());
    this.busy = undefined;
    this.#desk.draw();
    return answer;
  }

  #ask(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<Answer> {
    return this.#desk.broker.ask(this.device, command, args);
  }

  #tick(): void {
    if (this.session === undefined || !this.isMine) return;
    this.#desk.draw();
    if (!this.#desk.broker.connected || this.busy !== undefined) return;
    // Whoever holds it no longer hears from the device what became of it.
    const isSound = this.leaseLeftS !== 0 && this.#desk.leases.holds(this.device);
    const isFresh = performance.now() - this.#refreshedMs < lookEveryMs;
    if (this.#isRefreshing || (isSound && isFresh)) return;
    this.#isRefreshing = true;
    void this.refresh().finally(() => {
      this.#isRefreshing = false;
    });
  }

  /** A plan outlives a reload of the page, for its session. */
  #keepPlan(session: string): void {
    const kept: Kept = { session, plate: this.plate, plan: this.plan };
    sessionStorage.setItem(storageName, JSON.stringify(kept));
  }

  #restorePlan(session: SessionView): void {
    if (session.plates[this.plate] === undefined) this.plate = Object.keys(session.plates)[0] ?? this.plate;
    if (this.plan.length > 0) return;
    const kept = JSON.parse(sessionStorage.getItem(storageName) ?? 'null') as Kept | null;
    if (kept?.session !== session.session) return;
    this.plan = kept.plan;
    this.plate = kept.plate;
  }
}

/** Keeps a phone's screen on while a plate is read, where the browser can and may. */
async function stayAwake(): Promise<WakeLockSentinel | undefined> {
  return 'wakeLock' in navigator
    ? await navigator.wakeLock.request('screen').catch(() => undefined)
    : undefined;
}
