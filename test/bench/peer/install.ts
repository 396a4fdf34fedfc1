import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from '../support/processes.ts';

export const peerVersion = '5.0.7';
const folder = join(root, '.cache/bench-peer');

/**
 * Installs Node-RED into a cache folder of the repository unless it is there; answers with its entry file, or with
 * why it can't be had (no network, say).
 */
export async function installPeer(): Promise<{ entry: string } | { why: string }> {
  const entry = join(folder, 'node_modules/node-red/red.js');
  if ((await installedVersion()) === peerVersion && existsSync(entry)) return { entry };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{"private":true}\n');
  const args = [
    'install',
    '--no-save',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    `node-red@${peerVersion}`,
  ];
  const child = spawn('npm', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  let output = '';
  child.stderr.on('data', (data: Buffer) => {
    output = (output + data.toString()).slice(-600);
  });
  const timer = setTimeout(() => child.kill('SIGTERM'), 300_000);
  const code = await once(child, 'close').then(
    ([status]) => status as number | null,
    (error: Error) => error.message,
  );
  clearTimeout(timer);
  if (code === 0 && existsSync(entry)) return { entry };
  const said =
    output
      .replaceAll(/https?:\/\/\S+/g, '…')
      .trim()
      .split('\n')
      .at(-1) ?? '';
  return { why: `node-red@${peerVersion} can't be installed (npm ended with ${code}: ${said})` };
}

async function installedVersion(): Promise<string | undefined> {
  try {
    const text = await readFile(join(folder, 'node_modules/node-red/package.json'), 'utf8');
    return (JSON.parse(text) as { version: string }).version;
  } catch {
    return undefined;
  }
}
