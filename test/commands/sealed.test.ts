import { createPublicKey, verify } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import test from 'ava';
import fc from 'fast-check';
import { isCoded } from '#base/errors.ts';
import { claimedTransaction, openRequest, sealRequest } from '#commands/sealed.ts';
import { openKeyList, readKeyFile } from '#identity/key-list.ts';
import { KeyRing } from '#identity/key-ring.ts';
import { readPublicKey } from '#identity/keys.ts';
import { entryOf, fixedKey, listOf } from '#test/identity/support.ts';

const topic = 'cw/1/store-1/cart-0042/request/line/void';
const key = fixedKey('staff');
const request = { transaction: 't1', issued: 1_000, expires: 2_000, args: { line: 2, why: 'damaged' } };
const ring = new KeyRing();
ring.set('file', listOf([entryOf(key, 'staff', { who: '17' })]));

interface CommandVector {
  readonly topic: string;
  readonly request: object;
  readonly publicKey: string;
  readonly keyId: string;
  readonly protectedHeader: string;
  readonly payload: string;
  readonly sigStructure: string;
  readonly signature: string;
  readonly message: string;
}

interface ListVector {
  readonly topic: string;
  readonly file: object;
  readonly rootPublicKey: string;
  readonly message: string;
}

const vectors = async () =>
  JSON.parse(await readFile('docs/vectors/signed.json', 'utf8')) as [CommandVector, ListVector];

test('The published vector of a signed command holds, in each of its steps', async (t) => {
  const [vector] = await vectors();
  const spki = Buffer.from(vector.publicKey, 'hex');
  const publicKey = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  const structure = Buffer.from(vector.sigStructure, 'hex');
  t.true(verify(null, structure, publicKey, Buffer.from(vector.signature, 'hex')));
  for (const part of [vector.protectedHeader, Buffer.from(vector.topic).toString('hex'), vector.payload]) {
    t.true(vector.sigStructure.includes(part));
  }
  t.true(vector.message.startsWith(`d28455${vector.protectedHeader}a058`));
  t.true(vector.message.endsWith(`${vector.payload}5840${vector.signature}`));
  const known = new KeyRing();
  known.set('file', listOf([{ key: readPublicKey(spki), role: 'staff' }]));
  const opened = openRequest(Buffer.from(vector.message, 'hex'), vector.topic, known, undefined);
  t.is(opened.sender.id, vector.keyId);
  t.deepEqual({ ...opened.request }, { ...vector.request } as typeof opened.request);
});

test('The published vector of a signed list of keys is the list of its file', async (t) => {
  const [, vector] = await vectors();
  const root = readPublicKey(Buffer.from(vector.rootPublicKey, 'hex'));
  const list = openKeyList(Buffer.from(vector.message, 'hex'), vector.topic, root);
  const plain = ({ version, issued, keys }: typeof list) => ({
    version,
    issued,
    keys: keys.map(({ key: { id }, ...more }) => ({ id, ...more })),
  });
  t.deepEqual(plain(list), plain(readKeyFile(JSON.stringify(vector.file))));
  t.is(list.keys.length, 3);
});

test('A request is opened as it was sealed, on its own topic alone', (t) => {
  const sealed = sealRequest({ ...request, nonce: 'ab'.repeat(32) }, topic, key);
  const { request: opened, sender } = openRequest(sealed, topic, ring, undefined);
  t.deepEqual(opened, { ...request, nonce: 'ab'.repeat(32) });
  t.deepEqual(sender, { id: key.publicKey.id, role: 'staff', who: '17' });
  t.throws(() => openRequest(sealed, topic.replace('0042', '0043'), ring, undefined), { code: 'CW-IDN-003' });
});

test('Any bytes are opened or refused with a code', (t) => {
  const sealed = Buffer.from(sealRequest(request, topic, key));
  const mutated = fc
    .tuple(fc.nat(sealed.length - 1), fc.uint8Array({ maxLength: 4 }), fc.nat(4))
    .map(([at, put, cut]) => Buffer.concat([sealed.subarray(0, at), put, sealed.subarray(at + cut)]));
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 200 })), (bytes) => {
      claimedTransaction(bytes);
      try {
        openRequest(bytes, topic, ring, undefined);
        return Buffer.compare(bytes, sealed) === 0;
      } catch (error) {
        return isCoded(error);
      }
    }),
    { numRuns: Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 20_000), seed: 37 },
  );
  t.pass();
});
