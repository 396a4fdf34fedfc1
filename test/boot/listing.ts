import type { Box } from './machine/box.ts';

/** What is in a machine's file system below some folders: kind, mode, owner, size and content of everything, by path. */
export type Listing = ReadonlyMap<string, string>;

/** Folders that programs write to all the time, and what belongs to these tests. */
const passedOver = [
  ...['/var/log', '/var/tmp', '/var/lib/systemd', '/var/cache', '/var/lib/cartwright', '/opt/hil'],
  ...[
    '/etc/ld.so.cache',
    '/etc/systemd/system/cartwright.service.d',
    '/etc/systemd/system/cartwright-safe.service.d',
  ],
];

/** Looks at everything that setup may touch. `also` is passed over as well. */
export async function listMachine(box: Box, also: readonly string[] = []): Promise<Listing> {
  const prune = [...passedOver, ...also].map((path) => `-path ${path} -prune`).join(' -o ');
  const text = await box.sh(`cd / && {
find /etc /opt /usr /var \\( ${prune} \\) -o \\( ! -type f -printf '%p\\t%y %m %u:%g %l\\n' \\)
find /etc /opt /usr /var \\( ${prune} \\) -o \\( -type f -printf '%p\\t%y %m %u:%g %s ' -exec sha256sum '{}' ';' \\)
}`);
  return new Map(
    text
      .trimEnd()
      .split('\n')
      .map((line) => {
        const [path = '', rest = ''] = line.split('\t');
        // sha256sum repeats the path.
        return [path, rest.replace(/ {2}\/.*$/, '')];
      }),
  );
}

/** What differs between two listings, a line each. */
export function differences(before: Listing, after: Listing): string[] {
  const lines: string[] = [];
  for (const [path, was] of before) {
    const is = after.get(path);
    if (is === undefined) lines.push(`gone: ${path}`);
    else if (is !== was) lines.push(`changed: ${path}: ${was} → ${is}`);
  }
  for (const path of after.keys()) if (!before.has(path)) lines.push(`new: ${path}`);
  return lines.sort();
}
