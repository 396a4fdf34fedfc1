import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { createRandom } from '#base/random.ts';
import { fetchArchive } from '#updates/fetching.ts';

const archive = Buffer.alloc(300_000, 'cart');
const manifest = {
  version: '1.4.0',
  bytes: archive.length,
  sha256: createHash('sha256').update(archive).digest('hex'),
};
const later = (action: () => void) => {
  setImmediate(action);
  return () => {};
};
/** Waits take no time. */
const clock = { nowUs: () => 0, after: (_us: number, action: () => void) => later(action) };

async function place(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-fetch-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function serve(
  t: ExecutionContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/a`;
}

const fetchTo = (to: string, urls: readonly string[], signal = new AbortController().signal) =>
  fetchArchive({ urls, manifest, to, maxBytesPerS: 1e9, clock, random: createRandom(1), signal });

test('an archive whose transfer breaks off again and again is fetched piece by piece', async (t) => {
  const ranges: (string | undefined)[] = [];
  const url = await serve(t, (request, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    ranges.push(request.headers.range);
    if (from > 0)
      response.writeHead(206, { 'content-range': `bytes ${from}-${archive.length - 1}/${archive.length}` });
    response.write(archive.subarray(from, from + 100_000), () => {
      if (from + 100_000 >= archive.length) response.end();
      else setTimeout(() => response.destroy(), 20);
    });
  });
  const folder = await place(t);
  await writeFile(join(folder, '1.3.0.tar.gz.part'), 'of another release');
  const to = join(folder, '1.4.0.tar.gz');
  await fetchTo(to, [url]);
  t.true(archive.equals(await readFile(to)));
  t.deepEqual(await readdir(folder), ['1.4.0.tar.gz']);
  t.is(ranges[0], undefined);
  t.true(ranges.length >= 2 && ranges.slice(1).every((range) => range !== undefined));
});

test('what is too long, another archive, or on an address that is not taken, is left for the next address', async (t) => {
  const long = await serve(t, (_request, response) => void response.end(Buffer.concat([archive, archive])));
  const other = await serve(t, (_request, response) => void response.end(Buffer.alloc(archive.length)));
  const gone = await serve(t, (_request, response) => void response.writeHead(404).end());
  const folder = await place(t);
  const stick = join(await place(t), 'stick.tar.gz');
  await writeFile(stick, archive);
  const to = join(folder, '1.4.0.tar.gz');
  const bad = ['http://example.org/a', 'ftp://x/a', 'no address', long, other, gone];
  await t.throwsAsync(fetchTo(to, bad), { code: 'CW-UPD-051', message: /404/ });
  t.deepEqual(await readdir(folder), []);
  await fetchTo(to, [...bad, pathToFileURL(stick).href]);
  t.true(archive.equals(await readFile(to)));
});

test('a fetch that is no longer wanted ends', async (t) => {
  const over = new AbortController();
  const url = await serve(t, (_request, response) => {
    response.write(archive.subarray(0, 1_000));
    setTimeout(() => over.abort(), 10);
  });
  await t.throwsAsync(fetchTo(join(await place(t), 'a.tar.gz'), [url], over.signal), { name: 'AbortError' });
});
