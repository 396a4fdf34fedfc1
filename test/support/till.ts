import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import mqtt, { type MqttClient } from 'mqtt';
import { createRandom, type Random } from '#base/random.ts';
import { askDevice } from '#cli/call.ts';
import { Receiver } from '#test/basket/recompute.ts';
import { Collector } from './collector.ts';
import { basketFaults, waitFor } from './crash.ts';
import {
  type DaemonUnderTest,
  device,
  type GatewayFolder,
  makeGatewayFolder,
  startGateway,
  store,
} from './gateway.ts';

/** What came of payments while the daemon was killed again and again. */
export interface PaymentReport {
  readonly kills: number;
  readonly trips: number;
  /** Payments that the till captured. */
  readonly captured: number;
  readonly events: number;
  readonly faults: readonly string[];
}

interface Answered {
  readonly code?: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** When the daemon is killed, as seen from a request: ms after it was sent, or undefined for not at all. */
export type KillPlan = (random: Random) => number | undefined;

/** Something moves, or may still be decided on, as after every start: a till asks again. */
const askAgain = 'CW-BSK-010';
const mostAsked = 40;
/** A machine that is short of time starts and answers slowly; it is what comes of it that counts. Seconds. */
const longestS = 900;

const line = {
  line: 1,
  gtin: '04006381333931',
  name: 'Goods with a price',
  count: 2,
  unitPriceMinor: 150,
  priceMinor: 300,
  priceStatus: 'final',
  entry: 'scan',
};
const atTill = {
  line: 2,
  gtin: '04311501043271',
  name: 'Goods for adults that the till prices',
  count: 1,
  priceMinor: 0,
  priceStatus: 'at-till',
  entry: 'scan',
  minimumAge: 18,
};
const staff = { role: 'staff', who: '17' };

/** A till and a cart whose daemon is killed at moments of `plan`. As docs/mqtt.md tells a till to, it captures on `done` alone. */
class Till {
  kills = 0;
  readonly captured: string[] = [];
  readonly faults: string[] = [];
  readonly #client: MqttClient;
  readonly #folder: GatewayFolder;
  readonly #random: Random;
  readonly #plan: KillPlan;
  #daemon: DaemonUnderTest;

  constructor(
    client: MqttClient,
    folder: GatewayFolder,
    daemon: DaemonUnderTest,
    random: Random,
    plan: KillPlan,
  ) {
    this.#client = client;
    this.#folder = folder;
    this.#daemon = daemon;
    this.#random = random;
    this.#plan = plan;
  }

  get daemon(): DaemonUnderTest {
    return this.#daemon;
  }

  /** Sends a request until it is answered, whatever becomes of the daemon meanwhile. */
  async #ask(command: string, args: Readonly<Record<string, unknown>>): Promise<Answered> {
    const afterMs = this.#plan(this.#random);
    const call = { store, device, command, args, timeout: longestS, transaction: randomUUID() };
    const asked = askDevice(this.#client, call);
    asked.catch(() => {});
    if (afterMs !== undefined) {
      await sleep(afterMs);
      await this.#daemon.kill();
      this.kills += 1;
      this.#daemon = await startGateway(this.#folder);
    }
    const answer = await asked;
    return answer.status === 'done' ? { data: answer.data } : { code: answer.code, data: {} };
  }

  /** The same, again with a new transaction while something may still move. */
  async #settled(command: string, args: Readonly<Record<string, unknown>>): Promise<Answered> {
    for (let asked = 1; ; asked++) {
      const answer = await this.#ask(command, args);
      if (answer.code !== askAgain || asked >= mostAsked) return answer;
      await sleep(300);
    }
  }

