/** See scripts/build-image. */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { describeError } from '#base/errors.ts';
import { privateKeyOf } from '#cli/key-files.ts';
import { architectures } from '#updates/facts.ts';
import { ReleaseFailure } from '../releasing/failure.ts';
import { type BuildOptions, buildImage, readBuildPlan } from './build.ts';
import { runWithEmulator } from './foreign.ts';
import { isForeign, runsForeign, whatIsMissing } from './tools.ts';

const repository = resolve(import.meta.dirname, '../..');

const help = `Makes the image of a card or disk: Debian with the gateway in it, two roots and a data partition.

scripts/build-image --release ARCHIVE --key PUBLIC.pem [OPTIONS]   on the machine that builds
scripts/build-image --slot-update FILE [--older] [--again]         on a device: write a new root, try it at the next start
scripts/build-image --slot-status                                  on a device: what is in which slot

  --release PATH      a signed archive of scripts/release with its .release beside it, or the folder of an unpacked one
  --key FILE          public key that it is signed by; the device takes later releases and roots of this key
  --arch NAME         arm64 (default) or x64
  --out DIR           default: out/image
  --version TEXT      of the image (default: the release's)
  --root-key FILE     private key: also makes cartwright-root-VERSION-ARCH.cwroot, which --slot-update takes
  --kiosk             with the shopper's display
  --ssh FILE          with an SSH server, for these public keys alone (default: none; nobody can log in)
  --overlay DIR       lay these files over the root: a store's own additions
  --packages LIST     further Debian packages, by comma
  --kernel-words TEXT words for the kernel (default: quiet)
  --root-size MIB     of each of the two roots (default: 2048)
  --suite NAME        of Debian (default: bookworm)
  --mirror URL        instead of deb.debian.org; one of snapshot.debian.org gives the same packages again
  --base FILE.tar     take Debian's part from this file, or keep it there for the next time
  --dry-run           only show what would be made
  --help

The time in the image is SOURCE_DATE_EPOCH, else the release's. Building takes root, but neither mounts nor loop devices;
docs/operator/image.md says how the image works and how it is written to a card.

Exit codes: 0 done, 1 failed, 2 wrong usage, 69 a program is missing`;

const say = (line: string) => process.stdout.write(`${line}\n`);
const usage = (message: string) => Object.assign(new Error(message), { code: 'ERR_PARSE_ARGS_USAGE' });

function readOptions() {
  return parseArgs({
    options: {
      release: { type: 'string' },
      key: { type: 'string' },
      arch: { type: 'string', default: 'arm64' },
      out: { type: 'string', default: 'out/image' },
      version: { type: 'string' },
      'root-key': { type: 'string' },
      kiosk: { type: 'boolean', default: false },
      ssh: { type: 'string' },
      overlay: { type: 'string' },
      packages: { type: 'string' },
      'kernel-words': { type: 'string' },
      'root-size': { type: 'string' },
      suite: { type: 'string' },
      mirror: { type: 'string' },
      base: { type: 'string' },
      'dry-run': { type: 'boolean', default: false },
      'slot-update': { type: 'string' },
      'slot-status': { type: 'boolean', default: false },
      older: { type: 'boolean', default: false },
      again: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  }).values;
}

type Values = ReturnType<typeof readOptions>;

/** The program that devices run, with this terminal. */
function onDevice(...args: string[]): number {
  const program = join(repository, 'src/updates/slots/main.ts');
  return spawnSync(process.execPath, [program, ...args], { stdio: 'inherit' }).status ?? 1;
}

function buildOptions(values: Values): BuildOptions {
  const arch = architectures.find((known) => known === values.arch);
  if (arch === undefined) throw usage(`--arch is '${values.arch}'; known: ${architectures.join(', ')}`);
  if (values.release === undefined) throw usage('--release names what is put into the image');
  const size = values['root-size'];
  if (size !== undefined && !/^[1-9]\d{2,5}$/.test(size))
    throw usage(`--root-size is '${size}', not a number of MiB`);
  const path = (name: string | undefined) => (name === undefined ? undefined : resolve(name));
  return {
    ...{ repository, arch, kiosk: values.kiosk, log: say, version: values.version },
    ...{ release: resolve(values.release), key: path(values.key), sshKeys: path(values.ssh) },
    ...{ overlay: path(values.overlay), base: path(values.base), suite: values.suite, mirror: values.mirror },
    morePackages: values.packages?.split(',').filter((name) => name !== '') ?? [],
    kernelWords: values['kernel-words']?.split(/\s+/).filter((word) => word !== ''),
    rootMebibytes: size === undefined ? undefined : Number(size),
  };
}

async function main(): Promise<number> {
  const values = readOptions();
  if (values.help) {
    say(help);
    return 0;
  }
  const flags = [...(values.older ? ['--older'] : []), ...(values.again ? ['--again'] : [])];
  if (values['slot-update'] !== undefined)
    return onDevice('update', resolve(values['slot-update']), ...flags);
  if (values['slot-status']) return onDevice('status');
  const options = buildOptions(values);
  const plan = await readBuildPlan(options);
  if (values['dry-run']) {
    say(JSON.stringify(plan, null, 2));
    return 0;
  }
  const missing = whatIsMissing(options.arch);
  if (missing.length > 0) {
    process.stderr.write(`Building an image takes:\n${missing.map((line) => `  ${line}\n`).join('')}`);
    return 69;
  }
  if (isForeign(options.arch) && !runsForeign('aarch64'))
    return await runWithEmulator([process.execPath, import.meta.filename, ...process.argv.slice(2)]);
  const rootKey = values['root-key'];
  const signer = rootKey === undefined ? undefined : await privateKeyOf(rootKey);
  const out = resolve(values.out);
  await mkdir(out, { recursive: true });
  const scratch = await mkdtemp(join(process.env.TMPDIR ?? tmpdir(), 'cartwright-image-'));
  try {
    const made = await buildImage(plan, options, scratch, signer);
    for (const [from, name] of made) {
      await rename(from, join(out, name)).catch(async (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EXDEV') throw error;
        spawnSync('cp', ['--sparse=always', from, join(out, name)], { stdio: 'inherit' });
      });
      say(join(out, name));
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  const { code = '' } = error as { code?: string };
  const isUsage = code.startsWith('ERR_PARSE_ARGS');
  const isTold = error instanceof ReleaseFailure || code.startsWith('CW-') || isUsage;
  console.error(isTold ? describeError(error) : error);
  if (isUsage) console.error('See scripts/build-image --help.');
  process.exitCode = isUsage ? 2 : 1;
}
