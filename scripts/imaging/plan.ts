import type { Architecture } from '#updates/facts.ts';
import type { Sizes } from './partitions.ts';

/** What an image is made of. The whole of it is settled before anything is fetched; `--dry-run` shows it. */
export interface Plan {
  readonly arch: Architecture;
  /** Debian's name of the processor. */
  readonly debian: string;
  readonly suite: string;
  readonly mirrors: readonly string[];
  readonly packages: readonly string[];
  /** The boot loader in the root, and its name on the boot partition: where firmware looks without being told. */
  readonly loader: { readonly from: string; readonly to: string };
  readonly kernelWords: readonly string[];
  readonly sizes: Omit<Sizes, 'data'>;
  /** Seconds since 1970 of everything in the image. */
  readonly epoch: number;
  readonly version: string;
}

interface Kind {
  readonly debian: string;
  readonly kernel: string;
  /** UEFI's name of the processor. */
  readonly efi: string;
}

const kinds: Readonly<Record<Architecture, Kind>> = {
  x64: { debian: 'amd64', kernel: 'linux-image-amd64', efi: 'x64' },
  arm64: { debian: 'arm64', kernel: 'linux-image-arm64', efi: 'aa64' },
};

/** Of the system itself; what the gateway takes is asked of scripts/setup. */
const systemPackages = [
  ...['systemd', 'systemd-sysv', 'systemd-boot', 'systemd-timesyncd', 'systemd-resolved', 'libnss-resolve'],
  ...['dbus', 'udev', 'kmod', 'initramfs-tools', 'busybox', 'zstd', 'passwd'],
  // For growing and checking the disk on the device.
  ...['fdisk', 'e2fsprogs', 'dosfstools', 'util-linux'],
  ...['iproute2', 'ca-certificates', 'wpasupplicant', 'wireless-regdb'],
] as const;

const defaultSizes = { boot: 384, root: 2_048 } as const;
const debianMirror = 'http://deb.debian.org/debian';
const securityMirror = 'http://deb.debian.org/debian-security';

export interface PlanOptions {
  readonly arch: Architecture;
  readonly version: string;
  readonly epoch: number;
  readonly suite?: string | undefined;
  readonly mirror?: string | undefined;
  readonly setupPackages: readonly string[];
  readonly morePackages: readonly string[];
  readonly kernelWords?: readonly string[] | undefined;
  readonly rootMebibytes?: number | undefined;
}

/** Settles what an image is made of. */
export function planImage(options: PlanOptions): Plan {
  const { arch, version, epoch, suite = 'bookworm', mirror, setupPackages, morePackages } = options;
  const kind = kinds[arch];
  const packages = new Set([...systemPackages, kind.kernel, ...setupPackages, ...morePackages]);
  // A mirror that was named has to hold everything: one of a snapshot does.
  const mirrors =
    mirror === undefined
      ? [
          `deb ${debianMirror} ${suite} main`,
          `deb ${debianMirror} ${suite}-updates main`,
          `deb ${securityMirror} ${suite}-security main`,
        ]
      : [`deb ${mirror} ${suite} main`];
  return {
    ...{ arch, debian: kind.debian, suite, mirrors, epoch, version },
    packages: [...packages].sort(),
    loader: {
      from: `usr/lib/systemd/boot/efi/systemd-boot${kind.efi}.efi`,
      to: `EFI/BOOT/BOOT${kind.efi.toUpperCase()}.EFI`,
    },
    kernelWords: options.kernelWords ?? ['quiet'],
    sizes: { boot: defaultSizes.boot, root: options.rootMebibytes ?? defaultSizes.root },
  };
}

/** What `mmdebstrap` is called with; `tree` holds what the image adds to Debian before its packages are configured. */
export function mmdebstrapArguments(plan: Plan, tree: string, target: string): string[] {
  return [
    '--variant=minbase',
    `--architectures=${plan.debian}`,
    `--include=${plan.packages.join(',')}`,
    '--aptopt=APT::Install-Recommends "false"',
    '--aptopt=APT::Sandbox::User "root"',
    ...['doc', 'man', 'info', 'locale', 'i18n'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
    // Licences stay: an image is handed on.
    '--dpkgopt=path-include=/usr/share/doc/*/copyright',
    // Before initramfs-tools is installed, so that the initramfs is made once, with our parts in it.
    `--essential-hook=cp -r --preserve=mode ${quoted(`${tree}/.`)} "$1"`,
    plan.suite,
    target,
    ...plan.mirrors,
  ];
}

/** A word for `sh`. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Units that an image starts, beside those of scripts/setup. */
export const enabledUnits = [
  ...['systemd-networkd.service', 'systemd-resolved.service', 'systemd-timesyncd.service'],
  ...['cartwright-first-boot.service', 'cartwright-first-boot-provision.service'],
  ...['cartwright-slot-boot.service', 'cartwright-slot-judge.service', 'cartwright-slot-deadline.timer'],
] as const;

/** Units that have nothing to do on a root that is replaced as a whole, or that would ask somebody to log in. */
export const maskedUnits = [
  ...['apt-daily.timer', 'apt-daily-upgrade.timer', 'dpkg-db-backup.timer', 'e2scrub_all.timer'],
  ...['e2scrub_reap.service', 'systemd-boot-update.service', 'getty@tty1.service', 'serial-getty@.service'],
  'systemd-firstboot.service',
] as const;

/** Folders that belong to the device and not to a root: they lie on the data partition. */
export const devicePaths = [
  'etc/cartwright',
  'opt/cartwright',
  'var/lib/cartwright',
  'var/lib/cartwright-updater',
  'var/log',
] as const;

/** Users have the same numbers in every image: their files outlive the root. */
export const sysusersLines = [
  'g cartwright 970',
  'u cartwright 970:970 "Cartwright gateway" /var/lib/cartwright /usr/sbin/nologin',
  'g cartwright-kiosk 971',
  'u cartwright-kiosk 971:971 "Cartwright display" /run/cartwright-kiosk /usr/sbin/nologin',
] as const;

/** What ids of partitions are derived from: they are the same in every build of an image. */
export function seedOf({ epoch, version, arch }: Plan): string {
  return `${epoch} ${version} ${arch}`;
}
