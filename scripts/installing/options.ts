import { parseArgs } from 'node:util';

export interface Options {
  /** The folder that is set up: `/`, or the root of an image. */
  readonly root: string;
  readonly dryRun: boolean;
  readonly uninstall: boolean;
  /** With `uninstall`: configuration, credentials and data as well. */
  readonly purge: boolean;
  /** With `uninstall`: packages that setup has installed as well. */
  readonly removePackages: boolean;
  /** An archive, in place of the release that this script belongs to. */
  readonly from: string | undefined;
  /** Public keys (PEM) of whoever makes releases. */
  readonly keys: readonly string[];
  readonly config: string | undefined;
  readonly provision: string | undefined;
  /** Folder with packages of Debian. */
  readonly debs: string | undefined;
  readonly offline: boolean;
  readonly kiosk: boolean;
  readonly console: boolean;
  readonly start: boolean;
  /** Only say which packages are wanted. */
  readonly listPackages: boolean;
}

export const help = `Makes a cart or shelf of this machine: Debian or Raspberry Pi OS, bookworm or newer, arm64 or x86-64.

sudo scripts/setup [OPTIONS]              from an unpacked release archive
sudo scripts/setup --from ARCHIVE …       from an archive, checked against the signed description (.release) beside it
sudo /opt/cartwright/current/scripts/setup --uninstall [--purge]

It looks at each thing first and does what is missing; a second run changes nothing. What it did is in
/var/log/cartwright-setup.log.

  --dry-run            say what would be done, and do nothing
  --config FILE        configuration to put to /etc/cartwright/cartwright.yaml, where there is none yet
  --provision FILE     claim file of the store: makes the device's key and gets its certificate
  --key FILE           public key (PEM) of whoever makes releases; may be given several times
  --kiosk              show the shopper's display on this machine's screen
  --console            serve the technicians' console from this machine (docs/technician/console.md)
  --debs FOLDER        take missing packages of Debian from this folder
  --offline            never ask the network for packages
  --no-start           enable everything, start nothing
  --list-packages      print the packages of Debian that it wants, one a line, and end
  --root FOLDER        set up the system in this folder (an image) instead of this machine; nothing is started
  --uninstall          stop and remove all that setup brought; configuration, credentials and data stay
  --purge              with --uninstall: remove these too
  --remove-packages    with --uninstall: remove packages that setup installed
  --help

Exit codes:
   0  done, or nothing to do
   1  something is in the way: the message has a code (docs/errors.md) and says what to do
   2  wrong usage
  70  a fault of this script; please report it`;

/** Wrong usage; its message is all that is shown. */
export class UsageError extends Error {}

/** Reads the command line; undefined where help is asked for. Throws UsageError. */
export function readOptions(args: readonly string[]): Options | undefined {
  const values = parse(args);
  if (values.help) return undefined;
  const { config, provision, debs, from, root, kiosk, offline, purge, uninstall } = values;
  if (purge && !uninstall) throw new UsageError('--purge goes with --uninstall.');
  if (values['remove-packages'] && !uninstall)
    throw new UsageError('--remove-packages goes with --uninstall.');
  if (uninstall && (config ?? provision ?? from ?? debs) !== undefined)
    throw new UsageError('--uninstall takes nothing but --purge, --remove-packages, --root and --dry-run.');
  return {
    root: root.replace(/(?<=.)\/+$/, ''),
    dryRun: values['dry-run'],
    uninstall,
    purge,
    removePackages: values['remove-packages'],
    from,
    keys: values.key,
    config,
    provision,
    debs,
    offline,
    kiosk,
    console: values.console,
    start: !values['no-start'],
    listPackages: values['list-packages'],
  };
}

function parse(args: readonly string[]) {
  const flag = { type: 'boolean', default: false } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        root: { type: 'string', default: '/' },
        'dry-run': flag,
        uninstall: flag,
        purge: flag,
        'remove-packages': flag,
        from: { type: 'string' },
        key: { type: 'string', multiple: true, default: [] },
        config: { type: 'string' },
        provision: { type: 'string' },
        debs: { type: 'string' },
        offline: flag,
        kiosk: flag,
        console: flag,
        'no-start': flag,
        'list-packages': flag,
        help: { ...flag, short: 'h' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
