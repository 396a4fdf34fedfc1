import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import test from 'ava';
import fc from 'fast-check';
import { sealRequest } from '#commands/sealed.ts';
import { enrolmentText, enrolmentProof as nodeProof, stretchCode } from '#console/codes.ts';
import { encodeRecord } from '#events/codec.ts';
import { gatewayHealth } from '#events/data/gateway.ts';
import type { Infer, PlainMap } from '#events/fields.ts';
import { chainLine, emptyHead } from '#identity/audit-chain.ts';
import { readPrivatePem, readPublicKey } from '#identity/keys.ts';
import { type Cbor, decodeCbor, encodeCbor } from '#pages/technician/client/cbor.ts';
import { readChain } from '#pages/technician/client/chain.ts';
import { conditionOf, Fleet } from '#pages/technician/client/fleet.ts';
import { readWeights } from '#pages/technician/client/format.ts';
import { makeKey } from '#pages/technician/client/keys.ts';
import { enrolmentProof } from '#pages/technician/client/proof.ts';
import { readRecord } from '#pages/technician/client/records.ts';
import { plainRequest, sign1 } from '#pages/technician/client/signing.ts';

const runs = Number(process.env.CARTWRIGHT_FUZZ_RUNS ?? 20_000);
const seed = 20_261_123;

interface Vector {
  readonly topic: string;
  readonly request: {
    readonly transaction: string;
    readonly issued: number;
    readonly expires: number;
    readonly args: PlainMap;
    readonly nonce?: string;
  };
  readonly seed?: string;
  readonly payload: string;
  readonly keyId: string;
  readonly message: string;
}
const vectors = JSON.parse(await readFile('docs/vectors/signed.json', 'utf8')) as Vector[];
/** PKCS#8 of an Ed25519 key, up to its 32 bytes of seed (RFC 8410 §7). */
const ed25519Head = Buffer.from('302e020100300506032b657004220420', 'hex');

test('The page signs a command byte for byte as the test vectors say', async (t) => {
  const usable = vectors.filter((vector) => vector.seed !== undefined && vector.request !== undefined);
  t.true(usable.length > 0);
  for (const { topic, request, seed: secret = '', payload, keyId, message } of usable) {
    const der = Buffer.concat([ed25519Head, Buffer.from(secret, 'hex')]);
    const privateKey = await crypto.subtle.importKey('pkcs8', der, { name: 'Ed25519' }, false, ['sign']);
    const plain = plainRequest(request);
    t.is(Buffer.from(plain).toString('hex'), payload);
    const signed = await sign1(plain, topic, { algorithm: 'Ed25519', id: keyId, privateKey });
    t.is(Buffer.from(signed).toString('hex'), message);
  }
});

test('Any request of the page is signed as the gateway would have it', async (t) => {
  const der = Buffer.concat([ed25519Head, Buffer.alloc(32, 7)]);
  const own = readPrivatePem(
    createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({
      format: 'pem',
      type: 'pkcs8',
    }) as string,
  );
  const privateKey = await crypto.subtle.importKey('pkcs8', der, { name: 'Ed25519' }, false, ['sign']);
  const { id } = own.publicKey;
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 3 },
      fc.maxSafeInteger(),
      fc.boolean(),
      fc.string({ unit: 'grapheme' }),
      fc.array(tie('any'), { maxLength: 4 }),
      fc.dictionary(
        fc.string({ minLength: 1 }).filter((name) => !/^[~]|^__proto__$/.test(name)),
        tie('any'),
        { maxKeys: 4 },
      ),
    ),
  })).any;
  const args = fc.dictionary(fc.stringMatching(/^[a-z][A-Za-z]{0,8}$/), value, { maxKeys: 5 });
  await fc.assert(
    fc.asyncProperty(args, fc.uuid(), fc.nat({ max: 2 ** 45 }), async (given, transaction, issued) => {
      const request = { transaction, issued, expires: issued + 40_000, args: given as PlainMap };
      const topic = 'cw/1/store-1/cart-0001/request/calibration/load';
      const expected = Buffer.from(sealRequest(request, topic, own)).toString('hex');
      const signed = await sign1(plainRequest(request), topic, { algorithm: 'Ed25519', id, privateKey });
      return Buffer.from(signed).toString('hex') === expected;
    }),
    { seed, numRuns: Math.min(runs, 1_000) },
  );
  t.pass();
});

