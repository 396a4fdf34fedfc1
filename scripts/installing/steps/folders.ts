import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { at, isThere, type Machine, mustRun, userOf } from '../machine.ts';
import { file, folder, link, make, missing, type Part, statusOf } from '../parts.ts';
import { type Step, unmakeAll } from '../step.ts';

/** What the gateway is given by LoadCredential=, by these names in /etc/cartwright/credentials. */
const credentials = ['device-key.pem', 'device.pem', 'store-ca.pem', 'identity.json', 'broker-password'];

const parts = ({ release }: Machine): Part[] => [
  file('/etc/tmpfiles.d/cartwright.conf', release.text('systemd/tmpfiles-cartwright.conf')),
  folder('/etc/cartwright'),
  folder('/etc/cartwright/release-keys'),
  folder('/etc/cartwright/credentials', 0o700),
  file('/etc/cartwright/cartwright.example.yaml', release.text('config/cartwright.example.yaml')),
  folder('/etc/credstore', 0o700),
  ...credentials.map((name) =>
    link(`/etc/credstore/cartwright.${name}`, `/etc/cartwright/credentials/${name}`),
  ),
  folder('/var/lib/cartwright', 0o700, 'cartwright'),
  folder('/var/lib/cartwright/updates', 0o700, 'cartwright'),
];

/** Where configuration, secrets and data lie. What lies in them is never touched, but for its owner. */
export const folders: Step = {
  title: 'folders',
  look(machine) {
    const plan = parts(machine).flatMap((part) => missing(machine, part) ?? []);
    const owner = foreignOwner(machine);
    if (owner !== undefined) plan.push(`give what lies in /var/lib/cartwright to cartwright again`);
    return plan.length === 0
      ? { state: 'done', what: '/etc/cartwright, /var/lib/cartwright' }
      : { state: 'needed', plan };
  },
  async act(machine) {
    if (foreignOwner(machine) !== undefined) await giveData(machine, 'cartwright');
    for (const part of parts(machine)) await make(machine, part);
    if (machine.live) await machine.run('systemd-tmpfiles', ['--create', 'cartwright.conf']);
  },
  async undo(machine, purge) {
    const temporary = [
      ...['/var/cache/cartwright', '/var/cache/cartwright-console'],
      ...['/run/cartwright', '/run/cartwright-kiosk'],
    ];
    const data = [
      ...['/etc/cartwright', '/var/lib/cartwright'],
      ...['/var/lib/cartwright-updater', '/var/lib/cartwright-console'],
    ];
    const lines: string[] = [];
    for (const path of purge ? [...temporary, ...data] : temporary)
      lines.push(...(await removeAll(machine, path)));
    lines.push(...(await unmakeAll(machine, parts(machine))));
    const kept = data.filter((path) => isThere(machine, path));
    if (kept.length === 0) return lines;
    // A later user of the same number must not own it.
    if (isThere(machine, '/var/lib/cartwright')) await giveData(machine, undefined);
    return [...lines, `kept configuration, credentials and data (${kept.join(', ')}): --purge removes them`];
  },
};

async function removeAll(machine: Machine, path: string): Promise<string[]> {
  if (statusOf(at(machine, path)) === undefined) return [];
  await rm(at(machine, path), { recursive: true, force: true });
  return [`removed ${path}`];
}

/** Data that an earlier installation left belongs to root, or to a number that means nothing here. */
function foreignOwner(machine: Machine): number | undefined {
  const status = statusOf(at(machine, '/var/lib/cartwright'));
  if (status === undefined || readdirSync(at(machine, '/var/lib/cartwright')).length === 0) return undefined;
  return status.uid === userOf(machine, 'cartwright')?.uid ? undefined : status.uid;
}

async function giveData(machine: Machine, owner: string | undefined): Promise<void> {
  const { uid, gid } = (owner === undefined ? undefined : userOf(machine, owner)) ?? {
    uid: machine.rootId,
    gid: machine.rootId,
  };
  await mustRun(machine, 'chown', ['-R', '-h', `${uid}:${gid}`, at(machine, '/var/lib/cartwright')]);
}
