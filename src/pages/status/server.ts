import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describeError, isCoded } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { type Asset, loadAssets } from '../assets.ts';
import { PagesError } from '../errors.ts';
import { checkAddressee, loopbackHosts, secure } from '../requests.ts';
import { StatusFeed } from './feed.ts';
import type { StatusSource } from './source.ts';
import { StatusStream } from './streams.ts';

export interface StatusPageOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** Loopback only; 127.0.0.1 unless told. */
  readonly host?: string;
  readonly source: StatusSource;
  readonly log: Logger;
  /** How many pages may watch at once; 16 unless told. */
  readonly maxStreams?: number;
  /** The built page; the one beside this file unless told. */
  readonly folder?: string;
}

export interface StatusPage {
  /** `http://127.0.0.1:8080/` */
  readonly url: string;
  /** Ends every stream and frees the port. */
  close(): Promise<void>;
}

const statusOf: Readonly<Record<string, number>> = {
  'CW-PAG-003': 403,
  'CW-PAG-004': 404,
  'CW-PAG-005': 503,
};

/**
 * Serves the status page on loopback. It only reads, so it needs no token; who may read it is anyone with an account on
 * this machine. `GET /` the page, `GET /api/snapshot` all of it as JSON, `GET /api/stream` as Server-Sent Events.
 * Rejects with CW-PAG-001 (not built), -002 (port taken) or -006 (not loopback).
 */
export async function startStatusPage(options: StatusPageOptions): Promise<StatusPage> {
  const host = options.host ?? '127.0.0.1';
  if (!loopbackHosts.includes(host)) {
    throw new PagesError(
      'CW-PAG-006',
      `the status page listens on ${loopbackHosts.join(', ')}, not on ${host}`,
    );
  }
  const folder = options.folder ?? fileURLToPath(new URL('./dist', import.meta.url));
  const assets = await loadAssets(folder);
  const feed = new StatusFeed(options.source);
  const streams = new Set<StatusStream>();
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000, maxHeaderSize: 8_192 });
  server.maxConnections = 4 * (options.maxStreams ?? 16);
  let port = 0;

  const openStream = (response: ServerResponse) => {
    if (streams.size >= (options.maxStreams ?? 16)) {
      response.setHeader('Retry-After', '5');
      throw new PagesError('CW-PAG-005', `${streams.size} pages watch already: close one`);
    }
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    const stream = new StatusStream(response, feed.picture());
    streams.add(stream);
    const unsubscribe = feed.on((update) => stream.send(update));
    response.once('close', () => {
      unsubscribe();
      streams.delete(stream);
    });
  };

  server.on('request', (request, response) => {
    secure(response);
    try {
      checkAddressee(request, port);
      const path = (request.url ?? '/').replace(/[?#].*$/s, '');
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        response.writeHead(405, { Allow: 'GET, HEAD' }).end();
      } else if (path === '/api/snapshot') {
        sendJson(response, 200, feed.picture());
      } else if (path === '/api/stream' && request.method === 'GET') {
        openStream(response);
      } else {
        sendAsset(request, response, assets.get(path));
      }
    } catch (error) {
      sendError(response, error, options.log);
    }
  });
  port = await listen(server, host, options.port);
  feed.start();

  const shown = host === '::1' ? '[::1]' : host;
  return {
    url: `http://${shown}:${port}/`,
    async close() {
      feed.stop();
      for (const stream of streams) stream.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is taken' : `can't be used (${error.message})`;
      const cure = 'set `status.port` to another one (0 takes a free one)';
      reject(new PagesError('CW-PAG-002', `port ${port} on ${host} ${why}: ${cure}`, { cause: error }));
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

function sendAsset(request: IncomingMessage, response: ServerResponse, asset: Asset | undefined): void {
  if (asset === undefined) throw new PagesError('CW-PAG-004', 'there is nothing at this address');
  const headers = { ETag: asset.etag, 'Cache-Control': 'no-cache' };
  if (request.headers['if-none-match'] === asset.etag) {
    response.writeHead(304, headers).end();
    return;
  }
  response.writeHead(200, { ...headers, 'Content-Type': asset.type, 'Content-Length': asset.body.length });
  response.end(request.method === 'HEAD' ? undefined : asset.body);
}

function sendJson(response: ServerResponse, status: number, value: object): void {
  const body = JSON.stringify(value);
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

function sendError(response: ServerResponse, error: unknown, log: Logger): void {
  const code = isCoded(error) ? error.code : undefined;
  const status = code === undefined ? 500 : (statusOf[code] ?? 500);
  if (status === 500) log.error({ error: describeError(error) }, 'the status page could not answer');
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const message = status === 500 ? 'the page could not answer; its log says why' : (error as Error).message;
  sendJson(response, status, { ...(code === undefined ? {} : { code }), message });
}
