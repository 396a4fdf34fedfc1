import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { describeError, isCoded } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { type Asset, loadAssets } from '#pages/assets.ts';
import { closeServer, listen, sendAsset, sendJson } from '#pages/serving.ts';
import type { Certificate } from './certificate.ts';
import { ConsoleError } from './errors.ts';
import type { KeyDesk } from './key-desk.ts';
import { Reports } from './reports.ts';
import { checkAddressee, readBody, secure } from './requests.ts';
import { Tries } from './tries.ts';

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
/** Codes: 40 bits can't be guessed at this pace. */
const enrolPace = { burst: 5, perMinute: 5, all: { burst: 30, perMinute: 30 } };
/** Revocations have a pace of their own, and no common one: whoever tries codes can't keep an operator from revoking. */
const revokePace = { burst: 30, perMinute: 30 };
/** Nobody looks at more reports than that; each is rendered here. */
const reportPace = { burst: 12, perMinute: 12, all: { burst: 40, perMinute: 40 } };

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
  const tries = { enrol: new Tries(enrolPace), revoke: new Tries(revokePace), report: new Tries(reportPace) };
  const reports = new Reports();
  const server = openServer(certificate);
  server.maxConnections = 256;

  const get = (path: string, response: ServerResponse) => {
    if (path === '/api/settings') sendJson(response, 200, settings);
    else if (path.startsWith('/report/')) sendReport(response, reports.get(path.slice(8)));
    else sendFile(response, assets.get(path));
  };
  const post = async (path: string, request: IncomingMessage, response: ServerResponse) => {
    const from = request.socket.remoteAddress ?? '';
    if (path === '/api/report') {
      tries.report.count(from);
      const html = rendered(options.render, await readBody(request, largestReport));
      sendJson(response, 200, { path: `/report/${reports.add(html, from)}` });
    } else if (path === '/api/enrol') {
      tries.enrol.count(from);
      const { key, proof, signature } = parsed(await readBody(request, largestBody));
      sendJson(response, 200, await options.keys.enrol(key, proof, signature));
    } else if (path === '/api/revoke') {
      tries.revoke.count(from);
      sendJson(response, 200, await options.keys.revoke(await readBody(request, largestBody)));
    } else throw new ConsoleError('CW-CON-004', 'there is nothing at this address');
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
