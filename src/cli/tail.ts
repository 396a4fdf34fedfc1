import type { Command } from 'commander';
import { describeError } from '#base/errors.ts';
import type { AnyEvent } from '#events/event.ts';
import { toJson } from '#events/json.ts';
import { readEventPayload } from '#events/payload.ts';
import { type BrokerOptions, connectBroker, withBroker } from './broker.ts';
import { EventPrinter } from './event-line.ts';
import { untilSignal } from './signals.ts';
import { notice, printable, useColour } from './terminal.ts';
import { integerFrom, nameFrom } from './values.ts';

interface TailOptions extends BrokerOptions {
  readonly device?: string;
  readonly store?: string;
  readonly type?: string;
  readonly json?: boolean;
  readonly count?: number;
}

const connectWithinS = 10;

/** `cartwright tail`: decoded events of any broker, as they come. */
export function registerTail(program: Command): void {
  withBroker(
    program.command('tail').description('show the events on a broker as they come, one readable line each'),
  )
    .option('-s, --store <name>', 'only this store', nameFrom('--store'))
    .option('-d, --device <name>', 'only this device', nameFrom('--device'))
    .option('-t, --type <type>', 'only this type, as item.added, or item for all of item.…')
    .option('-n, --count <number>', 'end after this many events', integerFrom('--count', 1))
    .option('--json', 'one JSON object a line (the JSON view)')
    .addHelpText(
      'after',
      `
Live values of cells and plates are no events: scripts/cartwright live shows them.
What is no event is named on standard error and passed over. When the broker goes away, tail waits for it.

Examples:
  scripts/cartwright tail
  scripts/cartwright tail -b mqtt://127.0.0.1:1883 -s demo-store -d cart-0001 -t item
  scripts/cartwright tail --json -n 10 | jq .data

The first shows everything on this machine's broker, as that of a running demo; the last is for scripts.`,
    )
    .action(tail);
}

async function tail(options: TailOptions): Promise<void> {
  const client = await connectBroker(options, connectWithinS);
  const printer = new EventPrinter({ colour: useColour(), several: options.device === undefined });
  const wanted = ({ type }: AnyEvent) =>
    options.type === undefined || type === options.type || type.startsWith(`${options.type}.`);
  const stop = untilSignal();
  let seen = 0;
  client.on('message', (topic, payload) => {
    if (seen === options.count) return;
    let event: AnyEvent;
    try {
      event = readEventPayload(payload);
    } catch (error) {
      notice(`${printable(topic)}: ${describeError(error)}`);
      return;
    }
    if (!wanted(event)) return;
    process.stdout.write(`${options.json ? JSON.stringify(toJson(event)) : printer.line(event)}\n`);
    seen += 1;
    if (seen === options.count) stop.now();
  });
  client.on('close', () => {
    if (!client.disconnecting) notice(`the broker at ${options.broker} is gone; waiting for it`);
  });
  client.on('connect', () => notice(`the broker at ${options.broker} is back`));
  if (!options.json) process.stdout.write(`${printer.header()}\n`);
  const topic = `cw/1/${options.store ?? '+'}/${options.device ?? '+'}/event/#`;
  await client.subscribeAsync(topic, { qos: 1 });
  await stop.promise;
  await client.endAsync(true);
}
