import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Logger } from '#base/log.ts';
import { RateLimit } from '#base/rate-limit.ts';
import { loadAssets } from '../assets.ts';
import { PagesError } from '../errors.ts';
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
import { shoppersArguments } from './commands.ts';
import type { DisplaySource } from './source.ts';

export interface DisplayPageOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** Loopback only; 127.0.0.1 unless told. */
  readonly host?: string;
  readonly source: DisplaySource;
  readonly log: Logger;
  /** How many pages may watch at once; 4 unless told: a cart has one screen. */
  readonly maxStreams?: number;
  /** The built page; the one beside this file unless told. */
  readonly folder?: string;
}

export interface DisplayPage {
  /** `http://127.0.0.1:8081/` */
  readonly url: string;
  /** Ends every stream and frees the port. */
  close(): Promise<void>;
}

const largestBody = 16 * 1024;
/** Nobody touches faster than that for long: so many at once, and so many a minute. */
const touches = { burst: 20, perMinute: 240 };

const pictureTypes: Readonly<Record<string, string>> = {
  '.webp': 'image/webp',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
};

const actSchema = z.strictObject({
  command: z.string().max(64),
  args: z.record(z.string().max(32), z.unknown()),
  transaction: z.string().min(8).max(64),
});

/**
 * Serves the shopper's display on loopback: `GET /` the page, `GET /api/stream` what it shows as Server-Sent Events,
 * `GET /api/produce` what can be looked up, `GET /api/pictures/NAME`, and `POST /api/act` for what is touched. That
 * needs the token that the stream began with, which a page of another origin can't read, and is what `shoppersArguments` lets a shopper do.
 * Rejects with CW-PAG-001 (not built), -002 (port taken) or -006 (not loopback).
 */
export async function startDisplayPage(options: DisplayPageOptions): Promise<DisplayPage> {
  const host = options.host ?? '127.0.0.1';
  demandLoopback("shopper's page", host);
  const { source, log } = options;
  const assets = await loadAssets(options.folder ?? fileURLToPath(new URL('./dist', import.meta.url)));
  const token = randomBytes(24).toString('base64url');
  const limit = new RateLimit(touches.burst, touches.perMinute);
  const watchers = new Watchers(options.maxStreams ?? 4);
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000, maxHeaderSize: 8_192 });
  server.maxConnections = 64;
  let port = 0;

  const get = async (path: string, request: IncomingMessage, response: ServerResponse) => {
    if (path === '/api/stream') {
      const picture = { kind: 'picture', token, settings: source.settings, state: source.state() };
      watchers.open(response, picture, (send) => source.subscribe(send));
    } else if (path === '/api/produce') sendJson(response, 200, source.produce());
    else if (path.startsWith('/api/pictures/')) await sendPicture(source, path.slice(14), response);
    else sendAsset(request, response, assets.get(path));
  };
  const act = async (request: IncomingMessage, response: ServerResponse) => {
    if (!isToken(token, request.headers['x-cartwright-token'])) {
      throw new PagesError('CW-PAG-003', 'what is touched needs the token of this page: reload it');
    }
    if (!limit.admits(performance.now() * 1000)) {
      throw new PagesError('CW-PAG-008', 'too much is touched at once: wait a moment');
    }
    const { command, args, transaction } = readAct(await readBody(request));
    const outcome = await source.act(command, shoppersArguments(command, args), transaction);
    sendJson(response, 200, outcome);
  };

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    secure(response);
    checkAddressee(request, port);
    const path = (request.url ?? '/').replace(/[?#].*$/s, '');
    if (path === '/api/act') {
      if (request.method === 'POST') await act(request, response);
      else response.writeHead(405, { Allow: 'POST' }).end();
    } else if (request.method === 'GET' || request.method === 'HEAD') await get(path, request, response);
    else response.writeHead(405, { Allow: 'GET, HEAD' }).end();
  };
  server.on('request', (request, response) => {
    answer(request, response).catch((error: unknown) => sendError(response, error, log));
  });
  port = await listen(server, host, options.port, 'display.port');

  return {
    url: addressOf(host, port),
    async close() {
      watchers.close();
      await closeServer(server);
    },
  };
}

function isToken(token: string, given: string | string[] | undefined): boolean {
  if (typeof given !== 'string' || given.length !== token.length) return false;
  return timingSafeEqual(Buffer.from(given), Buffer.from(token));
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > largestBody) {
      throw new PagesError('CW-PAG-007', `the request has more than ${largestBody} bytes`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function readAct(body: string): z.infer<typeof actSchema> {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (cause) {
    throw new PagesError('CW-PAG-007', 'the request is no JSON', { cause });
  }
  const result = actSchema.safeParse(value);
  if (!result.success) {
    throw new PagesError('CW-PAG-007', 'the request needs {command, args, transaction}');
  }
  return result.data;
}

/** Pictures are named by what they show and change with the software alone, so a browser may keep them for a day. */
async function sendPicture(source: DisplaySource, name: string, response: ServerResponse): Promise<void> {
  const path = source.pictureFile(name);
  const type = path === undefined ? undefined : pictureTypes[extname(path).toLowerCase()];
  if (path === undefined || type === undefined) {
    throw new PagesError('CW-PAG-004', 'there is no such picture');
  }
  const body = await readFile(path);
  response.writeHead(200, {
    'Content-Type': type,
    'Content-Length': body.length,
    'Cache-Control': 'private, max-age=86400',
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}
