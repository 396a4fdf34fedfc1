import type { Command } from 'commander';
import type { MqttClient } from 'mqtt';
import { describeError } from '#base/errors.ts';
import { liveCounts, liveWeight } from '#events/mqtt-payloads.ts';
import { decodePayload } from '#uplink/payloads.ts';
import { devicePrefix } from '#uplink/topics.ts';
import { type BrokerOptions, connectBroker, withBroker } from './broker.ts';
import { askDevice } from './call.ts';
import { CliError } from './errors.ts';
import { exitCodes } from './exit.ts';
import { CellRows, cellTable, PlateRows, plateTable, Screen } from './live-table.ts';
import { untilSignal } from './signals.ts';
import { notice, printable, terminalColumns } from './terminal.ts';
import { integerFrom, nameFrom } from './values.ts';

interface LiveOptions extends BrokerOptions {
  readonly store: string;
  readonly device: string;
  readonly count?: number;
  readonly json?: boolean;
}

/** What may be watched, by its name here; the gateway calls the raw values of cells counts. */
const topics = { cells: 'counts', weight: 'weight' } as const;
type What = keyof typeof topics;

/** A lease outlives a broker that is away for a moment, and a terminal that is closed does not leave a long one, s. */
const leaseS = 20;
const renewEveryMs = 8_000;
/** Another watcher that ended took the lease with it, or the gateway was started anew: asked again after so long, ms. */
const silentMs = 2_000;
const answerWithinS = 10;
/** Ten messages a second are more than anybody reads, ms. */
const drawEveryMs = 200;
/** Of a terminal that does not know its height. */
const usualRows = 24;
/** Where the output is no terminal, a table is written this often, ms. */
const writeEveryMs = 1_000;

/** `cartwright live`: cells or plates of one device, as they are now. */
export function registerLive(program: Command): void {
  withBroker(
    program
      .command('live')
      .description("show a device's load cells or plates as they are now: counts, mass, noise, fault")
      .argument('[what]', 'cells: each load cell; weight: each plate', 'cells')
      .requiredOption('-s, --store <name>', 'the store', nameFrom('--store'))
      .requiredOption('-d, --device <name>', 'the device', nameFrom('--device')),
  )
    .option(
      '-n, --count <number>',
      'end after this many messages (ten come a second)',
      integerFrom('--count', 1),
    )
    .option('--json', 'one JSON object a line for each message')
    .addHelpText(
      'after',
      `
Noise is the standard deviation of single values over the last five seconds: let the plate rest. A cell without mass has no
calibration. The gateway sends these values only while somebody asks (live.start); that is renewed, and ended with Ctrl-C.
Exit code 1 where the device refuses, 3 where it does not answer.

Examples:
  scripts/cartwright live -s demo-store -d cart-0001
  scripts/cartwright live weight -s demo-store -d cart-0001
  scripts/cartwright live cells -s demo-store -d cart-0001 --json -n 100 | jq -c '.cells[] | [.cell, .counts]'`,
    )
    .action(async (what: string, options: LiveOptions) => {
      if (what !== 'cells' && what !== 'weight')
        throw new CliError('CW-CLI-001', `${printable(what)} can't be watched; write cells or weight`);
      await live(what, options);
    });
}

async function live(what: What, options: LiveOptions): Promise<void> {
  const topic = `${devicePrefix(options)}/live/${topics[what]}`;
  const stop = untilSignal();
  const client = await connectBroker(options, answerWithinS);
  const lease = new Lease(client, topics[what], options);
  try {
    const view = makeView(what, options);
    let seen = 0;
    client.on('message', (from, payload) => {
      if (from !== topic || seen === options.count) return;
      lease.heard();
      if (!view(payload)) return;
      seen += 1;
      if (seen === options.count) stop.now();
    });
    await client.subscribeAsync(topic, { qos: 0 });
    if (!(await lease.begin())) {
      process.exitCode = exitCodes.findings;
      return;
    }
    await stop.promise;
    await lease.end();
  } finally {
    lease.cancel();
    await client.endAsync(true);
  }
}

