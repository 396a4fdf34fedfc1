import { existsSync, statfsSync } from 'node:fs';
import { release, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { architectureOf, installedPackages, isAtLeast } from '../dpkg.ts';
import { SetupError } from '../errors.ts';
import { at, type Machine, textOf } from '../machine.ts';
import type { Options } from '../options.ts';
import type { Source } from '../source.ts';
import type { Step } from '../step.ts';
import { checkGiven } from './configuration.ts';

const mebibyte = 1_048_576;
/** Debian 12's; sandboxing, credentials and notification work as the units need it. */
const oldestSystemd = [252];
/** What Node.js and the native parts are built against. */
const oldestLibrary = [2, 28];
const oldestKernel = [5, 10];
/** The gateway alone; cameras take 330 MB more. */
const leastMemoryMb = 400;
const goodMemoryMb = 900;
/** Beside the release: one more while it updates, data and journal. */
const roomMb = 300;

/** Whether this can be a cart at all. Nothing is changed. */
export function check(source: Source, options: Options): Step {
  return {
    title: 'machine',
    async look(machine) {
      const described = [systemOf(machine), ...checkSystem(machine, source), ...checkDisk(machine, source)];
      if (machine.live) described.push(...checkHardware(machine));
      await checkGiven(machine, options);
      return { state: 'done', what: described.join(', ') };
    },
    act: async () => {},
    undo: async () => [],
  };
}

function systemOf(machine: Machine): string {
  const name = /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(textOf(machine, '/etc/os-release') ?? '')?.[1];
  // Terminated by a zero byte.
  const model = machine.live ? textOf(machine, '/proc/device-tree/model')?.replaceAll('\0', '') : undefined;
  return [model, name ?? 'a system without a name'].filter((part) => part !== undefined).join(', ');
}

/** Packages of Debian say what there is, in an image as on the machine. */
function checkSystem(machine: Machine, { contents }: Source): string[] {
  const packages = installedPackages(machine);
  const arch = architectureOf(machine);
  if (arch !== undefined && arch !== contents.arch)
    throw new SetupError(
      'CW-SYS-003',
      `release ${contents.version} is for ${contents.arch}, and this system for ${arch}; take the archive linux-${arch}`,
    );
  const systemd = packages.get('systemd');
  if (systemd === undefined || !isAtLeast(systemd, oldestSystemd))
    throw new SetupError(
      'CW-SYS-002',
      `${systemd === undefined ? 'systemd is not installed' : `systemd is ${systemd}`}; version ${oldestSystemd[0]} or newer is needed: Debian 12, Raspberry Pi OS of October 2023, or newer`,
    );
  const library = packages.get('libc6');
  if (library === undefined || !isAtLeast(library, oldestLibrary))
    throw new SetupError(
      'CW-SYS-004',
      `${library === undefined ? 'the GNU C library (libc6) is not installed' : `the C library is ${library}`}; ${oldestLibrary.join('.')} or newer is needed`,
    );
  return [`systemd ${systemd}`, `${arch ?? contents.arch}`];
}

function checkDisk(machine: Machine, { contents }: Source): string[] {
  const installed = existsSync(at(machine, `/opt/cartwright/releases/${contents.version}`));
  let path = at(machine, '/opt/cartwright/releases');
  while (!existsSync(path)) path = dirname(path);
  const { bavail, bsize } = statfsSync(path);
  const freeMb = Math.floor((bavail * bsize) / mebibyte);
  const neededMb = installed ? 0 : Math.ceil((2 * contents.unpackedBytes) / mebibyte) + roomMb;
  if (freeMb < neededMb)
    throw new SetupError(
      'CW-SYS-006',
      `${freeMb} MB are free below /opt, and ${neededMb} MB are needed (this release, the next one, and data); make room or take a larger card`,
    );
  return [`${freeMb} MB free`];
}

function checkHardware(machine: Machine): string[] {
  if (!existsSync('/run/systemd/system'))
    throw new SetupError('CW-SYS-002', 'this machine was not started by systemd');
  const kernel = release();
  if (!isAtLeast(kernel, oldestKernel))
    throw new SetupError(
      'CW-SYS-007',
      `the kernel is ${kernel}; ${oldestKernel.join('.')} or newer is needed`,
    );
  if (textOf(machine, '/sys/fs/cgroup/cgroup.controllers') === undefined)
    throw new SetupError(
      'CW-SYS-007',
      'control groups are those of version 1; take systemd.unified_cgroup_hierarchy=0 out of the boot command',
    );
  if (textOf(machine, '/proc/sys/kernel/seccomp/actions_avail') === undefined)
    throw new SetupError(
      'CW-SYS-007',
      'the kernel has no seccomp, which keeps the service within its bounds',
    );
  const memoryMb = Math.floor(totalmem() / mebibyte);
  if (memoryMb < leastMemoryMb)
    throw new SetupError(
      'CW-SYS-005',
      `the machine has ${memoryMb} MB of memory, and ${leastMemoryMb} MB are needed`,
    );
  if (memoryMb < goodMemoryMb)
    machine.say(
      `${memoryMb} MB of memory are enough without cameras; with cameras take ${goodMemoryMb} MB or more`,
    );
  if (!existsSync('/dev/watchdog0'))
    machine.say('there is no hardware watchdog: nothing restarts a kernel that hangs');
  return [`${memoryMb} MB of memory`, `kernel ${kernel}`];
}
