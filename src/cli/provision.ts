import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { text as textOfStream } from 'node:stream/consumers';
import { promisify } from 'node:util';
import type { Command } from 'commander';
import { describeError } from '#base/errors.ts';
import { plainCause } from '#base/system-error.ts';
import { type ClaimFile, checkClaim, readClaimFile } from '#identity/claim.ts';
import { type DeviceIdentity, describeCertificate, openCredentials } from '#identity/credentials.ts';
import { IdentityError } from '#identity/errors.ts';
import { matchHardware, readHardware } from '#identity/hardware.ts';
import { provision, renew } from '#identity/provision.ts';
import { CliError } from './errors.ts';
import { exitCodes } from './exit.ts';
import { keepTime, writeIdentityInto } from './identity-config.ts';
import { notice, printJson } from './terminal.ts';
import { tryBroker } from './try-broker.ts';

interface FolderOptions {
  readonly folder: string;
}

interface ClaimOptions extends FolderOptions {
  readonly authority?: string;
  readonly fingerprint?: string;
  readonly store?: string;
  readonly device?: string;
  readonly claim?: string;
  readonly config?: string;
  readonly clockFloor: string;
  readonly keep?: boolean;
}

/** Name of a claim file where it is looked for: on the boot partition, on a USB stick. */
const claimName = 'cartwright-claim.json';
const claimFolders = ['/boot/firmware', '/boot', '/mnt'];
/** A claim file has half a kilobyte. */
const longestClaim = 16_384;
const stickFolders = ['/media', '/run/media'];

/** `cartwright provision …`: this device's identity. */
export function registerProvision(program: Command): void {
  const command = program
    .command('provision')
    .description('make this device one of a store: key, certificate, binding to its hardware')
    .usage('[options] <claim|rebind|renew|status|wipe>')
    .addHelpText(
      'after',
      `
The key is made on this device and never leaves it. A claim comes from the store (authority claim) as a file, on the boot partition or a USB
stick (${claimName}), or is typed in. Power may fail at any moment: run the same command again.

Examples:
  scripts/cartwright provision claim cart-0042.json --config /etc/cartwright/cartwright.yaml
  scripts/cartwright provision claim --authority https://authority.my-store.example:8446 --fingerprint 3F:A0:… -s my-store --device cart-0042 --claim -
  scripts/cartwright provision status`,
    );
  withClaim(command.command('claim').description('make this device the one of a claim')).action(
    (file: string | undefined, options: ClaimOptions) => take(file, options, false),
  );
  withClaim(
    command
      .command('rebind')
      .description(
        'take the place of a device on other hardware: a new key and certificate, by a claim with --replace',
      ),
  ).action((file: string | undefined, options: ClaimOptions) => take(file, options, true));
  withFolder(
    command
      .command('renew')
      .description('renew the certificate, where less than a third of its life is left'),
  )
    .option('--force', 'also where it is not due (the authority may refuse)')
    .option(
      '--restart',
      'restart the gateway afterwards, so that it uses the new one (systemctl try-restart)',
    )
    .action(renewNow);
  withFolder(
    command
      .command('status')
      .description('show who this device is, until when, and whether its hardware fits'),
  )
    .option('--json', 'print as JSON')
    .action(status);
  withFolder(command.command('wipe').description('take the identity away: this device is nobody’s'))
    .option('--yes', 'do it')
    .action(wipe);
  for (const one of command.commands) one.exitOverride();
}

function withFolder(command: Command): Command {
  return command.option('--folder <folder>', 'folder of the credentials', '/etc/cartwright/credentials');
}

