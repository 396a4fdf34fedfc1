import { createHash } from 'node:crypto';
import type { Clock } from '#base/clock.ts';
import { type CodedError, describeError, isCoded } from '#base/errors.ts';
import type { PlainMap } from '#events/fields.ts';
import type { Sender } from './authority.ts';
import { CommandError } from './errors.ts';
import type { Answer, Request } from './messages.ts';

/** No request may be valid for longer, and no transaction is remembered for longer. */
export const longestValidityMs = 24 * 3600 * 1000;
/** Requests being carried out at once; more is a fault or an attack. */
const mostInHand = 64;
/** Answers kept at once; a day of a busy cart has some hundreds. Memory and disk must not be filled from outside. */
export const mostRemembered = 4_096;
/** How far ahead of our clock a sender's may be. */
const clockSkewMs = 5 * 60 * 1000;

/** What a handler may need besides its arguments. */
export interface HandlerContext {
  readonly transaction: string;
  readonly atUs: number;
  /** Who asked; left out for this machine's own pages. */
  readonly sender?: Sender;
  /**
   * What will be remembered of this transaction if it is answered so. A handler that changes stored state stores it in
   * the same write, so that after a crash the transaction was either carried out and is known, or neither.
   */
  remembered(answer: Answer): Remembered;
}

/** What a handler gives back: `data` for the answer. It may throw a coded error to refuse. */
export type Handler = (
  args: Readonly<Record<string, unknown>>,
  context: HandlerContext,
) => Promise<PlainMap> | PlainMap;

/** A transaction that was answered, as it is remembered across restarts. */
export interface Remembered {
  readonly command: string;
  /** SHA-256 of command and arguments. */
  readonly hash: string;
  /** Key that signed it; a transaction is its key's own. */
  readonly key?: string;
  /** UTC ms when the request expires: after that it is forgotten. */
  readonly until: number;
  readonly answer: Answer;
}

export interface DeskOptions {
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly clock: Clock;
  /** Whether `clock.utcMs()` can be trusted; without it, expiry can't be judged and isn't. */
  readonly clockTrusted: () => boolean;
  /** Transactions answered before a restart. */
  readonly remembered: ReadonlyMap<string, Remembered>;
  /**
   * Makes an answer durable, with whatever events the command made; resolves when it is on disk. Where a command changes
   * nothing there is nothing to do: repeated after a restart, it may be carried out again.
   */
  readonly remember: (
    transaction: string,
    entry: Remembered,
    asked: { readonly args: Request['args']; readonly sender?: Sender },
  ) => Promise<void>;
  /** Forgets answers whose time is over, all in one write. */
  readonly forget: (transactions: readonly string[]) => Promise<void>;
  readonly onRefused?: (refusal: Refusal) => void;
  /**
   * Whether a command's answers have to be known until they expire; left out, all have. Where there is no room for more,
   * the others make it: whoever asks questions without end must not keep out who has something to do.
   */
  readonly isLasting?: (command: string) => boolean;
  /** Who may command what; left out, everybody may command everything. */
  readonly authority?: Authority;
}

/** A request that was refused. */
export interface Refusal {
  readonly command: string;
  readonly transaction: string;
  readonly error: CodedError;
  readonly sender?: Sender;
  /** The sender was refused, not what it asked for. */
  readonly unauthorized: boolean;
}

interface Authority {
  /** The arguments with which the command is carried out. Throws a coded error where the sender may not command it. */
  authorize(incoming: Incoming): Readonly<Record<string, unknown>>;
  /** Uses up the nonce of a signed request, which stands for its age while the clock is unset. Throws a coded error. */
  useNonce(nonce: string): void;
}

export interface Incoming {
  /** `session.begin` */
  readonly command: string;
  readonly request: Request;
  readonly retained: boolean;
  /** Who sent it; left out for this machine's own pages. */
  readonly sender?: Sender;
}

const keyOf = (sender: Sender | undefined) => (typeof sender === 'object' ? sender.id : undefined);

