import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '#base/clock.ts';
import { describeError, isCoded } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { Draft, TimeQuality } from '#events/event.ts';
import { type AuditFacts, type AuditHead, emptyHead } from '#identity/audit-chain.ts';
import { type AuditFinding, AuditLog } from '#identity/audit-log.ts';
import type { PipelineInput } from '#pipeline/inputs.ts';
import { GatewayError } from './errors.ts';
import type { StateChanges, StoredState } from './state.ts';

/** The head of the log as the outbox keeps it: the counter that never goes back. */
export const auditHeadKey = 'audit/head';
/** Records on their way to the log lie in the outbox under names that begin so. */
export const auditPendingPrefix = 'audit/pending/';
/** Facts of a record, as JSON, are cut beyond this many characters. */
const longestFacts = 32_768;
/** Longest text of an argument or message that is kept whole. */
const longestText = 1_000;
/** Never on record: a token is the shopper's, and opens her session. */
const secrets: ReadonlySet<string> = new Set(['token', 'nonce']);

interface AuditorOptions {
  readonly dataFolder: string;
  readonly stored: StoredState;
  readonly boot: number;
  readonly clock: Clock;
  readonly timeQuality: () => TimeQuality;
  readonly log: Logger;
  /** Stores an event with state, in one write; rejects with CW-GWY-007 once the gateway stops. */
  readonly append: (draft: Draft, state: StateChanges) => Promise<void>;
  readonly push: (input: Extract<PipelineInput, { kind: 'device-fault' }>) => void;
}

/**
 * Keeps the audit log of this device. What has to be on record is noted in the very write that makes it durable, and goes
 * from there to the chain: so there is neither a deed without a record nor a record without a deed, wherever power is cut.
 */
export class Auditor {
  readonly #options: AuditorOptions;
  readonly #log: AuditLog;
  /** Notes on their way to the chain, by id, in order. */
  readonly #pending = new Map<string, AuditFacts>();
  #turn: Promise<void> = Promise.resolve();
  #noted = 0;
  #fault: string | undefined;

  /** Opens the log; what an earlier run noted and did not bring there is brought there by `start`. Rejects with CW-IDN-013. */
  static async open(options: AuditorOptions): Promise<Auditor> {
    const head = storedHead(options.stored);
    const { log, findings, newer } = await AuditLog.open(join(options.dataFolder, 'audit'), head);
    const auditor = new Auditor(options, log);
    const known = new Set(newer.map(({ facts }) => facts.id));
    for (const [key, text] of Object.entries(options.stored).sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (!key.startsWith(auditPendingPrefix)) continue;
      const facts = JSON.parse(text) as AuditFacts;
      // It reached the chain, and power was cut before that could be stored.
      if (known.has(facts.id)) auditor.#done.push(key);
      else auditor.#pending.set(key, facts);
    }
    auditor.#findings.push(...findings);
    return auditor;
  }

  /** Notes that are in the chain already and still to be forgotten. */
  readonly #done: string[] = [];
  readonly #findings: AuditFinding[] = [];

  private constructor(options: AuditorOptions, log: AuditLog) {
    this.#options = options;
    this.#log = log;
  }

