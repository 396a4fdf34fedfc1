import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '#base/atomic-file.ts';
import { brokerUrls } from '#config/broker.ts';
import { isLoopbackBroker } from '#config/commands.ts';
import { configSchema } from '#config/schema.ts';
import { updatesSchema } from '#config/updates.ts';
import type { GatewaySetup } from './setup.ts';

const fileName = 'known.json';
/** In the place of systemd's folder of credentials, which is another one for each service. */
const credentials = '$' + '{CREDENTIALS_DIRECTORY}';

const knownSchema = z.object({
  known: z.literal(1),
  store: z.string(),
  device: z.string(),
  encoding: z.enum(['cbor', 'json']),
  ledger: z.string().regex(/^[0-9a-f]{16}$/),
  boot: z.int().nonnegative(),
  broker: configSchema.shape.broker,
  /** Commands that change something have to be signed. */
  mustSign: z.boolean(),
  keysFile: z.string().optional(),
  rootKeyFile: z.string().optional(),
  /** Left out by earlier versions; what a later one has written otherwise is as if it were left out. */
  updates: updatesSchema.optional().catch(undefined),
  display: z.object({ enabled: z.boolean(), port: z.int(), languages: z.array(z.string()) }),
});

/** What a device needs to know of itself to report, when its configuration doesn't work any more. */
export type KnownFacts = z.infer<typeof knownSchema>;

/** The facts of a configuration that works. */
export function factsOf(
  setup: Pick<GatewaySetup, 'config' | 'broker' | 'keysFile' | 'rootKeyFile'>,
  start: { readonly ledger: string; readonly boot: number },
): KnownFacts {
  const { config, broker, keysFile, rootKeyFile } = setup;
  const { enabled, port, languages } = config.display;
  const isLocal = broker.embedded || brokerUrls(broker).every(isLoopbackBroker);
  return {
    known: 1,
    store: config.store,
    device: config.device,
    encoding: config.encoding,
    ledger: start.ledger,
    boot: start.boot,
    broker,
    mustSign: config.commands.signed === 'always' || !isLocal,
    ...(keysFile === undefined ? {} : { keysFile }),
    ...(rootKeyFile === undefined ? {} : { rootKeyFile }),
    updates: config.updates,
    display: { enabled, port, languages },
  };
}

/** Keeps them beside the outbox; no secret is among them, only where those lie. Rejects where that can't be written. */
export async function keepFacts(
  dataFolder: string,
  facts: KnownFacts,
  credentialsFolder: string | undefined,
): Promise<void> {
  const text = JSON.stringify(facts);
  const kept =
    credentialsFolder === undefined ? text : text.replaceAll(`"${credentialsFolder}/`, `"${credentials}/`);
  await writeFileAtomic(join(dataFolder, fileName), `${kept}\n`, 0o640);
}

/** What an earlier run kept; undefined where there is nothing that can be read. */
export async function readFacts(
  dataFolder: string,
  credentialsFolder: string | undefined,
): Promise<KnownFacts | undefined> {
  try {
    const text = await readFile(join(dataFolder, fileName), 'utf8');
    return knownSchema.parse(JSON.parse(text.replaceAll(credentials, credentialsFolder ?? '')));
  } catch {
    return undefined;
  }
}
