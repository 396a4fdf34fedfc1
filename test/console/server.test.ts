import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import anyTest from 'ava';
import { makeCertificate, readCertificate } from '#console/certificate.ts';
import { enrolmentProof, enrolmentText, stretchCode } from '#console/codes.ts';
import { freshKey } from '#test/identity/support.ts';
import { needs } from '#test/tools.ts';
import { ask, makeDesk, startServer, store } from './support.ts';

const test = needs(anyTest, 'openssl');

const nobody = {
  enrol: () => Promise.reject(new Error('not asked')),
  revoke: () => Promise.reject(new Error('not asked')),
};

test('The page is served with what keeps everything foreign out of it', async (t) => {
  const { port } = await startServer(t, nobody);
  const { status, headers, text } = await ask(port);
  t.is(status, 200);
  t.regex(text, /<script type="module" src="main.js">/);
  t.notRegex(text, /<script>|<style>|style=|https?:/);
  const policy = String(headers['content-security-policy']);
  for (const part of [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self' wss://broker.example:8884;",
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ]) {
    t.true(policy.includes(part), part);
  }
  t.notRegex(policy, /unsafe/);
  t.is(headers['x-content-type-options'], 'nosniff');
  t.regex(String(headers['strict-transport-security']), /max-age=\d{7,}/);
  t.is(headers['referrer-policy'], 'no-referrer');
  t.is((await ask(port, { path: '/main.js' })).status, 200);
  t.deepEqual(JSON.parse((await ask(port, { path: '/api/settings' })).text), {
    store,
    broker: 'wss://broker.example:8884',
    software: 'cartwright/test',
    direct: true,
  });
  for (const path of ['/../package.json', '/nothing', '/%2e%2e/', '/report/00']) {
    t.is((await ask(port, { path })).status, 404, path);
  }
  t.is((await ask(port, { method: 'PUT' })).status, 405);
});

test('Who calls the console by another name, or asks from a page of another origin, gets nothing', async (t) => {
  const { port } = await startServer(t, nobody);
  const get = async (headers: Readonly<Record<string, string>>) => (await ask(port, { headers })).status;
  t.is(await get({ host: 'console.example' }), 200);
  t.is(await get({ host: 'CONSOLE.example:8443' }), 200);
  t.is(await get({ host: 'evil.example' }), 403);
  t.is(await get({ origin: 'https://evil.example' }), 403);
  t.is(await get({ origin: 'null' }), 403);
  t.is(await get({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }), 403);
  t.is(await get({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }), 200);
  const post = async (headers: Readonly<Record<string, string>>) =>
    (await ask(port, { method: 'POST', path: '/api/enrol', headers, body: '{}' })).status;
  t.is(await post({}), 400);
  t.is(await post({ origin: `http://localhost:${port}` }), 403);
  t.is(await post({ origin: 'https://evil.example' }), 403);
});

test('A key is enrolled over HTTPS; bad requests are told apart, and tries are limited', async (t) => {
  const { desk, codes, time } = await makeDesk(t);
  const { port } = await startServer(t, desk);
  const { code } = await codes.issue({ role: 'technician', who: '17' }, time.nowMs);
  const send = async (typed: string) => {
    const key = freshKey();
    const { spki } = key.publicKey;
    const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
    const body = JSON.stringify({
      key: base64(spki),
      proof: base64(enrolmentProof(await stretchCode(typed, store), store, spki)),
      signature: base64(key.sign(enrolmentText(store, spki))),
    });
    const { status, text } = await ask(port, { method: 'POST', path: '/api/enrol', body });
    return { answered: status, ...(JSON.parse(text) as { code?: string; role?: string }) };
  };
  t.like(await send('AAAA-AAAA'), { answered: 403, code: 'CW-CON-005' });
  t.like(await send(code.toLowerCase()), { answered: 200, role: 'technician' });
  t.like(await send(code), { answered: 403, code: 'CW-CON-005' });
  const post = async (body: string) => (await ask(port, { method: 'POST', path: '/api/enrol', body })).status;
  t.is(await post('x'.repeat(20_000)), 400);
  const tried: number[] = [];
  while (tried.length < 40 && tried.at(-1) !== 429) tried.push(await post('{}'));
  t.is(tried.at(-1), 429);
});

