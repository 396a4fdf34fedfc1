import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VirtualClock } from '#base/clock.ts';
import { silentLogger } from '#base/log.ts';
import type { Handler } from '#commands/desk.ts';
import { sealRequest } from '#commands/sealed.ts';
import { configSchema } from '#config/schema.ts';
import type { Draft } from '#events/event.ts';
import type { Infer, PlainMap } from '#events/fields.ts';
import { requestPayload, responsePayload } from '#events/mqtt-payloads.ts';
import { Auditor } from '#gateway/audit.ts';
import { GatewayDesk } from '#gateway/command-desk.ts';
import type { GatewaySetup } from '#gateway/setup.ts';
import type { StateChanges } from '#gateway/state.ts';
import type { AuditFacts } from '#identity/audit-chain.ts';
import { verifyAudit } from '#identity/audit-log.ts';
import type { KeyEntry } from '#identity/key-list.ts';
import { KeyRing } from '#identity/key-ring.ts';
import type { PrivateKey } from '#identity/keys.ts';
import { listOf } from '#test/identity/support.ts';
import { decodePayload, encodePayload } from '#uplink/payloads.ts';

/** What reached the disk in one write. */
interface Write {
  readonly drafts: readonly Draft[];
  readonly state: StateChanges;
}

interface Sent {
  readonly command?: string;
  readonly args?: PlainMap;
  readonly transaction?: string;
  readonly issued?: number;
  readonly expires?: number;
  readonly nonce?: string;
  readonly retained?: boolean;
  /** Signs for this topic in place of the one that it is sent on. */
  readonly topic?: string;
}

/** The gateway's desk on a disk that can be cut off, with a basket of one number that `line.void` lowers. */
export class DeskBench {
  readonly clock = new VirtualClock(1_000_000, Date.UTC(2026, 10, 22, 10));
  readonly ring = new KeyRing();
  readonly folder: string;
  trusted = true;
  /** What is on the disk. */
  state: Record<string, string> = {};
  events: Draft[] = [];
  readonly published: Infer<typeof responsePayload>[] = [];
  /** Writes that still reach the disk; what comes later is lost with the power. */
  writesLeft = Number.POSITIVE_INFINITY;
  /** Resolves when a write was lost: whoever made it waits for ever. */
  readonly cut = Promise.withResolvers<void>();
  revision = 5;
  runs = 0;
  desk: GatewayDesk;
  auditor: Auditor;
  readonly #url: string;
  #boot = 1;

  static async open(keys: readonly KeyEntry[], url = 'mqtts://broker.my-store.example'): Promise<DeskBench> {
    const folder = await mkdtemp(join(tmpdir(), 'desk-'));
    const bench = new DeskBench(folder, url, await openAuditor(folder, () => bench));
    bench.ring.set('file', listOf(keys));
    return bench;
  }

  private constructor(folder: string, url: string, auditor: Auditor) {
    this.folder = folder;
    this.#url = url;
    this.auditor = auditor;
    this.desk = this.#makeDesk();
  }

  /** Power comes back: only what is on the disk is known. */
  async restart(): Promise<void> {
    await this.auditor.flush();
    this.#boot += 1;
    this.writesLeft = Number.POSITIVE_INFINITY;
    this.auditor = await openAuditor(this.folder, () => this);
    this.desk = this.#makeDesk();
    this.auditor.start();
    await this.auditor.flush();
  }

  get boot(): number {
    return this.#boot;
  }

