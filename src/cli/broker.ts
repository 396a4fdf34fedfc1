import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { plainCause } from '#base/system-error.ts';
import { CliError } from './errors.ts';
import { brokerUrl } from './values.ts';

export interface BrokerOptions {
  /** mqtt:// or mqtts:// address. */
  readonly broker: string;
  readonly username?: string | undefined;
  /** A file, so that the password shows in no process list. */
  readonly passwordFile?: string | undefined;
  readonly ca?: string | undefined;
  /** Certificate and key of a client that logs in with them, PEM. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** Adds the options of every command that talks to a broker. */
export function withBroker(command: Command): Command {
  return command
    .option(
      '-b, --broker <url>',
      'address: mqtt://HOST[:PORT], mqtts://…, or just HOST',
      brokerUrl,
      localBroker,
    )
    .option('-u, --username <name>', 'user name')
    .option('--password-file <file>', 'file that holds the password')
    .option('--ca <file>', "certificate of the store's authority (PEM)");
}

/** A broker keeps a session, and what came meanwhile, so long without its client, s. */
const keepSessionS = 7 * 24 * 3_600;

/** For a client that misses nothing while it is away. */
export interface PersistentSession {
  readonly clientId: string;
  /** Sees the client before anything comes: what the broker kept follows the connection at once. */
  readonly prepare: (client: MqttClient) => void;
}

export const localBroker = 'mqtt://127.0.0.1:1883';

/**
 * Connects with MQTT 5, or 3.1.1 where the broker has no 5, waiting `timeoutS` for each. Rejects with CW-CLI-002, which
 * names the address and the cause, or with CW-CLI-004. The client reconnects by itself afterwards.
 */
export async function connectBroker(
  access: BrokerOptions,
  timeoutS: number,
  session?: PersistentSession,
): Promise<MqttClient> {
  const options: IClientOptions = {
    clean: session === undefined,
    ...(session === undefined ? {} : { clientId: session.clientId }),
    connectTimeout: timeoutS * 1000,
    reconnectPeriod: 1000,
    ...(access.username === undefined ? {} : { username: access.username }),
    ...(access.passwordFile === undefined
      ? {}
      : { password: (await secret(access.passwordFile)).toString('utf8').trimEnd() }),
    ...(access.ca === undefined ? {} : { ca: await secret(access.ca) }),
    ...(access.cert === undefined ? {} : { cert: await secret(access.cert) }),
    ...(access.key === undefined ? {} : { key: await secret(access.key) }),
  };
  let failure: unknown;
  for (const protocolVersion of [5, 4] as const) {
    try {
      const expiry =
        session === undefined || protocolVersion < 5
          ? {}
          : { properties: { sessionExpiryInterval: keepSessionS } };
      return await connectOnce(access.broker, { ...options, ...expiry, protocolVersion }, timeoutS, session);
    } catch (error) {
      failure = error;
      // An old broker hangs up or refuses the version; what isn't there is not asked twice.
      if (typeof (error as { code?: unknown }).code === 'string' || error instanceof NoAnswer) break;
    }
  }
  throw new CliError(
    'CW-CLI-002',
    `the broker at ${access.broker} can't be reached: ${plainCause(failure)}. ${advice(failure)}`,
    { cause: failure },
  );
}

class NoAnswer extends Error {}

function advice(failure: unknown): string {
  const { code } = failure as { code?: unknown };
  // CONNACK: 4 and 5 in MQTT 3.1.1, 134 and 135 in MQTT 5.
  if (code === 4 || code === 5 || code === 134 || code === 135) {
    return 'Give --username and --password-file of an account that it knows.';
  }
  return 'Is it running, and is the address right?';
}

async function secret(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new CliError('CW-CLI-004', `${path} can't be read: ${plainCause(cause)}`, { cause });
  }
}

function connectOnce(
  url: string,
  options: IClientOptions,
  timeoutS: number,
  session: PersistentSession | undefined,
): Promise<MqttClient> {
  return new Promise((resolve, reject) => {
    let client: MqttClient;
    try {
      client = mqtt.connect(url, options);
      session?.prepare(client);
    } catch (error) {
      reject(error);
      return;
    }
    const give = (error: Error) => {
      clearTimeout(timer);
      // Only these: the client's own listeners clear the timer that would keep the process alive.
      client.removeListener('error', give);
      client.removeListener('close', closed);
      client.on('error', () => {});
      client.end(true);
      reject(error);
    };
    const timer = setTimeout(() => give(new NoAnswer(`no answer within ${timeoutS} s`)), timeoutS * 1000);
    client.once('connect', () => {
      clearTimeout(timer);
      client.removeListener('error', give);
      client.removeListener('close', closed);
      // From here on the client reconnects by itself; an error without a listener would end the process.
      client.on('error', () => {});
      resolve(client);
    });
    const closed = () => give(new Error('the broker closed the connection'));
    client.once('error', give);
    client.once('close', closed);
  });
}
