import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';

/** Scripts that run a gateway. The command line does so with some of its commands only. */
const gatewayScripts = ['src/main.ts', 'src/cli/main.ts', 'src/gateway/vision-child.ts'];
const gatewayCommands = new Set(['run', 'demo', 'record']);

/**
 * True for a process that is a running gateway, of this installation or another one, or its vision process, or a program
 * with which that captures pictures. Never rejects.
 */
export async function isGatewayProcess(pid: number, proc = '/proc'): Promise<boolean> {
  if (await runsGateway(pid, proc)) return true;
  // pid (name) state parent …; a name may hold brackets and spaces.
  const text = await readFile(join(proc, String(pid), 'stat'), 'utf8').catch(() => '');
  const parent = /^.*\) \S (\d+) /s.exec(text)?.[1];
  return parent !== undefined && (await runsGateway(Number(parent), proc));
}

async function runsGateway(pid: number, proc: string): Promise<boolean> {
  if (pid === process.pid) return false;
  const folder = join(proc, String(pid));
  const [program = '', ...rest] = (await readFile(join(folder, 'cmdline'), 'utf8').catch(() => '')).split(
    '\0',
  );
  if (!/^node(?:js)?$/.test(basename(program))) return false;
  const at = rest.findIndex((argument) => argument.endsWith('.ts'));
  const from = await readlink(join(folder, 'cwd')).catch(() => '/');
  const script = resolve(from, rest[at] ?? '');
  const kind = gatewayScripts.find((path) => script.endsWith(`/${path}`));
  if (at < 0 || kind === undefined) return false;
  if (kind === 'src/cli/main.ts' && !gatewayCommands.has(rest[at + 1] ?? '')) return false;
  const root = kind === 'src/main.ts' ? dirname(dirname(script)) : dirname(dirname(dirname(script)));
  const manifest = await readFile(join(root, 'package.json'), 'utf8').catch(() => '');
  return /"name":\s*"cartwright"/.test(manifest);
}

/** Running gateways whose open files may not be seen, as they are another user's: what they hold isn't known. Never rejects. */
export async function hiddenGateways(proc = '/proc'): Promise<number[]> {
  const hidden: number[] = [];
  for (const name of await readdir(proc).catch(() => [])) {
    if (!/^\d+$/.test(name) || !(await runsGateway(Number(name), proc))) continue;
    const seen = await readdir(join(proc, name, 'fd')).then(
      () => true,
      () => false,
    );
    if (!seen) hidden.push(Number(name));
  }
  return hidden;
}
