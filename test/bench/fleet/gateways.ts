/**
 * Many gateways' outboxes and links in one process: the daemon's own code without its sensors, each with a file, a connection and a
 * certificate of its own. A child of `fleet.ts`, which tells it by messages what to do.
 */
import { subscribe } from 'node:diagnostics_channel';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { EngineDevice } from '#test/support/engine-device.ts';
import { telling } from '#test/uplink/support/bench-device.ts';
import type { UplinkOptions, UplinkStatus } from '#uplink/uplink.ts';

export interface GatewayOrder {
  readonly device: string;
  readonly seed: number;
  readonly broker: Partial<UplinkOptions['broker']>;
}

export type ToGateways =
  | {
      readonly kind: 'begin';
      readonly store: string;
      readonly folder: string;
      readonly gateways: readonly GatewayOrder[];
      /** Each stores an event so often, ms. */
      readonly everyMs: number;
    }
  | { readonly kind: 'mark' | 'report' | 'quiet' | 'stop' };

/** Times are of the machine's clock, ms, the same in all processes. */
export interface GatewayReport {
  readonly device: string;
  readonly stored: number;
  readonly waiting: number;
  readonly connected: boolean;
  readonly broker: string;
  /** Longest time since the last mark without an event that the broker acknowledged. */
  readonly silentMs: number;
  /** When the broker accepted a connection, since the last mark. */
  readonly upMs: readonly number[];
  readonly dropped: number;
}

export interface GatewaysReport {
  readonly gateways: readonly GatewayReport[];
  /** Attempts to reach the broker since the last mark. */
  readonly attemptsMs: readonly number[];
  /** Longest time that storing an event took since the last mark. */
  readonly slowestStoreMs: number;
  /** Longest time that this process was held up since the last mark: what it measures may be late by as much. */
  readonly heldUpMs: number;
}

const clockMs = () => performance.timeOrigin + performance.now();

class Gateway {
  readonly order: GatewayOrder;
  readonly link: EngineDevice;
  #connected = false;
  #published = 0;
  #lastMs = 0;
  #silentMs = 0;
  upMs: number[] = [];

  constructor(order: GatewayOrder, store: string, folder: string) {
    this.order = order;
    const { device, broker, seed } = order;
    const own = join(folder, device);
    mkdirSync(own, { recursive: true });
    const onStatus = (status: UplinkStatus) => this.#look(status);
    this.link = new EngineDevice({ store, device, folder: own, broker, seed, onStatus });
    this.link.connect();
  }

  #look({ connected, published }: UplinkStatus): void {
    const nowMs = clockMs();
    if (connected && !this.#connected) this.upMs.push(nowMs);
    this.#connected = connected;
    if (published === this.#published) return;
    this.#published = published;
    this.#silentMs = Math.max(this.#silentMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
  }

  mark(): void {
    this.upMs = [];
    this.#silentMs = 0;
    this.#lastMs = clockMs();
  }

  report(): GatewayReport {
    const { connected, broker, outboxEvents, dropped } = this.link.status;
    return {
      ...{ device: this.order.device, stored: this.link.ids.length, waiting: outboxEvents, dropped },
      ...{ connected, broker, upMs: this.upMs },
      silentMs: Math.max(this.#silentMs, clockMs() - this.#lastMs),
    };
  }
}

const gateways: Gateway[] = [];
const timers: NodeJS.Timeout[] = [];
let attemptsMs: number[] = [];
let slowestStoreMs = 0;
let heldUpMs = 0;

subscribe('net.client.socket', () => attemptsMs.push(clockMs()));
let tickMs = clockMs();
setInterval(() => {
  const nowMs = clockMs();
  heldUpMs = Math.max(heldUpMs, nowMs - tickMs - 20);
  tickMs = nowMs;
}, 20);

function store(gateway: Gateway): void {
  const from = clockMs();
  void gateway.link.store(telling('gateway.born'), Math.round(performance.now() * 1_000)).then(() => {
    slowestStoreMs = Math.max(slowestStoreMs, clockMs() - from);
  });
}

function begin({
  store: name,
  folder,
  gateways: orders,
  everyMs,
}: Extract<ToGateways, { kind: 'begin' }>): void {
  for (const [i, order] of orders.entries()) {
    const gateway = new Gateway(order, name, folder);
    gateways.push(gateway);
    // Spread over the interval: carts keep no common time.
    setTimeout(() => timers.push(setInterval(() => store(gateway), everyMs)), (i * everyMs) / orders.length);
  }
}

function mark(): void {
  attemptsMs = [];
  slowestStoreMs = 0;
  heldUpMs = 0;
  for (const gateway of gateways) gateway.mark();
}

function report(): GatewaysReport {
  return { gateways: gateways.map((gateway) => gateway.report()), attemptsMs, slowestStoreMs, heldUpMs };
}

process.on('message', async (message: ToGateways) => {
  if (message.kind === 'begin') begin(message);
  else if (message.kind === 'mark') mark();
  else if (message.kind === 'quiet') for (const timer of timers) clearInterval(timer);
  else if (message.kind === 'stop') {
    await Promise.all(gateways.map(({ link }) => link.stop(500)));
    process.exit(0);
  }
  process.send?.(report());
});
process.on('disconnect', () => process.exit(1));
