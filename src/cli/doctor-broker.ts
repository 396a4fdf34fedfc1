import { readFile } from 'node:fs/promises';
import type { MqttClient } from 'mqtt';
import { systemClock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import { plainCause } from '#base/system-error.ts';
import { brokerUrls } from '#config/broker.ts';
import type { ConfigPaths, Inspection } from '#config/load.ts';
import type { Config } from '#config/schema.ts';
import { gatewayHealth } from '#events/data/gateway.ts';
import { decodePayload, readState } from '#uplink/payloads.ts';
import { devicePrefix } from '#uplink/topics.ts';
import { connectBroker } from './broker.ts';
import type { Note } from './doctor-notes.ts';
import { CliError } from './errors.ts';
import { greetBroker } from './try-broker.ts';

const brokerWithinS = 5;
/** The broker sends what it keeps at once; it may keep nothing. */
const retainedWithinMs = 1_500;

/** The broker's own certificate nears its end: after that no device gets in any more, ms. */
const endsSoonMs = 30 * 86_400_000;

/** Takes what was seen and is worth keeping beside the findings. */
export type Keep = (what: string, value: unknown) => void;

/** Tries every address of the broker, and looks at what the device last said there. */
export async function examineBroker(
  { config, paths }: Inspection,
  note: Note,
  keep: Keep = () => {},
): Promise<void> {
  if (config === undefined) return;
  if (config.broker.embedded) return note('broker', true, 'served by the gateway itself, on loopback');
  const urls = brokerUrls(config.broker);
  let seen: string | undefined;
  let reached = 0;
  const failures: string[] = [];
  for (const broker of urls) {
    try {
      if (paths?.certFile === undefined) {
        const client = await connectBroker(accessOf(broker, config, paths), brokerWithinS);
        try {
          note('broker', true, broker);
          seen ??= await lastWord(client, devicePrefix(config), keep);
        } finally {
          await client.endAsync(true);
        }
      } else await greet(broker, paths, note);
      reached++;
    } catch (error) {
      failures.push(describeError(error));
    }
  }
  // One address that answers keeps the gateway going.
  const state = urls.length > 1 && reached > 0 ? 'warn' : 'bad';
  for (const failure of failures) note('broker', state, failure);
  if (seen !== undefined) note('identity', false, seen);
}

function accessOf(broker: string, config: Config, paths: ConfigPaths | undefined) {
  const { passwordFile, caFile } = paths ?? {};
  return { broker, username: config.broker.username, passwordFile, ca: caFile };
}

/** By TLS alone: a broker takes a second connection with a device's certificate for the device, and ends its gateway's. */
async function greet(broker: string, paths: ConfigPaths, note: Note): Promise<void> {
  const { caFile = '', certFile = '', keyFile = '' } = paths;
  const [authority, certificate, key] = await Promise.all([caFile, certFile, keyFile].map(textOf));
  const pair = { certificate: certificate ?? '', key: key ?? '' };
  const endsMs = await greetBroker(broker, pair, authority ?? '').catch((cause: unknown) => {
    const said = plainCause(cause);
    // What OpenSSL says between its file names: RFC 8446, section 6.2.
    const alert = /alert ([a-z ]+):/.exec(said)?.[1];
    const why = alert === undefined ? `${said}. Does it run there?` : `it says "${alert}" (authority list)`;
    throw new CliError('CW-CLI-002', `the broker at ${broker} does not take this device: ${why}`, { cause });
  });
  if (endsMs === undefined) return note('broker', true, broker);
  const ends = new Date(endsMs).toISOString().slice(0, 10);
  const isSoon = endsMs - systemClock.utcMs() < endsSoonMs;
  note(
    'broker',
    isSoon ? 'warn' : true,
    isSoon
      ? `${broker}: its certificate ends on ${ends}, and no device gets in after that; make another one (authority server)`
      : `${broker} takes this device's certificate; its own is valid until ${ends}`,
  );
}

async function textOf(path: string): Promise<string> {
  return await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CliError('CW-CLI-004', `${path} can't be read: ${plainCause(cause)}; only root may (sudo)`, {
      cause,
    });
  });
}

/** What the gateway said of another device with its identity; undefined where it said nothing of that. */
async function lastWord(client: MqttClient, prefix: string, keep: Keep): Promise<string | undefined> {
  const kept = await retained(client, [`${prefix}/state`, `${prefix}/health`]);
  const [state, health] = [kept.get(`${prefix}/state`), kept.get(`${prefix}/health`)];
  if (state === undefined || health === undefined) return undefined;
  try {
    const said = decodePayload(gatewayHealth, health);
    keep('health', said);
    keep('state', readState(state));
    const { warnings = [] } = said;
    const contested = warnings.find(({ code }) => code === 'CW-UPL-022');
    if (contested === undefined) return undefined;
    const born = readState(state);
    const from = born === undefined ? '' : ` (now there: boot ${born.boot}, ledger ${born.ledger})`;
    return `${contested.code} ${contested.message}${from}`;
  } catch {
    // Another version's: nothing to go by.
    return undefined;
  }
}

/** What the broker keeps on these topics. */
async function retained(client: MqttClient, topics: readonly string[]): Promise<Map<string, Buffer>> {
  const kept = new Map<string, Buffer>();
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, retainedWithinMs);
    client.on('message', (topic, payload) => {
      kept.set(topic, payload);
      if (kept.size < topics.length) return;
      clearTimeout(timer);
      resolve();
    });
    client.subscribe([...topics], { qos: 1 }, (error) => {
      if (error !== null) resolve();
    });
  });
  return kept;
}
