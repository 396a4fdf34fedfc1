import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import type { Logger } from '#base/log.ts';
import { loadAssets } from '../assets.ts';
import { checkAddressee, secure } from '../requests.ts';
import {
  addressOf,
  closeServer,
  demandLoopback,
  listen,
  sendAsset,
  sendError,
  sendJson,
  Watchers,
} from '../serving.ts';
import { StatusFeed } from './feed.ts';
import type { StatusSource } from './source.ts';

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

/**
 * Serves the status page on loopback. It only reads, so it needs no token; who may read it is anyone with an account on
 * this machine. `GET /` the page, `GET /api/snapshot` all of it as JSON, `GET /api/stream` as Server-Sent Events.
 * Rejects with CW-PAG-001 (not built), -002 (port taken) or -006 (not loopback).
 */
export async function startStatusPage(options: StatusPageOptions): Promise<StatusPage> {
  const host = options.host ?? '127.0.0.1';
  demandLoopback('status page', host);
  const folder = options.folder ?? fileURLToPath(new URL('./dist', import.meta.url));
  const assets = await loadAssets(folder);
  const feed = new StatusFeed(options.source);
  const watchers = new Watchers(options.maxStreams ?? 16);
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000, maxHeaderSize: 8_192 });
  server.maxConnections = 4 * (options.maxStreams ?? 16);
  let port = 0;

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
        watchers.open(response, feed.picture(), (send) => feed.on(send));
      } else {
        sendAsset(request, response, assets.get(path));
      }
    } catch (error) {
      sendError(response, error, options.log);
    }
  });
  port = await listen(server, host, options.port, 'status.port');
  feed.start();

  return {
    url: addressOf(host, port),
    async close() {
      feed.stop();
      watchers.close();
      await closeServer(server);
    },
  };
}
