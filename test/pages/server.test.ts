import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { silentLogger } from '#base/log.ts';
import { PagesError } from '#pages/errors.ts';
import { startStatusPage } from '#pages/status/server.ts';
import type { StatusPicture } from '#pages/status/source.ts';
import { basket, cartPlate, makeEvent, ScriptedSource } from './scripted-source.ts';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** A request with exactly these headers; `fetch` would not let a test lie about Host. */
function ask(
  url: string,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(new URL(path, url), { method, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
    sent.once('error', reject).end();
  });
}

/** An open event stream that collects what it hears. */
async function watch(url: string) {
  const stop = new AbortController();
  const response = await fetch(new URL('api/stream', url), { signal: stop.signal });
  const heard: { name: string; payload: unknown }[] = [];
  const reading = (async () => {
    let rest = '';
    for await (const chunk of response.body ?? []) {
      rest += Buffer.from(chunk).toString('utf8');
      const messages = rest.split('\n\n');
      rest = messages.pop() ?? '';
      for (const message of messages) {
        const match = /^event: ([^\n]*)\ndata: ([^\n]*)$/.exec(message);
        if (match) heard.push({ name: match[1] ?? '', payload: JSON.parse(match[2] ?? '') });
      }
    }
  })().catch(() => {});
  return {
    status: response.status,
    heard,
    names: () => heard.map((one) => one.name).filter((name) => name !== 'ping'),
    close: async () => {
      stop.abort();
      await reading;
    },
  };
}

async function until(t: ExecutionContext, what: string, condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 1_200; tries++) {
    if (condition()) return;
    await delay(25);
  }
  t.fail(`waited in vain: ${what}`);
}

async function serve(t: ExecutionContext, options: { source?: ScriptedSource; maxStreams?: number } = {}) {
  const source = options.source ?? new ScriptedSource();
  const page = await startStatusPage({
    port: 0,
    source,
    log: silentLogger,
    ...(options.maxStreams === undefined ? {} : { maxStreams: options.maxStreams }),
  });
  t.teardown(() => page.close());
  return { source, url: page.url };
}

