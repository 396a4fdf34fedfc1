import { createHash, createPrivateKey } from 'node:crypto';
import { sealRequest } from '#commands/sealed.ts';
import { encodeCbor } from '#events/cbor.ts';
import { encodeRecord } from '#events/codec.ts';
import { requestPayload } from '#events/mqtt-payloads.ts';
import { readSign1 } from '#identity/cose.ts';
import { sealKeyList, writeKeyFile } from '#identity/key-list.ts';
import { readPrivatePem } from '#identity/keys.ts';

/** PKCS#8 of an Ed25519 key, up to its 32 bytes of seed (RFC 8410 §7). */
const ed25519Head = '302e020100300506032b657004220420';
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/** A key of the vectors, the same for the same name. Everybody knows it, so no device may. */
export function exampleKey(name: string) {
  const seed = createHash('sha256').update(`Cartwright test vector ${name}`).digest('hex');
  const der = Buffer.from(ed25519Head + seed, 'hex');
  const pem = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({
    format: 'pem',
    type: 'pkcs8',
  }) as string;
  return { key: readPrivatePem(pem), seed };
}

const issued = Date.UTC(2026, 10, 22, 10, 20, 12);

/** A command signed with Ed25519, in every step from the request to the bytes on the topic. */
function commandVector() {
  const { key, seed } = exampleKey('staff 17');
  const topic = 'cw/1/store-1/cart-0042/request/line/void';
  const request = {
    transaction: 't-90',
    issued,
    expires: issued + 60_000,
    args: { line: 2, why: 'damaged', by: { role: 'staff', who: '17' } },
  };
  const message = sealRequest(request, topic, key);
  const { protectedHeader, signature } = readSign1(message);
  const payload = encodeRecord(requestPayload, request);
  return {
    name: 'a signed command',
    topic,
    request,
    seed,
    publicKey: hex(key.publicKey.spki),
    keyId: key.publicKey.id,
    protectedHeader: hex(protectedHeader),
    payload: hex(payload),
    sigStructure: hex(encodeCbor(['Signature1', protectedHeader, Buffer.from(topic), payload])),
    signature: hex(signature),
    message: hex(message),
  };
}

/** A list of keys, as its file and as the store publishes it. */
function listVector() {
  const root = exampleKey('root');
  const staff = exampleKey('staff 17');
  const till = exampleKey('till 3');
  const topic = 'cw/1/store-1/_store/keys';
  const list = {
    version: 4,
    issued,
    keys: [
      { key: till.key.publicKey, role: 'till', who: '3' },
      {
        key: staff.key.publicKey,
        role: 'staff',
        who: '17',
        validFrom: issued,
        validTo: issued + 86_400_000,
      },
      { key: exampleKey('staff 4').key.publicKey, role: 'staff', who: '4', revoked: true },
    ],
  };
  return {
    name: 'a signed list of keys',
    topic,
    file: JSON.parse(writeKeyFile(list)) as unknown,
    rootSeed: root.seed,
    rootPublicKey: hex(root.key.publicKey.spki),
    message: hex(sealKeyList(list, topic, root.key)),
  };
}

export const signedCommandVector = commandVector();

export const signedDocuments = [
  {
    path: 'docs/vectors/signed.json',
    render: () => `${JSON.stringify([signedCommandVector, listVector()], undefined, 1)}\n`,
  },
];