test('A report is rendered for a window of its own, in a sandbox, under a name that nobody guesses', async (t) => {
  const { port } = await startServer(t, nobody, (report) => {
    if (report === null) throw new Error('empty');
    return `<!doctype html><title>${JSON.stringify(report)}</title>`;
  });
  const made = await ask(port, { method: 'POST', path: '/api/report', body: '{"revision":8}' });
  const { path } = JSON.parse(made.text) as { path: string };
  t.regex(path, /^\/report\/[0-9a-f]{32}$/);
  const shown = await ask(port, { path });
  t.regex(shown.text, /"revision":8/);
  t.regex(String(shown.headers['content-security-policy']), /default-src 'none'.*sandbox/);
  t.notRegex(String(shown.headers['content-security-policy']), /script-src/);
  for (const body of ['null', 'no JSON', 'x'.repeat(1_100_000)]) {
    t.is((await ask(port, { method: 'POST', path: '/api/report', body })).status, 400);
  }
});

test('Reports are counted, and somebody who asks for many throws out his own alone', async (t) => {
  const { port } = await startServer(t, nobody, String);
  const post = async (from: string) => {
    const { status, text } = await ask(port, { method: 'POST', path: '/api/report', body: '1', from });
    return { answered: status, path: (JSON.parse(text) as { path?: string }).path ?? '/' };
  };
  const hers = await post('127.0.0.2');
  const his: string[] = [];
  for (;;) {
    const { answered, path } = await post('127.0.0.3');
    if (answered !== 200 || his.length > 40) break;
    his.push(path);
  }
  t.true(his.length >= 12 && his.length < 40, String(his.length));
  t.is((await ask(port, { path: hers.path })).status, 200);
  t.is((await ask(port, { path: his[0] ?? '' })).status, 404);
  t.is((await ask(port, { path: his.at(-1) ?? '' })).status, 200);
  t.is((await post('127.0.0.2')).answered, 200);
});

test('Whoever tries codes, from however many addresses, does not keep an operator from revoking', async (t) => {
  let revoked = 0;
  const keys = { ...nobody, revoke: async () => ({ id: '00', version: ++revoked }) };
  const { port } = await startServer(t, keys);
  const post = async (path: string, from: string) =>
    (await ask(port, { method: 'POST', path, body: '{}', from })).status;
  const tried: number[] = [];
  for (let number = 1; number <= 60; number++)
    tried.push(await post('/api/enrol', `127.0.1.${Math.ceil(number / 5)}`));
  t.is(tried.at(-1), 429);
  t.is(await post('/api/revoke', '127.0.1.1'), 200);
  t.is(revoked, 1);
});

test('A certificate is made once, for its owner alone; one that is over or is none is told', async (t) => {
  const { files } = await startServer(t, nobody);
  t.is((await stat(files.key)).mode & 0o777, 0o600);
  const before = await readFile(files.certificate, 'utf8');
  t.false(await makeCertificate(files, ['other.example']));
  t.is(await readFile(files.certificate, 'utf8'), before);
  const { fingerprint, validTo } = await readCertificate(files, Date.now());
  t.regex(fingerprint, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  await t.throwsAsync(readCertificate(files, validTo.getTime() + 1), { code: 'CW-CON-001' });
  await writeFile(files.certificate, 'no certificate');
  await t.throwsAsync(readCertificate(files, Date.now()), { code: 'CW-CON-001' });
  const missing = join(files.key, 'nowhere');
  await t.throwsAsync(readCertificate({ certificate: missing, key: missing }, Date.now()), {
    code: 'CW-CON-001',
  });
});
