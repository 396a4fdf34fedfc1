import { spawn } from 'node:child_process';
import { readlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ReleaseFailure } from '../releasing/failure.ts';

const emulator = '/usr/bin/qemu-aarch64-static';

/** ELF header of an arm64 program or library, and which of its bits count; in the words of binfmt_misc. */
const magic = [
  String.raw`\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00`,
  String.raw`\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff`,
].join(':');

/** O: keep the open file. C: with the program's rights. F: the emulator is opened now, so that it is found under any root. */
const registration = `:qemu-aarch64:M::${magic}:${emulator}:OCF`;

const enter =
  'read -r _ || exit 1; mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc && printf %s "$1" >/proc/sys/fs/binfmt_misc/register || exit 71; shift; exec "$@"';

/**
 * Runs a program where programs for arm64 run by the emulator: in user and mount namespaces of its own (Linux 6.7 and
 * newer), so that nothing of the machine is changed. Every user is the same inside as outside. Resolves with its exit
 * code. Rejects where such a namespace can't be made.
 */
export async function runWithEmulator(command: readonly string[]): Promise<number> {
  const child = spawn('unshare', ['--user', '--mount', 'sh', '-c', enter, 'sh', registration, ...command], {
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('exit', (code) => resolve(code ?? 1));
    child.once('error', reject);
  });
  child.stdin.on('error', () => {});
  try {
    await mapUsers(child.pid ?? 0);
  } catch (cause) {
    child.kill();
    throw new ReleaseFailure(
      'no namespace could be made in which arm64 programs run; install binfmt-support and qemu-user-static, or build on an arm64 machine',
      { cause },
    );
  }
  child.stdin.end('go\n');
  const code = await ended;
  if (code !== 71) return code;
  throw new ReleaseFailure(
    'this kernel takes no emulator for a namespace alone (Linux 6.7 and newer do); install binfmt-support and qemu-user-static, which tell the whole machine',
  );
}

/** From outside, as root: every user and group is itself. */
async function mapUsers(pid: number): Promise<void> {
  const own = readlinkSync('/proc/self/ns/user');
  for (let tries = 0; readlinkSync(`/proc/${pid}/ns/user`) === own; tries += 1) {
    if (tries > 200) throw new Error('unshare made no namespace');
    await sleep(20);
  }
  for (const map of ['uid_map', 'gid_map']) writeFileSync(`/proc/${pid}/${map}`, '0 0 65536\n');
}
