import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Command } from 'commander';
import pino from 'pino';
import { software } from '#base/software.ts';
import type { CalibrationReport } from '#calibration/report/model.ts';
import { renderReport } from '#calibration/report/render.ts';
import { makeCertificate, readCertificate } from '#console/certificate.ts';
import { CodeBook } from '#console/codes.ts';
import { KeyDesk } from '#console/key-desk.ts';
import { startConsole } from '#console/server.ts';
import { isRole, type Role, roles } from '#identity/key-list.ts';
import { storePrefix } from '#uplink/topics.ts';
import { type BrokerOptions, connectBroker, withBroker } from './broker.ts';
import { CliError } from './errors.ts';
import { listOrNew, privateKeyOf, writeNext } from './key-files.ts';
import { untilSignal } from './signals.ts';
import { type Address, addressFrom, nameFrom, namesFrom, secondsFrom } from './values.ts';

interface StoreOptions {
  readonly store: string;
  readonly data?: string;
}

interface RunOptions extends StoreOptions, BrokerOptions {
  readonly pageBroker: string;
  readonly listen: Address;
  readonly name: readonly string[];
  readonly certificate?: string;
  readonly certificateKey?: string;
  readonly makeCertificate?: boolean;
  readonly keys: string;
  readonly rootKey?: string;
  readonly timeout: number;
}

interface CodeOptions extends StoreOptions {
  readonly who: string;
  readonly role: Role;
}

/** `cartwright console …`: the technicians' page, and one-time codes that enrol their keys. */
export function registerConsole(program: Command): void {
  const command = program
    .command('console')
    .description(
      "serve the technicians' console: calibrate, verify and look after carts and shelves from a browser",
    )
    .usage('[options] <run|code>')
    .addHelpText(
      'after',
      `
The page talks to the store's broker by itself, over secure WebSocket and with a login of the broker. What it commands is signed by a
key that is made in the browser and never leaves it; docs/technician/console.md tells how to set it up, enrol and revoke.

Examples:
  scripts/cartwright console run -s my-store -b mqtts://broker.my-store.example:8885 --page-broker wss://broker.my-store.example:8884 \\
    --keys keys.json --root-key root.pem --make-certificate --name console.my-store.example --listen 0.0.0.0:8443
  scripts/cartwright console code -s my-store --who 17 --role technician`,
    );
  withBroker(withStore(command.command('run').description('serve the page until a signal')))
    .requiredOption('--page-broker <url>', "the broker's address for browsers, wss://HOST[:PORT]", secureUrl)
    .option('--listen <address>', 'address and port to listen on, HOST:PORT', addressFrom, {
      host: '127.0.0.1',
      port: 8443,
    })
    .option('--name <names>', 'names that browsers call this console by, with commas between', namesFrom, [])
    .option('--certificate <file>', 'certificate (PEM, with its chain)')
    .option('--certificate-key <file>', 'its private key (PEM)')
    .option(
      '--make-certificate',
      'make a self-signed one where there is none yet (needs the program openssl)',
    )
    .requiredOption(
      '--keys <file>',
      "the store's list of keys (scripts/cartwright key add); made where it is not there",
    )
    .option(
      '--root-key <file>',
      "the store's root key: the console publishes lists; without it, it writes requests",
    )
    .option('--timeout <seconds>', 'how long to wait for the broker', secondsFrom('--timeout'), 10)
    .action(run);
  withStore(
    command
      .command('code')
      .description('make a code with which one key can be enrolled, once, within 10 minutes'),
  )
    .requiredOption('--who <number>', 'number of who will hold the key, never a name', whoFrom)
    .option('--role <role>', roles.join(', '), roleFrom, 'technician')
    .action(code);
  for (const one of command.commands) one.exitOverride();
}

function withStore(command: Command): Command {
  return command
    .requiredOption('-s, --store <name>', 'the store', nameFrom('--store'))
    .option(
      '--data <folder>',
      'folder of the console: codes, requests, certificate (default: data/console/STORE)',
    );
}

const folderOf = ({ store, data }: StoreOptions) => data ?? join('data/console', store);

