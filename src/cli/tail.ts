import type { Command } from 'commander';
import { describeError } from '#base/errors.ts';
import type { AnyEvent } from '#events/event.ts';
import { toJson } from '#events/json.ts';
import { readEventPayload } from '#events/payload.ts';
import { brokerHelp, connectBroker } from './broker.ts';
import { EventPrinter } from './event-line.ts';
import { untilSignal } from './signals.ts';

interface TailOptions {
  readonly broker: string;
  readonly username?: string;
  readonly passwordFile?: string;
  readonly ca?: string;
  readonly device?: string;
  readonly store?: string;
  readonly type?: string;
  readonly json?: boolean;
  readonly count?: number;
}

/** `cartwright tail`: decoded events of any broker, as they come. */
export function registerTail(program: Command): void {
  program
    .command('tail')
    .description('show the events on a broker as they come, one readable line each')
    .option('-b, --broker <url>', brokerHelp, 'mqtt://127.0.0.1:1883')
    .option('-u, --username <name>', 'user name')
    .option('--password-file <file>', 'file that holds the password')
    .option('--ca <file>', "certificate of the store's authority (PEM)")
    .option('-s, --store <name>', 'only this store')
    .option('-d, --device <name>', 'only this device')
    .option('-t, --type <type>', 'only this type, as item.added, or item for all of item.…')
    .option('-n, --count <number>', 'end after this many events', (text) => Number.parseInt(text, 10))
    .option('--json', 'one JSON object a line (the JSON view)')
    .addHelpText(
      'after',
      `
Examples:
  cartwright tail                                   everything on this machine's broker
  cartwright tail -b mqtt://store-broker -d cart-0042 -t item
  cartwright tail --json -n 10 | jq .data           for scripts`,
    )
    .action(async (options: TailOptions) => {
      const client = await connectBroker({ ...options, url: options.broker, timeoutS: 10 });
      const colour = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
      const printer = new EventPrinter({ colour, several: options.device === undefined });
      const wanted = (event: AnyEvent) =>
        options.type === undefined ||
        event.type === options.type ||
        event.type.startsWith(`${options.type}.`);
      const stop = untilSignal();
      let seen = 0;
      client.on('message', (topic, payload) => {
        let event: AnyEvent;
        try {
          event = readEventPayload(payload);
        } catch (error) {
          process.stderr.write(`${topic}: ${describeError(error)}\n`);
          return;
        }
        if (!wanted(event)) return;
        process.stdout.write(`${options.json ? JSON.stringify(toJson(event)) : printer.line(event)}\n`);
        seen += 1;
        if (seen === options.count) stop.now();
      });
      if (!options.json) process.stdout.write(`${printer.header()}\n`);
      await client.subscribeAsync(`cw/1/${options.store ?? '+'}/${options.device ?? '+'}/event/#`, {
        qos: 1,
      });
      await stop.promise;
      await client.endAsync();
    });
}