/** Stable text of JSON-like values: keys sorted, so that equal arguments hash alike. */
function canonical(value: unknown): string {
  if (value instanceof Uint8Array) return `b64:${Buffer.from(value).toString('base64')}`;
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`;
  }
  return JSON.stringify(value) ?? 'undefined';
}

/**
 * Where requests over MQTT are judged and carried out at most once. The transaction, not the sender's luck with the
 * network, decides: the same transaction with the same arguments gets the same answer again, also after a restart,
 * and with other arguments it is refused.
 */
export class CommandDesk {
  readonly #options: DeskOptions;
  readonly #remembered: Map<string, Remembered>;
  readonly #inHand = new Map<
    string,
    Pick<Remembered, 'hash' | 'key'> & { readonly answer: Promise<Answer> }
  >();

  constructor(options: DeskOptions) {
    this.#options = options;
    this.#remembered = new Map(options.remembered);
  }

  /** Whether a transaction was answered, or is being worked on. */
  knows(transaction: string): boolean {
    return this.#remembered.has(transaction) || this.#inHand.has(transaction);
  }

  /** Judges and carries out one request; resolves with the answer to send once it is durable. Never rejects. */
  async handle(incoming: Incoming): Promise<Answer> {
    const { request } = incoming;
    let args: Request['args'];
    try {
      const { authority, handlers } = this.#options;
      // What is no command, nobody needs a right to: that there is none is what has to be said.
      args = (handlers.has(incoming.command) ? authority?.authorize(incoming) : undefined) ?? request.args;
    } catch (error) {
      return this.#refuse(incoming, error, true);
    }
    const key = keyOf(incoming.sender);
    let hash: string;
    try {
      if (this.#remembered.size >= mostRemembered) await this.#makeRoom();
      hash = createHash('sha256')
        .update(`${incoming.command}\0${canonical(args)}`)
        .digest('hex');
      const known = this.#remembered.get(request.transaction) ?? this.#inHand.get(request.transaction);
      if (known !== undefined) {
        // One that was answered before commands were signed is its sender's whoever signs now.
        if (known.hash === hash && (known.key === undefined || known.key === key)) return await known.answer;
        throw new CommandError(
          'CW-CMD-005',
          `transaction ${request.transaction} was used before with other arguments, or by another key; use a new one for a new command`,
        );
      }
      this.#judge(incoming);
    } catch (error) {
      return this.#refuse(incoming, error);
    }
    const answer = this.#carryOut({ ...incoming, request: { ...request, args } }, hash);
    this.#inHand.set(request.transaction, { hash, answer, ...(key === undefined ? {} : { key }) });
    try {
      return await answer;
    } finally {
      this.#inHand.delete(request.transaction);
    }
  }

  async #makeRoom(): Promise<void> {
    await this.sweep();
    const { isLasting } = this.#options;
    if (isLasting === undefined || this.#remembered.size < mostRemembered) return;
    for (const [transaction, { command }] of this.#remembered) {
      if (isLasting(command)) continue;
      this.#remembered.delete(transaction);
      return;
    }
  }

  /** Forgets transactions whose time is over; call it now and then. */
  async sweep(): Promise<void> {
    if (!this.#options.clockTrusted()) return;
    const now = this.#options.clock.utcMs();
    const over = [...this.#remembered].flatMap(([transaction, { until }]) =>
      until < now ? [transaction] : [],
    );
    if (over.length === 0) return;
    for (const transaction of over) this.#remembered.delete(transaction);
    await this.#options.forget(over);
  }

  #judge({ command, request, retained, sender }: Incoming): void {
    if (!this.#options.handlers.has(command)) {
      const known = [...this.#options.handlers.keys()].sort().join(', ');
      throw new CommandError('CW-CMD-002', `there is no command ${command}; these are: ${known}`);
    }
    if (retained) {
      throw new CommandError('CW-CMD-004', 'the request was retained; send commands without the retain flag');
    }
    if (request.expires - request.issued > longestValidityMs || request.expires < request.issued) {
      throw new CommandError('CW-CMD-006', 'expires must lie after issued, by 24 hours at most');
    }
    if (this.#options.clockTrusted()) {
      const now = this.#options.clock.utcMs();
      if (request.expires < now) {
        throw new CommandError(
          'CW-CMD-003',
          `the request expired ${now - request.expires} ms ago; send it again`,
        );
      }
      if (request.issued > now + clockSkewMs) {
        throw new CommandError(
          'CW-CMD-006',
          "the request's time of issue lies ahead of this device's clock; check the sender's",
        );
      }
    }
    if (this.#inHand.size >= mostInHand) {
      throw new CommandError(
        'CW-CMD-007',
        `${mostInHand} requests are being worked on; wait for their answers`,
      );
    }
    if (this.#remembered.size >= mostRemembered) {
      throw new CommandError(
        'CW-CMD-007',
        `${mostRemembered} transactions are remembered until they expire; let requests expire sooner, or wait`,
      );
    }
    if (typeof sender === 'object' && !this.#options.clockTrusted()) this.#requireNonce(request);
  }

  /** Last of all: what is refused for another reason uses no nonce up. */
  #requireNonce({ nonce }: Request): void {
    if (nonce === undefined) {
      throw new CommandError(
        'CW-CMD-013',
        "this device's clock is not set yet, so it can't tell how old the command is; ask it for a nonce (gateway.nonce) and sign that with the command",
      );
    }
    this.#options.authority?.useNonce(nonce);
  }

  async #carryOut(incoming: Incoming, hash: string): Promise<Answer> {
    const { command, request, sender } = incoming;
    const { transaction } = request;
    const key = keyOf(sender);
    // Once the clock says so, a repeat is refused as expired: until then, the answer must be known.
    const remembered = (answer: Answer): Remembered => ({
      command,
      hash,
      ...(key === undefined ? {} : { key }),
      until: request.expires,
      answer,
    });
    let answer: Answer;
    try {
      const handler = this.#options.handlers.get(command);
      if (handler === undefined) throw new CommandError('CW-CMD-002', `there is no command ${command}`);
      const data = await handler(request.args, {
        transaction,
        atUs: this.#options.clock.nowUs(),
        ...(sender === undefined ? {} : { sender }),
        remembered,
      });
      answer = { transaction, status: 'done', data };
    } catch (error) {
      answer = this.#refuse(incoming, error);
    }
    let entry = remembered(answer);
    try {
      await this.#options.remember(transaction, entry, {
        args: request.args,
        ...(sender === undefined ? {} : { sender }),
      });
    } catch (error) {
      entry = { ...entry, answer: this.#refuse(incoming, error) };
    }
    this.#remembered.set(transaction, entry);
    return entry.answer;
  }

  #refuse({ command, request, sender }: Incoming, error: unknown, unauthorized = false): Answer {
    const { transaction } = request;
    const coded = isCoded(error)
      ? error
      : new CommandError('CW-CMD-009', `${command} failed: ${describeError(error)}; please report this`);
    this.#options.onRefused?.({
      command,
      transaction,
      error: coded,
      unauthorized,
      ...(sender === undefined ? {} : { sender }),
    });
    return { transaction, status: 'refused', code: coded.code, message: coded.message };
  }
}
