import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '#base/atomic-file.ts';
import type { Clock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { authorize } from '#commands/authority.ts';
import { CommandDesk, type Handler, type HandlerContext, type Remembered } from '#commands/desk.ts';
import { CommandError } from '#commands/errors.ts';
import type { PlainMap } from '#events/fields.ts';
import { openKeyList, readKeyFile } from '#identity/key-list.ts';
import { KeyRing } from '#identity/key-ring.ts';
import { type PublicKey, readPublicPem } from '#identity/keys.ts';
import { Nonces } from '#identity/nonces.ts';
import { storePrefix } from '#uplink/topics.ts';
import { parseArguments } from './arguments.ts';
import type { KnownFacts } from './known-facts.ts';
import { type PowerAction, PowerWish, powerArguments } from './power-wish.ts';
import { updateHandlers } from './update-handlers.ts';
import type { GatewayUpdates } from './updates.ts';

const fileName = 'safe-commands.json';
/** Nobody restarts or updates a device more often in a day. */
const mostKept = 64;
const rememberedSchema = z.record(
  z.string(),
  z.object({
    command: z.string(),
    hash: z.string(),
    key: z.string().optional(),
    until: z.number(),
    answer: z.looseObject({ transaction: z.string(), status: z.enum(['done', 'refused']) }),
  }),
);

/** Commands that were answered while the gateway was out of service: it knows them too when it is back. */
export async function answeredInSafeMode(dataFolder: string): Promise<ReadonlyMap<string, Remembered>> {
  try {
    const text = await readFile(join(dataFolder, fileName), 'utf8');
    return new Map(Object.entries(rememberedSchema.parse(JSON.parse(text)) as Record<string, Remembered>));
  } catch {
    return new Map();
  }
}

/** Whose commands a device believes that is out of service: the lists that the gateway had, and what the store offers. */
export class SafeKeys {
  readonly ring = new KeyRing();
  readonly #topic: string;
  readonly #log: Logger;
  #root: PublicKey | undefined;

  /** Reads what is there. Never rejects: without a list no signed command is believed. */
  static async open(facts: KnownFacts, dataFolder: string, log: Logger): Promise<SafeKeys> {
    const keys = new SafeKeys(facts.store, log);
    const { rootKeyFile, keysFile } = facts;
    await keys.#attempt(async () => {
      if (keysFile !== undefined) keys.ring.set('file', readKeyFile(await readFile(keysFile, 'utf8')));
    });
    await keys.#attempt(async () => {
      if (rootKeyFile === undefined) return;
      keys.#root = readPublicPem(await readFile(rootKeyFile, 'utf8'));
      keys.offered(await readFile(join(dataFolder, 'store-keys.cose')));
    });
    return keys;
  }

  private constructor(store: string, log: Logger) {
    this.#topic = `${storePrefix(store)}/keys`;
    this.#log = log;
  }

  /** Takes the store's list where its root key signed it and it is newer. */
  offered(payload: Uint8Array): void {
    const root = this.#root;
    if (root === undefined || payload.length === 0) return;
    void this.#attempt(async () => {
      const list = openKeyList(payload, this.#topic, root);
      if (list.version > (this.ring.list('store')?.version ?? -1)) this.ring.set('store', list);
    });
  }

  async #attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#log.warn({ err: describeError(error) }, 'a list of keys is not used');
    }
  }
}

interface SafeDeskOptions {
  readonly facts: KnownFacts;
  readonly dataFolder: string;
  readonly runtimeFolder: string | undefined;
  readonly keys: SafeKeys;
  readonly clock: Clock;
  readonly clockTrusted: () => boolean;
  readonly log: Logger;
  readonly info: () => PlainMap;
  readonly updates: GatewayUpdates;
}

/** Commands that change something here. Pausing updates is the gateway's: it would know nothing of it. */
const changes: ReadonlySet<string> = new Set([
  ...['device.reboot', 'device.poweroff'],
  ...['update.check', 'update.begin', 'update.rollback'],
]);

/** What a device out of service answers: what it is and why; being restarted, switched off or updated, signed. */
export async function openSafeDesk(options: SafeDeskOptions): Promise<CommandDesk> {
  const { facts, dataFolder, runtimeFolder, keys, clock, clockTrusted, log, info, updates } = options;
  const remembered = new Map(await answeredInSafeMode(dataFolder));
  const nonces = new Nonces();
  const wish = new PowerWish(runtimeFolder);
  const startedMs = clock.utcMs();
  const keep = async (context: HandlerContext, data: PlainMap) => {
    const { transaction } = context;
    remembered.set(transaction, context.remembered({ transaction, status: 'done', data }));
    const kept = Object.fromEntries([...remembered].slice(-mostKept));
    await writeFileAtomic(join(dataFolder, fileName), JSON.stringify(kept), 0o640);
  };
  const power =
    (command: string, action: PowerAction): Handler =>
    async (args, context) => {
      const { why } = parseArguments(command, powerArguments, args);
      await wish.demandHelper();
      await keep(context, { action });
      log.warn({ action }, `the machine is to ${action === 'reboot' ? 'start again' : 'go off'}: ${why}`);
      await wish.leave(action, why, clock.utcMs());
      return { action };
    };
  const updating = updateHandlers(updates, async (_asked, context, data) => keep(context, data));
  return new CommandDesk({
    handlers: new Map<string, Handler>([
      ...[...updating].filter(([name]) => name === 'update.status' || changes.has(name)),
      ['gateway.info', () => info()],
      ['gateway.nonce', () => ({ nonce: nonces.give(clock.nowUs()), seconds: 300 })],
      ['device.reboot', power('device.reboot', 'reboot')],
      ['device.poweroff', power('device.poweroff', 'poweroff')],
    ]),
    clock,
    clockTrusted,
    remembered,
    // What changes something was kept before it was done.
    remember: async () => {},
    forget: async (transactions) => {
      for (const transaction of transactions) remembered.delete(transaction);
    },
    isLasting: (command) => changes.has(command),
    onRefused: ({ command, error }) => log.warn({ command, code: error.code }, error.message),
    authority: {
      authorize: ({ command, sender, request }) => {
        // What the gateway answered before it failed stands in its outbox, which is not opened here: it is not done twice.
        if (changes.has(command) && clockTrusted() && request.issued < startedMs) {
          throw new CommandError(
            'CW-CMD-003',
            'the request is older than safe mode: it may have been carried out; send a new one',
          );
        }
        return authorize(command, sender, request.args, { mustSign: facts.mustSign, keys: keys.ring.size });
      },
      useNonce: (nonce) => nonces.use(nonce, clock.nowUs()),
    },
  });
}
