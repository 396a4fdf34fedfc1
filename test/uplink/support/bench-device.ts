import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { configSchema } from '#config/schema.ts';
import type { CartEvent, Draft } from '#events/event.ts';
import { Ledger } from '#events/ledger.ts';
import type { UplinkError } from '#uplink/errors.ts';
import { type DropRange, Uplink, type UplinkOptions, type UplinkStatus } from '#uplink/uplink.ts';

export const place = { store: 'lab', device: 'cart-7' };

type Teardown = Pick<ExecutionContext, 'teardown'>;

/** A folder that goes with the test. */
export async function temporaryFolder(t: Teardown): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'uplink-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Waits until `condition` holds; fails after `withinMs`. */
export async function until(condition: () => boolean, what: string, withinMs = 30_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited ${withinMs} ms in vain: ${what}`);
    await sleep(5);
  }
}

interface DeviceOptions {
  readonly url: string;
  readonly folder?: string;
  readonly device?: string;
  readonly encoding?: UplinkOptions['encoding'];
  readonly broker?: Partial<UplinkOptions['broker']>;
  readonly outbox?: Partial<UplinkOptions['outbox']>;
  readonly limits?: UplinkOptions['limits'];
  /** Leave the birth, and so the connection, to the test. */
  readonly silent?: boolean;
  readonly onFault?: (error: UplinkError) => void;
}

/** A device as the gateway would run it: an uplink and the ledger that numbers its events. */
export class BenchDevice {
  readonly uplink: Uplink;
  readonly folder: string;
  readonly faults: UplinkError[];
  readonly drops: DropRange[] = [];
  readonly events: CartEvent[] = [];
  readonly #ledger: Ledger;

  private constructor(uplink: Uplink, folder: string, device: string, faults: UplinkError[]) {
    this.uplink = uplink;
    this.folder = folder;
    this.faults = faults;
    const { ledger, boot, nextSequence } = uplink.start;
    this.#ledger = new Ledger(
      { store: place.store, device, ledger },
      { boot, nextSequence, versions: { software: 'cartwright/test' } },
    );
    uplink.onDropped((range) => this.drops.push(range));
  }

  /** Opens one; it is stopped with the test. */
  static async open(t: Teardown, options: DeviceOptions): Promise<BenchDevice> {
    const folder = options.folder ?? (await temporaryFolder(t));
    const device = options.device ?? place.device;
    const defaults = configSchema.parse({ cartwright: 1, store: place.store, device, board: 'bench' });
    const faults: UplinkError[] = [];
    const uplink = await Uplink.open({
      store: place.store,
      device,
      folder,
      encoding: options.encoding ?? 'cbor',
      broker: {
        ...defaults.broker,
        url: options.url,
        reconnectFirstMs: 20,
        reconnectMaxMs: 100,
        ...options.broker,
      },
      outbox: { ...defaults.outbox, groupMs: 2, ...options.outbox },
      onFault(error) {
        faults.push(error);
        options.onFault?.(error);
      },
      ...(options.limits === undefined ? {} : { limits: options.limits }),
    });
    t.teardown(() => uplink.stop(100));
    const bench = new BenchDevice(uplink, folder, device, faults);
    if (options.silent !== true) uplink.setBirth({ software: 'cartwright/test' });
    return bench;
  }

  get status(): UplinkStatus {
    return this.uplink.status();
  }

  /** Makes events without storing them. */
  make(count: number, draft: Draft = telling('gateway.born')): CartEvent[] {
    return Array.from({ length: count }, (_, i) =>
      this.#ledger.append(draft, { atUs: i, time: 0, timeQuality: 'unset' }),
    );
  }

  /** Makes events and stores them in batches of `size`, without waiting between them. */
  async store(count: number, draft?: Draft, size = 1): Promise<void> {
    const waiting: Promise<void>[] = [];
    for (let done = 0; done < count; done += size) {
      const events = this.make(Math.min(size, count - done), draft);
      this.events.push(...events);
      waiting.push(this.uplink.store(events));
    }
    await Promise.all(waiting);
  }

  connected(): Promise<void> {
    return until(() => this.status.connected, 'the link comes up');
  }

  hasFault(code: string): boolean {
    return this.faults.some((fault) => fault.code === code);
  }
}

/** A draft of each class: ledger, evidence, telemetry. */
export function telling(type: 'gateway.born' | 'scan.read' | 'gateway.health'): Draft {
  switch (type) {
    case 'gateway.born':
      return { type, data: { boot: 1, software: 'cartwright/test', reason: 'start' } };
    case 'scan.read':
      return { type, data: { source: 'handle-scanner', symbology: ']E0', meaning: 'unknown' } };
    case 'gateway.health':
      return {
        type,
        data: {
          ok: true,
          uptimeS: 1,
          sensors: [],
          outboxEvents: 0,
          outboxBytes: 0,
          dropped: 0,
          connected: false,
          timeQuality: 'unset',
          rssBytes: 1,
        },
      };
  }
}
