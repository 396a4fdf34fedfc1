import { mkdtemp, rm } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { silentLogger } from '#base/log.ts';
import { makeCertificate, readCertificate } from '#console/certificate.ts';
import { CodeBook } from '#console/codes.ts';
import { KeyDesk, type KeyDeskOptions } from '#console/key-desk.ts';
import { startConsole } from '#console/server.ts';
import type { KeyList } from '#identity/key-list.ts';
import { fixedKey } from '#test/identity/support.ts';

export const store = 'test-store';
export const root = fixedKey('root');

export interface Published {
  readonly topic: string;
  readonly bytes: Uint8Array;
}

/** Code book and key desk in a folder of their own, with a list of keys in memory and what would go to the broker. */
export async function makeDesk(t: ExecutionContext, more: Partial<KeyDeskOptions> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-console-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const codes = new CodeBook(join(folder, 'codes'), store);
  const published: Published[] = [];
  const time = { nowMs: Date.UTC(2026, 10, 23, 10) };
  const memory: { list: KeyList } = { list: { version: 0, issued: 0, keys: [] } };
  const desk = new KeyDesk({
    store,
    list: {
      read: async () => memory.list,
      writeNext: async (before, keys) => {
        memory.list = { version: before.version + 1, issued: time.nowMs, keys };
        return memory.list;
      },
    },
    root,
    requestFolder: join(folder, 'requests'),
    codes,
    publish: async (topic, bytes) => void published.push({ topic, bytes }),
    nowMs: () => time.nowMs,
    wait: async () => {},
    log: silentLogger,
    ...more,
  });
  return { folder, codes, desk, published, time, memory };
}

/** A console on a free port of loopback, with a certificate of its own. */
export async function startServer(
  t: ExecutionContext,
  keys: Pick<KeyDesk, 'enrol' | 'revoke'>,
  render: (report: unknown) => string = () => '',
) {
  const folder = await mkdtemp(join(tmpdir(), 'cartwright-console-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const files = { certificate: join(folder, 'c.pem'), key: join(folder, 'k.pem') };
  await makeCertificate(files, ['localhost', '127.0.0.1']);
  const server = await startConsole({
    host: '127.0.0.1',
    port: 0,
    names: ['console.example'],
    certificate: await readCertificate(files, Date.now()),
    settings: { store, broker: 'wss://broker.example:8884', software: 'cartwright/test', direct: true },
    keys,
    render,
    log: silentLogger,
  });
  t.teardown(() => server.close());
  return { port: server.port, files };
}

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Address of loopback that is asked from. */
  readonly from?: string;
}

/** Asks the console as a browser on its own page would, except for what is said otherwise. */
export function ask(port: number, { method = 'GET', path = '/', headers = {}, body, from }: Asked = {}) {
  const own = {
    host: `localhost:${port}`,
    ...(method === 'POST' ? { origin: `https://localhost:${port}` } : {}),
  };
  return new Promise<{
    readonly status: number;
    readonly headers: NodeJS.Dict<string | string[]>;
    readonly text: string;
  }>((resolve, reject) => {
    const request = httpsRequest(
      {
        ...{ host: '127.0.0.1', port, path, method, headers: { ...own, ...headers } },
        ...{ rejectUnauthorized: false, localAddress: from },
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(parts).toString(),
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}
