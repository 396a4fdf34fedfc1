import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { plainCause } from '#base/system-error.ts';
import { devicePrefix, isName, storePrefix } from '#uplink/topics.ts';
import { CliError } from './errors.ts';
import { nameFrom } from './values.ts';

export interface NatsUsersOptions {
  readonly store: string;
  readonly devices: readonly string[];
  /** Subject of a certificate, with {name} where the user's name stands. */
  readonly subject: string;
}

interface Rights {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** What a session with QoS 1 hears its messages on (https://docs.nats.io, MQTT, permissions). */
const queued = '$MQTT.sub.>';
const defaultSubject = 'CN={name}';

/** `cw/1/my-store/cart-1` and all below it: NATS separates levels by dots, so no name may hold one. */
function tree(topic: string): readonly string[] {
  const subject = topic.replaceAll('/', '.');
  // `#` asks for the level itself as well.
  return [subject, `${subject}.>`];
}

/**
 * The file users.conf of a NATS broker: each device may write below its own name and read that and the store's own place; the
 * store's systems have the rights that config/mosquitto gives them.
 */
export function natsUsers({ store, devices, subject: pattern }: NatsUsersOptions): string {
  const place = tree(storePrefix(store));
  const all = tree(`cw/1/${store}`);
  const roles: readonly (readonly [string, Rights])[] = [
    ['store', { publish: all, subscribe: [...all, queued] }],
    ['console', { publish: [`cw.1.${store}._store.keys`], subscribe: [...place, queued] }],
    ['technician', { publish: [`cw.1.${store}.*.request.>`], subscribe: [...all, queued] }],
    ...devices.map((device): [string, Rights] => {
      const own = tree(devicePrefix({ store, device }));
      return [device, { publish: own, subscribe: [...own, ...place, queued] }];
    }),
  ];
  const list = (subjects: readonly string[]) => `[${subjects.map((one) => `"${one}"`).join(', ')}]`;
  const lines = roles.map(([name, { publish, subscribe }]) => {
    const user = JSON.stringify(pattern.replaceAll('{name}', name));
    return `  { user: ${user}, permissions: { publish: { allow: ${list(publish)} }, subscribe: { allow: ${list(subscribe)} } } }`;
  });
  return `# Who may connect to the broker of ${store}: the subject of the certificate, and what it may write and read. Made by
# scripts/cartwright nats-users; after a change: systemctl reload nats-server on each node.
users: [
${lines.join('\n')}
]
`;
}

/** `cartwright nats-users`: rights of all devices for config/nats. */
export function registerNatsUsers(program: Command): void {
  program
    .command('nats-users')
    .description(
      "write users.conf of the store's NATS broker: who may connect, and what each may read and write",
    )
    .argument('[devices...]', 'names of devices')
    .requiredOption('-s, --store <name>', 'the store', nameFrom('--store'))
    .option('--devices <file>', 'file with more names, one a line')
    .option('--subject <pattern>', 'subject of the certificates, {name} for the name', defaultSubject)
    .addHelpText(
      'after',
      `
Besides the devices it names store (ledger, catalogue, till), console and technician. A device that is left out is refused from
the next reload on, also where it is connected: so a stolen cart is shut out.

Examples:
  scripts/cartwright nats-users -s my-store cart-1 cart-2 > /etc/nats/users.conf
  scripts/cartwright nats-users -s my-store --devices carts.txt --subject 'CN={name},O=my-store'`,
    )
    .action(async (names: string[], options: { store: string; devices?: string; subject: string }) => {
      const devices = [...names, ...(options.devices === undefined ? [] : await namesIn(options.devices))];
      const wrong = devices.find((name) => !isName(name));
      if (wrong !== undefined) {
        const rule = 'a device has a name of a-z, 0-9 and -, 64 characters at most';
        throw new CliError('CW-CLI-001', `${JSON.stringify(wrong)} is no device: ${rule}`);
      }
      const { store, subject } = options;
      process.stdout.write(natsUsers({ store, devices: [...new Set(devices)], subject }));
    });
}

async function namesIn(path: string): Promise<string[]> {
  try {
    return (await readFile(path, 'utf8')).split('\n').flatMap((line) => line.trim() || []);
  } catch (cause) {
    throw new CliError('CW-CLI-004', `${path} can't be read: ${plainCause(cause)}`, { cause });
  }
}
