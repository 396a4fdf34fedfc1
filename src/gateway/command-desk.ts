import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { RateLimit } from '#base/rate-limit.ts';
import { authorize, type Sender } from '#commands/authority.ts';
import {
  CommandDesk,
  type Handler,
  type HandlerContext,
  type Refusal,
  type Remembered,
} from '#commands/desk.ts';
import { ruleOf } from '#commands/rules.ts';
import { brokerUrls } from '#config/broker.ts';
import { isLoopbackBroker } from '#config/commands.ts';
import type { PlainMap } from '#events/fields.ts';
import type { AuditFacts } from '#identity/audit-chain.ts';
import { Nonces } from '#identity/nonces.ts';
import type { CommandOutcome } from '#pipeline/commands.ts';
import { devicePrefix, requestTopic } from '#uplink/topics.ts';
import { type Auditor, tellable } from './audit.ts';
import type { CommandWatch } from './command-watch.ts';
import type { DecisionLoop } from './decisions.ts';
import { changingCommands } from './handlers.ts';
import type { Keep, KeptChange } from './kept-change.ts';
import type { KeyKeeper } from './key-keeper.ts';
import type { Publisher } from './publisher.ts';
import { answerRequest } from './requests.ts';
import type { GatewaySetup } from './setup.ts';
import { restoreTransactions, type StoredState, transactionKey } from './state.ts';

export interface GatewayDeskOptions {
  readonly setup: Pick<GatewaySetup, 'config' | 'broker'>;
  readonly clock: Clock;
  readonly clockTrusted: () => boolean;
  readonly log: Logger;
  readonly loop: Pick<DecisionLoop, 'command' | 'append' | 'saveState' | 'pipeline'>;
  readonly stored: StoredState;
  /** Transactions that were answered while the gateway was out of service. */
  readonly answered?: ReadonlyMap<string, Remembered>;
  readonly keys: Pick<KeyKeeper, 'ring' | 'fault'>;
  readonly watch: Pick<CommandWatch, 'take'>;
  readonly auditor: Pick<Auditor, 'note' | 'flush'>;
  readonly publish: Publisher['answer'];
  readonly handlers: (carryOut: CarryOut, nonce: () => PlainMap, keep: Keep) => ReadonlyMap<string, Handler>;
  /** Work nobody waits for. */
  readonly background: (work: Promise<unknown>) => void;
}

type CarryOut = (
  command: string,
  args: Readonly<Record<string, unknown>>,
  context: HandlerContext,
) => Promise<CommandOutcome>;

/**
 * The gateway's side of its commands: who may send them here, what is remembered of them and in which write, what goes on
 * record in ledger and audit log.
 */
export class GatewayDesk {
  readonly desk: CommandDesk;
  readonly mustSign: boolean;
  readonly #options: GatewayDeskOptions;
  readonly #nonces = new Nonces();
  /** Transactions whose answer went to disk with what the command changed. */
  readonly #written = new Map<string, string>();
  readonly #refusals = new RateLimit(30, 30);
  /** Of the audit log, which is never cut back: 30 at once, one a minute in the long run. */
  readonly #recordedRefusals = new RateLimit(30, 1);
  #unrecorded = 0;

  constructor(options: GatewayDeskOptions) {
    const { setup, clock, clockTrusted, loop, keys } = options;
    const { broker, commands } = setup.config;
    this.#options = options;
    this.mustSign =
      commands.signed === 'always' || !(broker.embedded || brokerUrls(setup.broker).every(isLoopbackBroker));
    if (this.mustSign && keys.ring.size === 0) {
      options.log.warn(
        { code: 'CW-CMD-010' },
        'commands have to be signed here, and no key is known yet: see commands.keysFile and commands.rootKeyFile',
      );
    }
    this.desk = new CommandDesk({
      handlers: options.handlers(
        (command, args, context) => this.#carryOut(command, args, context),
        () => ({ nonce: this.#nonces.give(clock.nowUs()), seconds: 300 }),
        (asked, context, data, change) => this.#keep(asked, context, data, change),
      ),
      clock,
      clockTrusted,
      remembered: new Map([...(options.answered ?? []), ...restoreTransactions(options.stored, options.log)]),
      remember: (transaction, entry, asked) => this.#remember(transaction, entry, asked),
      forget: (transactions) =>
        loop.saveState(Object.fromEntries(transactions.map((name) => [transactionKey(name), null]))),
      isLasting: (command) => changingCommands.has(command),
      onRefused: (refusal) => this.#refused(refusal),
      authority: {
        authorize: ({ command, sender, request }) =>
          authorize(command, sender, request.args, { mustSign: this.mustSign, keys: keys.ring.size }),
        useNonce: (nonce) => this.#nonces.use(nonce, clock.nowUs()),
      },
    });
  }

  /** What health says of it; undefined where nobody has given this device a key, and none is needed. */
  health() {
    const { ring, fault } = this.#options.keys;
    const [file, store] = [ring.list('file'), ring.list('store')];
    if (!this.mustSign && file === undefined && store === undefined && fault === undefined) return undefined;
    return {
      signed: this.mustSign,
      keys: ring.size,
      ...(file === undefined ? {} : { fileVersion: file.version }),
      ...(store === undefined ? {} : { storeVersion: store.version }),
      ...(fault === undefined ? {} : { fault }),
    };
  }

  /** Takes one message on `request/{command}`. Never rejects. */
  async answer(command: string, payload: Uint8Array, retained: boolean): Promise<void> {
    const { setup, log, clock, clockTrusted, keys, publish } = this.#options;
    await answerRequest(
      {
        desk: this.desk,
        log,
        encoding: setup.config.encoding,
        publish,
        keys: keys.ring,
        topic: (name) => `${devicePrefix(setup.config)}/${requestTopic(name)}`,
        nowMs: () => (clockTrusted() ? clock.utcMs() : undefined),
        onUnreadable: (name, error, transaction) =>
          this.#refused({
            command: name,
            transaction: transaction ?? '',
            error,
            unauthorized: !('code' in error && error.code.startsWith('CW-CMD-001')),
          }),
      },
      command,
      payload,
      retained,
    );
  }

