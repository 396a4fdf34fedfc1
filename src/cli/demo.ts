import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { systemClock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import { formatMoney } from '#base/units.ts';
import { loadBoard } from '#config/load.ts';
import { isKnown } from '#events/codec.ts';
import type { AnyEvent, CartEvent } from '#events/event.ts';
import { readEventPayload } from '#events/payload.ts';
import { type Score, score } from '#traces/score.ts';
import { callDevice } from './call.ts';
import { type DaemonProcess, startDaemon } from './demo/daemon.ts';
import { DemoTill } from './demo/demo-till.ts';
import { Ear } from './demo/ear.ts';
import { type SendCommand, Shopper } from './demo/shopper.ts';
import { fold } from './event-columns.ts';
import { counted, EventPrinter } from './event-line.ts';
import { exitCodes } from './exit.ts';
import { addScores } from './score.ts';
import { untilSignal } from './signals.ts';
import { printable, terminalColumns, useColour } from './terminal.ts';
import { integerFrom } from './values.ts';

const here = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const store = 'demo-store';
const device = 'cart-0001';
const statusPort = 8080;
const displayPort = 8081;
/** MQTT's own: the other commands look for a broker there. */
const brokerPort = 1883;
/** What a trip's last command leaves comes a moment after the basket has closed. */
const settleMs = 400;

interface DemoOptions {
  readonly once?: boolean;
  readonly port?: number;
}

/** `cartwright demo`: a virtual cart in a virtual store, and a shopper; what scripts/start runs. */
export function registerDemo(program: Command): void {
  program
    .command('demo')
    .description('run a virtual cart with a virtual shopper, and show its events as a subscriber sees them')
    .option('--once', 'end after one trip with a summary')
    .option(
      '--port <number>',
      `port of the broker on loopback (default: ${brokerPort}, or a free one where that is taken)`,
      integerFrom('--port', 0, 65_535),
    )
    .addHelpText(
      'after',
      `
Everything runs on this machine and is gone afterwards: daemon, broker, status page, and the store with the till where she pays.
The load cells are read by the
real firmware on a simulated microcontroller. Exit code 1 where a decision was wrong.

Examples:
  scripts/cartwright demo
  scripts/cartwright demo --once
  scripts/cartwright demo --port 1884

In another terminal, while it runs:
  scripts/cartwright tail
  scripts/cartwright call gateway.info -s demo-store -d cart-0001
  mosquitto_sub -t 'cw/#' -F %t                  (the topics; the payloads are CBOR)`,
    )
    .action(async (options: DemoOptions) => {
      process.exitCode = await runDemo(options);
    });
}

const say = (text: string) => process.stdout.write(`${text}\n`);
/** Sentences break between words; what a program reads stays one line. */
const sayFolded = (text: string) => say(process.stdout.isTTY ? fold(text, terminalColumns()) : text);

/** Runs the demo; resolves with the exit code: 0 unless a decision was wrong or something broke. */
async function runDemo(options: DemoOptions): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-demo-'));
  const signal = untilSignal();
  try {
    return await tripsIn(folder, options, signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function tripsIn(
  folder: string,
  options: DemoOptions,
  signal: ReturnType<typeof untilSignal>,
): Promise<number> {
  const scenarioPath = here('config/scenarios/demo-trip.yaml');
  const { promise: listening, resolve } = Promise.withResolvers<Ear>();
  // The shopper may begin while the daemon still opens the last of its devices: nothing of her trip is to be missed.
  const listen = (url: string) => resolve(Ear.open(url, `cw/1/${store}/${device}/event/#`));
  listening.catch(() => {});
  const daemon = await startDaemon(
    here('config/demo.yaml'),
    {
      CARTWRIGHT_BROKER__URL: `mqtt://127.0.0.1:${options.port ?? ((await isFree(brokerPort)) ? brokerPort : 0)}`,
      CARTWRIGHT_DATA: join(folder, 'data'),
      CARTWRIGHT_STATUS__PORT: String((await isFree(statusPort)) ? statusPort : 0),
      CARTWRIGHT_DISPLAY__PORT: String((await isFree(displayPort)) ? displayPort : 0),
      CARTWRIGHT_BOARD: await demoBoard(folder, options.once !== true),
    },
    folder,
    { error: (message) => say(`gateway: ${message}`), broker: listen },
  );
  try {
    return await shop(daemon, await listening, { scenarioPath, folder }, options, signal);
  } finally {
    await daemon.stop();
  }
}

async function shop(
  daemon: DaemonProcess,
  ear: Ear,
  { scenarioPath, folder }: { readonly scenarioPath: string; readonly folder: string },
  options: DemoOptions,
  signal: ReturnType<typeof untilSignal>,
): Promise<number> {
  const { brokerUrl } = daemon;
  // What she still had on her way when the demo ends is nobody's business.
  let over = false;
  const send: SendCommand = (command, args) =>
    callDevice({ broker: brokerUrl, store, device, command, args, timeout: 10 });
  const till = await DemoTill.open({ broker: brokerUrl, store, device, folder, send, say });
  const shopper = await Shopper.load({
    scenarioPath,
    clock: systemClock,
    // In this store she goes to pay instead of leaving.
    send: (command, args) => (command === 'session.end' ? till.pay() : send(command, args)),
    onAnswer: (command, answer) => {
      if (answer.status === 'refused') say(`${command} was refused: ${answer.code} ${answer.message}`);
    },
    onError: (error) => {
      if (!over) say(describeError(error));
    },
  });
  say(`status page  ${daemon.statusUrl}`);
  say(`shopper sees ${daemon.displayUrl}`);
  say(`broker       ${brokerUrl}`);
  say(`see events   scripts/cartwright tail -b ${brokerUrl}`);
  say(`a shopper's trip of about ${shopper.tripSeconds} s begins${options.once ? '' : '; Ctrl-C ends it'}\n`);
  const printer = new EventPrinter({ colour: useColour() });
  say(printer.header());
  const trip: CartEvent[] = [];
  const scores: Score[] = [];
  let settling: NodeJS.Timeout | undefined;
  const summarize = () => {
    if (settling === undefined) return;
    clearTimeout(settling);
    settling = undefined;
    const { score, lines } = summarizeTrip(trip.splice(0), shopper);
    scores.push(score);
    for (const line of ['', ...lines, '']) sayFolded(line);
    if (options.once) signal.now();
  };
  ear.listen((topic, payload) => {
    const event = readOrTell(topic, payload);
    if (event === undefined) return;
    say(printer.line(event));
    if (!isKnown(event)) return;
    trip.push(event);
    till.happened(event);
    if (event.type === 'basket.opened') shopper.begin(event);
    if (event.type === 'basket.closed') settling ??= setTimeout(summarize, settleMs);
  });
  const died = await Promise.race([signal.promise.then(() => undefined), daemon.exited]);
  summarize();
  over = true;
  shopper.stop();
  await till.close();
  if (died === undefined) {
    if (!options.once) sayFolded(farewell(scores));
    await daemon.stop();
  }
  await ear.close();
  if (died !== undefined) {
    say(`the gateway ended by itself with exit code ${died}`);
    return exitCodes.internal;
  }
  return scores.some((score) => mistakes(score) > 0) ? exitCodes.findings : exitCodes.ok;
}

/** Whoever tries things out on the demo's broker must not end it. */
function readOrTell(topic: string, payload: Uint8Array): AnyEvent | undefined {
  try {
    return readEventPayload(payload);
  } catch (error) {
    say(`${printable(topic)}: ${describeError(error)}`);
    return undefined;
  }
}

/** The demo's board; for a demo without end, its world begins a new trip after each. */
async function demoBoard(folder: string, loop: boolean): Promise<string> {
  const board = await loadBoard('demo-cart');
  const devices = board.devices.map((entry) =>
    entry.driver === 'virtual-world' ? { ...entry, options: { ...entry.options, loop } } : entry,
  );
  const path = join(folder, 'board.yaml');
  await writeFile(path, stringify({ ...board, devices }));
  return path;
}

/** What a score holds against the gateway: things done wrong, and things let pass without a question. */
function mistakes({ wrong, missed, unlisted, unlistedAsked }: Score): number {
  return wrong + missed + (unlisted - unlistedAsked);
}

/** What became of a trip. */
function summarizeTrip(
  events: readonly CartEvent[],
  shopper: Shopper,
): { readonly score: Score; readonly lines: readonly string[] } {
  const closed = events.findLast((event) => event.type === 'basket.closed');
  const result = score(shopper.truths, events);
  const open = closed?.type === 'basket.closed' ? closed.data.unsettled.length : 0;
  const total =
    closed?.type === 'basket.closed'
      ? formatMoney(
          closed.data.totals.finalMinor + closed.data.totals.estimateMinor,
          closed.data.totals.currency,
        )
      : 'unknown';
  const first = `${counted(events.length, 'event')}, ${counted(result.questions, 'question')} asked, ${open} unresolved, total ${total}`;
  return { score: result, lines: [first, describeScore(result)] };
}

function describeScore(result: Score): string {
  return (
    `${result.decided + result.decidedAfterAsking} of ${counted(result.truths, 'movement')} decided right ` +
    `(${result.decidedAfterAsking} after asking), ${result.asked} asked, ${result.missed} missed, ` +
    `${result.wrong} wrong; ${result.unlistedAsked} of ${counted(result.unlisted, 'thing')} that no shop sells ` +
    `${result.unlisted === 1 ? 'was' : 'were'} asked about`
  );
}

/** The last word of a demo that was ended by hand. */
function farewell(scores: readonly Score[]): string {
  if (scores.length === 0) return '\nThe demo ends; no trip was finished.';
  return `\nThe demo ends after ${counted(scores.length, 'whole trip')}: ${describeScore(addScores(scores))}.`;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