  async remove(): Promise<void> {
    await this.auditor.flush();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Sends one request, signed where a key is given, and resolves with its answer. */
  async send(sent: Sent, key?: PrivateKey): Promise<Infer<typeof responsePayload>> {
    const {
      command = 'line.void',
      args = { line: 1, why: 'damaged' },
      transaction = 't1',
      retained = false,
    } = sent;
    const now = this.clock.utcMs();
    const { issued = now, expires = now + 60_000, nonce } = sent;
    const request = { transaction, issued, expires, args, ...(nonce === undefined ? {} : { nonce }) };
    const topic = sent.topic ?? this.topic(command);
    return await this.sendBytes(
      key === undefined ? encodePayload(requestPayload, request, 'cbor') : sealRequest(request, topic, key),
      command,
      retained,
    );
  }

  async sendBytes(bytes: Uint8Array, command = 'line.void', retained = false) {
    await this.desk.answer(command, bytes, retained);
    const answer = this.published.at(-1);
    if (answer === undefined) throw new Error('no answer');
    return answer;
  }

  topic(command: string): string {
    return `cw/1/test-store/cart-0001/request/${command.replaceAll('.', '/')}`;
  }

  /** What the audit log says, and what is wrong with it against the counter on the disk. */
  async audit(): Promise<{ readonly facts: readonly AuditFacts[]; readonly problems: readonly string[] }> {
    await this.auditor.flush();
    const head = this.state['audit/head'];
    if (head === undefined) return { facts: [], problems: [] };
    const expected = JSON.parse(head) as { number: number; hash: string };
    const { records, problems } = await verifyAudit(join(this.folder, 'audit'), expected);
    return { facts: records.map(({ facts }) => facts), problems };
  }

  /** Types of the events on the disk. */
  types(): string[] {
    return this.events.map(({ type }) => type);
  }

  write({ drafts, state }: Write): Promise<void> {
    if (this.writesLeft <= 0) {
      this.cut.resolve();
      return new Promise(() => {});
    }
    this.writesLeft -= 1;
    this.events.push(...drafts);
    for (const [key, value] of Object.entries(state)) {
      if (value === null) delete this.state[key];
      else this.state[key] = value;
    }
    return Promise.resolve();
  }

  #makeDesk(): GatewayDesk {
    let fresh: Draft[] = [];
    const config = configSchema.parse({
      cartwright: 1,
      store: 'test-store',
      device: 'cart-0001',
      board: 'light-cart',
      broker: { url: this.#url },
    });
    const setup = { config, broker: config.broker } satisfies Pick<GatewaySetup, 'config' | 'broker'>;
    let before = 0;
    return new GatewayDesk({
      setup,
      clock: this.clock,
      clockTrusted: () => this.trusted,
      log: silentLogger,
      loop: {
        pipeline: { append: (draft: Draft) => fresh.push(draft) },
        append: (draft: Draft, state: StateChanges = {}) => this.write({ drafts: [draft], state }),
        saveState: (state: StateChanges = {}) => this.write({ drafts: [], state }),
        command: async (
          _command: string,
          args: PlainMap,
          _transaction: string,
          stateOf: (outcome: object) => StateChanges,
        ) => {
          fresh = [];
          before = this.revision;
          this.runs += 1;
          this.revision += 1;
          const outcome = { status: 'done', data: { revision: this.revision, by: args.by ?? null } } as const;
          const state = stateOf(outcome);
          await this.write({ drafts: fresh, state: { ...state, basket: String(this.revision) } });
          return outcome;
        },
      } as unknown as ConstructorParameters<typeof GatewayDesk>[0]['loop'],
      stored: this.state,
      keys: { ring: this.ring, fault: undefined },
      auditor: this.auditor,
      watch: {
        take: () => ({ before: { revision: before }, after: { revision: this.revision }, events: [] }),
      },
      publish: (_topic, bytes) => this.published.push(decodePayload(responsePayload, bytes)),
      handlers: (carryOut, nonce) => {
        const handlers = new Map<string, Handler>([
          ['gateway.nonce', () => nonce()],
          ['log.level', () => ({ level: 'debug' })],
        ]);
        for (const command of ['line.void', 'checkout.settle', 'item.answer']) {
          handlers.set(command, async (args, context) => {
            const outcome = await carryOut(command, args, context);
            return outcome.status === 'done' ? outcome.data : {};
          });
        }
        return handlers;
      },
      background: (work) => void work.catch(() => {}),
    });
  }
}

function openAuditor(folder: string, bench: () => DeskBench): Promise<Auditor> {
  let opened: DeskBench | undefined;
  try {
    opened = bench();
  } catch {
    // The first one is opened before its bench is made.
  }
  return Auditor.open({
    dataFolder: folder,
    stored: { ...opened?.state },
    boot: opened?.boot ?? 1,
    clock: new VirtualClock(5_000_000),
    timeQuality: () => 'synced',
    log: silentLogger,
    append: (draft, state) => bench().write({ drafts: [draft], state }),
    push: () => {},
  });
}