function withClaim(command: Command): Command {
  return withFolder(command)
    .argument(
      '[file]',
      `claim file; where left out, ${claimName} is looked for on boot partition and USB sticks`,
    )
    .option('--authority <url>', 'by hand: address of the enrolment service, https://…')
    .option('--fingerprint <sha256>', "by hand: SHA-256 of the authority's root certificate")
    .option('-s, --store <name>', 'by hand: the store')
    .option('--device <name>', 'by hand: this device')
    .option('--claim <claim>', 'by hand: the claim; - reads it from standard input')
    .option('--config <file>', 'write store, device and broker into this configuration')
    .option('--clock-floor <file>', "floor of the machine's clock", '/var/lib/cartwright/clock-floor')
    .option('--keep', 'leave the claim file where it is; otherwise it goes once it is used up');
}

/** A service reads its credentials when it starts. */
const takenUp = 'A gateway that runs knows of it from its next start on: systemctl restart cartwright';

async function take(file: string | undefined, options: ClaimOptions, rebind: boolean): Promise<void> {
  const byHand = options.claim !== undefined || options.authority !== undefined;
  const path = byHand ? undefined : (file ?? (await findClaim()));
  const claim = path === undefined ? await claimByHand(options) : await claimOf(path);
  const credentials = await openCredentials(options.folder);
  const facts = readHardware();
  const { changed, identity, timeMs } = await provision(credentials, claim, facts, rebind);
  if (options.config !== undefined) await writeIdentityInto(options.config, identity);
  if (timeMs !== undefined) await keepTime(options.clockFloor, timeMs);
  if (changed && path !== undefined && options.keep !== true) await forget(path);
  const { toMs } = describeCertificate((await credentials.inForce())?.certificate ?? '');
  const done = changed ? 'is provisioned' : 'was provisioned before; nothing changed';
  process.stdout.write(
    `${identity.device} of ${identity.store} ${done}, until ${new Date(toMs).toISOString().slice(0, 10)}\n`,
  );
  if (changed) notice(takenUp);
  if (Object.keys(facts).length === 0) {
    notice('Nothing of this hardware can tell it from another: a copied card would not be noticed here.');
  }
}

async function forget(path: string): Promise<void> {
  await rm(path).catch((error: unknown) =>
    notice(`${path} is used up, but could not be removed: ${plainCause(error)}`),
  );
}

async function findClaim(): Promise<string> {
  const sticks = await Promise.all(
    stickFolders.map(async (folder) => {
      const inside = await readdir(folder).catch(() => []);
      const deeper = await Promise.all(
        inside.map(async (name) =>
          (await readdir(join(folder, name)).catch(() => [])).map((below) => join(folder, name, below)),
        ),
      );
      return [...inside.map((name) => join(folder, name)), ...deeper.flat()];
    }),
  );
  for (const folder of [...claimFolders, ...sticks.flat()]) {
    const path = join(folder, claimName);
    const isThere = await stat(path).then(
      (status) => status.isFile(),
      () => false,
    );
    if (isThere) return path;
  }
  throw new CliError(
    'CW-CLI-004',
    `there is no ${claimName} on the boot partition or a USB stick; give the file, or --authority, --fingerprint, --store, --device and --claim`,
  );
}

async function claimOf(path: string): Promise<ClaimFile> {
  const text = await claimText(path).catch((cause: unknown) => {
    throw new CliError('CW-CLI-004', `${path} can't be read: ${plainCause(cause)}`, { cause });
  });
  return readClaimFile(text);
}

/** A stick may be anybody's: a pipe would be waited for, and a device read, for ever. */
async function claimText(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await file.stat()).isFile()) throw new Error('it is no file');
    const { buffer, bytesRead } = await file.read(Buffer.alloc(longestClaim + 1), 0, longestClaim + 1, 0);
    if (bytesRead > longestClaim) throw new Error('it is too long for a claim');
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

async function claimByHand({
  authority,
  fingerprint,
  store,
  device,
  claim,
}: ClaimOptions): Promise<ClaimFile> {
  const given = claim === '-' ? (await textOfStream(process.stdin)).trim() : claim;
  return checkClaim({ authority, fingerprint, store, device, claim: given });
}