  /** Goes on where an earlier run ended. */
  start(): void {
    for (const finding of this.#findings.splice(0)) this.#found(finding);
    if (this.#pending.size > 0 || this.#done.length > 0) void this.flush();
  }

  /** The last record of the chain. */
  get head(): AuditHead {
    return this.#log.head;
  }

  /** State to be stored in the same write as what it tells; then call `flush`. */
  note(facts: AuditFacts): StateChanges {
    const { boot, clock, timeQuality } = this.#options;
    this.#noted += 1;
    const id = `${String(boot).padStart(8, '0')}-${String(this.#noted).padStart(8, '0')}`;
    const key = `${auditPendingPrefix}${id}`;
    const whole = bounded({
      id,
      atMs: clock.utcMs(),
      timeQuality: timeQuality(),
      boot,
      atUs: clock.nowUs(),
      ...facts,
    });
    this.#pending.set(key, whole);
    return { [key]: JSON.stringify(whole) };
  }

  /** Brings what is noted into the chain; resolves when it is there, or when that has to be tried again. Never rejects. */
  flush(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#flush());
    return this.#turn;
  }

  async #flush(): Promise<void> {
    try {
      for (const [key, facts] of [...this.#pending]) {
        const head = await this.#log.append(facts);
        this.#pending.delete(key);
        this.#done.push(key);
        await this.#tell(head, facts);
      }
      if (this.#done.length > 0) await this.#tell(undefined, {});
      this.#over();
    } catch (error) {
      // The gateway stops: the next one goes on with it.
      if (error instanceof GatewayError && error.code === 'CW-GWY-007') return;
      this.#failed(isCoded(error) ? error.code : 'CW-IDN-013', describeError(error));
    }
  }

  /** The counter goes with the event that tells the store of it, and with what need not be remembered any longer. */
  async #tell(head: AuditHead | undefined, { what, key }: AuditFacts): Promise<void> {
    const { append } = this.#options;
    const forgotten = this.#done.splice(0);
    const state = Object.fromEntries(forgotten.map((name) => [name, null]));
    const { number, hash } = head ?? this.#log.head;
    const kept = { ...state, [auditHeadKey]: JSON.stringify({ number, hash }) };
    const data = {
      number,
      hash,
      what: String(what ?? 'audit.resumed'),
      ...(key === undefined ? {} : { actor: String(key) }),
    };
    await append({ type: 'audit.recorded', data }, kept);
  }

  /** What was wrong with the log is itself on record, and loud. */
  #found({ what, message, details }: AuditFinding): void {
    const code = what === 'audit.torn' ? 'CW-IDN-014' : 'CW-IDN-012';
    this.#options.log.error({ code, ...details }, message);
    // Kept in memory alone: where power is cut before it is in the chain, the same is found again.
    this.note({ what, cause: message, ...details });
    this.#failed(code, message);
  }

  #failed(code: string, message: string): void {
    const { push, clock, log } = this.#options;
    if (this.#fault === code) return;
    this.#fault = code;
    log.error({ code }, message);
    const fault = { fault: 'integrity', code, message: message.slice(0, longestText) } as const;
    push({ kind: 'device-fault', source: 'audit', atUs: clock.nowUs(), fault });
  }

  /** A disk that was full has room again. What is damaged or missing stays so. */
  #over(): void {
    if (this.#fault !== 'CW-IDN-013') return;
    const { push, clock } = this.#options;
    const fault = {
      fault: 'integrity',
      code: this.#fault,
      message: 'the audit log is written',
      cleared: true,
    } as const;
    this.#fault = undefined;
    push({ kind: 'device-fault', source: 'audit', atUs: clock.nowUs(), fault });
  }
}

/** The head that the outbox keeps; the empty one where it keeps none. */
function storedHead(stored: StoredState): AuditHead {
  const text = stored[auditHeadKey];
  if (text === undefined) return emptyHead;
  const { number, hash } = JSON.parse(text) as AuditHead;
  return { number, hash };
}

/** Arguments and answers as they may stand in a record: bytes by their hash, no secret, nothing endless. */
export function tellable(value: unknown): unknown {
  if (value instanceof Uint8Array) {
    return { bytes: value.length, sha256: createHash('sha256').update(value).digest('hex') };
  }
  if (Array.isArray(value)) return value.map(tellable);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, secrets.has(name) ? '…' : tellable(inner)]),
    );
  }
  return typeof value === 'string' && value.length > longestText ? `${value.slice(0, longestText)}…` : value;
}

function bounded(facts: AuditFacts): AuditFacts {
  const text = JSON.stringify(facts);
  if (text.length <= longestFacts) return facts;
  const sha256 = createHash('sha256').update(text).digest('hex');
  const { args, answer, events, ...rest } = facts;
  return { ...rest, cut: { characters: text.length, sha256, had: Object.keys({ args, answer, events }) } };
}
