import { configSchema } from '#config/schema.ts';
import { eventTypes } from '#events/catalog.ts';
import { encodeEvent } from '#events/codec.ts';
import type { Draft } from '#events/event.ts';
import { Ledger } from '#events/ledger.ts';
import { Engine } from '#uplink/engine.ts';
import { emptyStatus, engineOptions, type UplinkOptions } from '#uplink/options.ts';
import { type FromWorker, packBatch, type UplinkStatus } from '#uplink/thread.ts';

export interface EngineDeviceOptions {
  readonly store: string;
  readonly device: string;
  /** Its outbox lies here. */
  readonly folder: string;
  readonly broker: Partial<UplinkOptions['broker']>;
  readonly seed: number;
  readonly limits?: UplinkOptions['limits'];
  readonly onStatus?: (status: UplinkStatus) => void;
}

/**
 * One gateway's outbox and link with the settings of the configuration's defaults, in the caller's thread instead of one of
 * its own: hundreds fit into a process, and a clock can be put under them.
 */
export class EngineDevice {
  readonly #engine: Engine;
  readonly #ledger: Ledger;
  readonly ids: string[] = [];
  /** Codes of what went wrong. */
  readonly faults: string[] = [];
  readonly #stored = new Map<number, () => void>();
  #status: UplinkStatus;
  #stopped: (() => void) | undefined;

  constructor({ store, device, folder, broker, seed, limits = {}, onStatus }: EngineDeviceOptions) {
    const defaults = configSchema.parse({ cartwright: 1, store, device, board: 'bench' });
    const options: UplinkOptions = {
      ...{ store, device, folder, encoding: 'cbor', outbox: defaults.outbox, limits },
      broker: { ...defaults.broker, ...broker },
    };
    const starts: Extract<FromWorker, { kind: 'opened' }>['start'][] = [];
    const receive = (message: FromWorker) => {
      if (message.kind === 'opened') starts.push(message.start);
      else if (message.kind === 'status') {
        this.#status = message.status;
        onStatus?.(message.status);
      } else if (message.kind === 'fault') this.faults.push(message.error.code);
      else if (message.kind === 'rejected') throw new Error(`an event was refused: ${message.error.message}`);
      else if (message.kind === 'stored') for (const id of message.ids) this.#settle(id);
      else if (message.kind === 'stopped') this.#stopped?.();
    };
    const start = { options: { ...engineOptions(options), seed }, resume: undefined };
    this.#engine = new Engine(start, receive, (error) => {
      throw error;
    });
    const [opened] = starts;
    if (opened === undefined) throw new Error('the outbox did not open');
    this.#status = emptyStatus('', opened);
    const { ledger, boot, nextSequence } = opened;
    this.#ledger = new Ledger(
      { store, device, ledger },
      { boot, nextSequence, versions: { software: 'cartwright/test' } },
    );
    this.#engine.start();
  }

  #settle(id: number): void {
    this.#stored.get(id)?.();
    this.#stored.delete(id);
  }

  get status(): UplinkStatus {
    return this.#status;
  }

  /** Begins to connect. */
  connect(): void {
    this.#engine.handle({ kind: 'birth', fields: { software: 'cartwright/test' } });
  }

  /** One event; resolves when it is on disk. */
  store(draft: Draft, atUs: number): Promise<void> {
    const event = this.#ledger.append(draft, { atUs, time: 0, timeQuality: 'unset' });
    this.ids.push(event.id);
    const { sequence, type } = event;
    const encoded = { sequence, type, class: eventTypes[type].class, bytes: encodeEvent(event) };
    const batch = packBatch({ events: [encoded], state: {}, reported: [] });
    return new Promise((resolve) => {
      this.#stored.set(sequence, resolve);
      this.#engine.handle({ kind: 'store', id: sequence, batch });
    });
  }

  /** Sends what can be sent within the bound, and closes the outbox. */
  async stop(withinMs: number): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      this.#stopped = resolve;
    });
    this.#engine.handle({ kind: 'stop', withinMs });
    await stopped;
  }
}
