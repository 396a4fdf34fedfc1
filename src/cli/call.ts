import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { Answer } from '#commands/messages.ts';
import { encodeRecord } from '#events/codec.ts';
import type { PlainMap } from '#events/fields.ts';
import { requestPayload, responsePayload } from '#events/mqtt-payloads.ts';
import { decodePayload } from '#uplink/payloads.ts';
import { devicePrefix, requestTopic, responseTopic } from '#uplink/topics.ts';
import { brokerHelp, connectBroker } from './broker.ts';
import { CliError } from './errors.ts';
import { exitCodes } from './exit.ts';

interface CallOptions {
  readonly broker: string;
  readonly username?: string;
  readonly passwordFile?: string;
  readonly ca?: string;
  readonly store: string;
  readonly device: string;
  readonly transaction?: string;
  readonly timeout: number;
  readonly json?: boolean;
}

/** `cartwright call`: one command to one device, and its answer. */
export function registerCall(program: Command): void {
  program
    .command('call')
    .description('send a command to a device and wait for its answer')
    .argument('<command>', 'as gateway.info, session.begin, tare, live.start')
    .argument('[args...]', 'name=value, or one JSON object')
    .requiredOption('-s, --store <name>', 'the store')
    .requiredOption('-d, --device <name>', 'the device')
    .option('-b, --broker <url>', brokerHelp, 'mqtt://127.0.0.1:1883')
    .option('-u, --username <name>', 'user name')
    .option('--password-file <file>', 'file that holds the password')
    .option('--ca <file>', "certificate of the store's authority (PEM)")
    .option('--transaction <id>', 'repeat an earlier call: the same transaction is carried out once')
    .option('--timeout <seconds>', 'how long to wait for the answer', (text) => Number.parseFloat(text), 10)
    .option('--json', 'print the answer as JSON')
    .addHelpText(
      'after',
      `
Examples:
  cartwright call gateway.info -s demo-store -d cart-0001
  cartwright call session.begin token=QR-42 -s demo-store -d cart-0001
  cartwright call item.identify '{"plu":"4011","count":2}' -s demo-store -d cart-0001
  cartwright call live.start what=weight seconds=30 -s demo-store -d cart-0001`,
    )
    .action(async (command: string, args: string[], options: CallOptions) => {
      const answer = await callDevice({ ...options, command, args: parseArguments(args) });
      if (options.json) process.stdout.write(`${JSON.stringify(answer)}\n`);
      else if (answer.status === 'done') process.stdout.write(`${formatData(answer.data)}\n`);
      else process.stderr.write(`refused: ${answer.code} ${answer.message}\n`);
      process.exitCode = answer.status === 'done' ? exitCodes.ok : exitCodes.findings;
    });
}

/** `count=2 name=x` or one JSON object as arguments; numbers, true and false are taken as such. Throws CW-CLI-001. */
export function parseArguments(texts: readonly string[]): Record<string, unknown> {
  if (texts.length === 1 && texts[0]?.trimStart().startsWith('{')) {
    try {
      return JSON.parse(texts[0]) as Record<string, unknown>;
    } catch (cause) {
      throw new CliError('CW-CLI-001', `the arguments are no JSON object: ${texts[0]}`, { cause });
    }
  }
  const args: Record<string, unknown> = {};
  for (const text of texts) {
    const at = text.indexOf('=');
    if (at < 1) throw new CliError('CW-CLI-001', `"${text}" is not name=value; write for example count=2`);
    const value = text.slice(at + 1);
    const name = text.slice(0, at);
    args[name] = codes.has(name) ? value : plainValue(value);
  }
  return args;
}

/** Arguments that are codes, though they may look like numbers. */
const codes: ReadonlySet<string> = new Set(['gtin', 'plu', 'token', 'event', 'plate']);

function plainValue(value: string): number | boolean | string {
  if (value === 'true' || value === 'false') return value === 'true';
  return /^-?\d{1,15}$/.test(value) ? Number(value) : value;
}

export interface DeviceCall {
  readonly broker: string;
  readonly username?: string;
  readonly passwordFile?: string;
  readonly ca?: string;
  readonly store: string;
  readonly device: string;
  readonly command: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly transaction?: string;
  /** Seconds. */
  readonly timeout: number;
}

/** Sends one request and resolves with its answer. Rejects with CW-CLI-002 or CW-CLI-003. */
export async function callDevice(call: DeviceCall): Promise<Answer> {
  const client = await connectBroker({ ...call, url: call.broker, timeoutS: call.timeout });
  const prefix = devicePrefix(call);
  const transaction = call.transaction ?? randomUUID();
  try {
    const answered = new Promise<Answer>((resolve) => {
      client.on('message', (_topic, payload) => {
        const answer = decodePayload(responsePayload, payload) as Answer;
        if (answer.transaction === transaction) resolve(answer);
      });
    });
    await client.subscribeAsync(`${prefix}/${responseTopic(call.command)}`, { qos: 1 });
    const issued = Date.now();
    const request = {
      transaction,
      issued,
      expires: issued + Math.round(call.timeout * 1000),
      args: call.args as PlainMap,
    };
    await client.publishAsync(
      `${prefix}/${requestTopic(call.command)}`,
      Buffer.from(encodeRecord(requestPayload, request)),
      {
        qos: 1,
      },
    );
    return await withTimeout(answered, call);
  } finally {
    await client.endAsync(true);
  }
}

async function withTimeout(answered: Promise<Answer>, call: DeviceCall): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(
        new CliError(
          'CW-CLI-003',
          `${call.store}/${call.device} did not answer ${call.command} within ${call.timeout} s; is it running and connected to ${call.broker}?`,
        ),
      );
    }, call.timeout * 1000);
  });
  try {
    return await Promise.race([answered, late]);
  } finally {
    clearTimeout(timer);
  }
}

function formatData(data: Readonly<Record<string, unknown>>): string {
  const entries = Object.entries(data);
  if (entries.length === 0) return 'done';
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries
    .map(
      ([name, value]) =>
        `${name.padEnd(width)}  ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`,
    )
    .join('\n');
}
