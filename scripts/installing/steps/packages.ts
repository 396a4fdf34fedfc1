import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { architectureOf, installedPackages } from '../dpkg.ts';
import { SetupError } from '../errors.ts';
import { isThere, type Machine, mustRun, textOf } from '../machine.ts';
import type { Options } from '../options.ts';
import type { Step } from '../step.ts';

/** What the release's native parts are linked with, and what the units call. */
const needed = ['udev', 'libudev1', 'libusb-1.0-0', 'libstdc++6', 'libgcc-s1', 'kmod', 'passwd'];
const timePrograms = ['systemd-timesyncd', 'chrony', 'ntpsec', 'openntpd'];
const ofDisplay = ['cage', 'chromium'];

/** All that a device wants, for whoever makes an image of one. */
export function wantedPackages({ kiosk }: Pick<Options, 'kiosk'>): readonly string[] {
  return [...needed, 'systemd-timesyncd', ...useful.keys(), ...(kiosk ? ofDisplay : [])];
}

/** Without them something is missing that not every device has; setup goes on. */
const useful: ReadonlyMap<string, string> = new Map([['avrdude', "updates the load-cell bridge's firmware"]]);

interface Wanted {
  readonly needed: readonly string[];
  /** Without them something is missing that not every device has; setup goes on. */
  readonly useful: ReadonlyMap<string, string>;
}

type PackageOptions = Pick<Options, 'kiosk' | 'debs' | 'offline' | 'removePackages'>;

/** Packages of Debian. What is there is not asked for, so that a machine without network is set up where it has them. */
export function packages(options: PackageOptions): Step {
  return {
    title: 'packages',
    look(machine) {
      const { needed, useful } = missingPackages(machine, options);
      // What is merely useful is tried for once; where it can't be had, the device goes without.
      const reachable = options.debs !== undefined || (machine.root === '/' && !options.offline);
      const untried = [...useful].filter(([name]) => reachable && !machine.record.has('packages', name));
      const plan = [
        ...needed.map((name) => `install ${name}`),
        ...untried.map(([name, what]) => `install ${name}, where it can be had: ${what}`),
      ];
      if (plan.length > 0) return { state: 'needed', plan };
      const without = [...useful].map(([name, what]) => `${name} (${what})`);
      return { state: 'done', what: ['all there', ...without].join(' but ') };
    },
    async act(machine) {
      const { needed, useful } = missingPackages(machine, options);
      for (const name of [...needed, ...useful.keys()]) await machine.record.add('packages', name);
      await fromFolder(machine, options, [...needed, ...useful.keys()]);
      const still = missingPackages(machine, options);
      if (still.needed.length + still.useful.size > 0 && !options.offline && machine.root === '/')
        await fromNetwork(machine, [...still.needed, ...still.useful.keys()], still.needed);
      const left = missingPackages(machine, options).needed;
      if (left.length > 0) throw unavailable(machine, left, options);
    },
    async undo(machine) {
      const installed = installedPackages(machine);
      const brought = machine.record.all('packages').filter((name) => installed.has(name));
      if (brought.length === 0) return [];
      if (!options.removePackages || machine.root !== '/')
        return [`packages that setup installed stay: ${brought.join(' ')} (--remove-packages removes them)`];
      await mustRun(machine, 'apt-get', ['purge', '--yes', ...brought]);
      return [`removed the packages ${brought.join(' ')}`];
    },
  };
}

function missingPackages(machine: Machine, { kiosk }: Pick<Options, 'kiosk'>): Wanted {
  const installed = installedPackages(machine);
  const isMissing = (name: string) => !installed.has(name);
  const wanted = [...needed, ...(kiosk ? ofDisplay : [])].filter(isMissing);
  if (timePrograms.every(isMissing)) wanted.push('systemd-timesyncd');
  const rest = new Map(useful);
  if (isRaspberry(machine)) rest.set('rpicam-apps-lite', 'cameras of the mainboard');
  for (const name of [...rest.keys()]) if (!isMissing(name)) rest.delete(name);
  return { needed: wanted, useful: rest };
}

function isRaspberry(machine: Machine): boolean {
  const isModel = /Raspberry Pi/.test(textOf(machine, '/proc/device-tree/model') ?? '');
  return (machine.live && isModel) || isThere(machine, '/boot/firmware/config.txt');
}

/** Installs those of the packages that the folder has, with whatever else of it they need. */
async function fromFolder(
  machine: Machine,
  { debs }: PackageOptions,
  names: readonly string[],
): Promise<void> {
  if (debs === undefined || names.length === 0) return;
  if (!existsSync(debs)) throw new SetupError('CW-SYS-010', `the folder of packages ${debs} is not there`);
  const arch = architectureOf(machine) === 'arm64' ? 'arm64' : 'amd64';
  const files = readdirSync(debs).filter((name) => new RegExp(`_(?:${arch}|all)\\.deb$`).test(name));
  if (files.length === 0) return;
  const paths = files.map((name) => resolve(join(debs, name)));
  const where = machine.root === '/' ? [] : [`--root=${machine.root}`];
  // Only what is not there in this version or a newer one: a folder may hold all that a device ever needs.
  const { status, stderr } = await machine.run('dpkg', [
    ...where,
    ...['--skip-same-version', '--refuse-downgrade', '--install'],
    ...paths,
  ]);
  if (status !== 0) machine.say(`dpkg: ${stderr.trim().split('\n').slice(-3).join('; ')}`);
}

async function fromNetwork(
  machine: Machine,
  names: readonly string[],
  atLeast: readonly string[],
): Promise<void> {
  const install = (some: readonly string[]) =>
    machine.run('apt-get', ['install', '--yes', '--no-install-recommends', ...some]);
  if ((await install(names)).status === 0) return;
  await machine.run('apt-get', ['update']);
  if ((await install(names)).status === 0) return;
  if (atLeast.length > 0) await install(atLeast);
}

function unavailable(
  machine: Machine,
  names: readonly string[],
  { debs, offline }: PackageOptions,
): SetupError {
  const tried =
    machine.root === '/' && !offline
      ? 'apt-get could not install them (network?)'
      : 'the network was not asked';
  return new SetupError(
    'CW-SYS-010',
    `missing: ${names.join(' ')}; ${tried}. On a machine with network: apt-get download ${names.join(' ')}, then --debs FOLDER${debs === undefined ? '' : ` (${debs} does not have them all)`}`,
  );
}