test('the page comes with a policy that allows nothing from elsewhere', async (t) => {
  const { url } = await serve(t);
  const { status, headers, body } = await ask(url, '/');
  t.is(status, 200);
  t.regex(String(headers['content-type']), /^text\/html/);
  const policy = String(headers['content-security-policy']);
  t.regex(policy, /default-src 'none'/);
  t.notRegex(policy, /unsafe|https?:/);
  t.is(headers['x-content-type-options'], 'nosniff');
  t.notRegex(body, /(?:src|href)="https?:/);
  for (const asset of ['/main.js', '/style.css']) t.is((await ask(url, asset)).status, 200);
});

test('a page that has not changed is not sent again', async (t) => {
  const { url } = await serve(t);
  const first = await ask(url, '/main.js');
  const again = await ask(url, '/main.js', { 'if-none-match': String(first.headers.etag) });
  t.is(again.status, 304);
  t.is(again.body, '');
});

test('the snapshot holds everything, with the last minute and the latest events', async (t) => {
  const { url, source } = await serve(t, { source: new ScriptedSource({ basket }) });
  source.tell({ kind: 'event', event: makeEvent('item.added', { name: 'Tea' }) });
  source.tell({
    kind: 'weights',
    atUs: 600_100_000,
    plates: [{ id: 'basket', netMg: 5, stable: false, moving: false }],
  });
  await delay(150);
  source.tell({ kind: 'weights', atUs: 600_200_000, plates: [{ id: 'basket', stable: true, moving: true }] });
  await delay(150);
  const picture: StatusPicture = JSON.parse((await ask(url, '/api/snapshot')).body);
  t.is(picture.device, 'cart-0042');
  t.deepEqual(picture.basket, basket);
  t.deepEqual(picture.plates, [cartPlate]);
  t.deepEqual(
    picture.events.map((event) => event.data.name),
    ['Tea'],
  );
  t.deepEqual(picture.history, {
    atUs: [600_100_000, 600_200_000],
    netMg: { basket: [5, null] },
    unrest: [1, 2],
  });
});

test('a stream begins with the picture and goes on with what changes', async (t) => {
  const { url, source } = await serve(t);
  const stream = await watch(url);
  t.teardown(stream.close);
  await until(t, 'the picture', () => stream.names().includes('picture'));
  const event = makeEvent('item.added', { name: 'Two\nlines\u2028and more' });
  source.tell({ kind: 'event', event });
  source.change({ basket });
  await until(t, 'three updates', () => stream.names().length === 4);
  t.deepEqual(stream.names(), ['picture', 'event', 'health', 'basket']);
  t.deepEqual(stream.heard.find((one) => one.name === 'event')?.payload, { kind: 'event', event });
});

test('eighty readings a second become ten on the page, and the last one is always among them', async (t) => {
  const { url, source } = await serve(t);
  const stream = await watch(url);
  t.teardown(stream.close);
  await until(t, 'the picture', () => stream.names().length === 1);
  const started = performance.now();
  for (let index = 0; index <= 80; index++) {
    source.tell({
      kind: 'weights',
      atUs: index,
      plates: [{ id: 'basket', netMg: index, stable: true, moving: false }],
    });
    await delay(10);
  }
  const tenths = (performance.now() - started) / 100;
  const last = () =>
    stream.heard.findLast((one) => one.name === 'weights')?.payload as { atUs: number } | undefined;
  await until(t, 'the last reading', () => last()?.atUs === 80);
  const count = stream.names().length - 1;
  t.true(count >= 3 && count <= tenths + 2, `${count} in ${tenths.toFixed(1)} tenths of a second`);
});

for (const [who, headers] of [
  ['another name for this machine (DNS rebinding)', { host: 'evil.example' }],
  ['the right name with another port', { host: '127.0.0.1:1' }],
  ['a page of the internet', { origin: 'https://evil.example' }],
  ['a page in a sandbox', { origin: 'null' }],
  [
    'a script of another site that hides its origin',
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
  ],
] as const) {
  test(`what comes from ${who} is refused with a code`, async (t) => {
    const { url } = await serve(t);
    for (const path of ['/', '/api/snapshot', '/api/stream']) {
      const answer = await ask(url, path, headers);
      t.is(answer.status, 403, path);
      t.is(JSON.parse(answer.body).code, 'CW-PAG-003');
      t.is(answer.headers['access-control-allow-origin'], undefined);
    }
  });
}

test('localhost and a link from elsewhere are welcome', async (t) => {
  const { url } = await serve(t);
  const { port } = new URL(url);
  t.is((await ask(url, '/', { host: `localhost:${port}`, origin: `http://localhost:${port}` })).status, 200);
  t.is((await ask(url, '/', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' })).status, 200);
});

test('the page only reads, and has no files but its own', async (t) => {
  const { url } = await serve(t);
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    t.is((await ask(url, '/api/snapshot', {}, method)).status, 405, method);
  }
  for (const path of ['/server.ts', '/..%2fserver.ts', '/dist/main.js', '/constructor', '/:0/x']) {
    t.is((await ask(url, path)).status, 404, path);
  }
});

test('too many watchers are turned away with a code, and one that leaves makes room', async (t) => {
  const { url } = await serve(t, { maxStreams: 2 });
  const streams = [await watch(url), await watch(url)];
  const refused = await ask(url, '/api/stream');
  t.is(refused.status, 503);
  t.is(JSON.parse(refused.body).code, 'CW-PAG-005');
  await streams[0]?.close();
  for (let tries = 0; tries < 500; tries++) {
    const next = await watch(url);
    await next.close();
    if (next.status === 200) break;
    await delay(20);
    if (tries === 499) t.fail('the place was never free again');
  }
  await streams[1]?.close();
});

test('a client that stops reading is cut off; the others hear everything', async (t) => {
  const { url, source } = await serve(t);
  const { port, host } = new URL(url);
  const lazy = connect(Number(port), '127.0.0.1');
  lazy.write(`GET /api/stream HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  const cut = new Promise<void>((resolve) => {
    lazy.once('close', () => resolve());
    lazy.once('error', () => resolve());
  });
  await new Promise((resolve) => lazy.once('data', resolve));
  lazy.pause();
  const good = await watch(url);
  t.teardown(good.close);
  const padding = 'x'.repeat(50_000);
  const sent = 600;
  const heard = () => good.names().filter((name) => name === 'event').length;
  for (let index = 0; index < sent; index++) {
    source.tell({ kind: 'event', event: makeEvent('look.seen', { padding, index }) });
    // However slow this machine is, the good client keeps up: only the other one lets things pile up.
    if (index % 10 === 9) await until(t, 'what was told so far', () => heard() === index + 1);
  }
  await until(t, 'all events', () => heard() === sent);
  lazy.resume();
  await cut;
  t.pass();
});

test('a port that is taken, a foreign address and a page that is not built are told with a code', async (t) => {
  const { url } = await serve(t);
  const start = (options: object) =>
    startStatusPage({ port: 0, source: new ScriptedSource(), log: silentLogger, ...options });
  const taken = await t.throwsAsync(start({ port: Number(new URL(url).port) }), { instanceOf: PagesError });
  t.is(taken?.code, 'CW-PAG-002');
  t.regex(taken?.message ?? '', /status\.port/);
  const foreign = await t.throwsAsync(start({ host: '0.0.0.0' }), { instanceOf: PagesError });
  t.is(foreign?.code, 'CW-PAG-006');
  const unbuilt = await t.throwsAsync(start({ folder: '/nonexistent' }), { instanceOf: PagesError });
  t.is(unbuilt?.code, 'CW-PAG-001');
});

test('closing ends the streams, leaves the source and frees the port', async (t) => {
  const source = new ScriptedSource();
  const page = await startStatusPage({ port: 0, source, log: silentLogger });
  const stream = await watch(page.url);
  t.is(source.watchers, 1);
  await page.close();
  t.is(source.watchers, 0);
  await stream.close();
  const again = await startStatusPage({ port: Number(new URL(page.url).port), source, log: silentLogger });
  await again.close();
  t.pass();
});
