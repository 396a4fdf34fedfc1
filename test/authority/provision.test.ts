import { createPublicKey, X509Certificate } from 'node:crypto';
import { readdir, readFile, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { followPem } from '#identity/chain.ts';
import { Credentials, openCredentials } from '#identity/credentials.ts';
import { AuthorityTalk } from '#identity/enrolment.ts';
import { checkHardware } from '#identity/hardware-check.ts';
import { makePrivateKey } from '#identity/keys.ts';
import { provision, renew } from '#identity/provision.ts';
import { makeRequest } from '#identity/request.ts';
import { hardware, openBench, scratch, store } from './support.ts';

const day = 86_400_000;
const taken = async () => {};

test('a device makes its key itself, and gets a certificate that says who it is and nothing more', async (t) => {
  const bench = await openBench(t, { broker: 'mqtts://broker.lab.example:8883' });
  const folder = join(await scratch(t), 'credentials');
  const credentials = await openCredentials(folder);
  const { changed, identity } = await provision(credentials, bench.claim('cart-0042'), hardware, false);
  t.true(changed);
  t.like(identity, { store, device: 'cart-0042', broker: 'mqtts://broker.lab.example:8883' });
  const pem = await readFile(join(folder, 'device.pem'), 'utf8');
  const certificate = new X509Certificate(pem);
  t.is(certificate.subject, 'CN=cart-0042');
  t.is(certificate.subjectAltName, 'URI:cartwright:lab/cart-0042');
  t.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.2'], 'client authentication alone');
  t.false(certificate.ca);
  t.is(Math.round((Date.parse(certificate.validTo) - bench.clock.ms) / day), 365);
  const key = await readFile(join(folder, 'device-key.pem'), 'utf8');
  t.regex(key, /PRIVATE KEY/);
  for (const file of ['generation-1', 'generation-1/device-key.pem']) {
    t.is((await stat(join(folder, file))).mode & 0o077, 0, `${file} is its owner's alone`);
  }
  t.is((await stat(folder)).mode & 0o777, 0o700);
  const record = JSON.stringify([
    bench.authority.book.claims(),
    bench.authority.book.certificates(),
    bench.authority.book.audit(),
  ]);
  t.false(record.includes('PRIVATE KEY'));
});

test('provisioning again changes nothing and asks nobody, and another name is refused', async (t) => {
  const bench = await openBench(t);
  const credentials = await openCredentials(join(await scratch(t), 'credentials'));
  const claim = bench.claim('cart-1');
  await provision(credentials, claim, hardware, false);
  const before = await readFile(join(credentials.folder, 'device.pem'), 'utf8');
  await bench.service.close();
  t.false((await provision(credentials, claim, hardware, false)).changed);
  t.is(await readFile(join(credentials.folder, 'device.pem'), 'utf8'), before);
  await t.throwsAsync(provision(credentials, { ...claim, device: 'cart-2' }, hardware, false), {
    code: 'CW-IDN-019',
  });
});

test('a claim is used once: another device with the same claim is refused', async (t) => {
  const bench = await openBench(t);
  const claim = bench.claim('cart-1');
  const [first, second] = await Promise.allSettled(
    ['a', 'b'].map(async (name) =>
      provision(await openCredentials(join(await scratch(t), name)), claim, hardware, false),
    ),
  );
  t.deepEqual([first?.status, second?.status].sort(), ['fulfilled', 'rejected']);
  t.is(bench.authority.book.certificates('cart-1').length, 1);
  const third = await openCredentials(join(await scratch(t), 'c'));
  const refused = { code: 'CW-IDN-018', message: /CW-CAU-003/ } as const;
  await t.throwsAsync(provision(third, claim, hardware, false), refused);
  // Nor one that takes the place of a device: whoever found it later would throw the device out.
  const replacing = bench.claim('cart-1', true);
  await provision(await openCredentials(join(await scratch(t), 'd')), replacing, hardware, false);
  await t.throwsAsync(provision(third, replacing, hardware, false), refused);
  t.is(
    bench.authority.book.certificates('cart-1').filter(({ revokedMs }) => revokedMs === undefined).length,
    1,
  );
});

test('a device that lost the answer asks again with the same key, and gets the same certificate', async (t) => {
  const bench = await openBench(t);
  const { claim } = bench.claim('cart-1');
  const { pem } = makePrivateKey('ES256');
  const request = await makeRequest('cart-1', pem);
  const first = await bench.authority.enrol(claim, 'cart-1', request, bench.clock.ms);
  // Also after the claim would be over: it was used in time.
  const again = await bench.authority.enrol(
    claim,
    'cart-1',
    await makeRequest('cart-1', pem),
    bench.clock.ms + 90 * day,
  );
  t.is(again.certificate, first.certificate);
  t.is(bench.authority.book.certificates('cart-1').length, 1);
});

test('a claim that is over, wrong, or of another device does not hold, and all refusals say the same', async (t) => {
  const bench = await openBench(t);
  const claim = bench.claim('cart-1').claim;
  const other = bench.claim('cart-2').claim;
  const late = bench.clock.ms + 73 * 3_600_000;
  const request = await makeRequest('cart-1', makePrivateKey('ES256').pem);
  const unknown = (await openBench(t)).claim('cart-1').claim;
  const refusals = await Promise.all(
    [
      bench.authority.enrol(claim, 'cart-1', request, late),
      bench.authority.enrol(other, 'cart-1', request, bench.clock.ms),
      bench.authority.enrol(unknown, 'cart-1', request, bench.clock.ms),
    ].map((one) => t.throwsAsync(one, { code: 'CW-CAU-003' })),
  );
  t.is(new Set(refusals.map((error) => error?.message)).size, 1);
  await t.throwsAsync(
    bench.authority.enrol(
      claim,
      'cart-1',
      await makeRequest('cart-9', makePrivateKey('ES256').pem),
      bench.clock.ms,
    ),
    { code: 'CW-CAU-004' },
  );
});

test('power may fail at any step of provisioning: the same command ends with one key, one certificate, one identity', async (t) => {
  const bench = await openBench(t);
  const whole = ['current', 'device-key.pem', 'device.pem', 'generation-1', 'identity.json', 'store-ca.pem'];
  for (const [index, lost] of [
    ['current', 'device-key.pem', 'device.pem', 'identity.json', 'store-ca.pem'],
    ['device-key.pem', 'device.pem', 'identity.json'],
    ['device.pem'],
    ['current'],
  ].entries()) {
    const device = `cart-${index}`;
    const claim = bench.claim(device);
    const credentials = await openCredentials(join(await scratch(t), 'credentials'));
    const key = await credentials.pendingKey(() => makePrivateKey('ES256').pem);
    t.is(await credentials.pendingKey(() => 'another'), key, 'the key that was made first stays');
    await provision(credentials, claim, hardware, false);
    // As if the last steps had not happened: names are linked one after the other, the pending key goes last.
    await rm(join(credentials.folder, 'generation-1'), { recursive: true });
    for (const name of lost) await rm(join(credentials.folder, name), { force: true });
    await symlink('current/device.pem', join(credentials.folder, 'device.pem.tmp'));
    const resumed = new Credentials(credentials.folder);
    await resumed.pendingKey(() => key);
    await provision(resumed, claim, hardware, false);
    t.is((await resumed.inForce())?.key, key);
    const names = (await readdir(credentials.folder)).filter((name) => !name.endsWith('.tmp')).sort();
    t.deepEqual(names, whole);
    t.is(bench.authority.book.certificates(device).length, 1);
  }
});

test('what answers with another root, another name or no time signed for this very question gets neither claim nor request', async (t) => {
  const bench = await openBench(t);
  const stranger = await openBench(t);
  const claim = bench.claim('cart-1');
  const folder = await scratch(t);
  for (const [name, wrong] of [
    ['root', { ...claim, authority: stranger.url }],
    ['fingerprint', { ...claim, fingerprint: stranger.fingerprint }],
    ['host', { ...claim, authority: claim.authority.replace('127.0.0.1', 'localhost') }],
    ['store', { ...claim, store: 'elsewhere' }],
  ] as const) {
    const credentials = await openCredentials(join(folder, name));
    await t.throwsAsync(provision(credentials, wrong, hardware, false), { code: 'CW-IDN-017' }, name);
  }
  t.deepEqual(
    stranger.authority.book.audit().map(({ what }) => what),
    ['server'],
  );
  t.deepEqual(
    bench.authority.book.claims().map(({ usedMs }) => usedMs),
    [undefined],
  );
  await bench.service.close();
  const credentials = await openCredentials(join(folder, 'gone'));
  await t.throwsAsync(provision(credentials, claim, hardware, false), { code: 'CW-IDN-016' });
});

test("a cart's certificate makes nobody the authority, and a certificate for another key or name is not taken", async (t) => {
  const bench = await openBench(t);
  const credentials = await openCredentials(join(await scratch(t), 'credentials'));
  await provision(credentials, bench.claim('cart-1'), hardware, false);
  const pair = await credentials.inForce();
  if (pair === undefined) throw new Error('it has a pair');
  const { root } = bench.authority;
  t.throws(() => followPem(pair.certificate + root, bench.fingerprint, 'server'), {
    code: 'CW-IDN-017',
    message: /not one for a server/,
  });
  t.notThrows(() => followPem(pair.certificate + root, bench.fingerprint, 'client'));
  const talk = new AuthorityTalk(bench.claim('cart-2'));
  const spkiOf = (pem: string) => createPublicKey(pem).export({ format: 'der', type: 'spki' });
  const answer = { certificate: pair.certificate, authority: bench.authority.chain };
  t.notThrows(() => talk.check(answer, 'cart-1', spkiOf(pair.key)));
  const refused = { code: 'CW-IDN-017', message: /another device or key/ } as const;
  t.throws(() => talk.check(answer, 'cart-2', spkiOf(pair.key)), refused);
  t.throws(() => talk.check(answer, 'cart-1', spkiOf(makePrivateKey('ES256').pem)), refused);
});

// By itself: it sets the clock of all tests of this file.
test.serial(
  'a device whose clock begins in 1970 takes the time from the authority, and judges certificates by it',
  async (t) => {
    const bench = await openBench(t);
    const real = Date.now;
    t.teardown(() => {
      Date.now = real;
    });
    Date.now = () => 3_600_000;
    const talk = new AuthorityTalk(bench.claim('cart-1'));
    t.is(await talk.time(), bench.clock.ms);
    const credentials = await openCredentials(join(await scratch(t), 'credentials'));
    t.is((await provision(credentials, bench.claim('cart-1'), hardware, false)).timeMs, bench.clock.ms);
    // The authority's own certificate is over by its own time: somebody found an old server key.
    bench.clock.ms += 3 * 365 * day;
    await t.throwsAsync(new AuthorityTalk(bench.claim('cart-2')).time(), {
      code: 'CW-IDN-017',
      message: /valid from/,
    });
  },
);

test('a certificate is renewed when less than a third of its life is left, with a new key, and the former one stays until then', async (t) => {
  const bench = await openBench(t);
  const credentials = await openCredentials(join(await scratch(t), 'credentials'));
  await provision(credentials, bench.claim('cart-1'), hardware, false);
  const before = await credentials.inForce();
  t.like(await renew(credentials, hardware, taken, bench.clock.ms + 200 * day), { done: 'not-due' });
  bench.clock.ms += 250 * day;
  // The broker does not take it: the former one stays in force, and the new one is kept.
  const refuse = async () => {
    throw new Error('the broker is away');
  };
  await t.throwsAsync(renew(credentials, hardware, refuse, bench.clock.ms), { message: /away/ });
  t.deepEqual(await credentials.inForce(), before);
  const waiting = await credentials.pendingCertificate();
  t.like(await renew(credentials, hardware, taken, bench.clock.ms), { done: 'renewed' });
  const after = await credentials.inForce();
  t.is(after?.certificate, waiting, 'asked again with the same key it is the same certificate');
  t.not(after?.key, before?.key);
  t.is(await credentials.pendingCertificate(), undefined);
  t.like(await renew(credentials, hardware, taken, bench.clock.ms), { done: 'not-due' });
  t.true((await readdir(credentials.folder)).includes('generation-1'), 'the one before stays beside it');
});

test('a renewal needs the key of the certificate, and none of a revoked or long forgotten one', async (t) => {
  const bench = await openBench(t);
  const credentials = await openCredentials(join(await scratch(t), 'credentials'));
  const thief = await openCredentials(join(await scratch(t), 'credentials'));
  await provision(credentials, bench.claim('cart-1'), hardware, false);
  await provision(thief, bench.claim('cart-2'), hardware, false);
  const [own, others] = [await credentials.inForce(), await thief.inForce()];
  if (own === undefined || others === undefined) throw new Error('both have a pair');
  const identity = await credentials.identity();
  if (identity === undefined) throw new Error('it has an identity');
  await t.throwsAsync(renew(credentials, hardware, taken, bench.clock.ms, true), {
    message: /CW-CAU-006 .*too early/,
  });
  bench.clock.ms += 300 * day;
  // The certificate of the one with the key of the other.
  await thief.adopt({ key: others.key, certificate: own.certificate }, bench.authority.chain, identity);
  await t.throwsAsync(renew(thief, hardware, taken, bench.clock.ms), { message: /CW-CAU-006 .*not signed/ });
  bench.authority.revoke('cart-1', 'stolen', bench.clock.ms);
  await t.throwsAsync(renew(credentials, hardware, taken, bench.clock.ms), {
    message: /CW-CAU-006 .*revoked/,
  });
});

test('an identity on other hardware is refused with what to do, and rebinding takes a fresh claim that ends the former certificate', async (t) => {
  const bench = await openBench(t);
  const credentials = await openCredentials(join(await scratch(t), 'credentials'));
  await provision(credentials, bench.claim('cart-1'), hardware, false);
  const clone = { board: ['another'], network: ['dc:a6:32:00:00:02'], storage: ['copied'] };
  await t.throwsAsync(renew(credentials, clone, taken, bench.clock.ms, true), { code: 'CW-IDN-020' });
  // On this machine, which is none of the bench's.
  t.throws(() => checkHardware(join(credentials.folder, 'device.pem')), {
    code: 'CW-IDN-020',
    message: /rebind CLAIM/,
  });
  t.throws(() => bench.claim('cart-1'), { code: 'CW-CAU-005', message: /--replace/ });
  const before = bench.authority.book.certificates('cart-1')[0]?.serial ?? '';
  const rebound = await provision(credentials, bench.claim('cart-1', true), clone, true);
  t.true(rebound.changed);
  t.deepEqual(bench.ended, ['cart-1'], 'whoever holds the former certificate is shut out at once');
  t.true(bench.authority.book.certificate(before)?.revokedMs !== undefined);
  t.false((await provision(credentials, bench.claim('cart-1', true), clone, false)).changed);
});

test('a device that was shut out and is provisioned anew gets its rights back at once', async (t) => {
  const bench = await openBench(t);
  const lost = await openCredentials(join(await scratch(t), 'credentials'));
  await provision(lost, bench.claim('cart-1'), hardware, false);
  bench.authority.revoke('cart-1', 'lost', bench.clock.ms);
  t.deepEqual(bench.authority.shutOut(bench.clock.ms), ['cart-1']);
  const found = await openCredentials(join(await scratch(t), 'credentials'));
  await provision(found, bench.claim('cart-1'), hardware, false);
  t.deepEqual(bench.ended, ['cart-1'], 'the broker is told');
  t.deepEqual(bench.authority.shutOut(bench.clock.ms), []);
});

test('a wiped device has no key, no certificate and no identity any more', async (t) => {
  const bench = await openBench(t);
  const credentials = await openCredentials(join(await scratch(t), 'credentials'));
  await provision(credentials, bench.claim('cart-1'), hardware, false);
  t.true(await credentials.wipe());
  t.deepEqual(await readdir(credentials.folder), []);
  t.false(await credentials.wipe());
});

test('a device has no name of a login of the broker', async (t) => {
  const bench = await openBench(t);
  for (const name of ['store', 'console', 'technician', 'authority', 'Cart', 'a/b', '']) {
    t.throws(() => bench.claim(name), { code: 'CW-CAU-005' }, name);
  }
});
