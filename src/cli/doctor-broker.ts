import type { MqttClient } from 'mqtt';
import { describeError } from '#base/errors.ts';
import { brokerUrls } from '#config/broker.ts';
import type { Inspection } from '#config/load.ts';
import { gatewayHealth } from '#events/data/gateway.ts';
import { decodePayload, readState } from '#uplink/payloads.ts';
import { devicePrefix } from '#uplink/topics.ts';
import { connectBroker } from './broker.ts';
import type { Note } from './doctor-notes.ts';

const brokerWithinS = 5;
/** The broker sends what it keeps at once; it may keep nothing. */
const retainedWithinMs = 1_500;

/** Tries every address of the broker, and looks at what the device last said there. */
export async function examineBroker({ config, paths }: Inspection, note: Note): Promise<void> {
  if (config === undefined) return;
  if (config.broker.embedded) return note('broker', true, 'served by the gateway itself, on loopback');
  const { username } = config.broker;
  const { passwordFile, caFile, certFile, keyFile } = paths ?? {};
  const urls = brokerUrls(config.broker);
  const several = urls.length > 1;
  let seen: string | undefined;
  let reached = 0;
  const failures: string[] = [];
  for (const broker of urls) {
    try {
      const access = { broker, username, passwordFile, ca: caFile, cert: certFile, key: keyFile };
      const client = await connectBroker(access, brokerWithinS);
      reached++;
      try {
        note('broker', true, broker);
        seen ??= await lastWord(client, devicePrefix(config));
      } finally {
        await client.endAsync(true);
      }
    } catch (error) {
      failures.push(describeError(error));
    }
  }
  // One address that answers keeps the gateway going.
  const state = several && reached > 0 ? 'warn' : 'bad';
  for (const failure of failures) note('broker', state, failure);
  if (seen !== undefined) note('identity', false, seen);
}

/** What the gateway said of another device with its identity; undefined where it said nothing of that. */
async function lastWord(client: MqttClient, prefix: string): Promise<string | undefined> {
  const kept = await retained(client, [`${prefix}/state`, `${prefix}/health`]);
  const [state, health] = [kept.get(`${prefix}/state`), kept.get(`${prefix}/health`)];
  if (state === undefined || health === undefined) return undefined;
  try {
    const { warnings = [] } = decodePayload(gatewayHealth, health);
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
