import { request as httpRequest } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { silentLogger } from '#base/log.ts';
import { startDisplayPage } from '#pages/display/server.ts';
import { PagesError } from '#pages/errors.ts';
import { ScriptedDisplay } from './display-source.ts';

interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  readonly body: string;
}

/** A request with exactly these headers; `fetch` would not let a test lie about Host and Origin. */
function ask(
  url: string,
  path: string,
  options: {
    readonly headers?: Record<string, string>;
    readonly method?: string;
    readonly body?: string;
  } = {},
): Promise<Answer> {
  const { headers = {}, method = 'GET', body = '' } = options;
  return new Promise((resolve, reject) => {
    const sent = httpRequest(new URL(path, url), { method, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, type: response.headers['content-type'], body: text }),
      );
    });
    sent.once('error', reject).end(body);
  });
}

async function serve(t: ExecutionContext, source = new ScriptedDisplay()) {
  const page = await startDisplayPage({ port: 0, source, log: silentLogger });
  t.teardown(() => page.close());
  return { url: page.url, source };
}

/** The token as the page gets it: with the first word of its stream. */
async function tokenOf(url: string): Promise<string> {
  const response = await fetch(new URL('api/stream', url));
  const reader = response.body?.getReader();
  let text = '';
  for (;;) {
    const part = await reader?.read();
    if (part?.value === undefined) throw new Error('the stream ended without a token');
    text += Buffer.from(part.value).toString('utf8');
    const token = /"token":"([\w-]+)"/.exec(text)?.[1];
    if (token === undefined) continue;
    await reader?.cancel();
    return token;
  }
}

const touch = (command: string, args: object = {}) =>
  JSON.stringify({ command, args, transaction: 'test-transaction' });

test('what is touched is carried out with the token of the page, as by a shopper', async (t) => {
  const { url, source } = await serve(t);
  const headers = { 'x-cartwright-token': await tokenOf(url) };
  const answer = await ask(url, '/api/act', {
    method: 'POST',
    headers,
    body: touch('line.dispute', { line: 2 }),
  });
  t.is(answer.status, 200);
  t.deepEqual(JSON.parse(answer.body), { status: 'done', data: {} });
  t.deepEqual(source.acts, [
    {
      command: 'line.dispute',
      args: { line: 2, by: { role: 'shopper' } },
      transaction: 'test-transaction',
    },
  ]);
});

test('nothing is carried out without the token, or with another one', async (t) => {
  const { url, source } = await serve(t);
  const body = touch('basket.help');
  const wrong = 'x'.repeat((await tokenOf(url)).length);
  for (const headers of [{}, { 'x-cartwright-token': 'short' }, { 'x-cartwright-token': wrong }]) {
    const answer = await ask(url, '/api/act', { method: 'POST', headers, body });
    t.is(answer.status, 403);
    t.is(JSON.parse(answer.body).code, 'CW-PAG-003');
  }
  t.deepEqual(source.acts, []);
});

test('the token is not in anything that another page may load', async (t) => {
  const { url } = await serve(t);
  const token = await tokenOf(url);
  for (const path of ['/', '/main.js', '/style.css', '/api/produce']) {
    const { status, body } = await ask(url, path);
    t.is(status, 200);
    t.false(body.includes(token), path);
  }
});

for (const [what, body] of [
  ['a command for staff', touch('line.void', { line: 1, by: { role: 'staff', who: '1' }, why: 'x' })],
  ['another command for staff', touch('basket.approve', { age: 18, by: { role: 'staff', who: '1' } })],
  ['a settlement', touch('checkout.settle', {})],
  ['a session by a token', touch('session.begin', { token: 'QR-0000' })],
  ["staff's word in a shopper's command", touch('basket.help', { by: { role: 'staff', who: '1' } })],
  ['a name of every object', touch('constructor')],
  [
    'an outcome that only fusion finds',
    touch('item.answer', { event: crypto.randomUUID(), outcome: 'added' }),
  ],
  ['no JSON', 'begin'],
  ['JSON of another shape', '{"command":"basket.help"}'],
  ['more than anybody touches', touch('item.identify', { plu: '4011', text: 'x'.repeat(20_000) })],
] as const) {
  test(`${what} is refused, and nothing is carried out`, async (t) => {
    const { url, source } = await serve(t);
    const headers = { 'x-cartwright-token': await tokenOf(url) };
    const answer = await ask(url, '/api/act', { method: 'POST', headers, body });
    t.is(answer.status, 400);
    t.is(JSON.parse(answer.body).code, 'CW-PAG-007');
    t.deepEqual(source.acts, []);
  });
}

test('a hundred touches at once are not carried out', async (t) => {
  const { url, source } = await serve(t);
  const headers = { 'x-cartwright-token': await tokenOf(url) };
  const statuses: number[] = [];
  for (let count = 0; count < 100; count++) {
    const { status } = await ask(url, '/api/act', { method: 'POST', headers, body: touch('basket.help') });
    statuses.push(status);
  }
  t.true(statuses.includes(429));
  t.true(source.acts.length < 100);
});

test('another site, another name of this machine and other methods are refused', async (t) => {
  const { url, source } = await serve(t);
  const token = await tokenOf(url);
  for (const headers of [
    { host: 'evil.example' },
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
  ] as readonly Record<string, string>[]) {
    const posted = {
      method: 'POST',
      headers: { ...headers, 'x-cartwright-token': token },
      body: touch('basket.help'),
    };
    t.is((await ask(url, '/api/act', posted)).status, 403);
    t.is((await ask(url, '/api/stream', { headers })).status, 403);
  }
  for (const method of ['PUT', 'DELETE', 'OPTIONS']) {
    t.is((await ask(url, '/api/act', { method })).status, 405);
    t.is((await ask(url, '/', { method })).status, 405);
  }
  t.is((await ask(url, '/api/act')).status, 405);
  t.deepEqual(source.acts, []);
});

test('pictures are those of the source alone', async (t) => {
  const { url } = await serve(t);
  const picture = await ask(url, '/api/pictures/Banana');
  t.is(picture.status, 200);
  t.is(picture.type, 'image/webp');
  for (const name of ['Nothing', '..%2f..%2fpackage.json', '../../package.json', 'constructor', '']) {
    t.is((await ask(url, `/api/pictures/${name}`)).status, 404, name);
  }
});

test('the display is for this machine alone, and says where its port is set', async (t) => {
  const { url, source } = await serve(t);
  const start = (options: object) => startDisplayPage({ port: 0, source, log: silentLogger, ...options });
  const foreign = await t.throwsAsync(start({ host: '0.0.0.0' }), { instanceOf: PagesError });
  t.is(foreign?.code, 'CW-PAG-006');
  const taken = await t.throwsAsync(start({ port: Number(new URL(url).port) }), { instanceOf: PagesError });
  t.is(taken?.code, 'CW-PAG-002');
  t.regex(taken?.message ?? '', /display\.port/);
});

test('a page that leaves is no longer told anything', async (t) => {
  const source = new ScriptedDisplay();
  const page = await startDisplayPage({ port: 0, source, log: silentLogger });
  const response = await fetch(new URL('api/stream', page.url));
  t.is(source.watchers, 1);
  await page.close();
  t.is(source.watchers, 0);
  await t.throwsAsync(response.text());
});
