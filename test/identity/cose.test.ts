import test from 'ava';
import fc from 'fast-check';
import { encodeCbor } from '#events/cbor.ts';
import { fits, isSigned, readSign1, sign1 } from '#identity/cose.ts';
import { IdentityError } from '#identity/errors.ts';
import {
  keyAlgorithms,
  makePrivateKey,
  publicPem,
  readPrivatePem,
  readPublicKey,
  readPublicPem,
} from '#identity/keys.ts';
import { fixedKey, freshKey } from './support.ts';

const runs = Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 20_000);
const aad = Buffer.from('cw/1/store-1/cart-0042/request/item/override');
const payload = Buffer.from('a payload');

test('What either algorithm signed is read back, and fits its key, its topic and its content alone', (t) => {
  for (const algorithm of keyAlgorithms) {
    const key = freshKey(algorithm);
    const message = readSign1(sign1(payload, aad, key));
    t.is(message.algorithm, algorithm);
    t.is(message.keyId, key.publicKey.id);
    t.deepEqual(Buffer.from(message.payload), payload);
    t.true(fits(message, aad, key.publicKey));
    t.false(fits(message, Buffer.from('cw/1/store-1/cart-0043/request/item/override'), key.publicKey));
    t.false(fits({ ...message, payload: Buffer.from('another') }, aad, key.publicKey));
    t.false(fits(message, aad, freshKey(algorithm).publicKey));
  }
});

test('A signed message has the bytes of RFC 9052: tag 18, header of algorithm and key id, payload, 64 bytes', (t) => {
  const key = fixedKey('bytes');
  const bytes = Buffer.from(sign1(payload, aad, key));
  const head = `d28455a201270450${key.publicKey.id}a049${payload.toString('hex')}5840`;
  t.is(bytes.subarray(0, head.length / 2).toString('hex'), head);
  t.is(bytes.length, head.length / 2 + 64);
  // Ed25519 is deterministic, so the signature can be checked against the Sig_structure written out by hand.
  const structure = Buffer.concat([
    Buffer.from('846a5369676e617475726531', 'hex'),
    Buffer.from(`55a201270450${key.publicKey.id}`, 'hex'),
    Buffer.from([0x58, aad.length]),
    aad,
    Buffer.from([0x40 + payload.length]),
    payload,
  ]);
  t.deepEqual(Buffer.from(key.sign(structure)), bytes.subarray(-64));
});

test('The newer names of the same algorithms are understood, and no other algorithm', (t) => {
  const key = freshKey();
  const code = (algorithm: number) => {
    const header = encodeCbor(
      new Map<number, number | Uint8Array>([
        [1, algorithm],
        [4, Buffer.from(key.publicKey.id, 'hex')],
      ]),
    );
    const list = encodeCbor([header, new Map(), payload, new Uint8Array(64)]);
    return readSign1(Buffer.concat([Uint8Array.of(0xd2), list])).algorithm;
  };
  t.is(code(-8), 'Ed25519');
  t.is(code(-19), 'Ed25519');
  t.is(code(-7), 'ES256');
  t.is(code(-9), 'ES256');
  for (const other of [-35, -37, 5, 0, -257]) t.throws(() => code(other), { code: 'CW-IDN-001' });
});

test('One flipped bit anywhere is another message, or none', (t) => {
  for (const algorithm of keyAlgorithms) {
    const key = freshKey(algorithm);
    const bytes = Buffer.from(sign1(payload, aad, key));
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      let holds = false;
      try {
        holds = fits(readSign1(flipped), aad, key.publicKey);
      } catch (error) {
        if (!(error instanceof IdentityError)) throw error;
      }
      if (holds) t.fail(`${algorithm}: bit ${bit} makes no difference`);
    }
  }
  t.pass();
});

