import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { MqttClient } from 'mqtt';
import { describeError } from '#base/errors.ts';
import type { Answer, Request } from '#commands/messages.ts';
import {
  askSigned,
  encodeRequest,
  type HeardAnswer,
  isVouched,
  type Signing,
  vouchedWithinMs,
} from '#commands/signing.ts';
import { responsePayload } from '#events/mqtt-payloads.ts';
import { decodePayload } from '#uplink/payloads.ts';
import { devicePrefix, requestTopic, responseTopic } from '#uplink/topics.ts';
import { type BrokerOptions, connectBroker, withBroker } from './broker.ts';
import { CliError } from './errors.ts';
import { exitCodes } from './exit.ts';
import { privateKeyOf, withKey } from './key-files.ts';
import { printJson } from './terminal.ts';
import { nameFrom, secondsFrom } from './values.ts';

interface CallOptions extends BrokerOptions {
  readonly store: string;
  readonly device: string;
  readonly transaction?: string;
  readonly timeout: number;
  readonly json?: boolean;
  readonly key?: string;
}

/** `cartwright call`: one command to one device, and its answer. */
export function registerCall(program: Command): void {
  withBroker(
    withKey(program.command('call'))
      .description('send a command to a device and wait for its answer')
      .argument('<command>', 'as gateway.info, session.begin, tare, live.start')
      .argument('[args...]', 'name=value, or one JSON object')
      .requiredOption('-s, --store <name>', 'the store', nameFrom('--store'))
      .requiredOption('-d, --device <name>', 'the device', nameFrom('--device')),
  )
    .option('--transaction <id>', 'repeat an earlier call: the same transaction is carried out once')
    .option('--timeout <seconds>', 'how long to wait for the answer', secondsFrom('--timeout'), 10)
    .option('--json', 'print the answer as JSON')
    .addHelpText(
      'after',
      `
Exit code 1 where the device refuses; its code and reason are on standard error (with --json in the answer).
Exit code 3 where no answer came: then nobody knows whether the command was carried out, and a repeat with the same
--transaction is safe.

Examples:
  scripts/cartwright call gateway.info -s demo-store -d cart-0001
  scripts/cartwright call session.begin token=QR-42 -s demo-store -d cart-0001
  scripts/cartwright call item.identify '{"plu":"4011","count":2}' -s demo-store -d cart-0001
  scripts/cartwright call live.start what=weight seconds=30 -s demo-store -d cart-0001
  scripts/cartwright call line.void line=2 why=damaged -s demo-store -d cart-0001 --key staff-17.pem`,
    )
    .action(async (command: string, args: string[], options: CallOptions) => {
      const answer = await callDevice({ ...options, command, args: parseArguments(args) });
      if (options.json) printJson(answer);
      else if (answer.status === 'done') process.stdout.write(`${formatData(answer.data)}\n`);
      else process.stderr.write(`refused: ${answer.code} ${answer.message}\n`);
      process.exitCode = answer.status === 'done' ? exitCodes.ok : exitCodes.findings;
    });
}

