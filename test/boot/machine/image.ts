import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command, inNewFolder, runScript, whatIsMissing } from '#test/hil/machine/build.ts';
import { packFolder } from '#test/hil/machine/cpio.ts';
import { holdLock } from '#test/hil/machine/lock.ts';
import { type Accelerator, chooseAccelerator, qemuVersion } from '#test/hil/machine/qemu.ts';
import {
  guestFiles,
  modules,
  release,
  repository,
  packages as rigPackages,
} from '#test/hil/machine/recipe.ts';
import { Box } from './box.ts';

/** A Debian as an installation leaves it, with an agent for the tests beside it; nothing of Cartwright. */
export interface FreshImage {
  readonly accelerator: Accelerator;
  readonly kernel: string;
  readonly initialRamDisk: string;
  /** A qcow2 file that others are laid over; never written to. */
  readonly disk: string;
}

/** Where images are kept. */
export const bootCache = process.env.CARTWRIGHT_BOOT_CACHE ?? join(repository, '.cache/boot');

/** What an installation of Debian has beyond the rig's list, and the packages that the gateway needs: there is no network. */
const packages = [
  ...rigPackages,
  ...['adduser', 'ca-certificates', 'iproute2', 'libudev1', 'netbase', 'passwd', 'systemd-timesyncd', 'sudo'],
];
const diskSize = '4G';

/** Why such a machine can't be built or run here, one line each. */
export { whatIsMissing };

/** The image from the cache, or built: some minutes. Two builders at once wait for each other. */
export async function prepareFresh(log: (line: string) => void): Promise<FreshImage> {
  const accelerator = await chooseAccelerator();
  await mkdir(bootCache, { recursive: true });
  const unlock = await holdLock(join(bootCache, 'build.lock'));
  try {
    const folder = join(bootCache, `fresh-${keyOf(accelerator)}`);
    const image: FreshImage = {
      accelerator,
      kernel: join(folder, 'vmlinuz'),
      initialRamDisk: join(folder, 'initrd'),
      disk: join(folder, 'disk.qcow2'),
    };
    if (!existsSync(folder)) await build(folder, image, log);
    return image;
  } finally {
    await unlock();
  }
}

/** A disk of one's own over another one, which stays as it is. */
export async function layDiskOver(base: string, path: string): Promise<string> {
  await rm(path, { force: true });
  await command('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', base, path]);
  return path;
}

async function build(folder: string, image: FreshImage, log: (line: string) => void): Promise<void> {
  log(`building a fresh Debian ${release} for the machines of these tests (some minutes, once)`);
  const part = `${folder}.part`;
  await rm(part, { recursive: true, force: true });
  await inNewFolder(part, async (made) => {
    await runScript('root.sh', [release, packages.join(','), made], { asRoot: false });
    const guest = join(repository, 'test/hil/machine/guest');
    const inputs = [join(made, 'root.tar'), guest, process.execPath, modules.join(' '), made];
    await runScript('image.sh', inputs, { asRoot: true });
    await rm(join(made, 'root.tar'));
    await writeFile(join(made, 'initrd'), packFolder(join(made, 'early')));
    await rm(join(made, 'early'), { recursive: true });
    // The rig's disk has no journal, because nobody cuts its power.
    const raw = join(made, 'root.img');
    await command('truncate', ['-s', diskSize, raw]);
    await command('resize2fs', [raw]);
    await command('tune2fs', ['-O', 'has_journal', raw]);
    await command('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', raw, join(made, 'disk.qcow2')]);
    await rm(raw);
  });
  await firstBoot({ ...image, ...inFolder(part) });
  await command('mv', [part, folder]);
}

const inFolder = (folder: string) => ({
  kernel: join(folder, 'vmlinuz'),
  initialRamDisk: join(folder, 'initrd'),
  disk: join(folder, 'disk.qcow2'),
});

/** What an installer would have asked for: the network. */
async function firstBoot(image: FreshImage): Promise<void> {
  const box = await Box.boot(image, image.disk, { shares: {} });
  try {
    await box.sh(`cat >/etc/systemd/network/10-eth0.network <<'END'
[Match]
Name=eth0
[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
END
rm -f /etc/systemd/system/systemd-networkd.service
systemctl enable systemd-networkd.service
echo '/dev/vda / ext4 noatime,errors=remount-ro 0 1' >/etc/fstab`);
    await box.powerOff();
  } finally {
    await box.cutPower();
  }
}

function keyOf(accelerator: Accelerator): string {
  const rig = join(repository, 'test/hil/machine');
  const texts = [
    ...['root.sh', 'image.sh', 'cpio.ts', ...guestFiles().map((name) => `guest/${name}`)].map((name) =>
      readFileSync(join(rig, name), 'utf8'),
    ),
  ];
  const parts = [
    '1',
    diskSize,
    release,
    ...packages,
    ...modules,
    qemuVersion(),
    accelerator,
    process.version,
    ...texts,
  ];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}
