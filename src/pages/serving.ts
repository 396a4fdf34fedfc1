import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describeError, isCoded } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import type { Asset } from './assets.ts';
import { PagesError } from './errors.ts';
import { loopbackHosts } from './requests.ts';
import { PageStream, type PageUpdate } from './streams.ts';

const statusOf: Readonly<Record<string, number>> = {
  'CW-PAG-003': 403,
  'CW-PAG-004': 404,
  'CW-PAG-005': 503,
  'CW-PAG-007': 400,
  'CW-PAG-008': 429,
};

/** Throws CW-PAG-006 for an address that others than this machine can reach. */
export function demandLoopback(page: string, host: string): void {
  if (loopbackHosts.includes(host)) return;
  throw new PagesError('CW-PAG-006', `the ${page} listens on ${loopbackHosts.join(', ')}, not on ${host}`);
}

/**
 * Resolves with the port that the server listens on. Rejects with CW-PAG-002.
 * @param key the key of the configuration that has the port
 */
export function listen(server: Server, host: string, port: number, key: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is taken' : `can't be used (${error.message})`;
      const cure = `set \`${key}\` to another one (0 takes a free one)`;
      reject(new PagesError('CW-PAG-002', `port ${port} on ${host} ${why}: ${cure}`, { cause: error }));
    });
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

/** `http://127.0.0.1:8080/` */
export function addressOf(host: string, port: number): string {
  return `http://${host === '::1' ? '[::1]' : host}:${port}/`;
}

/** Answers with a file of the page, or with 304 where the browser has it. Throws CW-PAG-004 where there is none. */
export function sendAsset(
  request: IncomingMessage,
  response: ServerResponse,
  asset: Asset | undefined,
): void {
  if (asset === undefined) throw new PagesError('CW-PAG-004', 'there is nothing at this address');
  const headers = { ETag: asset.etag, 'Cache-Control': 'no-cache' };
  if (request.headers['if-none-match'] === asset.etag) {
    response.writeHead(304, headers).end();
    return;
  }
  response.writeHead(200, { ...headers, 'Content-Type': asset.type, 'Content-Length': asset.body.length });
  response.end(request.method === 'HEAD' ? undefined : asset.body);
}

export function sendJson(response: ServerResponse, status: number, value: object): void {
  const body = JSON.stringify(value);
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

/** Answers with what went wrong; what is not coded is logged, and told without its details. */
export function sendError(response: ServerResponse, error: unknown, log: Logger): void {
  const code = isCoded(error) ? error.code : undefined;
  const status = code === undefined ? 500 : (statusOf[code] ?? 500);
  if (status === 500) log.error({ error: describeError(error) }, 'a page could not answer');
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const message = status === 500 ? 'the page could not answer; its log says why' : (error as Error).message;
  sendJson(response, status, { ...(code === undefined ? {} : { code }), message });
}

/** The clients that watch a page. */
export class Watchers {
  /** With what ends their subscription. */
  readonly #streams = new Map<PageStream, () => void>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Begins to stream to one more client. Throws CW-PAG-005 where there are too many.
   * @param picture what it gets first
   * @param subscribe sends it every update; the function that it returns ends that
   */
  open(
    response: ServerResponse,
    picture: object,
    subscribe: (send: (update: PageUpdate) => void) => () => void,
  ): void {
    if (this.#streams.size >= this.#most) {
      response.setHeader('Retry-After', '5');
      throw new PagesError('CW-PAG-005', `${this.#streams.size} pages watch already: close one`);
    }
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    const stream = new PageStream(response, picture);
    this.#streams.set(
      stream,
      subscribe((update) => stream.send(update)),
    );
    response.once('close', () => this.#forget(stream));
  }

  close(): void {
    for (const stream of [...this.#streams.keys()]) {
      this.#forget(stream);
      stream.close();
    }
  }

  #forget(stream: PageStream): void {
    this.#streams.get(stream)?.();
    this.#streams.delete(stream);
  }
}

/** Ends every connection and frees the port. */
export async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
