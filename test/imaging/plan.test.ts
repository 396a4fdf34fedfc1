import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { root } from '../../scripts/checks/tree.ts';
import {
  enabledUnits,
  mmdebstrapArguments,
  type PlanOptions,
  planImage,
} from '../../scripts/imaging/plan.ts';
import { runsForeign, whatIsMissing } from '../../scripts/imaging/tools.ts';

const asked: PlanOptions = {
  ...{ arch: 'arm64', version: '1.2.3', epoch: 1_790_000_000 },
  ...{ setupPackages: ['libusb-1.0-0', 'udev'], morePackages: ['htop'] },
};

test('an image of each processor takes its own kernel and boot loader', (t) => {
  const arm = planImage(asked);
  t.is(arm.debian, 'arm64');
  t.true(arm.packages.includes('linux-image-arm64'));
  t.is(arm.loader.to, 'EFI/BOOT/BOOTAA64.EFI');
  const pc = planImage({ ...asked, arch: 'x64' });
  t.is(pc.debian, 'amd64');
  t.true(pc.packages.includes('linux-image-amd64'));
  t.deepEqual(pc.loader, {
    from: 'usr/lib/systemd/boot/efi/systemd-bootx64.efi',
    to: 'EFI/BOOT/BOOTX64.EFI',
  });
});

test('packages are sorted and named once, with what setup and the operator ask for', (t) => {
  const { packages } = planImage(asked);
  t.deepEqual(packages, [...new Set(packages)].sort());
  for (const name of ['libusb-1.0-0', 'htop', 'systemd-boot', 'busybox'])
    t.true(packages.includes(name), name);
  t.false(packages.includes('openssh-server'));
});

test('security fixes are taken, but from a mirror that was named everything comes', (t) => {
  t.true(planImage(asked).mirrors.some((line) => line.includes('bookworm-security')));
  const { mirrors } = planImage({
    ...asked,
    mirror: 'http://snapshot.debian.org/archive/debian/20260101T000000Z',
  });
  t.deepEqual(mirrors, ['deb http://snapshot.debian.org/archive/debian/20260101T000000Z bookworm main']);
});

test('a folder with a quote in its name is one word of the hook', (t) => {
  const folder = mkdtempSync(join(tmpdir(), "cartwright-it's-"));
  try {
    writeFileSync(join(folder, 'file'), 'here');
    const hook = mmdebstrapArguments(planImage(asked), folder, 'out.tar')
      .find((word) => word.startsWith('--essential-hook='))
      ?.replace('--essential-hook=', '');
    const target = mkdtempSync(join(tmpdir(), 'cartwright-hook-'));
    execFileSync('sh', ['-c', hook ?? '', 'hook', target]);
    t.is(readFileSync(join(target, 'file'), 'utf8'), 'here');
    rmSync(target, { recursive: true });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('every unit that an image enables or that it brings can be started', (t) => {
  const units = join(root, 'systemd/image/usr/lib/systemd/system');
  const files = readdirSync(units).filter((name) => /\.(?:service|timer)$/.test(name));
  // What a timer starts is not started by itself.
  const brought = files.filter(
    (name) => !files.includes(name.replace(/\.service$/, '.timer')) || name.endsWith('.timer'),
  );
  const ours = enabledUnits.filter((name) => name.startsWith('cartwright-'));
  t.deepEqual([...ours].sort(), brought.sort());
  for (const name of brought) t.regex(readFileSync(join(units, name), 'utf8'), /^\[Install\]$/m, name);
});

test('no unit is stopped with the boot partition, which is mounted only while somebody looks at it', (t) => {
  const units = join(root, 'systemd/image/usr/lib/systemd/system');
  for (const name of readdirSync(units).filter((file) => file.endsWith('.service')))
    t.notRegex(
      readFileSync(join(units, name), 'utf8'),
      /^(?:RequiresMountsFor|Requires|BindsTo)=.*efi/m,
      name,
    );
});

test('what runs on the device is executable, and passes for a shell script', (t) => {
  for (const path of [
    'etc/initramfs-tools/hooks/cartwright',
    'etc/initramfs-tools/scripts/local-bottom/cartwright',
    'usr/lib/cartwright/first-boot',
    'usr/lib/cartwright/provision',
    'usr/lib/cartwright/slot-deadline',
  ]) {
    const file = join(root, 'systemd/image', path);
    t.notThrows(() => execFileSync('sh', ['-n', file]), path);
    t.notThrows(() => execFileSync('test', ['-x', file]), path);
  }
});

test('programs that are missing are named with their packages', (t) => {
  const missing = whatIsMissing('x64', '/nowhere').join('\n');
  // What every Debian has is found even then, beside the plain user's path.
  for (const [program, debian] of [
    ['mmdebstrap', 'mmdebstrap'],
    ['mcopy', 'mtools'],
  ])
    if (!existsSync(`/usr/sbin/${program}`))
      t.regex(missing, new RegExp(`${program} .*apt-get install ${debian}`));
});

test('programs of another processor run where the kernel was told by what', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cartwright-binfmt-'));
  t.false(runsForeign('aarch64', folder));
  writeFileSync(join(folder, 'qemu-aarch64'), 'disabled\n');
  t.false(runsForeign('aarch64', folder));
  writeFileSync(join(folder, 'qemu-aarch64'), 'enabled\ninterpreter /usr/bin/qemu-aarch64-static\n');
  t.true(runsForeign('aarch64', folder));
  t.false(runsForeign('aarch64', join(folder, 'nowhere')));
  rmSync(folder, { recursive: true });
});
