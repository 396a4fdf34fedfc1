import { readdir, readFile } from 'node:fs/promises';

/** The vision process of a daemon: the one of its children that runs the entry. */
export async function visionOf(daemon: number): Promise<number | undefined> {
  for (const thread of await readdir(`/proc/${daemon}/task`)) {
    const children = await readFile(`/proc/${daemon}/task/${thread}/children`, 'utf8').catch(() => '');
    for (const pid of children.split(' ').filter(Boolean).map(Number)) {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (command.includes('vision-child')) return pid;
    }
  }
  return undefined;
}
