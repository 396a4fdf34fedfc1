import { lstat, mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { text as textOfStream } from 'node:stream/consumers';
import type { Command } from 'commander';
import { parse } from 'yaml';
import { asOwnerOf } from '#base/as-owner.ts';
import { type FileOwner, writeFileAtomic } from '#base/atomic-file.ts';
import { isCoded } from '#base/errors.ts';
import { software } from '#base/software.ts';
import { plainCause } from '#base/system-error.ts';
import { readClaimFile } from '#identity/claim.ts';
import {
  type Credentials,
  type DeviceIdentity,
  identityFile,
  openCredentials,
  readIdentity,
} from '#identity/credentials.ts';
import { bindHardware, type HardwareFacts, matchHardware, readHardware } from '#identity/hardware.ts';
import { provision } from '#identity/provision.ts';
import { type Backup, type BackupFile, openBackup, sealBackup, shortestPassphrase } from '#identity/vault.ts';
import { outboxFormatAt } from '#uplink/outbox-file.ts';
import { installedConfig } from './config-file.ts';
import { CliError } from './errors.ts';
import { keepTime, writeIdentityInto } from './identity-config.ts';
import { notice } from './terminal.ts';

interface PlaceOptions {
  readonly config: string;
  readonly credentials: string;
  readonly passphraseFile: string;
}

interface RestoreOptions extends PlaceOptions {
  readonly claim?: string;
  readonly asIs?: boolean;
}

const secretFiles = ['device-key.pem', 'device.pem', 'store-ca.pem', identityFile, 'broker-password'];
const recordName = /^(?:calibration-\d{8}|last-good)\.json$/;

/** `cartwright backup` and `cartwright restore`: identity, configuration and calibrations. */
export function registerBackup(program: Command): void {
  withPlaces(
    program
      .command('backup')
      .description('keep identity, configuration and calibrations in one encrypted file'),
  )
    .argument('<file>', 'where to write it')
    .addHelpText(
      'after',
      `
Encrypted with the passphrase (scrypt, AES-256-GCM); it holds the device's key, so keep both apart. The queue of events, pictures and the
audit log are not in it.

Examples:
  scripts/cartwright backup cart-0042.cwb --passphrase-file passphrase`,
    )
    .action(backup);
}

/** `cartwright restore`. */
export function registerRestore(program: Command): void {
  withPlaces(
    program
      .command('restore')
      .description('bring back what cartwright backup kept, on this hardware or a replacement'),
  )
    .argument('<file>', 'the backup')
    .option(
      '--claim <file>',
      'on other hardware: a fresh claim (authority claim --replace) for a key of its own',
    )
    .option(
      '--as-is',
      'on other hardware: take key and certificate along; the former device is dead and never comes back',
    )
    .addHelpText(
      'after',
      `
Stop the gateway first (systemctl stop cartwright). All of it is read and checked before anything is written, and the identity is written
last: cut off anywhere, run it again. On the hardware that it was made on it needs neither --claim nor --as-is.

Examples:
  scripts/cartwright restore cart-0042.cwb --passphrase-file passphrase --claim cart-0042.json`,
    )
    .action(restore);
}

function withPlaces(command: Command): Command {
  return command
    .option('-c, --config <file>', 'configuration', installedConfig)
    .option('--credentials <folder>', 'folder of the credentials', '/etc/cartwright/credentials')
    .requiredOption('--passphrase-file <file>', 'file with the passphrase; - reads it from standard input');
}

async function passphraseOf({ passphraseFile }: PlaceOptions): Promise<string> {
  const text =
    passphraseFile === '-' ? await textOfStream(process.stdin) : String(await bytesOf(passphraseFile));
  const passphrase = text.replace(/\r?\n$/, '');
  if (passphrase.length < shortestPassphrase) {
    throw new CliError(
      'CW-CLI-001',
      `the passphrase is too short: at least ${shortestPassphrase} characters, such as five words`,
    );
  }
  return passphrase;
}

async function bytesOf(path: string): Promise<Buffer> {
  return await readFile(path).catch((cause: unknown) => {
    throw new CliError('CW-CLI-004', `${path} can't be read: ${plainCause(cause)}`, { cause });
  });
}

async function write(path: string, data: Uint8Array, mode: number, owner?: FileOwner): Promise<void> {
  await writeFileAtomic(path, data, mode, owner).catch((cause: unknown) => {
    throw new CliError('CW-CLI-004', `${path} can't be written: ${plainCause(cause)}`, { cause });
  });
}

/**
 * Whom a restored configuration belongs to: as the one that is there, or root's and readable to the gateway's group, whose
 * folder of data tells it. Undefined where this is not root, or there is no gateway yet.
 */
async function configurationOwner(path: string, data: string): Promise<FileOwner | undefined> {
  if (process.geteuid?.() !== 0) return undefined;
  const before = await lstat(path).catch(() => undefined);
  if (before?.isFile() === true) return { uid: before.uid, gid: before.gid };
  const there = await stat(data).catch(() => undefined);
  return there === undefined ? undefined : { uid: 0, gid: there.gid };
}

async function backup(file: string, options: PlaceOptions): Promise<void> {
  const passphrase = await passphraseOf(options);
  const configuration = await configurationFiles(options.config);
  const credentials = await filesOf(options.credentials, 'credentials', (name) => secretFiles.includes(name));
  const { store, device, data } = readConfig(configuration[0]?.data ?? Buffer.alloc(0), options.config);
  // The folder is the gateway's: a link that it put there must not take along what only root may read.
  const calibrations = await asOwnerOf(data, () =>
    filesOf(join(data, 'calibrations'), 'calibrations', (name) => recordName.test(name)),
  );
  const files = [...configuration, ...credentials, ...calibrations];
  const made: Backup = { store, device, madeMs: Date.now(), software, files };
  await write(file, await sealBackup(made, passphrase), 0o600);
  process.stdout.write(`${file}: ${device} of ${store}, ${files.length} files\n`);
  if (credentials.length === 0) notice('There is no identity in it: this device has no certificate.');
}

interface ConfigFacts {
  readonly store: string;
  readonly device: string;
  readonly data: string;
  readonly names: readonly string[];
}

/** What of a configuration says what belongs to it; `${…}` stays as it stands. */
function readConfig(bytes: Buffer, path: string): ConfigFacts {
  let value: Record<string, unknown>;
  try {
    value = (parse(bytes.toString('utf8'), { maxAliasCount: 100 }) ?? {}) as Record<string, unknown>;
  } catch (cause) {
    throw new CliError('CW-CLI-004', `${path} is no YAML`, { cause });
  }
  const commands = (value.commands ?? {}) as Record<string, unknown>;
  const named = [
    value.board,
    value.calibration,
    value.catalogue,
    value.planogram,
    commands.keysFile,
    commands.rootKeyFile,
  ];
  return {
    store: String(value.store ?? ''),
    device: String(value.device ?? ''),
    data: resolve(dirname(path), typeof value.data === 'string' ? value.data : 'data'),
    names: named.filter((name) => typeof name === 'string'),
  };
}

/** The configuration, then the files beside it that it names. */
async function configurationFiles(path: string): Promise<BackupFile[]> {
  const data = await bytesOf(path);
  const folder = dirname(resolve(path));
  const beside = readConfig(data, path)
    .names.map((name) => resolve(folder, name))
    .filter((name) => dirname(name) === folder);
  const files: BackupFile[] = [{ path: `configuration/${basename(path)}`, data }];
  for (const name of new Set(beside)) {
    const found = await readFile(name).catch(() => undefined);
    if (found !== undefined) files.push({ path: `configuration/${relative(folder, name)}`, data: found });
  }
  return files;
}

async function filesOf(
  folder: string,
  kind: string,
  wanted: (name: string) => boolean,
): Promise<BackupFile[]> {
  const names = (await readdir(folder).catch(() => [])).filter(wanted).sort();
  return await Promise.all(
    names.map(async (name) => ({ path: `${kind}/${name}`, data: await bytesOf(join(folder, name)) })),
  );
}

async function restore(file: string, options: RestoreOptions): Promise<void> {
  if (options.claim !== undefined && options.asIs === true) {
    throw new CliError('CW-CLI-001', 'give --claim (a key of its own) or --as-is (the former one), not both');
  }
  const kept = await openBackup(await bytesOf(file), await passphraseOf(options));
  const part = (kind: string) =>
    kept.files
      .filter(({ path }) => path.startsWith(`${kind}/`))
      .map(({ path, data }) => ({ name: path.slice(kind.length + 1), data }));
  const [configuration, secrets, calibrations] = [
    part('configuration'),
    part('credentials'),
    part('calibrations'),
  ];
  const facts = readHardware();
  const claim = options.claim === undefined ? undefined : readClaimFile(String(await bytesOf(options.claim)));
  if (claim !== undefined && (claim.store !== kept.store || claim.device !== kept.device)) {
    throw new CliError(
      'CW-CLI-001',
      `the claim is for ${claim.device} of ${claim.store}, the backup of ${kept.device} of ${kept.store}`,
    );
  }
  const identityText = secrets.find(({ name }) => name === identityFile)?.data.toString('utf8');
  const identity =
    identityText === undefined ? undefined : readIdentity(identityText, `${file}: ${identityFile}`);
  if (
    identity !== undefined &&
    claim === undefined &&
    options.asIs !== true &&
    !matchHardware(identity.hardware, facts).fits
  ) {
    throw new CliError(
      'CW-CLI-001',
      `this is other hardware than ${kept.device} had: give --claim with a fresh claim, or --as-is where the former device never comes back`,
    );
  }
  const credentials = await openCredentials(options.credentials);
  const [main] = configuration;
  if (main === undefined) throw new CliError('CW-CLI-004', `${file} has no configuration in it`);
  const { data } = readConfig(main.data, options.config);
  const owner = await configurationOwner(options.config, data);
  await bringCalibrations(data, calibrations);
  for (const { name, data: beside } of configuration.slice(1))
    await write(join(dirname(options.config), name), beside, 0o640, owner);
  await write(options.config, main.data, 0o640, owner);
  // Last: without an identity the device speaks to nobody, so half a restore does no harm.
  if (claim !== undefined) {
    const made = await provision(credentials, claim, facts, true);
    await writeIdentityInto(options.config, made.identity);
    if (made.timeMs !== undefined) await keepTime(join(data, 'clock-floor'), made.timeMs);
  } else if (identity !== undefined) await bringBack(credentials, secrets, identity, facts);
  process.stdout.write(
    `${kept.device} of ${kept.store} is back as of ${new Date(kept.madeMs).toISOString().slice(0, 10)}: ${kept.files.length} files\n`,
  );
  if (options.asIs === true)
    notice('Never switch the former device on again: two devices of one identity throw each other off.');
}

type NamedFile = { readonly name: string; readonly data: Buffer };

/** As the gateway's user, whose folder it is, and who has to read them. */
async function bringCalibrations(data: string, files: readonly NamedFile[]): Promise<void> {
  const target = join(data, 'calibrations');
  if (!(await isThere(data))) await mkdir(data, { recursive: true, mode: 0o700 });
  await asOwnerOf(data, async () => {
    demandStopped(join(data, 'outbox.sqlite'));
    await demandOwn(target, files);
    for (const { name, data: record } of files) await write(join(target, name), record, 0o640);
  });
}

const isThere = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Throws CW-CLI-004 where a gateway has its queue open. */
function demandStopped(outbox: string): void {
  try {
    outboxFormatAt(outbox);
  } catch (cause) {
    if (!isCoded(cause) || cause.code !== 'CW-UPL-004') return;
    throw new CliError(
      'CW-CLI-004',
      'the gateway runs: stop it first (systemctl stop cartwright). Nothing was changed',
      { cause },
    );
  }
}

/** Rejects with CW-CLI-004 where calibrations lie there that are others than those of the backup. */
async function demandOwn(folder: string, files: readonly NamedFile[]): Promise<void> {
  for (const name of (await readdir(folder).catch(() => [])).filter((one) => recordName.test(one))) {
    const present = await bytesOf(join(folder, name));
    if (files.find((one) => one.name === name)?.data.equals(present) === true) continue;
    throw new CliError(
      'CW-CLI-004',
      `${folder} has calibrations of its own (${name}); restore into a device that has none: cartwright factory-reset first. Nothing was changed`,
    );
  }
}

/** The pair that was kept, bound to this hardware; nothing to do where it is so already. */
async function bringBack(
  credentials: Credentials,
  secrets: readonly NamedFile[],
  identity: DeviceIdentity,
  facts: HardwareFacts,
): Promise<void> {
  const text = (name: string) => secrets.find((one) => one.name === name)?.data.toString('utf8');
  const [key, certificate, authority] = ['device-key.pem', 'device.pem', 'store-ca.pem'].map(text);
  const password = text('broker-password');
  if (password !== undefined)
    await write(join(credentials.folder, 'broker-password'), Buffer.from(password), 0o600);
  if (key === undefined || certificate === undefined || authority === undefined) return;
  const present = await credentials.inForce();
  const bound = await credentials.identity().catch(() => undefined);
  const isBack = present?.key === key && present.certificate === certificate;
  // A card that went to another board has the pair, bound to the board that it came from.
  if (isBack && bound !== undefined && matchHardware(bound.hardware, facts).fits) return;
  await credentials.adopt({ key, certificate }, authority, { ...identity, hardware: bindHardware(facts) });
}