test('A key that the page makes has the id and the signatures that devices check', async (t) => {
  const key = await makeKey();
  t.is(key.algorithm, 'Ed25519');
  t.false(key.privateKey.extractable);
  await t.throwsAsync(crypto.subtle.exportKey('pkcs8', key.privateKey));
  const known = readPublicKey(key.spki);
  t.is(known.id, key.id);
  const text = enrolmentText('store-1', key.spki);
  const signature = new Uint8Array(await crypto.subtle.sign('Ed25519', key.privateKey, text));
  t.true(known.verify(text, signature));
});

test('Page and console stretch a code to the same proof, however it is typed', async (t) => {
  const spki = Buffer.from('302a300506032b6570032100'.padEnd(88, 'a'), 'hex');
  const expected = nodeProof(await stretchCode('K7QM-2F01', 'store-1'), 'store-1', spki).toString('hex');
  for (const typed of ['K7QM-2F01', 'k7qm2fOl', ' K7QM 2F0i ']) {
    t.is(Buffer.from(await enrolmentProof(typed, 'store-1', spki)).toString('hex'), expected);
  }
  t.not(Buffer.from(await enrolmentProof('K7QM-2F01', 'store-2', spki)).toString('hex'), expected);
  t.not(Buffer.from(await enrolmentProof('K7QM-2F02', 'store-1', spki)).toString('hex'), expected);
});

test('What the page writes it reads again, and writes as every encoder of the contract does', (t) => {
  const integers = [
    0,
    23,
    24,
    255,
    256,
    65_535,
    65_536,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 53 - 2,
    -1,
    -24,
    -25,
    -256,
    -257,
    -(2 ** 32),
    -(2 ** 40),
  ];
  t.deepEqual(decodeCbor(encodeCbor(integers)), integers);
  const map = new Map<number | string, Cbor>([
    ['b', 1],
    ['aa', 2],
    [10, 3],
    [-1, 4],
    [2, 5],
  ]);
  t.is(Buffer.from(encodeCbor(map)).toString('hex'), 'a502050a0320046162016261610' + '2');
  for (const wrong of [0.5, Number.NaN, 2 ** 53])
    t.throws(() => encodeCbor(wrong), { instanceOf: TypeError });
  t.deepEqual(decodeCbor(encodeCbor({ a: undefined, b: null })), new Map([['b', null]]));
});

test('No bytes make the reader of the page do anything but read or throw an Error', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        decodeCbor(bytes);
      } catch (error) {
        return error instanceof Error;
      }
      return true;
    }),
    { seed, numRuns: runs },
  );
  for (const hex of [
    '9b00ffffffffffffff',
    'bb00ffffffffffffff',
    `${'81'.repeat(40)}00`,
    'c000',
    'fb3ff0000000000000',
    '5f',
    'a201000100',
  ]) {
    t.throws(() => decodeCbor(Buffer.from(hex, 'hex')), undefined, hex);
  }
});

const health: Infer<typeof gatewayHealth> = {
  ok: true,
  uptimeS: 12,
  sensors: [{ id: 'cell-fl', ok: true, ratePerMinute: 4_800 }],
  outboxEvents: 0,
  outboxBytes: 4_096,
  dropped: 0,
  connected: true,
  timeQuality: 'synced',
  rssBytes: 90_000_000,
  milliCelsius: -4_000,
};

test('Health is read the same from CBOR and from JSON', (t) => {
  const fromCbor = readRecord(gatewayHealth, encodeRecord(gatewayHealth, health));
  t.deepEqual(fromCbor, health);
  t.deepEqual(readRecord(gatewayHealth, Buffer.from(JSON.stringify(health))), health);
});

