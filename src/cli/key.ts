import type { Command } from 'commander';
import { isRole, type KeyEntry, roles, sealKeyList } from '#identity/key-list.ts';
import { type KeyAlgorithm, keyAlgorithms, makePrivateKey, publicPem } from '#identity/keys.ts';
import { storePrefix } from '#uplink/topics.ts';
import { type BrokerOptions, connectBroker, withBroker } from './broker.ts';
import { CliError } from './errors.ts';
import { listOf, listOrNew, privateKeyOf, publicKeyOf, writeNew, writeNext } from './key-files.ts';
import { printJson } from './terminal.ts';
import { nameFrom, secondsFrom } from './values.ts';

interface AddOptions {
  readonly role: string;
  readonly who?: string;
  readonly from?: number;
  readonly to?: number;
}

interface PublishOptions extends BrokerOptions {
  readonly store: string;
  readonly root: string;
  readonly timeout: number;
}

/** `cartwright key …`: keys that sign commands, and lists of those that devices believe. */
export function registerKey(program: Command): void {
  const key = program
    .command('key')
    .description('make keys that sign commands, and lists of the keys that devices believe')
    .usage('[options] <make|show|add|revoke|list|publish>')
    .addHelpText(
      'after',
      `
A private key signs (call --key FILE) and stays where it was made; devices get its public half in a list, with the role that it may
act in: ${roles.join(', ')}. docs/keys.md tells which commands each may sign.

Examples:
  scripts/cartwright key make till-3.pem
  scripts/cartwright key add keys.json till-3.pem --role till --who 3
  scripts/cartwright key publish keys.json -s demo-store --root root.pem`,
    );
  key
    .command('make')
    .description('make a private key, and its public half beside it (FILE.pub)')
    .argument('<file>', 'where to write it; only its owner will be able to read it')
    .option('--algorithm <name>', keyAlgorithms.join(' or '), algorithmFrom, 'Ed25519')
    .action(make);
  key
    .command('show')
    .description('show the id and the public half of a key; never the private one')
    .argument('<file>', 'private or public key, PEM')
    .option('--json', 'print as JSON')
    .action(show);
  key
    .command('add')
    .description('add a key to a list, or give it another role; the list gets the next version')
    .argument('<list>', 'list of keys; made where it is not there')
    .argument('<file>', 'private or public key, PEM: the public half is taken')
    .requiredOption('--role <role>', roles.join(', '))
    .option('--who <number>', 'number of who holds it, never a name')
    .option(
      '--from <date>',
      'when it begins to be valid, as 2026-12-01 or 2026-12-01T08:00:00Z',
      dateFrom('--from'),
    )
    .option('--to <date>', 'the last moment at which it is valid', dateFrom('--to'))
    .action(add);
  withBroker(
    key
      .command('revoke')
      .description('revoke a key: it stays in the list, so that no device believes it any more')
      .argument('<list>', 'list of keys')
      .argument('<id>', 'id of the key, as key list shows it')
      .option('-s, --store <name>', 'publish the list for this store at once', nameFrom('--store'))
      .option('--root <file>', "with --store: the store's root key, private"),
  )
    .option('--timeout <seconds>', 'how long to wait for the broker', secondsFrom('--timeout'), 10)
    .addHelpText(
      'after',
      `
With --store and --root devices that are connected refuse the key within seconds. Without them the list has still to be published
(key publish), or to be copied to where commands.keysFile of each device says.`,
    )
    .action(revoke);
  key
    .command('list')
    .description('show the keys of a list')
    .argument('<list>', 'list of keys')
    .option('--json', 'print as JSON')
    .action(list);
  withBroker(
    key
      .command('publish')
      .description("sign a list with the store's root key and give it to all devices")
      .argument('<list>', 'list of keys')
      .requiredOption('-s, --store <name>', 'the store', nameFrom('--store'))
      .requiredOption(
        '--root <file>',
        "the store's root key, private: its public half is the devices' commands.rootKeyFile",
      ),
  )
    .option('--timeout <seconds>', 'how long to wait for the broker', secondsFrom('--timeout'), 10)
    .addHelpText(
      'after',
      `
Devices take a list only where its version is above all that they had. What is revoked in it signs nothing from the moment it
arrives; a device that is away takes it when it is back.`,
    )
    .action(publish);
  for (const command of key.commands) command.exitOverride();
}

function algorithmFrom(text: string): KeyAlgorithm {
  const found = keyAlgorithms.find((name) => name === text);
  if (found !== undefined) return found;
  throw new CliError(
    'CW-CLI-001',
    `--algorithm ${JSON.stringify(text)}: must be ${keyAlgorithms.join(' or ')}`,
  );
}

function dateFrom(option: string) {
  return (text: string): number => {
    const time = /^\d{4}-\d{2}-\d{2}(T.*)?$/.test(text) ? Date.parse(text) : Number.NaN;
    if (!Number.isNaN(time)) return time;
    throw new CliError('CW-CLI-001', `${option} ${JSON.stringify(text)}: must be a date, as 2026-12-01`);
  };
}

