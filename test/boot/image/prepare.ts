import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { chmod, copyFile, cp, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { dirname, join } from 'node:path';
import { privateKeyOf } from '#cli/key-files.ts';
import type { PrivateKey } from '#identity/keys.ts';
import { command } from '#test/hil/machine/build.ts';
import { holdLock } from '#test/hil/machine/lock.ts';
import type { Architecture } from '#updates/facts.ts';
import { buildImage, readBuildPlan } from '../../../scripts/imaging/build.ts';
import type { Plan } from '../../../scripts/imaging/plan.ts';
import { whatIsMissing } from '../../../scripts/imaging/tools.ts';
import { nameOf } from '../../../scripts/releasing/make.ts';
import { type Bench, keyFile, version } from '../bench.ts';
import { NotHere } from '../case.ts';
import { bootCache } from '../machine/image.ts';

const repository = join(import.meta.dirname, '../../..');
/** A tenth of what a card has, so that a copy is quickly made and read. */
const rootMebibytes = 1_280;

/** An image as scripts/build-image makes it, with an agent for the tests in it. */
export interface BuiltImage {
  readonly file: string;
  readonly plan: Plan;
  /** Signs roots that the image's devices take. */
  readonly key: PrivateKey;
}

/** The image of this working tree, from the cache or built: some minutes. Two builders at once wait for each other. */
export async function prepareImage(bench: Bench, arch: Architecture): Promise<BuiltImage> {
  const missing = whatIsMissing(arch);
  if (missing.length > 0) throw new NotHere(`building an image needs ${missing.join('; ')}`);
  const release = await bench.release(arch);
  await mkdir(bootCache, { recursive: true });
  const unlock = await holdLock(join(bootCache, 'image.lock'));
  try {
    const archive = join(release, `${nameOf(version, arch)}.tar.gz`);
    const folder = join(bootCache, `image-${keyOf(arch, archive)}`);
    if (!existsSync(folder)) await build(bench, arch, archive, folder);
    return {
      file: join(folder, 'disk.img'),
      plan: JSON.parse(await readFile(join(folder, 'plan.json'), 'utf8')) as Plan,
      key: await privateKeyOf(join(folder, 'release-key.pem')),
    };
  } finally {
    await unlock();
  }
}

async function build(bench: Bench, arch: Architecture, archive: string, folder: string): Promise<void> {
  bench.log('building the image (some minutes, once)');
  for (const old of globSync(join(bootCache, 'image-????????????????'))) await rm(old, { recursive: true });
  const part = `${folder}.part`;
  await rm(part, { recursive: true, force: true });
  const overlay = join(part, 'overlay');
  const scratch = join(part, 'scratch');
  await mkdir(scratch, { recursive: true });
  await layOver(overlay);
  await stripTypes(archive, scratch, overlay);
  const key = join(dirname(archive), keyFile);
  const options = {
    ...{ repository, arch, release: archive, key, overlay, log: bench.log, version: undefined },
    ...{ kiosk: false, sshKeys: undefined, suite: undefined, mirror: undefined, morePackages: [] },
    base: join(bootCache, `image-base-${arch}-${baseKey()}.tar`),
    kernelWords: arch === 'x64' ? ['console=ttyS0', 'mitigations=off'] : ['console=ttyAMA0'],
    rootMebibytes,
  };
  const plan = await readBuildPlan(options);
  const [[image] = []] = await buildImage(plan, options, scratch, undefined);
  if (image === undefined) throw new Error('no image was made');
  await rename(image, join(part, 'disk.img'));
  await writeFile(join(part, 'plan.json'), JSON.stringify(plan));
  await copyFile(join(dirname(archive), 'release-key.pem'), join(part, 'release-key.pem'));
  await chmod(join(part, 'release-key.pem'), 0o600);
  await rm(scratch, { recursive: true });
  await command('mv', [part, folder]);
}

/** The agent of the rig, and time for a processor that is emulated. */
async function layOver(overlay: string): Promise<void> {
  const units = join(overlay, 'etc/systemd/system');
  const agent = join(overlay, 'opt/hil');
  await mkdir(agent, { recursive: true });
  await mkdir(join(units, 'multi-user.target.wants'), { recursive: true });
  const guest = join(repository, 'test/hil/machine/guest');
  await cp(join(guest, 'agent.ts'), join(agent, 'agent.ts'));
  await cp(join(import.meta.dirname, 'stripped-release.mjs'), join(agent, 'stripped.mjs'));
  await symlink('/opt/cartwright/current/node_modules/.bin/node', join(agent, 'node'));
  await cp(join(guest, 'hil-agent.service'), join(units, 'hil-agent.service'));
  await symlink('../hil-agent.service', join(units, 'multi-user.target.wants/hil-agent.service'));
  for (const unit of ['cartwright.service', 'cartwright-safe.service']) {
    await mkdir(join(units, `${unit}.d`));
    await writeFile(
      join(units, `${unit}.d/slow.conf`),
      '[Service]\nTimeoutStartSec=20min\nWatchdogSec=3min\n',
    );
  }
  for (const unit of ['cartwright-update-boot.service', 'cartwright-slot-boot.service']) {
    await mkdir(join(units, `${unit}.d`));
    await writeFile(join(units, `${unit}.d/slow.conf`), '[Service]\nTimeoutStartSec=20min\n');
  }
  await mkdir(join(units, 'hil-agent.service.d'));
  await writeFile(
    join(units, 'hil-agent.service.d/port.conf'),
    "[Service]\nExecStartPre=/bin/sh -c 'until [ -e /dev/virtio-ports/hil.agent ]; do sleep 1; done'\n",
  );
  const manager = join(overlay, 'etc/systemd/system.conf.d');
  await mkdir(manager, { recursive: true });
  await writeFile(
    join(manager, 'slow.conf'),
    '[Manager]\nDefaultTimeoutStartSec=20min\nDefaultEnvironment=NODE_OPTIONS=--import=/opt/hil/stripped.mjs\n',
  );
}

/** What Node.js itself makes of the release's sources and of the agent when it strips their types (stripped-release.mjs). */
async function stripTypes(archive: string, scratch: string, overlay: string): Promise<void> {
  const unpacked = join(scratch, 'unpacked');
  await mkdir(unpacked);
  await command('tar', [
    ...[
      '-xzf',
      archive,
      '-C',
      unpacked,
      '--strip-components=1',
      '--wildcards',
      '*/src/*.ts',
      '*/drivers/*.ts',
    ],
  ]);
  await cp(join(overlay, 'opt/hil/agent.ts'), join(unpacked, 'agent.ts'));
  for (const path of globSync('**/*.ts', { cwd: unpacked })) {
    const target = join(overlay, 'opt/hil/stripped', path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, stripTypeScriptTypes(await readFile(join(unpacked, path), 'utf8')));
  }
  await rm(unpacked, { recursive: true });
}

function keyOf(arch: Architecture, archive: string): string {
  const texts = [
    'scripts/imaging/*.ts',
    'systemd/image/**/*',
    'test/boot/image/{prepare.ts,stripped-release.mjs}',
    'src/updates/slots/*',
  ]
    .flatMap((pattern) => globSync(pattern, { cwd: repository, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => readFileSync(path));
  return digest([arch, String(rootMebibytes), readFileSync(archive), ...texts]);
}

/** Debian's part depends on the list of packages and on what is in the initramfs. */
function baseKey(): string {
  const names = ['scripts/imaging/plan.ts', 'scripts/installing/steps/packages.ts'];
  const own = globSync('systemd/image/etc/initramfs-tools/**/cartwright', { cwd: repository }).sort();
  return digest([...names, ...own].map((name) => readFileSync(join(repository, name))));
}

function digest(parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length} `).update(part);
  return hash.digest('hex').slice(0, 16);
}
