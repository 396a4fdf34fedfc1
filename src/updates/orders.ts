import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { describeError } from '#base/errors.ts';
import { isLoopbackBroker } from '#config/commands.ts';
import { decodeRecord } from '#events/codec.ts';
import { requestPayload } from '#events/mqtt-payloads.ts';
import { readSign1 } from '#identity/cose.ts';
import { openKeyList, readKeyFile } from '#identity/key-list.ts';
import { KeyRing } from '#identity/key-ring.ts';
import { readPublicPem } from '#identity/keys.ts';
import { devicePrefix, requestTopic, storePrefix } from '#uplink/topics.ts';
import { UpdateError } from './errors.ts';
import type { Places } from './places.ts';
import type { UpdateRequest } from './request.ts';
import { readBelow } from './untrusted.ts';

/** Who may go back to an older release, or try again what failed. */
const roles = new Set(['technician', 'operator']);
/**
 * So long after it was signed an order counts here. The gateway has held it against its own, shorter limit when it came;
 * fetching takes longer than that.
 */
const orderCountsForMs = 86_400_000;
/** A list of keys as the store signed it; the gateway keeps it. */
const keptList = ['store-keys.cose'] as const;
const longestList = 262_144;

/** Of the device's configuration, what says whose orders count: read as it stands, since it is root's. */
const trustIn = z.object({
  store: z.string(),
  device: z.string(),
  broker: z
    .object({
      url: z.string().default('mqtt://127.0.0.1:1883'),
      urls: z.array(z.string()).optional(),
      embedded: z.boolean().default(false),
    })
    .prefault({}),
  commands: z
    .object({
      signed: z.string().default('auto'),
      keysFile: z.string().optional(),
      rootKeyFile: z.string().optional(),
    })
    .prefault({}),
});

/**
 * Checks that a request which needs a signed order has one, and answers the order's transaction, which serves once.
 * Undefined where this device takes unsigned commands: on loopback, without any keys. Rejects with CW-UPD-028. The
 * gateway has checked it before; it is checked again because whoever had the gateway in hand could write any request.
 */
export async function checkOrder(
  places: Places,
  request: UpdateRequest,
  nowMs: number,
): Promise<string | undefined> {
  try {
    const { store, device, broker, commands } = trustIn.parse(parse(await readFile(places.config, 'utf8')));
    const { keysFile, rootKeyFile } = commands;
    const urls = broker.urls ?? [broker.url];
    const isOpen = commands.signed !== 'always' && (broker.embedded || urls.every(isLoopbackBroker));
    if (isOpen && keysFile === undefined && rootKeyFile === undefined) return undefined;
    if (request.order === undefined) throw new Error('it comes without one');
    const ring = await ringOf(places, { store, keysFile, rootKeyFile });
    const command = `update.${request.action}`;
    const topic = `${devicePrefix({ store, device })}/${requestTopic(command)}`;
    const message = readSign1(Buffer.from(request.order, 'base64'));
    const signer = ring.verify(message, Buffer.from(topic), nowMs);
    if (!roles.has(signer.role)) throw new Error(`the key ${signer.id} has the role ${signer.role}`);
    const ordered = decodeRecord(requestPayload, message.payload, { deterministic: true });
    if (ordered.issued + orderCountsForMs < nowMs) throw new Error('it is more than a day old');
    const { version, downgrade, force } = (ordered.args ?? {}) as Record<string, unknown>;
    const isThis = request.action === 'rollback' || version === request.version;
    if (!isThis) throw new Error(`it is about ${String(version)}`);
    if (request.downgrade && downgrade !== true) throw new Error('it does not say downgrade: true');
    if (request.force && force !== true) throw new Error('it does not say force: true');
    return ordered.transaction;
  } catch (cause) {
    throw new UpdateError(
      'CW-UPD-028',
      `the signed order to ${request.action} release ${request.version} does not hold: ${describeError(cause)}; send update.${request.action} signed by a technician's or operator's key`,
      { cause },
    );
  }
}

async function ringOf(
  places: Places,
  trust: {
    readonly store: string;
    readonly keysFile: string | undefined;
    readonly rootKeyFile: string | undefined;
  },
): Promise<KeyRing> {
  const ring = new KeyRing();
  const at = (path: string) => resolve(dirname(places.config), path);
  if (trust.keysFile !== undefined) ring.set('file', readKeyFile(await readFile(at(trust.keysFile), 'utf8')));
  if (trust.rootKeyFile !== undefined) {
    const root = readPublicPem(await readFile(at(trust.rootKeyFile), 'utf8'));
    const bytes = await readBelow(places.data, keptList, longestList).catch(() => undefined);
    // Its signature says whose it is, wherever it lies.
    if (bytes !== undefined) ring.set('store', openKeyList(bytes, `${storePrefix(trust.store)}/keys`, root));
  }
  return ring;
}
