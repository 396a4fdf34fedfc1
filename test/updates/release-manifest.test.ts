import test from 'ava';
import fc from 'fast-check';
import { encodeCbor, wireMap } from '#events/cbor.ts';
import { sign1 } from '#identity/cose.ts';
import { makePrivateKey } from '#identity/keys.ts';
import { architectures } from '#updates/facts.ts';
import { encodeRelease, mustRunOn, openRelease, type ReleaseManifest } from '#updates/manifest.ts';
import { archiveOf, manifestOf } from './archives.ts';

const { key } = makePrivateKey('Ed25519');
const { key: stranger } = makePrivateKey('Ed25519');
const { key: otherKind } = makePrivateKey('ES256');
const manifest = manifestOf(archiveOf());
const place = Buffer.from('cartwright/release/1');

const count = fc.nat({ max: 2 ** 32 });
const name = fc.stringMatching(/^[a-z0-9-]{1,12}$/);
const version = fc
  .tuple(fc.nat(999), fc.nat(999), fc.nat(999), fc.option(fc.constantFrom('-rc.1', '-beta', '-0.3.x')))
  .map(([a, b, c, pre]) => `${a}.${b}.${c}${pre ?? ''}`);
const manifests: fc.Arbitrary<ReleaseManifest> = fc.record(
  {
    release: fc.constant(1 as const),
    version,
    arch: fc.constantFrom(...architectures),
    unpackedBytes: count,
    createdMs: fc.nat({ max: 8.64e15 }),
    firmware: fc.dictionary(name, version, { noNullPrototype: true }),
    formats: fc.record({ configuration: count, outbox: count, calibration: count }),
    from: version,
    bytes: fc.integer({ min: 1, max: 2 ** 40 }),
    sha256: fc
      .uint8Array({ minLength: 32, maxLength: 32 })
      .map((bytes) => Buffer.from(bytes).toString('hex')),
  },
  {
    requiredKeys: [
      'release',
      'version',
      'arch',
      'unpackedBytes',
      'createdMs',
      'firmware',
      'formats',
      'bytes',
      'sha256',
    ],
  },
);

test('a release is read as it was signed', (t) => {
  fc.assert(
    fc.property(manifests, (made) => {
      t.deepEqual(openRelease(encodeRelease(made, key), [stranger.publicKey, key.publicKey]), made);
    }),
    { seed: 1, numRuns: 100 },
  );
  t.pass();
});

test('the same release is signed to the same bytes', (t) => {
  t.deepEqual(encodeRelease(manifest, key), encodeRelease({ ...manifest }, key));
});

test('a release is refused unless one of the keys signed it', (t) => {
  const bytes = encodeRelease(manifest, key);
  for (const keys of [[], [stranger.publicKey], [otherKind.publicKey]]) {
    const error = t.throws(() => openRelease(bytes, keys), { code: 'CW-UPD-002' });
    t.regex(error?.message ?? '', new RegExp(key.publicKey.id));
  }
});

test('a signature of the same key over something else is none of a release', (t) => {
  const payload = Buffer.from(openablePayload());
  const other = sign1(payload, Buffer.from('cw/1/store/_store/keys'), key);
  t.throws(() => openRelease(other, [key.publicKey]), { code: 'CW-UPD-002' });
  t.notThrows(() => openRelease(sign1(payload, place, key), [key.publicKey]));
});

test('a release of a later format asks for a version in between', (t) => {
  const payload = encodeCbor(wireMap([['release', 2]]));
  t.throws(() => openRelease(sign1(payload, place, key), [key.publicKey]), { code: 'CW-UPD-003' });
});

test('a signed description that is no release is refused', (t) => {
  const payloads = [
    encodeCbor(wireMap([['release', 1]])),
    encodeCbor([]),
    encodeCbor(null),
    Buffer.from([0xff]),
    Buffer.alloc(0),
  ];
  for (const payload of payloads)
    t.throws(() => openRelease(sign1(payload, place, key), [key.publicKey]), { code: 'CW-UPD-001' });
  t.throws(() => openRelease(Buffer.alloc(20_000, 0xd2), [key.publicKey]), { code: 'CW-UPD-001' });
});

test('keys of other releases that a later version adds are left out', (t) => {
  const bytes = encodeRelease(manifest, key);
  const more = sign1(openablePayload([['later', 'something']]), place, key);
  t.deepEqual(openRelease(more, [key.publicKey]), openRelease(bytes, [key.publicKey]));
});

test('a flipped bit anywhere in a description is noticed', (t) => {
  const bytes = encodeRelease(manifest, key);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(7), (at, bit) => {
      const spoiled = Buffer.from(bytes);
      spoiled[at] = (spoiled[at] ?? 0) ^ (1 << bit);
      const error = t.throws(() => openRelease(spoiled, [key.publicKey]));
      t.regex((error as { code?: string }).code ?? '', /^CW-UPD-00[12]$/);
    }),
    { seed: 2, numRuns: 200 },
  );
});

test('whatever the bytes are, a description is read or refused with a code', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      t.throws(() => openRelease(Buffer.concat([[0xd2], bytes].map(Buffer.from)), [key.publicKey]), {
        code: 'CW-UPD-001',
      });
    }),
    { seed: 3, numRuns: 200 },
  );
});

test('versions that would lead out of the folder of releases are refused', (t) => {
  for (const wrong of ['..', '1.2', '1.2.3/../..', '01.2.3', '1.2.3+build', ' 1.2.3', '1.2.3-', '1.2.3-..'])
    t.throws(() => encodeRelease({ ...manifest, version: wrong }, key), { code: 'CW-UPD-001' }, wrong);
});

test('releases are signed by Ed25519 keys alone', (t) => {
  t.throws(() => encodeRelease(manifest, otherKind), { code: 'CW-UPD-001' });
});

test('a release of another kind of processor is refused by name', (t) => {
  t.notThrows(() => mustRunOn(manifest, 'x64'));
  const error = t.throws(() => mustRunOn(manifest, 'arm64'), { code: 'CW-UPD-004' });
  t.regex(error?.message ?? '', /1\.2\.3 is for x64, and this machine is arm64/);
});

/** The payload of `manifest` by hand, so that the wire's form is held from outside. */
function openablePayload(more: [string, string][] = []): Uint8Array {
  return encodeCbor(
    wireMap([
      ['release', 1],
      ['version', manifest.version],
      ['arch', manifest.arch],
      ['bytes', manifest.bytes],
      ['sha256', Buffer.from(manifest.sha256, 'hex')],
      ['unpackedBytes', manifest.unpackedBytes],
      ['createdMs', BigInt(manifest.createdMs)],
      ['firmware', wireMap([['load-cell-bridge', '1.4.0']])],
      [
        'formats',
        wireMap([
          ['configuration', 1],
          ['outbox', 3],
          ['calibration', 1],
        ]),
      ],
      ...more,
    ]),
  );
}
