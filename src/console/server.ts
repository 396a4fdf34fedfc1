import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { describeError, isCoded } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { RateLimit } from '#base/rate-limit.ts';
import { type Asset, loadAssets } from '#pages/assets.ts';
import { closeServer, listen, sendAsset, sendJson } from '#pages/serving.ts';
import type { Certificate } from './certificate.ts';
import { ConsoleError } from './errors.ts';
import type { KeyDesk } from './key-desk.ts';
import { checkAddressee, readBody, secure } from './requests.ts';

export interface ConsoleServerOptions {
  /** Address to listen on, and port; 0 takes a free one. */
  readonly host: string;
  readonly port: number;
  /** Names that it answers to, beside loopback's. */
  readonly names: readonly string[];
  readonly certificate: Pick<Certificate, 'cert' | 'key'>;
  /** What the page has to know: which store, and the broker's address for browsers (wss://…). */
  readonly settings: {
    readonly store: string;
    readonly broker: string;
    readonly software: string;
    readonly direct: boolean;
  };
  readonly keys: Pick<KeyDesk, 'enrol' | 'revoke'>;
  /** A report as one self-contained HTML file; throws where it is none. */
  readonly render: (report: unknown) => string;
  readonly log: Logger;
  /** The built page; src/pages/technician/dist unless told. */
  readonly folder?: string;
}

export interface ConsoleServer {
  readonly port: number;
  /** Ends every connection and frees the port. */
  close(): Promise<void>;
}

const loopback = ['localhost', '127.0.0.1', '[::1]'];
const largestBody = 16 * 1024;
const largestReport = 1024 * 1024;
/** Reports that wait to be looked at, in memory, for so long. */
const mostReports = 32;
const reportKeptMs = 15 * 60_000;
/** Tries of one address, and of all together: 40 bits of a code can't be guessed at this pace. */
const tries = { burst: 5, perMinute: 5, allBurst: 30, allPerMinute: 30, mostAddresses: 1_000 };

const statusOf: Readonly<Record<string, number>> = {
  'CW-CON-002': 403,
  'CW-CON-003': 400,
  'CW-CON-004': 404,
  'CW-CON-005': 403,
  'CW-CON-006': 429,
  'CW-CON-007': 503,
  'CW-CON-008': 403,
};

const base64 = (most: number) =>
  z
    .base64()
    .max(most)
    .transform((text) => Buffer.from(text, 'base64'));
const enrolment = z.strictObject({ key: base64(256), proof: base64(64), signature: base64(128) });

/** Limits how often secrets may be tried, by address and in all. */
class Tries {
  readonly #all = new RateLimit(tries.allBurst, tries.allPerMinute);
  readonly #of = new Map<string, RateLimit>();