  /** A command for the pipeline: what came of it, that it was done, its record and its answer are one write. */
  async #carryOut(
    command: string,
    args: Readonly<Record<string, unknown>>,
    context: HandlerContext,
  ): Promise<CommandOutcome> {
    const { transaction, sender } = context;
    const { loop, auditor, watch } = this.#options;
    const outcome = await loop.command(command, args, transaction, (result) => {
      const text = JSON.stringify(context.remembered({ transaction, ...result }));
      this.#written.set(transaction, text);
      const state = { [transactionKey(transaction)]: text };
      if (result.status !== 'done') return state;
      loop.pipeline.append({ type: 'command.done', data: { command, transaction, ...actorOf(sender) } });
      const done = watch.take();
      if (done === undefined) return state;
      return { ...state, ...auditor.note({ ...asked({ command, transaction, args, sender }), ...done }) };
    });
    void auditor.flush();
    return outcome;
  }

  /**
   * Makes a change of the gateway's own durable in one write with its events, its record and the answer `data`: so the
   * transaction is known exactly where the change is. Rejects where that is lost, and with CW-GWY-007 after the stop.
   */
  async #keep(
    { command, args }: { readonly command: string; readonly args: Readonly<Record<string, unknown>> },
    context: HandlerContext,
    data: PlainMap,
    { state = {}, drafts = [], facts }: KeptChange,
  ): Promise<void> {
    const { transaction, sender } = context;
    const { loop, auditor } = this.#options;
    const text = JSON.stringify(context.remembered({ transaction, status: 'done', data }));
    this.#written.set(transaction, text);
    const note =
      facts === undefined ? {} : auditor.note({ ...asked({ command, transaction, args, sender }), ...facts });
    for (const draft of drafts) loop.pipeline.append(draft);
    const done = { command, transaction, ...actorOf(sender) };
    await loop.append(
      { type: 'command.done', data: done },
      { ...state, [transactionKey(transaction)]: text, ...note },
    );
    void auditor.flush();
  }

  async #remember(
    transaction: string,
    entry: Remembered,
    { args, sender }: { readonly args: Readonly<Record<string, unknown>>; readonly sender?: Sender },
  ): Promise<void> {
    const { loop, auditor } = this.#options;
    const written = this.#written.get(transaction);
    this.#written.delete(transaction);
    const { command, answer } = entry;
    if (!changingCommands.has(command)) return;
    const text = JSON.stringify(entry);
    if (written === text) return;
    const state = { [transactionKey(transaction)]: text };
    if (written !== undefined || answer.status !== 'done') {
      await loop.saveState(state);
      return;
    }
    const note =
      ruleOf(command).audited === true
        ? auditor.note({ ...asked({ command, transaction, args, sender }), answer: tellable(answer.data) })
        : {};
    const data = { command, transaction, ...actorOf(sender) };
    await loop.append({ type: 'command.done', data }, { ...state, ...note });
    void auditor.flush();
  }

  /** Refusals are on record, but a flood of them is not: it must not fill the outbox. */
  #refused({ command, transaction, error, sender, unauthorized }: Refusal): void {
    const { log, clock, loop, background, auditor } = this.#options;
    const { code, message } = error;
    log.warn({ command, code, transaction, ...actorOf(sender) }, message);
    const named = transaction === '' ? {} : { transaction };
    const note = unauthorized ? this.#refusalNote({ command, code, message, named, sender }) : {};
    if (!this.#refusals.admits(clock.nowUs())) {
      if (Object.keys(note).length === 0) return;
      background(loop.saveState(note).then(() => auditor.flush()));
      return;
    }
    const data = { command, code, message, ...named, ...actorOf(sender) };
    background(loop.append({ type: 'command.refused', data }, note).then(() => auditor.flush()));
  }

  #refusalNote(refused: {
    readonly command: string;
    readonly code: string;
    readonly message: string;
    readonly named: object;
    readonly sender: Sender | undefined;
  }) {
    if (!this.#recordedRefusals.admits(this.#options.clock.nowUs())) {
      this.#unrecorded += 1;
      return {};
    }
    const { command, code, message, named, sender } = refused;
    const more = this.#unrecorded === 0 ? {} : { unrecordedBefore: this.#unrecorded };
    this.#unrecorded = 0;
    return this.#options.auditor.note({
      what: 'command.refused',
      command,
      ...named,
      ...whoOf(sender),
      code,
      cause: tellable(message),
      ...more,
    });
  }
}

const actorOf = (sender: Sender | undefined) => (typeof sender === 'object' ? { actor: sender.id } : {});

/** Who asked, for a record. */
function whoOf(sender: Sender | undefined): AuditFacts {
  if (typeof sender !== 'object') return { from: sender ?? 'this-machine' };
  const { id, role, who } = sender;
  return { key: id, role, ...(who === undefined ? {} : { who }) };
}

function asked({
  command,
  transaction,
  args,
  sender,
}: {
  readonly command: string;
  readonly transaction: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly sender: Sender | undefined;
}): AuditFacts {
  const cause = typeof args.why === 'string' ? { cause: args.why } : {};
  return { what: command, transaction, ...whoOf(sender), args: tellable(args), ...cause };
}
