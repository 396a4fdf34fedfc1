import { X509Certificate } from 'node:crypto';
import { lstat, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import pino from 'pino';
import { Authority, initAuthority } from '#authority/authority.ts';
import { brokerLogins, publishRevocations, readBrokerLink, writeBrokerLink } from '#authority/broker.ts';
import { AuthorityError } from '#authority/errors.ts';
import { startEnrolment } from '#authority/service.ts';
import { writeFileAtomic } from '#base/atomic-file.ts';
import { describeError } from '#base/errors.ts';
import { plainCause } from '#base/system-error.ts';
import { fingerprintOf } from '#identity/chain.ts';
import { type ClaimFile, writeClaimFile } from '#identity/claim.ts';
import { registerAuthorityLists, warnOfEnds, withAuthority } from './authority-lists.ts';
import { CliError } from './errors.ts';
import { untilSignal } from './signals.ts';
import { notice } from './terminal.ts';
import { addressFrom, integerFrom, nameFrom, namesFrom } from './values.ts';

interface FolderOptions {
  readonly folder: string;
}

/** `cartwright authority …`: the store's certificate authority. */
export function registerAuthority(program: Command): void {
  const authority = program
    .command('authority')
    .description("the store's certificate authority: makes devices the store's, and shuts them out")
    .usage('[options] <init|show|claim|serve|list|revoke|publish|server|broker|audit>')
    .addHelpText(
      'after',
      `
One folder on one machine of the store holds the authority: root and issuing key (only their owner reads them) and the record of claims and
certificates. Back it up. docs/operator/provision.md goes through it, from nothing to fifty carts in service.

Examples:
  scripts/cartwright authority init -s my-store --broker mqtts://broker.my-store.example:8883
  scripts/cartwright authority serve --listen 0.0.0.0:8446 --name authority.my-store.example
  scripts/cartwright authority claim cart-0042 --authority https://authority.my-store.example:8446 --out cart-0042.json
  scripts/cartwright authority revoke cart-0042 --why stolen`,
    );
  withAuthority(
    authority.command('init').description('make the authority of a store: root, issuing key, record'),
  )
    .requiredOption('-s, --store <name>', 'the store', nameFrom('--store'))
    .option(
      '--device-days <days>',
      'how long certificates of devices are valid',
      integerFrom('--device-days', 1, 3_650),
    )
    .option('--broker <url>', "the broker's address for devices, told to them with their certificate")
    .action(init);
  withAuthority(
    authority.command('claim').description('make one-time claims with which devices become the store’s'),
  )
    .argument('<devices...>', 'their names')
    .requiredOption(
      '--authority <url>',
      'address of the enrolment service (authority serve) as devices reach it, https://…',
    )
    .option('--hours <hours>', 'how long the claims are valid', integerFrom('--hours', 1, 24 * 90), 72)
    .option('--replace', 'each takes the place of the device of its name, whose certificates end then')
    .option('--out <path>', 'a file for one device, a folder for several; otherwise they are printed')
    .action(claim);
  withAuthority(authority.command('serve').description('run the enrolment service until a signal'))
    .option('--listen <address>', 'address and port to listen on, HOST:PORT', addressFrom, {
      host: '127.0.0.1',
      port: 8446,
    })
    .option('--name <names>', 'names and addresses that devices call it by, with commas between', namesFrom, [
      hostname().toLowerCase(),
    ])
    .action(serve);
  withAuthority(
    authority.command('revoke').description('shut devices out: certificates, connections, claims'),
  )
    .argument('<devices...>', 'their names')
    .requiredOption('--why <text>', 'why, for the record: stolen, lost, scrapped …')
    .action(revoke);
  withAuthority(authority.command('publish').description('hand the broker again who is shut out')).action(
    publish,
  );
  withAuthority(
    authority.command('server').description("make a server's key and certificate, such as the broker's"),
  )
    .argument('<names>', 'host names and addresses, with commas between', namesFrom)
    .requiredOption(
      '--out <folder>',
      "the broker's folder: broker.pem, broker-key.pem, store-ca.pem, crl.pem",
    )
    .action(server);
  withAuthority(authority.command('broker').description('say how the broker is told of who is shut out'))
    .requiredOption('--files <folder>', "the broker's folder, with cartwright.acl in it")
    .requiredOption('--url <url>', "the listener for the store's systems, mqtts://…:8885")
    .requiredOption('--password-file <file>', 'password of its login')
    .option('--username <name>', 'its login', 'authority')
    .option('--reload <command>', 'what makes the broker read its files again', 'systemctl reload mosquitto')
    .action(broker);
  registerAuthorityLists(authority);
  for (const command of authority.commands) command.exitOverride();
}

/** Opens the authority for `work`, and closes it. */
async function withOpen<Result>(
  folder: string,
  work: (authority: Authority) => Promise<Result>,
): Promise<Result> {
  const authority = await Authority.open(folder);
  try {
    return await work(authority);
  } finally {
    authority.close();
  }
}

const rootOf = (authority: Authority) => fingerprintOf(new X509Certificate(authority.root));

async function init(
  options: FolderOptions & { readonly store: string; readonly deviceDays?: number; readonly broker?: string },
) {
  const { folder, store, deviceDays, broker: url } = options;
  await initAuthority(folder, store, Date.now(), {
    ...(deviceDays === undefined ? {} : { deviceDays }),
    ...(url === undefined ? {} : { broker: url }),
  });
  await withOpen(folder, async (authority) => {
    process.stdout.write(`authority of ${store} in ${folder}, root SHA-256 ${rootOf(authority)}\n`);
    notice('Back the folder up where nobody else reads it: whoever has it can make devices of this store.');
  });
}

interface ClaimOptions extends FolderOptions {
  readonly authority: string;
  readonly hours: number;
  readonly replace?: boolean;
  readonly out?: string;
}

async function claim(devices: readonly string[], options: ClaimOptions) {
  if (!/^https:\/\/[^/]/.test(options.authority)) {
    throw new CliError(
      'CW-CLI-001',
      `--authority ${JSON.stringify(options.authority)}: must be https://HOST[:PORT]`,
    );
  }
  const link = await readBrokerLink(options.folder);
  const logins = link === undefined ? undefined : await brokerLogins(link);
  await withOpen(options.folder, async (authority) => {
    for (const device of devices) {
      const validMs = options.hours * 3_600_000;
      const made = authority.claim(device, Date.now(), validMs, options.replace === true, logins);
      const { store, broker: url } = authority.settings;
      const file: ClaimFile = {
        authority: options.authority,
        fingerprint: rootOf(authority),
        store,
        device,
        claim: made.claim,
        ...(url === undefined ? {} : { broker: url }),
      };
      await writeClaim(file, options.out, devices.length > 1 || (await isFolder(options.out)));
      const until = new Date(made.expiresMs).toISOString().slice(0, 16).replace('T', ' ');
      notice(`${device}: a claim for one use, until ${until} UTC`);
    }
  });
}

/** One device's claim may go into a folder, too. */
async function isFolder(out = ''): Promise<boolean> {
  const status = await stat(out).catch(() => undefined);
  return out.endsWith('/') || status?.isDirectory() === true;
}

async function writeClaim(file: ClaimFile, out: string | undefined, several: boolean): Promise<void> {
  if (out === undefined) {
    process.stdout.write(writeClaimFile(file));
    return;
  }
  await write(several ? join(out, `${file.device}.json`) : out, writeClaimFile(file), 0o600);
}

/** What is there already stays its owner's: the broker reads its key as its own user. */
async function write(path: string, text: string, mode: number): Promise<void> {
  const before = await lstat(path).catch(() => undefined);
  const owner = process.geteuid?.() === 0 && before?.isFile() === true ? before : undefined;
  await writeFileAtomic(path, text, mode, owner).catch((cause: unknown) => {
    throw new CliError('CW-CLI-004', `${path} can't be written: ${plainCause(cause)}`, { cause });
  });
}

interface ServeOptions extends FolderOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly name: readonly string[];
}

