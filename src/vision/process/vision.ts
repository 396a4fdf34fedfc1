import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { Random } from '#base/random.ts';
import { Backoff } from '#base/retry.ts';
import { usPerMs, usPerSecond } from '#base/units.ts';
import type { DeviceFault } from '#readings/faults.ts';
import type { LensMemory } from '../change/lens-memory.ts';
import { isVisionCode, VisionError } from '../errors.ts';
import { ChildLine, type Ended, type LineListener } from './child-line.ts';
import type {
  AnsweredByVision,
  FromVision,
  LookRequest,
  ToldByVision,
  ToVision,
  VisionHealth,
  VisionSetup,
} from './messages.ts';

export interface VisionOptions {
  /** Module that the child runs: it speaks `messages.ts` over its channel to the parent. */
  readonly entry: string;
  readonly setup: VisionSetup;
  /** What is known of the lenses, each time that a process begins. */
  readonly lenses?: () => readonly LensMemory[];
  /** Resident memory above which the child is started again, bytes: what leaks there stays there. */
  readonly memoryBytes: number;
  /** After so long without a word it is ended, µs; 5 s where left out. */
  readonly silentUs?: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** How a process is begun; the real one where left out. */
  readonly begin?: (listener: LineListener) => VisionLine;
  /** Jitter of restarts. */
  readonly random: Pick<Random, 'next'>;
  /** Everything that is said, except answers that somebody waits for. */
  readonly onMessage: (message: ToldByVision) => void;
  /** Of the process itself: why it is away, and that it is back. */
  readonly onFault: (fault: DeviceFault) => void;
}

/** A process and the line to it. */
export type VisionLine = Pick<ChildLine, 'over' | 'pid' | 'send' | 'kill'>;

type Question =
  | Pick<Extract<ToVision, { kind: 'embed' }>, 'kind' | 'camera' | 'plate'>
  | Pick<Extract<ToVision, { kind: 'record' }>, 'kind' | 'camera' | 'seconds'>
  | Pick<Extract<ToVision, { kind: 'erase' }>, 'kind'>;

/** What is known of the process, for health. */
export interface VisionStatus {
  readonly running: boolean;
  readonly pid: number | undefined;
  /** Empty while nothing can be recognized. */
  readonly backend: string;
  readonly model: string;
  /** How often it was started again. */
  readonly restarts: number;
  /** Looks that were asked for and answered. */
  readonly looked: number;
  /** As it said last; undefined while it is away. */
  readonly health: VisionHealth | undefined;
}

/**
 * Without a word for this long that is told, µs: it says something every half second. Told within two seconds of its last
 * word, the check included.
 */
const stalledUs = 1.4 * usPerSecond;
/** … and for this long it is ended where nothing else is configured, µs. */
const usuallySilentUs = 5 * usPerSecond;
/**
 * Before it is ready it may be silent for this long, µs: a Raspberry Pi reads its modules and its model from an SD card, and
 * setting up a network keeps a processor that is busy otherwise for seconds.
 */
const startsWithinUs = 30 * usPerSecond;
/** One that was ended before has twice as long, up to this, µs: a machine that is slow enough would end it for ever. */
const longestStartUs = 120 * usPerSecond;
const checkEveryUs = usPerSecond / 10;
/**
 * A check that comes later than it should was held up together with what was said meanwhile, which is still to be read: of
 * the time since the one before, no more counts as silence, µs.
 */
const mostCountedUs = 4 * checkEveryUs;
/** After this long without a restart the next one comes soon again, µs. */
const steadyUs = 60 * usPerSecond;
const mostLooks = 8;
/** An answer to a look that is older than this is of no use, and no longer waited for, µs. */
const looksWithinUs = 5 * usPerSecond;
/** Messages within so long; more is a flood. */
const mostMessages = 5_000;
const floodUs = usPerSecond;
const stopsWithinUs = 3 * usPerSecond;
/** A process that was killed is gone by then, unless the kernel holds it, µs. */
const diesWithinUs = 2 * usPerSecond;

