import { readFile, readlink, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { attribute, namesIn, type SystemRoot } from './root.ts';

export interface Holder {
  readonly pid: number;
  /** Name of the process; of a Node program its script. */
  readonly name: string;
}

/**
 * Which processes hold which device nodes, by node as asked for (links are followed). Processes of other users are
 * seen by root only; one that can't be looked into is left out. Never rejects.
 */
export async function findHolders(
  nodes: readonly string[],
  root: SystemRoot,
): Promise<ReadonlyMap<string, readonly Holder[]>> {
  const asked = new Map<string, string[]>();
  for (const node of nodes) {
    const target = await realpath(node).catch(() => node);
    asked.set(target, [...(asked.get(target) ?? []), node]);
  }
  const found = new Map<string, Holder[]>();
  if (asked.size === 0) return found;
  for (const pid of await namesIn(root.proc)) {
    if (!/^\d+$/.test(pid)) continue;
    const held = new Set<string>();
    for (const fd of await namesIn(join(root.proc, pid, 'fd'))) {
      const target = await readlink(join(root.proc, pid, 'fd', fd)).catch(() => undefined);
      if (target !== undefined && asked.has(target)) held.add(target);
    }
    if (held.size === 0) continue;
    const holder = { pid: Number(pid), name: await nameOf(join(root.proc, pid)) };
    for (const target of held) {
      for (const node of asked.get(target) ?? []) found.set(node, [...(found.get(node) ?? []), holder]);
    }
  }
  return found;
}

/** Node names its main thread, not its program: there the script says more than the kernel's name. */
async function nameOf(folder: string): Promise<string> {
  const comm = (await attribute(join(folder, 'comm'))) ?? 'unknown';
  const [program, ...rest] = (await readFile(join(folder, 'cmdline'), 'utf8').catch(() => '')).split('\0');
  if (program === undefined || !/^node(?:js)?$/.test(basename(program))) return comm;
  const script = rest.find((argument) => /\.[cm]?[jt]s$/.test(argument));
  return script === undefined ? 'node' : `node ${basename(script)}`;
}

/** `process 812 (ModemManager)`, several with commas. */
export function describeHolders(holders: readonly Holder[]): string {
  const [first] = holders;
  if (first === undefined) return 'another process (only root sees which: run `sudo fuser -v` on it)';
  return holders
    .map(({ pid, name }) => (pid === process.pid ? 'this gateway itself' : `process ${pid} (${name})`))
    .join(', ');
}