async function serve({ folder, listen, name }: ServeOptions) {
  const log = pino({ level: 'info', timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2));
  const link = await readBrokerLink(folder);
  await withOpen(folder, async (authority) => {
    const tell = async (devices: readonly string[]) => {
      if (link === undefined) return;
      try {
        await publishRevocations(authority, link, devices, Date.now());
        log.info({ devices }, 'the broker knows who is shut out');
      } catch (error) {
        log.error({ error: describeError(error), devices }, 'the broker could not be told');
      }
    };
    // What a power cut kept from it, or was revoked without a link.
    await tell([]);
    const names = [...new Set([...name, 'localhost', '127.0.0.1', '::1'])];
    const service = await startEnrolment({
      ...listen,
      authority,
      certificate: await authority.server(names, Date.now()),
      nowMs: () => Date.now(),
      log,
      onChanged: (device) => tell([device]),
    });
    const { store } = authority.settings;
    process.stdout.write(
      `authority of ${store}: https://${name[0] ?? listen.host}:${service.port}/, root SHA-256 ${rootOf(authority)}\n`,
    );
    if (link === undefined)
      notice('No link to the broker (authority broker): replaced devices are not shut out by themselves.');
    const look = () => warnOfEnds(authority, (message) => log.warn({}, message));
    look();
    const timer = setInterval(look, 86_400_000);
    await untilSignal().promise;
    clearInterval(timer);
    await service.close();
  });
}

