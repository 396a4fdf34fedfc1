import { createPrivateKey, createPublicKey, sign as signBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { writeFileAtomic } from '#base/atomic-file.ts';
import type { ClaimFile } from './claim.ts';
import {
  type Credentials,
  type DeviceIdentity,
  describeCertificate,
  type KeyAndCertificate,
} from './credentials.ts';
import { AuthorityTalk, type EnrolmentAnswer } from './enrolment.ts';
import { certificatesOf, renewalText } from './enrolment-text.ts';
import { IdentityError } from './errors.ts';
import { bindHardware, type HardwareFacts, matchHardware } from './hardware.ts';
import { makePrivateKey } from './keys.ts';
import { makeRequest } from './request.ts';

/** A certificate is renewed when less than a third of its life is left. */
const renewBelow = 1 / 3;

export interface Provisioned {
  /** False where it had been done before: nothing changed. */
  readonly changed: boolean;
  readonly identity: DeviceIdentity;
  /** The time by the authority's word, UTC ms; undefined where it was not asked. */
  readonly timeMs?: number;
}

const spkiOf = (keyPem: string) =>
  createPublicKey(createPrivateKey(keyPem)).export({ format: 'der', type: 'spki' });
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');

/**
 * Makes this device one of the store's: key, request, certificate. Power may be cut anywhere: the same claim goes on where it was, with
 * the same key, and gets the same certificate. Where the device is that one already, nothing is done. Rejects with CW-IDN-016 to -019,
 * and CW-IDN-020 where the identity that is here is of other hardware.
 * @param rebind takes the claim also where this device has an identity: a new key, bound to this hardware
 */
export async function provision(
  credentials: Credentials,
  claim: ClaimFile,
  facts: HardwareFacts,
  rebind: boolean,
): Promise<Provisioned> {
  const present = await credentials.identity();
  const pair = await credentials.inForce();
  if (present !== undefined && pair !== undefined && !rebind) {
    const isSame = present.store === claim.store && present.device === claim.device;
    if (!isSame) {
      throw new IdentityError(
        'CW-IDN-019',
        `this device is ${present.device} of ${present.store}, not ${claim.device} of ${claim.store}; take that identity away first (provision wipe)`,
      );
    }
    demandHardware(present, facts);
    return { changed: false, identity: present };
  }
  const key = await credentials.pendingKey(() => makePrivateKey('ES256').pem);
  const talk = new AuthorityTalk(claim);
  const timeMs = await talk.time();
  const request = base64(await makeRequest(claim.device, key));
  const answer = await talk.post('/v1/enrol', { device: claim.device, claim: claim.claim, request });
  talk.check(answer, claim.device, spkiOf(key));
  const broker = claim.broker ?? answer.broker;
  const identity: DeviceIdentity = {
    identity: 1,
    store: claim.store,
    device: claim.device,
    authority: claim.authority,
    fingerprint: claim.fingerprint,
    ...(broker === undefined ? {} : { broker }),
    hardware: bindHardware(facts),
    provisionedMs: timeMs,
  };
  await credentials.adopt({ key, certificate: answer.certificate }, answer.authority, identity);
  return { changed: true, identity, timeMs };
}

/** Throws CW-IDN-020. */
function demandHardware(identity: DeviceIdentity, facts: HardwareFacts): void {
  const { fits, other } = matchHardware(identity.hardware, facts);
  if (fits) return;
  throw new IdentityError(
    'CW-IDN-020',
    `the identity of ${identity.device} was made on other hardware (${other.join(', ') || 'nothing'} differs): use provision rebind with a fresh claim`,
  );
}

export type RenewalOutcome =
  | { readonly done: 'renewed'; readonly toMs: number; readonly timeMs: number }
  | { readonly done: 'not-due'; readonly toMs: number };

/**
 * Gets a certificate of a new key when less than a third of the present one's life is left. The new pair is put in force only after
 * `tryIt` has shown that the broker takes it; until then it waits, also over power cuts, and the former one is used. Rejects with
 * CW-IDN-016 to -020, or what `tryIt` rejects with.
 * @param force renews though it is not due
 */
export async function renew(
  credentials: Credentials,
  facts: HardwareFacts,
  tryIt: (pair: KeyAndCertificate, authority: string) => Promise<void>,
  nowMs: number,
  force = false,
): Promise<RenewalOutcome> {
  const [identity, pair] = [await credentials.identity(), await credentials.inForce()];
  if (identity === undefined || pair === undefined) {
    throw new IdentityError(
      'CW-IDN-019',
      'this device has no identity yet; provision it first (scripts/provision)',
    );
  }
  demandHardware(identity, facts);
  const { fromMs, toMs } = describeCertificate(pair.certificate);
  const pending = await credentials.pendingCertificate();
  if (!force && pending === undefined && toMs - nowMs > (toMs - fromMs) * renewBelow)
    return { done: 'not-due', toMs };
  const key = await credentials.pendingKey(() => makePrivateKey('ES256').pem);
  const talk = new AuthorityTalk(identity);
  const timeMs = await talk.time();
  const answer = await askRenewal(talk, identity, pair, key);
  talk.check(answer, identity.device, spkiOf(key));
  await credentials.keepPendingCertificate(answer.certificate);
  const next = { key, certificate: answer.certificate };
  await tryIt(next, answer.authority);
  const broker = answer.broker ?? identity.broker;
  await credentials.adopt(next, answer.authority, {
    ...identity,
    ...(broker === undefined ? {} : { broker }),
  });
  return { done: 'renewed', toMs: describeCertificate(answer.certificate).toMs, timeMs };
}

async function askRenewal(
  talk: AuthorityTalk,
  { store, device }: DeviceIdentity,
  pair: KeyAndCertificate,
  key: string,
): Promise<EnrolmentAnswer> {
  const request = await makeRequest(device, key);
  const signature = signBytes('sha256', renewalText(store, device, request), {
    key: createPrivateKey(pair.key),
    dsaEncoding: 'ieee-p1363',
  });
  return await talk.post('/v1/renew', {
    certificate: certificatesOf(pair.certificate)[0] ?? '',
    request: base64(request),
    signature: base64(signature),
  });
}

/**
 * Moves the floor of the machine's clock (a file that holds UTC ms) forward, so that the next start does not begin before it.
 * It never goes back.
 */
export async function raiseClockFloor(path: string, timeMs: number): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => '');
  if (/^\d{1,15}\n?$/.test(text) && Number(text) >= timeMs) return;
  // The gateway's user reads it, whoever wrote it.
  await writeFileAtomic(path, `${Math.floor(timeMs)}\n`, 0o644);
}