  async #must(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<Answered['data']> {
    const answer = await this.#settled(command, args);
    if (answer.code !== undefined) this.faults.push(`${command} is refused: ${answer.code}`);
    return answer.data;
  }

  /** One trip from its first line to its end, paid or declined. */
  async trip(number: number): Promise<void> {
    const isPaid = this.#random.next() < 0.75;
    await this.#must('basket.receive', { from: 'cart-2', session: `s-${number}`, lines: [line, atTill] });
    await this.#must('basket.suspend');
    await this.#must('basket.resume', { by: staff });
    const { checkout } = await this.#must('basket.checkout');
    const { revision } = await this.#must('basket.approve', { age: 18, by: staff });
    const lines = [{ line: 2, priceMinor: 100 + number }];
    const priced = await this.#must('checkout.price', { checkout, revision, lines });
    const totalMinor = (priced.totals as { toPayMinor?: number } | undefined)?.toPayMinor;
    const settlement = {
      checkout,
      revision: priced.revision,
      totalMinor,
      outcome: isPaid ? 'paid' : 'declined',
      reference: `T-${number}`,
    };
    const settled = await this.#settled('checkout.settle', settlement);
    if (settled.code !== undefined) this.faults.push(`trip ${number} can't be settled: ${settled.code}`);
    else if (isPaid) this.captured.push(String(checkout));
    // A till that has forgotten that it was answered asks once more, under another transaction.
    const again = await this.#settled('checkout.settle', settlement);
    if (again.code !== settled.code || again.data.revision !== settled.data.revision) {
      this.faults.push(`trip ${number} is settled twice: ${JSON.stringify([settled, again])}`);
    }
    await this.#must('session.end');
  }
}

/**
 * Trips that are paid for (or not) while the daemon is killed (SIGKILL), until `kills` were made and a trip is over. Faults
 * tell of charges without payment, payments without charge, events that do not add up, and requests that should have been taken.
 */
export async function payThroughKills(options: {
  readonly brokerUrl: string;
  readonly kills: number;
  readonly seed: number;
  readonly plan: KillPlan;
}): Promise<PaymentReport> {
  const folder = await makeGatewayFolder({
    brokerUrl: options.brokerUrl,
    scenario: '../../test/fixtures/scenarios/quiet',
    seed: options.seed,
    config: { display: { enabled: false } },
  });
  const collector = await Collector.connect(options.brokerUrl, store, device);
  const client = await mqtt.connectAsync(options.brokerUrl, { protocolVersion: 5, reconnectPeriod: 200 });
  const till = new Till(client, folder, await startGateway(folder), createRandom(options.seed), options.plan);
  try {
    let trips = 0;
    while (till.kills < options.kills || trips === 0) {
      trips += 1;
      await till.trip(trips);
    }
    await till.daemon.stop();
    await waitFor(() => collector.gaps().length === 0, 10_000);
    return {
      kills: till.kills,
      trips,
      captured: till.captured.length,
      events: collector.events.length,
      faults: [...till.faults, ...ledgerFaults(collector, till.captured, trips)],
    };
  } finally {
    if (till.daemon.running()) await till.daemon.kill();
    await client.endAsync(true);
    await collector.close();
    await folder.remove();
  }
}

/** What the ledger says that the till doesn't, and what does not add up in it. */
function ledgerFaults(collector: Collector, captured: readonly string[], trips: number): string[] {
  const faults = [...basketFaults(collector), ...collector.problems];
  for (const sequence of collector.gaps()) faults.push(`sequence ${sequence} never came`);
  const receiver = new Receiver();
  let sessions = 0;
  for (const event of collector.ledger()) {
    if (event.type === 'basket.opened') sessions += 1;
    try {
      receiver.take(event);
    } catch (error) {
      faults.push(`${event.type} ${event.sequence}: ${String(error)}`);
    }
  }
  if (sessions !== trips) faults.push(`${trips} trips, ${sessions} sessions`);
  const paid = receiver.paid.map(({ checkout }) => checkout);
  if (JSON.stringify(paid) !== JSON.stringify(captured)) {
    faults.push(`the till captured ${captured.join(', ')}, the ledger says ${paid.join(', ')}`);
  }
  return faults;
}