async function code(options: CodeOptions): Promise<void> {
  const book = new CodeBook(join(folderOf(options), 'codes'), options.store);
  const { code: made, expires } = await book.issue(options, Date.now());
  const until = new Date(expires).toTimeString().slice(0, 5);
  process.stdout.write(
    `${made}\nenrols one key of role ${options.role} for ${options.who} in ${options.store}, until ${until}\n`,
  );
}

async function run(options: RunOptions): Promise<void> {
  const folder = folderOf(options);
  const log = pino({ level: 'info' }, pino.destination(2));
  const files = {
    certificate: options.certificate ?? join(folder, 'certificate.pem'),
    key: options.certificateKey ?? join(folder, 'certificate-key.pem'),
  };
  if (options.makeCertificate === true) {
    await makeCertificate(files, [...new Set(['localhost', '127.0.0.1', ...options.name])]);
  }
  const certificate = await readCertificate(files, Date.now());
  const root = options.rootKey === undefined ? undefined : await privateKeyOf(options.rootKey);
  const client = await connectBroker(options, options.timeout);
  try {
    const keys = new KeyDesk({
      store: options.store,
      list: {
        read: () => listOrNew(options.keys),
        writeNext: (before, next) => writeNext(options.keys, before, next),
      },
      root,
      requestFolder: join(folder, 'requests'),
      codes: new CodeBook(join(folder, 'codes'), options.store),
      publish: async (topic, bytes) => {
        if (!client.connected) throw new CliError('CW-CLI-002', 'the broker is not connected');
        await client.publishAsync(topic, Buffer.from(bytes), { qos: 1, retain: true });
      },
      nowMs: () => Date.now(),
      wait: (ms) => wait(ms, undefined, { ref: false }),
      log,
    });
    client.on('message', (_topic, payload) => keys.heard(payload));
    await client.subscribeAsync(`${storePrefix(options.store)}/keys`, { qos: 1 });
    const published = keys.subscribed();
    // The client subscribes by itself when it is connected again.
    client.on(
      'connect',
      () => void keys.subscribed().catch((error: unknown) => log.error({ err: error }, 'list of keys')),
    );
    await published;
    const server = await startConsole({
      ...options.listen,
      names: options.name,
      certificate,
      settings: { store: options.store, broker: options.pageBroker, software, direct: root !== undefined },
      keys,
      render: (report) => renderReport(report as CalibrationReport),
      log,
    });
    tell(options, server.port, certificate, root !== undefined);
    await untilSignal().promise;
    await server.close();
  } finally {
    await client.endAsync(true);
  }
}

function tell(
  { listen, name, store, makeCertificate: made }: RunOptions,
  port: number,
  { fingerprint, validTo }: { readonly fingerprint: string; readonly validTo: Date },
  direct: boolean,
): void {
  const [host = listen.host === '0.0.0.0' || listen.host === '::' ? 'localhost' : listen.host] = name;
  const lines = [
    `console of ${store}: https://${host}:${port}/`,
    `certificate until ${validTo.toISOString().slice(0, 10)}, SHA-256 ${fingerprint}`,
    ...(made === true
      ? [
          'Browsers say of a self-signed certificate that the connection is not private: compare the SHA-256 once, then go on; or install it on the technicians’ devices.',
        ]
      : []),
    direct
      ? 'Keys are enrolled at once.'
      : 'Without a root key, keys are requested: add the files under requests/ to the list where the root key is kept, and publish it.',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

function secureUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'wss:' && url.username === '' && url.password === '') return text;
  throw new CliError(
    'CW-CLI-001',
    `--page-broker ${JSON.stringify(text)}: must be wss://HOST[:PORT], without a login in it`,
  );
}

function whoFrom(text: string): string {
  if (/^[0-9A-Za-z-]{1,64}$/.test(text)) return text;
  throw new CliError(
    'CW-CLI-001',
    `--who ${JSON.stringify(text)}: must be a number or short code, never a name`,
  );
}

function roleFrom(text: string): Role {
  if (isRole(text)) return text;
  throw new CliError('CW-CLI-001', `--role ${JSON.stringify(text)}: must be one of ${roles.join(', ')}`);
}