interface Waiting {
  readonly resolve: (answer: AnsweredByVision) => void;
  readonly reject: (error: VisionError) => void;
}

/**
 * Keeps the vision process going: starts it, hears that it lives, ends it where it hangs, leaks or talks nonsense, and
 * starts it again with growing, jittered pauses. Whatever becomes of it, the gateway goes on; asking is then in vain.
 */
export class VisionProcess {
  readonly #options: VisionOptions;
  readonly #backoff: Backoff;
  readonly #silentUs: number;
  /** Looks under way: when they were asked for, and how many cameras have not answered. */
  readonly #looks = new Map<number, { readonly atUs: number; left: number }>();
  readonly #waiting = new Map<number, Waiting>();
  #line: VisionLine | undefined;
  #nextId = 1;
  #restarts = 0;
  #looked = 0;
  #ready: Extract<FromVision, { kind: 'ready' }> | undefined;
  #health: VisionHealth | undefined;
  #fault: DeviceFault | undefined;
  #startedUs = 0;
  /** It has said something, and is not being ended. */
  #isRunning = false;
  /** How long it says nothing, as far as this process was there to hear it, µs. */
  #quietUs = 0;
  /** How long it may be silent before it is ready, µs. */
  #startsWithinUs: number;
  /** Until when that is counted. */
  #checkedUs = 0;
  #messages = 0;
  #countedUs = 0;
  /** Why this process is being ended. */
  #reason: VisionError | undefined;
  #cancelCheck: (() => void) | undefined;
  #cancelRestart: (() => void) | undefined;
  #stopped = false;

  constructor(options: VisionOptions) {
    this.#options = options;
    this.#silentUs = options.silentUs ?? usuallySilentUs;
    this.#startsWithinUs = this.#startUs();
    this.#backoff = new Backoff({ firstMs: 250, maxMs: 30_000 }, options.random);
  }

  get status(): VisionStatus {
    return {
      running: this.#isRunning,
      pid: this.#line?.pid,
      backend: this.#ready?.backend ?? '',
      model: this.#ready?.model ?? '',
      restarts: this.#restarts,
      looked: this.#looked,
      health: this.#health,
    };
  }

  /** A machine that is slow at answering is as slow at starting. */
  #startUs(): number {
    return Math.max(startsWithinUs, this.#silentUs);
  }