async function revoke(devices: readonly string[], { folder, why }: FolderOptions & { readonly why: string }) {
  const link = await readBrokerLink(folder);
  await withOpen(folder, async (authority) => {
    const claimed = new Set(authority.book.claims().map(({ device }) => device));
    for (const device of devices) {
      // A claim file that was lost before anybody used it has to end, too.
      if (!claimed.has(device) && authority.book.certificates(device).length === 0) {
        throw new CliError(
          'CW-CLI-001',
          `there was never a device ${device}; scripts/cartwright authority list shows them`,
        );
      }
    }
    for (const device of devices) {
      const ended = authority.revoke(device, why, Date.now());
      process.stdout.write(`${device}: ${ended.length} certificates revoked\n`);
    }
    await tellBroker(authority, link, devices);
  });
}

async function publish({ folder }: FolderOptions) {
  const link = await readBrokerLink(folder);
  await withOpen(folder, (authority) => tellBroker(authority, link, authority.shutOut(Date.now())));
}

async function tellBroker(
  authority: Authority,
  link: Awaited<ReturnType<typeof readBrokerLink>>,
  devices: readonly string[],
): Promise<void> {
  if (link === undefined) {
    throw new AuthorityError(
      'CW-CAU-008',
      'it is on record, but the broker does not know: say how to tell it (authority broker), then run authority publish',
    );
  }
  const began = performance.now();
  await publishRevocations(authority, link, devices, Date.now());
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  process.stdout.write(`the broker takes them no more, and their connections are ended (${seconds} s)\n`);
}

async function server(names: readonly string[], { folder, out }: FolderOptions & { readonly out: string }) {
  await withOpen(folder, async (authority) => {
    const { certificate, key } = await authority.server(names, Date.now());
    await write(join(out, 'broker-key.pem'), key, 0o600);
    await write(join(out, 'broker.pem'), certificate, 0o644);
    await write(join(out, 'store-ca.pem'), authority.chain, 0o644);
    await write(join(out, 'crl.pem'), await authority.revocationList(Date.now()), 0o644);
    const { validTo } = new X509Certificate(certificate);
    process.stdout.write(`${out}: certificate for ${names.join(', ')} until ${validTo}\n`);
    notice(
      `The broker's own user has to read broker-key.pem (chown mosquitto ${join(out, 'broker-key.pem')}), and the broker to read it again (systemctl reload mosquitto).`,
    );
  });
}

interface BrokerOptions extends FolderOptions {
  readonly files: string;
  readonly url: string;
  readonly username: string;
  readonly passwordFile: string;
  readonly reload: string;
}

async function broker({ folder, files, url, username, passwordFile, reload }: BrokerOptions) {
  await withOpen(folder, async (authority) => {
    const link = {
      folder: resolve(files),
      url,
      username,
      passwordFile: resolve(passwordFile),
      reload: reload.split(/\s+/).filter((word) => word !== ''),
    };
    await writeBrokerLink(folder, link);
    // With a name that no device has: address and login are tried now, not when the first cart is stolen.
    await publishRevocations(authority, { brokerLink: 1, ...link }, ['authority'], Date.now());
    process.stdout.write(`${url} is told from now on; it has the list of who is shut out\n`);
  });
}
