import { execFile } from 'node:child_process';
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import mqtt, { type MqttClient } from 'mqtt';
import { z } from 'zod';
import { writeFileAtomic } from '#base/atomic-file.ts';
import { describeError } from '#base/errors.ts';
import { plainCause } from '#base/system-error.ts';
import { clientId, isName } from '#uplink/topics.ts';
import type { Authority } from './authority.ts';
import { AuthorityError } from './errors.ts';

const linkSchema = z.strictObject({
  brokerLink: z.literal(1),
  /** Folder of the broker's files: `crl.pem` and `store-ca.pem` are written there, `cartwright.acl` is kept up there. */
  folder: z.string(),
  /** Program and arguments that make the broker read its files again, as `["systemctl", "reload", "mosquitto"]`. */
  reload: z.array(z.string()).min(1),
  /** Listener for the store's own systems, and a login there: ends connections of devices that are shut out. */
  url: z.string(),
  username: z.string(),
  passwordFile: z.string(),
});
export type BrokerLink = z.infer<typeof linkSchema>;

/** Where the authority keeps how it reaches the broker. */
export const brokerLinkFile = 'broker.json';
const beginning = '# Shut out by the authority: written by cartwright authority, not by hand.';
const connectWithinMs = 10_000;
/** So long the place of a device's connection is held, for one that is just coming back. */
const holdMs = 500;

/** Reads the link to the broker; undefined where none was set up. Rejects with CW-CAU-001. */
export async function readBrokerLink(folder: string): Promise<BrokerLink | undefined> {
  const path = join(folder, brokerLinkFile);
  try {
    return linkSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new AuthorityError('CW-CAU-001', `${path} can't be used: ${describeError(cause)}`, { cause });
  }
}

/** Writes the link to the broker. Rejects with the system's own error. */
export async function writeBrokerLink(folder: string, link: Omit<BrokerLink, 'brokerLink'>): Promise<void> {
  const text = JSON.stringify(linkSchema.parse({ brokerLink: 1, ...link }), null, 2);
  await writeFileAtomic(join(folder, brokerLinkFile), `${text}\n`, 0o600);
}

/** The rights of `text` with those that are shut out at its end; those of before are taken away. */
export function rightsWithout(text: string, shutOut: readonly string[]): string {
  const at = text.indexOf(beginning);
  const kept = (at === -1 ? text : text.slice(0, at)).trimEnd();
  const names = shutOut.filter(isName);
  if (names.length === 0) return `${kept}\n`;
  const lines = names.map((name) => `user ${name}\ntopic deny #\n`).join('');
  return `${kept}\n\n${beginning}\n${lines}`;
}

/**
 * Hands the broker what it has to know of who is shut out, in this order, each of which holds by itself: the list of revoked
 * certificates (no new connection), the rights (a connection that is there can do nothing), then ends the connections of `devices`.
 * Rejects with CW-CAU-008, which says what was done and what was not.
 */
export async function publishRevocations(
  authority: Authority,
  link: BrokerLink,
  devices: readonly string[],
  nowMs: number,
): Promise<void> {
  await step('the broker’s files could not be written', () => writeFiles(authority, link, nowMs));
  await step('the files are written, but the broker did not read them again', async () => {
    const [program = '', ...args] = link.reload;
    await promisify(execFile)(program, args, { timeout: 30_000 });
  });
  await step('new connections are refused, but those that are there could not be ended', async () => {
    for (const device of devices)
      await endConnections(authority.settings.store, device, link, authority.root);
  });
}

/**
 * Service and commands are processes of their own, and may write at once: whoever sees that the record has changed meanwhile
 * writes again, so that an older list is never the last one.
 */
async function writeFiles(authority: Authority, { folder }: BrokerLink, nowMs: number): Promise<void> {
  const { book } = authority;
  const path = rightsPath(folder);
  await replace(join(folder, 'store-ca.pem'), authority.chain);
  for (let written = -1; written !== book.last; ) {
    written = book.last;
    await replace(join(folder, 'crl.pem'), await authority.revocationList(nowMs));
    const rights = await readFile(path, 'utf8');
    await replace(path, rightsWithout(rights, authority.shutOut(nowMs)));
  }
}

const rightsPath = (folder: string) => join(folder, 'cartwright.acl');

/** Logins that have rights of their own on the broker, as its list of rights says; none where that can't be read. */
export async function brokerLogins({ folder }: BrokerLink): Promise<ReadonlySet<string>> {
  const text = await readFile(rightsPath(folder), 'utf8').catch(() => '');
  return new Set(
    [...rightsWithout(text, []).matchAll(/^user[ \t]+(.+?)[ \t]*$/gm)].map(([, name = '']) => name),
  );
}

async function step(what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    throw new AuthorityError(
      'CW-CAU-008',
      `${what}: ${plainCause(cause).trim()}. Put that right and run authority publish; a restart of the broker ends every connection`,
      { cause },
    );
  }
}

/** Replaces a file that another program reads: its owner and mode stay as they are. */
async function replace(path: string, text: string): Promise<void> {
  // The folder may be the broker's own user's: a link there says nothing of a file elsewhere.
  const before = await lstat(path).catch(() => undefined);
  if (before?.isFile() !== true) return await writeFileAtomic(path, text, 0o644);
  const { mode, uid, gid } = before;
  await writeFileAtomic(path, text, mode & 0o777, process.geteuid?.() === 0 ? { uid, gid } : undefined);
}

/**
 * Takes the place of a device's connection: of two connections with one client id a broker keeps the newer one (MQTT 5 §3.1.4). On the
 * devices' listener the broker itself makes the device's name its client id; elsewhere devices choose theirs.
 */
async function endConnections(store: string, device: string, link: BrokerLink, ca: string): Promise<void> {
  const password = (await readFile(link.passwordFile, 'utf8')).trimEnd();
  const clients: MqttClient[] = [];
  try {
    for (const id of [device, clientId({ store, device })]) {
      clients.push(
        await mqtt.connectAsync(link.url, {
          clientId: id,
          username: link.username,
          password,
          ca,
          clean: true,
          protocolVersion: 5,
          properties: { sessionExpiryInterval: 0 },
          reconnectPeriod: 0,
          connectTimeout: connectWithinMs,
        }),
      );
    }
    await wait(holdMs);
  } finally {
    for (const client of clients) await client.endAsync(true);
  }
}