const state = (online: boolean, connection: number) => ({
  device: 'cart-0001',
  topic: 'state',
  payload: Buffer.from(
    JSON.stringify({
      online,
      connection,
      ledger: '00'.repeat(8),
      boot: 1,
      ...(online ? { software: 'cartwright/1' } : {}),
    }),
  ),
});
const reported = (more: object) => ({
  device: 'cart-0001',
  topic: 'health',
  payload: Buffer.from(JSON.stringify({ ...health, ...more })),
});

test('The fleet knows who is well, has a fault, is due, or is away; a late will of an old connection means nothing', (t) => {
  const fleet = new Fleet();
  const condition = () =>
    conditionOf(
      fleet.get('cart-0001') ?? { id: '', state: undefined, health: undefined, calibration: undefined },
    );
  t.is(condition(), 'unknown');
  fleet.take(state(true, 4));
  fleet.take(reported({}));
  t.is(condition(), 'ok');
  const safe = { mode: 'safe', safe: { cause: 'hung', retryS: 600 } };
  const resting = { ...JSON.parse(String(state(true, 4).payload)), ...safe };
  fleet.take({ ...state(true, 4), payload: Buffer.from(JSON.stringify(resting)) });
  t.is(condition(), 'fault', 'out of service, whatever its last health was');
  fleet.take(state(true, 4));
  t.is(condition(), 'ok');
  fleet.take(reported({ sensors: [{ id: 'cell-fl', ok: false, ratePerMinute: 0, fault: 'CW-DRV-001' }] }));
  t.is(condition(), 'fault');
  fleet.take(
    reported({
      calibration: {
        revision: 7,
        ageS: 86_400 * 400,
        due: true,
        reasons: [{ code: 'age', message: 'it is 400 days old' }],
      },
    }),
  );
  t.is(condition(), 'due');
  t.deepEqual(fleet.get('cart-0001')?.calibration, {
    due: true,
    reasons: ['it is 400 days old'],
    revision: 7,
    ageDays: 400,
  });
  fleet.take(state(false, 3));
  t.is(condition(), 'due');
  fleet.take(state(false, 4));
  t.is(condition(), 'offline');
  t.is(fleet.get('cart-0001')?.state?.software, 'cartwright/1');
  t.false(fleet.take({ device: 'cart-0001', topic: 'health', payload: Buffer.from('{') }));
  t.false(fleet.take({ device: '_store', topic: 'keys', payload: Buffer.from('x') }));
});

test('Weights are read as people write them', (t) => {
  t.deepEqual(readWeights('2 kg, 5kg; W7=10 kg m1\n500 g F2, 2kg'), [
    { id: '2kg', massMg: 2_000_000 },
    { id: '5kg', massMg: 5_000_000 },
    { id: 'W7', massMg: 10_000_000, class: 'M1' },
    { id: '500g', massMg: 500_000, class: 'F2' },
    { id: '2kg-2', massMg: 2_000_000 },
  ]);
  for (const typed of ['5', '5 lb', '-5 kg', '0 kg', '5 kg X1', 'W7='])
    t.is(readWeights(typed), undefined, typed);
});

test('A changed record of an audit log is found by the page, and so is a missing one', async (t) => {
  let head = emptyHead;
  const lines = ['log.level', 'calibration.commit', 'keys.changed', 'vision.erase'].map((what) => {
    const next = chainLine(head, { what, who: '17' });
    head = next.head;
    return next.line.toString().trimEnd();
  });
  const holds = async (given: readonly string[]) => (await readChain(given)).map((one) => one.holds);
  t.deepEqual(await holds(lines), [true, true, true, true]);
  t.deepEqual(await holds(lines.map((line) => line.replace('calibration.commit', 'calibration.commIt'))), [
    true,
    false,
    true,
    true,
  ]);
  t.deepEqual(await holds(lines.filter((_line, index) => index !== 2)), [true, true, false]);
});