  /** @throws CW-CON-006 */
  count(address: string): void {
    const nowUs = performance.now() * 1_000;
    if (this.#of.size >= tries.mostAddresses) this.#of.clear();
    const own = this.#of.get(address) ?? new RateLimit(tries.burst, tries.perMinute);
    this.#of.set(address, own);
    if (own.admits(nowUs) && this.#all.admits(nowUs)) return;
    throw new ConsoleError('CW-CON-006', 'too many tries: wait a minute');
  }
}

/** Rendered reports under names that nobody can guess, for a while: a new window can show and print them. */
class Reports {
  readonly #kept = new Map<string, { readonly html: string; readonly untilMs: number }>();

  add(html: string): string {
    const now = performance.now();
    for (const [id, { untilMs }] of this.#kept) if (untilMs < now) this.#kept.delete(id);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= mostReports && oldest !== undefined) this.#kept.delete(oldest);
    const id = randomBytes(16).toString('hex');
    this.#kept.set(id, { html, untilMs: now + reportKeptMs });
    return id;
  }

  get(id: string): string | undefined {
    return this.#kept.get(id)?.html;
  }
}

/**
 * Serves the technicians' page over HTTPS: `GET /` and its files, `GET /api/settings`, `POST /api/enrol`, `POST /api/revoke`
 * (a signed request, application/cose) and `POST /api/report`, which answers where the report can be looked at.
 * Rejects with CW-PAG-001 (the page is not built), CW-PAG-002 (port taken) or CW-CON-001 (certificate and key do not fit).
 */
export async function startConsole(options: ConsoleServerOptions): Promise<ConsoleServer> {
  const { certificate, settings, log, host } = options;
  const folder = options.folder ?? fileURLToPath(new URL('../pages/technician/dist', import.meta.url));
  const assets = await loadAssets(folder);
  const names = [...loopback, ...options.names.map((name) => name.toLowerCase())];
  const counted = new Tries();
  const reports = new Reports();
  const server = openServer(certificate);
  server.maxConnections = 256;

  const get = (path: string, response: ServerResponse) => {
    if (path === '/api/settings') sendJson(response, 200, settings);
    else if (path.startsWith('/report/')) sendReport(response, reports.get(path.slice(8)));
    else sendFile(response, assets.get(path));
  };
  const post = async (path: string, request: IncomingMessage, response: ServerResponse) => {
    if (path === '/api/report') {
      const html = rendered(options.render, await readBody(request, largestReport));
      sendJson(response, 200, { path: `/report/${reports.add(html)}` });
      return;
    }
    counted.count(request.socket.remoteAddress ?? '');
    const body = await readBody(request, largestBody);
    if (path === '/api/enrol') {
      const { key, proof, signature } = parsed(body);
      sendJson(response, 200, await options.keys.enrol(key, proof, signature));
    } else if (path === '/api/revoke') sendJson(response, 200, await options.keys.revoke(body));
    else throw new ConsoleError('CW-CON-004', 'there is nothing at this address');
  };
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    secure(response, settings.broker);
    checkAddressee(request, names);
    const path = (request.url ?? '/').replace(/[?#].*$/s, '');
    if (request.method === 'POST') await post(path, request, response);
    else if (request.method === 'GET' || request.method === 'HEAD') get(path, response);
    else response.writeHead(405, { Allow: 'GET, HEAD, POST' }).end();
  };
  server.on('request', (request, response) => {
    answer(request, response).catch((error: unknown) => sendError(response, error, log));
  });
  const port = await listen(server, host, options.port, '--listen');
  return { port, close: () => closeServer(server) };
}

function openServer({ cert, key }: Pick<Certificate, 'cert' | 'key'>) {
  const limits = { requestTimeout: 10_000, headersTimeout: 5_000, maxHeaderSize: 8_192 };
  try {
    return createServer({ cert, key, minVersion: 'TLSv1.2', ...limits });
  } catch (cause) {
    throw new ConsoleError('CW-CON-001', `certificate and key can't be used: ${describeError(cause)}`, {
      cause,
    });
  }
}

function parsed(body: Buffer): z.infer<typeof enrolment> {
  try {
    return enrolment.parse(JSON.parse(body.toString('utf8')));
  } catch (cause) {
    throw new ConsoleError('CW-CON-003', 'the request needs {key, proof, signature}, base64', { cause });
  }
}

function rendered(render: (report: unknown) => string, body: Buffer): string {
  try {
    return render(JSON.parse(body.toString('utf8')));
  } catch (cause) {
    throw new ConsoleError('CW-CON-003', `this is no report: ${describeError(cause).slice(0, 200)}`, {
      cause,
    });
  }
}

function sendFile(response: ServerResponse, asset: Asset | undefined): void {
  if (asset === undefined) throw new ConsoleError('CW-CON-004', 'there is nothing at this address');
  sendAsset(response.req, response, asset);
}

/** A report has styles of its own and no script: in a sandbox, so that nothing in it could act as the page. */
function sendReport(response: ServerResponse, html: string | undefined): void {
  if (html === undefined) throw new ConsoleError('CW-CON-004', 'this report is no longer here: open it anew');
  response.setHeader(
    'Content-Security-Policy',
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox allow-modals",
  );
  // In a sandbox it is of no origin, so it could not be opened as one of ours.
  response.removeHeader('Cross-Origin-Opener-Policy');
  response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' });
  response.end(html);
}

function sendError(response: ServerResponse, error: unknown, log: Logger): void {
  const code = isCoded(error) ? error.code : undefined;
  const known =
    code === undefined
      ? undefined
      : (statusOf[code] ?? (/^CW-(?:IDN|CMD|EVT)-/.test(code) ? 403 : undefined));
  if (known === undefined) log.error({ error: describeError(error) }, 'the console could not answer');
  else log.warn({ code }, describeError(error));
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const message =
    known === undefined ? 'the console could not answer; its log says why' : (error as Error).message;
  sendJson(response, known ?? 500, { ...(code === undefined ? {} : { code }), message });
}
