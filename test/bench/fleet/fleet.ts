import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../support/processes.ts';
import type { GatewayOrder, GatewayReport, GatewaysReport, ToGateways } from './gateways.ts';

/** What all gateways of a fleet report together. */
export interface FleetReport extends GatewaysReport {
  readonly waiting: number;
  readonly connected: number;
}

/** Gateways' links and outboxes by the hundred, in some processes so that none of these is the bottleneck. */
export class Fleet {
  readonly #children: ChildProcess[] = [];

  /** Starts them; resolves when all are connected. */
  static async start(options: {
    readonly store: string;
    readonly folder: string;
    readonly gateways: readonly GatewayOrder[];
    readonly everyMs: number;
    readonly processes: number;
  }): Promise<Fleet> {
    const fleet = new Fleet();
    const { store, folder, gateways, everyMs, processes } = options;
    for (let part = 0; part < processes; part++) {
      fleet.#children.push(fork(join(root, 'test/bench/fleet/gateways.ts'), { cwd: root }));
      const share = gateways.filter((_, i) => i % processes === part);
      const order = { kind: 'begin', store, folder, gateways: share, everyMs } as const;
      await fleet.#ask(fleet.#children.at(-1), order);
    }
    await fleet.until((report) => report.connected === gateways.length, 'all are connected', 240_000);
    return fleet;
  }

  async #ask(child: ChildProcess | undefined, message: ToGateways): Promise<GatewaysReport> {
    if (child === undefined) throw new Error('there is no such process');
    const answer = once(child, 'message');
    child.send(message);
    return ((await answer) as [GatewaysReport])[0];
  }

  async #askAll(message: ToGateways): Promise<GatewaysReport[]> {
    return Promise.all(this.#children.map((child) => this.#ask(child, message)));
  }

  /** From here on reports begin anew. */
  async mark(): Promise<void> {
    await this.#askAll({ kind: 'mark' });
  }

  /** No further events are stored. */
  async quiet(): Promise<void> {
    await this.#askAll({ kind: 'quiet' });
  }

  async report(): Promise<FleetReport> {
    const all = await this.#askAll({ kind: 'report' });
    const gateways = all.flatMap((part) => part.gateways);
    return {
      gateways,
      attemptsMs: all.flatMap((part) => part.attemptsMs).sort((a, b) => a - b),
      slowestStoreMs: Math.max(...all.map((part) => part.slowestStoreMs)),
      heldUpMs: Math.max(...all.map((part) => part.heldUpMs)),
      waiting: gateways.reduce((sum, { waiting }) => sum + waiting, 0),
      connected: gateways.filter(({ connected }) => connected).length,
    };
  }

  async until(holds: (report: FleetReport) => boolean, what: string, withinMs: number): Promise<FleetReport> {
    for (const deadline = performance.now() + withinMs; ; await sleep(250)) {
      const report = await this.report();
      if (holds(report)) return report;
      if (performance.now() > deadline) {
        throw new Error(`waited ${withinMs} ms in vain: ${what}; ${describe(report)}`);
      }
    }
  }

  async stop(): Promise<void> {
    const ended = this.#children.map(async (child) => {
      if (child.exitCode !== null) return;
      const exited = once(child, 'exit');
      child.send({ kind: 'stop' } satisfies ToGateways);
      const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
      await exited;
      clearTimeout(late);
    });
    await Promise.all(ended);
  }
}

function describe({ connected, gateways, waiting }: FleetReport): string {
  return `${connected} of ${gateways.length} are connected, ${waiting} events wait`;
}

/** Devices whose events are not all at the consumer. */
export function incomplete(
  gateways: readonly GatewayReport[],
  missing: (device: string, through: number) => readonly number[],
): string[] {
  return gateways.flatMap(({ device, stored, dropped }) => {
    const gone = missing(device, stored);
    return gone.length + dropped === 0 ? [] : [`${device}: ${gone.length} never came, ${dropped} dropped`];
  });
}

/** How many of these times fall into each second after `fromMs`. */
export function perSecond(timesMs: readonly number[], fromMs: number): number[] {
  const counts: number[] = [];
  for (const at of timesMs) {
    const second = Math.floor((at - fromMs) / 1_000);
    if (second < 0) continue;
    while (counts.length <= second) counts.push(0);
    counts[second] = (counts[second] ?? 0) + 1;
  }
  return counts;
}
