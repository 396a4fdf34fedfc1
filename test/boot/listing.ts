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
  const find = `find /etc /opt /usr /var \\( ${prune} \\) -o`;
  const said = await box.sh(`cd / && ${find} -printf '%p\\t%y %m %u:%g %l\\n'`);
  const listing = new Map<string, string>();
  for (const line of said.trimEnd().split('\n')) {
    const [path = '', rest = ''] = line.split('\t');
    listing.set(path, rest.trim());
  }
  // Programs start slowly in an emulated machine: one for many files.
  const sums = await box.sh(`cd / && ${find} \\( -type f -print0 \\) | xargs -0 sha256sum`);
  for (const line of sums.trimEnd().split('\n')) {
    const [sum = '', path = ''] = line.split('  ');
    listing.set(path, `${listing.get(path)} ${sum}`);
  }
  return listing;
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
