import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import test from 'ava';
import { Authority, initAuthority } from '#authority/authority.ts';
import { rightsWithout } from '#authority/broker.ts';
import { readClaim } from '#identity/claim.ts';
import { makePrivateKey } from '#identity/keys.ts';
import { makeRequest } from '#identity/request.ts';
import { type Bench, hour, openBench, scratch } from './support.ts';

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** What anybody on the network may send. */
function send(
  bench: Bench,
  path: string,
  body?: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(new URL(path, bench.url), {
      method: body === undefined ? 'GET' : 'POST',
      ca: bench.authority.root,
      agent: false,
      headers,
    });
    request.once('error', reject);
    request.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
    });
    request.end(body);
  });
}

const code = ({ body }: Answer) => (JSON.parse(body) as { code?: string }).code;

test('anything but a request of the contract is refused with a code, and shows nothing of what was sent', async (t) => {
  const bench = await openBench(t);
  const secret = 'SECRET-CLAIM-7K3M';
  for (const [path, body, headers, expected] of [
    ['/', undefined, {}, 'CW-CAU-007'],
    ['/v1/time', undefined, {}, 'CW-CAU-007'],
    ['/v1/time?nonce=../../etc', undefined, {}, 'CW-CAU-007'],
    ['/v1/enrol', undefined, {}, 'CW-CAU-007'],
    ['/v1/enrol', secret, {}, 'CW-CAU-007'],
    ['/v1/enrol', JSON.stringify({ device: 'cart-1', claim: secret }), {}, 'CW-CAU-007'],
    ['/v1/enrol', JSON.stringify({ device: 'cart-1', claim: secret, request: 'AAAA' }), {}, 'CW-IDN-015'],
    [
      '/v1/renew',
      JSON.stringify({ certificate: secret, request: 'AAAA', signature: 'AAAA' }),
      {},
      'CW-CAU-006',
    ],
    ['/v1/enrol', '{}', { origin: 'https://elsewhere.example' }, 'CW-CAU-007'],
    ['/v1/enrol', 'x'.repeat(20_000), {}, 'CW-CAU-007'],
  ] as const) {
    const answer = await send(bench, path, body, headers);
    t.is(code(answer), expected, `${path} ${body?.slice(0, 40)}`);
    t.true(answer.status >= 400 && answer.status < 500);
    t.false(answer.body.includes(secret));
  }
  t.is((await send(bench, `/v1/time?nonce=${randomBytes(16).toString('hex')}`)).status, 200);
});

test('whoever asks too often waits, and is answered again a minute later', async (t) => {
  let nowUs = 0;
  const bench = await openBench(t, { nowUs: () => nowUs });
  const ask = () => send(bench, `/v1/time?nonce=${'0'.repeat(32)}`);
  const statuses = await Promise.all(Array.from({ length: 121 }, ask));
  t.is(statuses.filter(({ status }) => status === 200).length, 120);
  t.is(code(await ask()), 'CW-CON-006');
  nowUs += 60_000_000;
  t.is((await ask()).status, 200);
});

test('nothing that is kept of a claim or a device lets anybody be that device', async (t) => {
  const folder = join(await scratch(t), 'authority');
  await initAuthority(folder, 'lab', Date.now());
  const authority = await Authority.open(folder);
  const { claim } = authority.claim('cart-1', Date.now(), hour, false);
  const plain = readClaim(claim);
  const { pem } = makePrivateKey('ES256');
  await authority.enrol(plain, 'cart-1', await makeRequest('cart-1', pem), Date.now());
  authority.close();
  const record = await readFile(join(folder, 'authority.sqlite'));
  for (const secret of [claim, plain, pem.slice(40, 100), createHash('sha256').update(plain).digest('hex')]) {
    t.false(record.includes(secret));
  }
});

test('an authority is never written over, and one that is not whole is told', async (t) => {
  const folder = join(await scratch(t), 'authority');
  await t.throwsAsync(Authority.open(folder), { code: 'CW-CAU-002', message: /authority init/ });
  await initAuthority(folder, 'lab', Date.now());
  await t.throwsAsync(initAuthority(folder, 'lab', Date.now()), { code: 'CW-CAU-002' });
});

test('rights of devices that are shut out stand at the end, and go when they are no more', (t) => {
  const rights = 'pattern readwrite cw/1/lab/%u/#\nuser store\ntopic readwrite cw/1/lab/#\n';
  const once = rightsWithout(rights, ['cart-1', 'bad name\nuser store']);
  t.true(once.startsWith(rights));
  t.regex(once, /user cart-1\ntopic deny #\n$/);
  t.false(once.includes('bad name'));
  t.is(rightsWithout(once, ['cart-1']), rightsWithout(rights, ['cart-1']));
  t.is(rightsWithout(once, []), rights);
});