test('What is signed in any other way than the one is refused', (t) => {
  const key = freshKey();
  const good = Buffer.from(sign1(payload, aad, key));
  const header = encodeCbor(
    new Map<number, number | Uint8Array>([
      [1, -8],
      [4, Buffer.from(key.publicKey.id, 'hex')],
    ]),
  );
  const signed = (parts: Parameters<typeof encodeCbor>[0]) =>
    Buffer.concat([[0xd2], encodeCbor(parts)].map(Buffer.from));
  const signature = good.subarray(-64);
  const wrong: Record<string, Uint8Array> = {
    untagged: good.subarray(1),
    'a tag of two bytes': Buffer.concat([Buffer.from([0xd8, 0x12]), good.subarray(1)]),
    'a byte more': Buffer.concat([good, Buffer.from([0])]),
    'a byte less': good.subarray(0, -1),
    'something unprotected': signed([header, new Map([[4, Buffer.alloc(16)]]), payload, signature]),
    'a detached payload': signed([header, new Map(), null, signature]),
    'a short signature': signed([header, new Map(), payload, signature.subarray(1)]),
    'three parts': signed([header, new Map(), payload]),
    'a header without key': signed([encodeCbor(new Map([[1, -8]])), new Map(), payload, signature]),
    'no header': signed([new Uint8Array(0), new Map(), payload, signature]),
    'a long length': Buffer.concat([Buffer.from([0xd2, 0x98, 0x04]), good.subarray(2)]),
    'an indefinite length': Buffer.concat([Buffer.from([0xd2, 0x9f]), good.subarray(2), Buffer.from([0xff])]),
    nothing: new Uint8Array(0),
    'a tag alone': Uint8Array.of(0xd2),
  };
  for (const [name, bytes] of Object.entries(wrong))
    t.throws(() => readSign1(bytes), { code: 'CW-IDN-001' }, name);
});

test('Any bytes are read or refused with a code, and what is read is encoded as it came', (t) => {
  const key = fixedKey('fuzz');
  const good = Buffer.from(sign1(payload, aad, key));
  const mutated = fc
    .tuple(fc.nat(good.length - 1), fc.uint8Array({ maxLength: 6 }), fc.nat(6))
    .map(([at, put, cut]) => Buffer.concat([good.subarray(0, at), put, good.subarray(at + cut)]));
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 200 })), (bytes) => {
      let read: ReturnType<typeof readSign1>;
      try {
        read = readSign1(bytes);
      } catch (error) {
        return error instanceof IdentityError && error.code === 'CW-IDN-001';
      }
      const { protectedHeader, signature } = read;
      const again = encodeCbor([protectedHeader, new Map(), read.payload, signature]);
      return isSigned(bytes) && Buffer.compare(Buffer.concat([Uint8Array.of(0xd2), again]), bytes) === 0;
    }),
    { numRuns: runs, seed: 31 },
  );
  t.pass();
});

test('Keys go through PEM and DER unchanged, and other kinds of keys are refused', (t) => {
  for (const algorithm of keyAlgorithms) {
    const { key, pem } = makePrivateKey(algorithm);
    t.is(readPrivatePem(pem).publicKey.id, key.publicKey.id);
    t.is(readPublicPem(publicPem(key.publicKey)).id, key.publicKey.id);
    t.is(readPublicKey(key.publicKey.spki).id, key.publicKey.id);
    t.regex(key.publicKey.id, /^[0-9a-f]{32}$/);
    t.false(JSON.stringify(key).includes(pem.split('\n')[1] ?? ''));
  }
  const p384 =
    '3076301006072a8648ce3d020106052b8104002203620004aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab73617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f';
  for (const wrong of [Buffer.from(p384, 'hex'), Buffer.alloc(44), new Uint8Array(0), Buffer.alloc(500)]) {
    t.throws(() => readPublicKey(wrong), { code: 'CW-IDN-007' });
  }
  t.throws(() => readPrivatePem('secret words'), { code: 'CW-IDN-007', message: /no private key/ });
  t.throws(() => readPublicPem('x'), { code: 'CW-IDN-007' });
});