  start(): void {
    if (this.#line !== undefined || this.#stopped) return;
    const { clock, entry, log, setup } = this.#options;
    const begin = this.#options.begin ?? ((listener) => new ChildLine(entry, log, listener));
    this.#startedUs = clock.nowUs();
    this.#isRunning = false;
    this.#quietUs = 0;
    this.#reason = undefined;
    this.#messages = 0;
    this.#line = begin({
      message: (message) => this.#hear(message),
      nonsense: (what) => this.#end('CW-VIS-019', `the vision process said what is no message (${what})`),
      ended: (ended) => this.#ended(ended),
    });
    this.#line.send({ kind: 'begin', setup, lenses: this.#options.lenses?.() ?? [] });
    this.#checkedUs = this.#startedUs;
    this.#countedUs = this.#startedUs;
    this.#cancelCheck = clock.after(checkEveryUs, () => this.#check());
  }

  /**
   * Asks it to end, and ends it where it does not. Idempotent. One that the kernel does not let go (it waits for a camera
   * that hangs) is left to the kernel.
   */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelCheck?.();
    this.#cancelRestart?.();
    const line = this.#line;
    if (line === undefined) return;
    line.send({ kind: 'stop' });
    const { clock, log } = this.#options;
    const cancelKill = clock.after(stopsWithinUs, () => line.kill());
    await new Promise<void>((resolve) => {
      const cancel = clock.after(stopsWithinUs + diesWithinUs, () => {
        log.warn({ pid: line.pid }, 'the vision process can not be ended; a camera or its driver hangs');
        resolve();
      });
      void line.over.then(() => {
        cancel();
        resolve();
      });
    });
    cancelKill();
  }

  /**
   * Asks for a look at a movement; what is seen is told by `onMessage`. False where nobody can look, no camera sees the
   * plate, or so many looks are under way that this one would come too late.
   */
  look(request: Omit<LookRequest, 'kind' | 'id'>): boolean {
    const nowUs = this.#options.clock.nowUs();
    for (const [id, { atUs }] of this.#looks) if (nowUs - atUs > looksWithinUs) this.#looks.delete(id);
    const left = this.#options.setup.views.filter(
      ({ plate, purpose }) => plate === request.plate && purpose === 'things',
    ).length;
    if (left === 0 || this.#looks.size >= mostLooks || !this.#isRunning) return false;
    const id = this.#nextId++;
    this.#looks.set(id, { atUs: nowUs, left });
    this.#line?.send({ kind: 'look', id, ...request });
    return true;
  }

  /** Says something that has no answer; lost while the process is away. */
  tell(
    message: Extract<ToVision, { kind: 'watch' | 'quiet' | 'expect-code' | 'trip' | 'gallery' | 'load' }>,
  ): void {
    if (this.#isRunning) this.#line?.send(message);
  }

  /**
   * Asks and waits. Rejects with the coded error that the process gives, and with CW-VIS-012 where it is away or ends
   * before it has answered.
   */
  ask(
    question: Extract<Question, { kind: 'embed' }>,
  ): Promise<Extract<AnsweredByVision, { kind: 'embedded' }>>;
  ask(
    question: Extract<Question, { kind: 'record' }>,
  ): Promise<Extract<AnsweredByVision, { kind: 'recording' }>>;
  ask(question: Extract<Question, { kind: 'erase' }>): Promise<Extract<AnsweredByVision, { kind: 'erased' }>>;
  ask(question: Question): Promise<AnsweredByVision> {
    return new Promise((resolve, reject) => {
      if (!this.#isRunning) {
        reject(new VisionError('CW-VIS-012', 'the vision process is not running; try again in a moment'));
        return;
      }
      const id = this.#nextId++;
      this.#waiting.set(id, { resolve, reject });
      this.#line?.send({ ...question, id });
    });
  }

  #hear(message: FromVision): void {
    const { clock, log, onMessage } = this.#options;
    // It is being ended: what it still says is of no use.
    if (this.#reason !== undefined) return;
    this.#isRunning = true;
    this.#quietUs = 0;
    this.#checkedUs = clock.nowUs();
    this.#messages += 1;
    // It hung, and goes on.
    if (this.#ready !== undefined) this.#back();
    switch (message.kind) {
      case 'alive':
        return;
      case 'log':
        log[message.level](message.fields, message.message);
        return;
      case 'embedded':
      case 'recording':
      case 'erased':
        this.#answered(message.id)?.resolve(message);
        return;
      case 'refused': {
        const { code, message: why } = message;
        const refusal = new VisionError(isVisionCode(code) ? code : 'CW-VIS-006', why);
        this.#answered(message.id)?.reject(refusal);
        return;
      }
      case 'looked':
        if (!this.#isAsked(message.id)) return;
        this.#looked += 1;
        break;
      case 'health':
        this.#health = message.health;
        if (message.health.residentBytes > this.#options.memoryBytes) this.#tooLarge(message.health);
        break;
      case 'ready':
        this.#ready = message;
        this.#startsWithinUs = this.#startUs();
        this.#back();
        break;
      case 'code':
      case 'motion':
      case 'lens':
      case 'fault':
        break;
    }
    onMessage(message);
  }

  /** Whether a look was asked for that not all cameras have answered; it counts as one answer. */
  #isAsked(id: number): boolean {
    const look = this.#looks.get(id);
    if (look === undefined) return false;
    look.left -= 1;
    if (look.left === 0) this.#looks.delete(id);
    return true;
  }

  #answered(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #tooLarge({ residentBytes }: VisionHealth): void {
    const megabytes = (bytes: number) => Math.round(bytes / 1_048_576);
    this.#end(
      'CW-VIS-021',
      `the vision process takes ${megabytes(residentBytes)} MB, ${megabytes(this.#options.memoryBytes)} MB at most`,
    );
  }

  /** Looks whether it still lives. */
  #check(): void {
    const { clock } = this.#options;
    const nowUs = clock.nowUs();
    this.#quietUs += Math.min(mostCountedUs, nowUs - this.#checkedUs);
    this.#checkedUs = nowUs;
    this.#cancelCheck = clock.after(checkEveryUs, () => this.#check());
    if (nowUs - this.#countedUs >= floodUs) {
      if (this.#messages > mostMessages) this.#end('CW-VIS-019', 'the vision process floods the gateway');
      this.#messages = 0;
      this.#countedUs = nowUs;
    }
    if (this.#reason !== undefined) return;
    if (this.#quietUs > (this.#ready === undefined ? this.#startsWithinUs : this.#silentUs)) {
      if (this.#ready === undefined)
        this.#startsWithinUs = Math.min(Math.max(longestStartUs, this.#startUs()), 2 * this.#startsWithinUs);
      const seconds = Math.round(this.#quietUs / usPerSecond);
      this.#end('CW-VIS-013', `the vision process says nothing for ${seconds} s`);
    } else if (this.#ready !== undefined && this.#quietUs > stalledUs) this.#stalled();
  }

  /** It may only be held up, so it is left alone for now. While it reads model and gallery it may be, and is not judged. */
  #stalled(): void {
    const seconds = (this.#silentUs / usPerSecond).toFixed(0);
    const message = `the vision process does not answer; after ${seconds} s it is ended and started again, decisions go on without cameras`;
    this.#away(new VisionError('CW-VIS-013', message));
  }

  #end(code: VisionError['code'], message: string): void {
    if (this.#reason !== undefined) return;
    this.#reason = new VisionError(
      code,
      `${message}; it is ended and started again, decisions go on without cameras`,
    );
    this.#lose(this.#reason);
    this.#away(this.#reason);
    this.#line?.kill();
  }

  /** Nobody waits any longer for what it was asked, and nothing more is asked of it. */
  #lose(reason: VisionError): void {
    this.#isRunning = false;
    this.#ready = undefined;
    this.#health = undefined;
    this.#looks.clear();
    for (const { reject } of this.#waiting.values()) reject(reason);
    this.#waiting.clear();
  }

  #ended({ code, signal }: Ended): void {
    this.#line = undefined;
    this.#cancelCheck?.();
    const ranUs = this.#options.clock.nowUs() - this.#startedUs;
    const reason =
      this.#reason ??
      new VisionError(
        'CW-VIS-012',
        `the vision process ended by itself (${signal ?? `exit code ${code}`}); it is started again, decisions go on without cameras`,
      );
    this.#lose(reason);
    if (this.#stopped) return;
    if (this.#reason === undefined) this.#away(reason);
    if (ranUs >= steadyUs) this.#backoff.reset();
    this.#restarts += 1;
    const delayUs = this.#backoff.nextMs() * usPerMs;
    this.#cancelRestart = this.#options.clock.after(delayUs, () => this.start());
  }

  #away({ code, message }: VisionError): void {
    // One fault stands at a time: the cause that was told first has ended where another takes its place.
    if (this.#fault?.code === code) return;
    this.#options.log.warn({ code }, message);
    this.#back();
    this.#fault = { fault: 'disconnected', code, message };
    this.#options.onFault(this.#fault);
  }

  #back(): void {
    if (this.#fault !== undefined) this.#options.onFault({ ...this.#fault, cleared: true });
    this.#fault = undefined;
  }
}