async function make(file: string, { algorithm }: { readonly algorithm: KeyAlgorithm }): Promise<void> {
  const { key, pem } = makePrivateKey(algorithm);
  await writeNew(file, pem, 0o600);
  await writeNew(`${file}.pub`, publicPem(key.publicKey), 0o644);
  process.stdout.write(`key ${key.publicKey.id} (${algorithm}): private ${file}, public ${file}.pub\n`);
}

async function show(file: string, { json }: { readonly json?: boolean }): Promise<void> {
  const key = await publicKeyOf(file);
  const { id, algorithm, spki } = key;
  if (json) printJson({ id, algorithm, key: Buffer.from(spki).toString('base64') });
  else process.stdout.write(`key ${id} (${algorithm})\n${publicPem(key)}`);
}

async function add(path: string, file: string, { role, who, from, to }: AddOptions): Promise<void> {
  if (!isRole(role)) {
    throw new CliError('CW-CLI-001', `--role ${JSON.stringify(role)}: must be one of ${roles.join(', ')}`);
  }
  if (who !== undefined && !/^[0-9A-Za-z-]{1,64}$/.test(who)) {
    throw new CliError(
      'CW-CLI-001',
      `--who ${JSON.stringify(who)}: must be a number or short code, never a name`,
    );
  }
  const before = await listOrNew(path);
  const entry: KeyEntry = {
    key: await publicKeyOf(file),
    role,
    ...(who === undefined ? {} : { who }),
    ...(from === undefined ? {} : { validFrom: from }),
    ...(to === undefined ? {} : { validTo: to }),
  };
  const { id } = entry.key;
  const same = before.keys.find(({ key }) => key.id === id);
  if (same?.revoked === true) {
    throw new CliError('CW-CLI-001', `key ${id} is revoked in ${path}; make a new one instead`);
  }
  const kept = before.keys.filter(({ key }) => key.id !== id);
  const next = await writeNext(path, before, [...kept, entry]);
  process.stdout.write(
    `${path}, version ${next.version}: key ${id} is ${role}${who === undefined ? '' : ` ${who}`}\n`,
  );
}

async function revoke(path: string, id: string, options: Partial<PublishOptions>): Promise<void> {
  const { store, root } = options;
  if ((store === undefined) !== (root === undefined)) {
    throw new CliError('CW-CLI-001', 'to publish the list at once, give both --store and --root');
  }
  const before = await listOf(path);
  if (!before.keys.some(({ key }) => key.id === id)) {
    throw new CliError(
      'CW-CLI-001',
      `${path} has no key ${id}; scripts/cartwright key list ${path} shows them`,
    );
  }
  const keys = before.keys.map((entry) => (entry.key.id === id ? { ...entry, revoked: true } : entry));
  const next = await writeNext(path, before, keys);
  process.stdout.write(`${path}, version ${next.version}: key ${id} is revoked\n`);
  if (store !== undefined && root !== undefined)
    await publish(path, { ...(options as PublishOptions), store, root });
}

async function list(path: string, { json }: { readonly json?: boolean }): Promise<void> {
  const { version, issued, keys } = await listOf(path);
  const told = keys.map(({ key, role, who, validFrom, validTo, revoked }) => ({
    id: key.id,
    algorithm: key.algorithm,
    role,
    who: who ?? '',
    from: validFrom === undefined ? '' : new Date(validFrom).toISOString(),
    to: validTo === undefined ? '' : new Date(validTo).toISOString(),
    revoked: revoked === true,
  }));
  if (json) {
    printJson({ version, issued: new Date(issued).toISOString(), keys: told });
    return;
  }
  const rows = told.map((one) =>
    [
      one.id,
      one.algorithm.padEnd(7),
      one.role.padEnd(10),
      one.who.padEnd(6),
      one.revoked ? 'revoked' : [one.from, one.to].some((date) => date !== '') ? `${one.from}…${one.to}` : '',
    ]
      .join('  ')
      .trimEnd(),
  );
  const head = `version ${version}, ${new Date(issued).toISOString()}, ${keys.length} ${keys.length === 1 ? 'key' : 'keys'}`;
  process.stdout.write(`${[head, ...rows].join('\n')}\n`);
}

async function publish(path: string, options: PublishOptions): Promise<void> {
  const keys = await listOf(path);
  const root = await privateKeyOf(options.root);
  const topic = `${storePrefix(options.store)}/keys`;
  const bytes = sealKeyList(keys, topic, root);
  const client = await connectBroker(options, options.timeout);
  try {
    await client.publishAsync(topic, Buffer.from(bytes), { qos: 1, retain: true });
  } finally {
    await client.endAsync();
  }
  process.stdout.write(
    `${options.store} has version ${keys.version} of its list of keys (${keys.keys.length}), signed by ${root.publicKey.id}\n`,
  );
}