/** `count=2 name=x` or one JSON object as arguments; numbers, true and false are taken as such. Throws CW-CLI-001. */
export function parseArguments(texts: readonly string[]): Record<string, unknown> {
  if (texts.length === 1 && texts[0]?.trimStart().startsWith('{')) return parseJson(texts[0], 'the argument');
  const args: Record<string, unknown> = {};
  for (const text of texts) {
    const at = text.indexOf('=');
    if (at < 1) throw new CliError('CW-CLI-001', `"${text}" is not name=value; write for example count=2`);
    const value = text.slice(at + 1);
    const name = text.slice(0, at);
    if (Object.hasOwn(args, name)) throw new CliError('CW-CLI-001', `${name} is given twice; give it once`);
    args[name] = codes.has(name) ? value : /^[[{]/.test(value) ? parseJson(value, name) : plainValue(value);
  }
  return args;
}

function parseJson(text: string, what: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw new CliError('CW-CLI-001', `${what} is not valid JSON: ${text}`, { cause });
  }
}

/** Arguments that are codes, though they may look like numbers. */
const codes: ReadonlySet<string> = new Set(['gtin', 'plu', 'token', 'event', 'plate']);

function plainValue(value: string): number | boolean | string {
  if (value === 'true' || value === 'false') return value === 'true';
  return /^-?\d{1,15}$/.test(value) ? Number(value) : value;
}

/** A request to a device, over whatever connection. */
export interface DeviceRequest {
  readonly store: string;
  readonly device: string;
  readonly command: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly transaction?: string;
  /** Seconds. */
  readonly timeout: number;
  /** File of the private key that signs it. */
  readonly key?: string | undefined;
}

export interface DeviceCall extends DeviceRequest, BrokerOptions {}

/** How long after a request it is sent again while nobody answers. */
const repeatMs = 2_000;

/**
 * Sends one request and resolves with its answer. Rejects with CW-CLI-001 (what no request can hold), CW-CLI-002 or
 * CW-CLI-003.
 */
export async function callDevice(call: DeviceCall): Promise<Answer> {
  // What no topic and no request can hold is told before anything is connected.
  topicsOf(call);
  payloadOf(call, '', undefined);
  const client = await connectBroker(call, call.timeout);
  try {
    return await askDevice(client, call);
  } finally {
    await client.endAsync(true);
  }
}

/**
 * The same over a connection that is there. The request is valid for as long as its answer is waited for, both from
 * when it is first sent: whoever is still waiting is never told that it has expired. Rejects with CW-CLI-001 or
 * CW-CLI-003, and with CW-CLI-004 or CW-IDN-007 for a key that can't be used.
 */
export async function askDevice(client: MqttClient, call: DeviceRequest): Promise<Answer> {
  if (call.key === undefined) return await exchange(client, call, undefined);
  const key = await privateKeyOf(call.key);
  const signed = { ...call, transaction: call.transaction ?? randomUUID() };
  const { transaction: _transaction, ...plain } = signed;
  return await askSigned(
    key,
    (signing) => exchange(client, signed, signing),
    () => exchange(client, { ...plain, command: 'gateway.nonce', args: {} }, undefined),
  );
}

async function exchange(
  client: MqttClient,
  call: DeviceRequest,
  signing: Signing | undefined,
): Promise<HeardAnswer> {
  const { request, response } = topicsOf(call);
  const transaction = call.transaction ?? randomUUID();
  let repeat: NodeJS.Timeout | undefined;
  let doubt: NodeJS.Timeout | undefined;
  let listen: ((topic: string, payload: Buffer) => void) | undefined;
  try {
    const answered = new Promise<HeardAnswer>((resolve) => {
      listen = (topic, message) => {
        // Many devices may be asked at the same time over one connection.
        if (topic !== response) return;
        const answer = readAnswer(message);
        if (answer?.transaction !== transaction) return;
        if (isVouched(answer, signing)) resolve(answer);
        else if (answer.status === 'refused') doubt ??= setTimeout(() => resolve(answer), vouchedWithinMs);
      };
      client.on('message', listen);
    });
    await client.subscribeAsync(response, { qos: 1 });
    const payload = payloadOf(call, transaction, signing);
    const send = () => client.publish(request, payload, { qos: 1 });
    send();
    // A device that was just away missed it; where it did not, the transaction keeps it from being carried out twice.
    repeat = setInterval(send, repeatMs);
    return await withTimeout(answered, call);
  } finally {
    clearInterval(repeat);
    clearTimeout(doubt);
    if (listen !== undefined) client.removeListener('message', listen);
  }
}

/** Throws CW-UPL-030. */
function topicsOf(call: DeviceRequest): { readonly request: string; readonly response: string } {
  const prefix = devicePrefix(call);
  return {
    request: `${prefix}/${requestTopic(call.command)}`,
    response: `${prefix}/${responseTopic(call.command)}`,
  };
}

/** Anybody may write on the topic of answers: what isn't one is passed over. */
function readAnswer(payload: Uint8Array): HeardAnswer | undefined {
  try {
    return decodePayload(responsePayload, payload) as HeardAnswer;
  } catch {
    return undefined;
  }
}

function payloadOf(call: DeviceRequest, transaction: string, signing: Signing | undefined): Buffer {
  const issued = Date.now();
  const expires = issued + Math.round(call.timeout * 1000);
  const request: Request = { transaction, issued, expires, args: call.args };
  try {
    return Buffer.from(encodeRequest(request, topicsOf(call).request, signing));
  } catch (cause) {
    throw new CliError('CW-CLI-001', `the arguments can't be sent: ${describeError(cause)}`, { cause });
  }
}

async function withTimeout(answered: Promise<HeardAnswer>, call: DeviceRequest): Promise<HeardAnswer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(
        new CliError(
          'CW-CLI-003',
          `${call.store}/${call.device} did not answer ${call.command} within ${call.timeout} s; is it running and connected to this broker?`,
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
