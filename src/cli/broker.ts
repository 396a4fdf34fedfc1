import { readFile } from 'node:fs/promises';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { describeError } from '#base/errors.ts';
import { CliError } from './errors.ts';

export interface BrokerAccess {
  readonly url: string;
  readonly username?: string | undefined;
  /** A file, so that the password shows in no process list. */
  readonly passwordFile?: string | undefined;
  readonly ca?: string | undefined;
  readonly timeoutS: number;
}

/** The options every command has that talks to a broker. */
export const brokerHelp = 'mqtt:// or mqtts:// address of the broker';

/**
 * Connects with MQTT 5, or 3.1.1 where the broker has no 5. Rejects with CW-CLI-002, which names the address and the
 * cause. The client reconnects by itself afterwards.
 */
export async function connectBroker(access: BrokerAccess): Promise<MqttClient> {
  const options: IClientOptions = {
    clean: true,
    connectTimeout: access.timeoutS * 1000,
    reconnectPeriod: 1000,
    ...(access.username === undefined ? {} : { username: access.username }),
    ...(access.passwordFile === undefined
      ? {}
      : { password: (await readFile(access.passwordFile, 'utf8')).trimEnd() }),
    ...(access.ca === undefined ? {} : { ca: await readFile(access.ca) }),
  };
  let failure: unknown;
  for (const protocolVersion of [5, 4] as const) {
    try {
      return await connectOnce(access.url, { ...options, protocolVersion }, access.timeoutS);
    } catch (error) {
      failure = error;
    }
  }
  throw new CliError(
    'CW-CLI-002',
    `the broker at ${access.url} can't be reached: ${describeError(failure)}. Is it running, and is the address right?`,
    { cause: failure },
  );
}

function connectOnce(url: string, options: IClientOptions, timeoutS: number): Promise<MqttClient> {
  return new Promise((resolve, reject) => {
    let client: MqttClient;
    try {
      client = mqtt.connect(url, options);
    } catch (error) {
      reject(error);
      return;
    }
    const give = (error: Error) => {
      clearTimeout(timer);
      client.removeAllListeners();
      client.on('error', () => {});
      client.end(true);
      reject(error);
    };
    const timer = setTimeout(() => give(new Error(`no answer within ${timeoutS} s`)), timeoutS * 1000);
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