/** Prints messages; answers whether one was what it should be. */
function makeView(what: What, { json }: LiveOptions): (payload: Uint8Array) => boolean {
  const [cells, plates] = [new CellRows(), new PlateRows()];
  const screen = process.stdout.isTTY === true ? new Screen() : undefined;
  let drawnMs = Number.NEGATIVE_INFINITY;
  return (payload) => {
    let message: { readonly atUs: number; readonly rows: object; readonly lines: () => string[] };
    try {
      if (what === 'cells') {
        const counts = decodePayload(liveCounts, payload);
        const rows = cells.take(counts);
        message = { atUs: counts.atUs, rows: { cells: rows }, lines: () => cellTable(rows) };
      } else {
        const weight = decodePayload(liveWeight, payload);
        const rows = plates.take(weight);
        message = { atUs: weight.atUs, rows: { plates: rows }, lines: () => plateTable(rows) };
      }
    } catch (error) {
      notice(`a message that is none of live values was passed over: ${printable(describeError(error))}`);
      return false;
    }
    if (json) {
      process.stdout.write(`${JSON.stringify({ atUs: message.atUs, ...message.rows })}\n`);
      return true;
    }
    const nowMs = performance.now();
    if (nowMs - drawnMs < (screen === undefined ? writeEveryMs : drawEveryMs)) return true;
    drawnMs = nowMs;
    const lines = message.lines();
    process.stdout.write(
      screen === undefined
        ? `${lines.join('\n')}\n\n`
        : screen.draw(lines, terminalColumns(), process.stdout.rows || usualRows),
    );
    return true;
  };
}

/** The lease on live values: begun, renewed while it is watched, and ended. */
class Lease {
  readonly #client: MqttClient;
  readonly #what: string;
  readonly #options: LiveOptions;
  #renewedMs = 0;
  #heardMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #renewing = false;
  #told = false;

  constructor(client: MqttClient, what: string, options: LiveOptions) {
    this.#client = client;
    this.#what = what;
    this.#options = options;
  }

  heard(): void {
    this.#heardMs = performance.now();
    if (this.#told) notice('live values come again');
    this.#told = false;
  }

  /** False where the device refuses, which is said. Rejects with CW-CLI-003. */
  async begin(): Promise<boolean> {
    const answer = await this.#ask('live.start', answerWithinS);
    if (answer.status === 'refused') {
      process.stderr.write(`refused: ${answer.code} ${printable(answer.message)}\n`);
      return false;
    }
    this.#renewedMs = this.#heardMs = performance.now();
    this.#timer = setInterval(() => this.#look(), 500);
    return true;
  }

  /** Asks the gateway to stop. Where it does not answer, the lease ends by itself. */
  async end(): Promise<void> {
    this.cancel();
    await this.#ask('live.stop', 2).catch(() => {});
  }

  cancel(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const nowMs = performance.now();
    const quiet = nowMs - this.#heardMs > silentMs;
    if (nowMs - this.#heardMs > 2 * silentMs && !this.#told) {
      this.#told = true;
      notice(`no live values from ${this.#options.store}/${this.#options.device}; asking for them again`);
    }
    if (this.#renewing || nowMs - this.#renewedMs < (quiet ? silentMs : renewEveryMs)) return;
    this.#renewing = true;
    this.#ask('live.start', answerWithinS)
      .catch(() => {})
      .finally(() => {
        this.#renewing = false;
        this.#renewedMs = performance.now();
      });
  }

  #ask(command: string, timeout: number) {
    const args = command === 'live.start' ? { what: this.#what, seconds: leaseS } : { what: this.#what };
    return askDevice(this.#client, { ...this.#options, command, args, timeout });
  }
}
