import { spawn } from 'node:child_process';
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './errors.ts';
import type { SetupRecord } from './record.ts';

interface Ran {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}
export type Run = (command: string, args: readonly string[]) => Promise<Ran>;

/** A release on the device. */
interface ReleaseFolder {
  readonly version: string;
  /** Its files, wherever they lie by now: in the folder that setup was started from, or unpacked from an archive. */
  readonly text: (path: string) => string;
}

/** The machine, or the image, that is set up. */
export interface Machine {
  /** `/`, or where the image lies. */
  readonly root: string;
  /** It runs, and its services can be started. */
  readonly live: boolean;
  /** User and group of what is root's: 0, but for tests. */
  readonly rootId: number;
  /** The release that is set up, as it lies on the device. */
  readonly release: ReleaseFolder;
  readonly record: SetupRecord;
  readonly run: Run;
  /** Goes to the log, and to the terminal as a line below the step. */
  readonly say: (line: string) => void;
}

/** A path of the device as a path of this machine. */
export function at({ root }: Pick<Machine, 'root'>, path: string): string {
  return root === '/' ? path : join(root, path);
}

/** Whether the path is there; a link counts where it leads somewhere on the device. */
export function isThere(machine: Pick<Machine, 'root'>, path: string): boolean {
  return existsSync(at(machine, path));
}

/** Whether there is anything of that name: in an image the links of systemctl lead to where nothing is yet. */
export function isNamed(machine: Pick<Machine, 'root'>, path: string): boolean {
  return lstatSync(at(machine, path), { throwIfNoEntry: false }) !== undefined;
}

/** A small text file of the device; undefined where it can't be read. */
export function textOf(machine: Pick<Machine, 'root'>, path: string): string | undefined {
  try {
    return readFileSync(at(machine, path), 'utf8');
  } catch {
    return undefined;
  }
}

/** Runs a program of this machine to its end. A program that is missing has status 127. */
export const runProgram: Run = (command, args) =>
  new Promise((resolve) => {
    const child = spawn(command, [...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' },
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', (error) => resolve({ status: 127, stdout, stderr: error.message }));
    child.once('close', (code) => resolve({ status: code ?? 1, stdout, stderr }));
  });

/** Runs a program that has to succeed. Rejects with CW-SYS-011 and what it said. */
export async function mustRun(machine: Machine, command: string, args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await machine.run(command, args);
  if (status === 0) return stdout;
  const said = (stderr.trim() || stdout.trim()).split('\n').slice(-5).join('; ');
  throw new SetupError(
    'CW-SYS-011',
    `'${[command, ...args].join(' ')}' failed (${status}): ${said || 'it said nothing'}; mend that and run setup again`,
  );
}

/** `systemctl`, on the machine or in the image. */
export function systemctl(machine: Machine, ...args: readonly string[]): Promise<string> {
  return mustRun(machine, 'systemctl', machine.root === '/' ? args : [`--root=${machine.root}`, ...args]);
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** A user of the device, by its own files: an image has others than this machine. */
export function userOf(machine: Pick<Machine, 'root'>, name: string): Account | undefined {
  const row = rowOf(machine, '/etc/passwd', name);
  return row === undefined ? undefined : { uid: Number(row[2]), gid: Number(row[3]) };
}

/** The number of a group of the device. */
export function groupOf(machine: Pick<Machine, 'root'>, name: string): number | undefined {
  const row = rowOf(machine, '/etc/group', name);
  return row === undefined ? undefined : Number(row[2]);
}

function rowOf(machine: Pick<Machine, 'root'>, path: string, name: string): readonly string[] | undefined {
  const line = textOf(machine, path)
    ?.split('\n')
    .find((row) => row.startsWith(`${name}:`));
  return line?.split(':');
}
