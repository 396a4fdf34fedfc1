import { type Machine, textOf } from './machine.ts';

/** Debian's packages by name, with their versions, as far as they are installed. */
export function installedPackages(machine: Pick<Machine, 'root'>): ReadonlyMap<string, string> {
  const text = textOf(machine, '/var/lib/dpkg/status') ?? '';
  const found = new Map<string, string>();
  for (const paragraph of text.split('\n\n')) {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(paragraph)?.[1];
    const [name, status] = [field('Package'), field('Status')];
    if (name !== undefined && status?.endsWith(' installed') === true)
      found.set(name, field('Version') ?? '');
  }
  return found;
}

const architectures: Readonly<Record<string, string>> = { amd64: 'x64', arm64: 'arm64' };

/** The kind of processor that the system's packages are for, by Node.js' names; undefined where it is not Debian. */
export function architectureOf(machine: Pick<Machine, 'root'>): string | undefined {
  const text = textOf(machine, '/var/lib/dpkg/status');
  if (text === undefined) return undefined;
  const own = /^Package: (?:dpkg|libc6)\n(?:.*\n)*?Architecture: (\S+)$/m.exec(text)?.[1];
  return own === undefined ? undefined : (architectures[own] ?? own);
}

/** `252` of `252.39-1~deb12u2`, `2.36` of `2.36-9+deb12u10`: numbers to compare, epochs left out. */
function numbersOf(version: string): readonly number[] {
  const [core = ''] = version.replace(/^\d+:/, '').split(/[^\d.]/);
  return core.split('.').map(Number);
}

/** Whether a version is at least another one, by their numbers. */
export function isAtLeast(version: string, least: readonly number[]): boolean {
  const numbers = numbersOf(version);
  for (const [index, wanted] of least.entries()) {
    const have = numbers[index] ?? 0;
    if (have !== wanted) return have > wanted;
  }
  return true;
}