interface RenewOptions extends FolderOptions {
  readonly force?: boolean;
  readonly restart?: boolean;
}

async function renewNow({ folder, force, restart }: RenewOptions): Promise<void> {
  const credentials = await openCredentials(folder);
  const identity = await credentials.identity();
  if (identity === undefined && force !== true) {
    // The timer runs on machines without a certificate, too.
    process.stdout.write('this device has no certificate to renew\n');
    return;
  }
  const outcome = await renew(
    credentials,
    readHardware(),
    async (pair, authority) => {
      if (identity?.broker !== undefined) await tryBroker(identity.broker, pair, authority);
    },
    Date.now(),
    force === true,
  );
  const until = new Date(outcome.toMs).toISOString().slice(0, 10);
  if (outcome.done === 'not-due') {
    process.stdout.write(`not due: valid until ${until}\n`);
    return;
  }
  process.stdout.write(`renewed: valid until ${until}\n`);
  if (restart !== true) {
    notice('The gateway uses it from its next start on; until then the former one, which stays valid.');
    return;
  }
  await promisify(execFile)('systemctl', ['--no-block', 'try-restart', 'cartwright.service'], {
    timeout: 30_000,
  }).catch((error: unknown) => notice(`the gateway could not be restarted: ${plainCause(error)}`));
}

interface Status {
  readonly provisioned: boolean;
  readonly store?: string;
  readonly device?: string;
  readonly authority?: string;
  readonly broker?: string;
  readonly validTo?: string;
  readonly daysLeft?: number;
  readonly hardware?: 'fits' | 'other' | 'unbound';
  readonly pending?: boolean;
  readonly trouble?: string;
}

async function status({ folder, json }: FolderOptions & { readonly json?: boolean }): Promise<void> {
  const found = await look(folder);
  if (json) printJson(found);
  else {
    for (const [key, value] of Object.entries(found))
      process.stdout.write(`${key.padEnd(11)}  ${String(value)}\n`);
  }
  if (found.trouble !== undefined || found.hardware === 'other' || (found.daysLeft ?? 1) <= 0) {
    process.exitCode = exitCodes.findings;
  }
}

async function look(folder: string): Promise<Status> {
  try {
    const credentials = await openCredentials(folder);
    const [identity, pair] = [await credentials.identity(), await credentials.inForce()];
    const pending = (await credentials.pendingCertificate()) !== undefined;
    if (identity === undefined || pair === undefined) return { provisioned: false };
    const { toMs } = describeCertificate(pair.certificate);
    return {
      provisioned: true,
      store: identity.store,
      device: identity.device,
      authority: identity.authority,
      ...(identity.broker === undefined ? {} : { broker: identity.broker }),
      validTo: new Date(toMs).toISOString(),
      daysLeft: Math.floor((toMs - Date.now()) / 86_400_000),
      hardware: hardwareOf(identity),
      ...(pending ? { pending } : {}),
    };
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error;
    return { provisioned: false, trouble: describeError(error) };
  }
}

function hardwareOf({ hardware }: DeviceIdentity): 'fits' | 'other' | 'unbound' {
  const { salt: _salt, ...bound } = hardware;
  if (Object.values(bound).every((values) => values === undefined || values.length === 0)) return 'unbound';
  return matchHardware(hardware, readHardware()).fits ? 'fits' : 'other';
}

async function wipe({ folder, yes }: FolderOptions & { readonly yes?: boolean }): Promise<void> {
  if (yes !== true) {
    throw new CliError(
      'CW-CLI-001',
      'key and certificate are gone for good after that, and a fresh claim is needed: say --yes',
    );
  }
  const had = await (await openCredentials(folder)).wipe();
  if (had) notice(takenUp);
  process.stdout.write(
    had
      ? 'the identity is wiped; tell the store to revoke it (authority revoke)\n'
      : 'there was no identity\n',
  );
}
