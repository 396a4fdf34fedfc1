import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { z } from 'zod';
import { describeError, isCoded } from '#base/errors.ts';
import type { Logger } from '#base/log.ts';
import { Tries } from '#console/tries.ts';
import { readClaim } from '#identity/claim.ts';
import { closeServer, listen, sendJson } from '#pages/serving.ts';
import type { Authority, Issued } from './authority.ts';
import type { CertifiedKey } from './certificates.ts';
import { AuthorityError } from './errors.ts';

export interface EnrolmentServiceOptions {
  readonly host: string;
  readonly port: number;
  readonly authority: Authority;
  /** Its own certificate (with the issuing one) and key. */
  readonly certificate: CertifiedKey;
  readonly nowMs: () => number;
  readonly log: Logger;
  /**
   * Called where an enrolment changes who is shut out, with the device: whoever holds certificates that ended with it is, and a device
   * that was is no more.
   */
  readonly onChanged: (device: string) => Promise<void>;
  /** Monotonic, µs, for the limits on how often something is asked for. */
  readonly nowUs?: () => number;
}

export interface EnrolmentService {
  readonly port: number;
  close(): Promise<void>;
}

/** A request is a certificate request and a certificate at most. */
const largestBody = 16 * 1024;
/** 115 bits can't be guessed; a store enrols some dozen devices an hour behind one address. */
const pace = { burst: 120, perMinute: 60, all: { burst: 600, perMinute: 300 } };

const statusOf: Readonly<Record<string, number>> = {
  'CW-CAU-003': 403,
  'CW-CAU-004': 400,
  'CW-CAU-006': 403,
  'CW-CAU-007': 400,
  'CW-CON-006': 429,
  'CW-IDN-015': 403,
};

const der = z
  .base64()
  .max(4_096)
  .transform((text) => Buffer.from(text, 'base64'));
const enrolSchema = z.strictObject({ device: z.string().max(64), claim: z.string().max(64), request: der });
const renewSchema = z.strictObject({ certificate: z.string().max(8_192), request: der, signature: der });

/**
 * Serves `GET /v1/time`, `POST /v1/enrol` and `POST /v1/renew` over HTTPS. Rejects with CW-PAG-002 (port taken).
 */
export async function startEnrolment(options: EnrolmentServiceOptions): Promise<EnrolmentService> {
  const { authority, certificate, nowMs, log, host } = options;
  const tries = new Tries(pace, options.nowUs);
  const server = createServer({
    // The root goes along: a device that knows its fingerprint alone has to see it.
    cert: certificate.certificate + authority.root,
    key: certificate.key,
    minVersion: 'TLSv1.2',
    requestTimeout: 10_000,
    headersTimeout: 5_000,
    maxHeaderSize: 8_192,
  });
  server.maxConnections = 256;

  const enrol = async (body: Buffer, from: string): Promise<Issued> => {
    const { device, claim, request } = parsed(enrolSchema, body);
    const wasOut = authority.shutOut(nowMs()).includes(device);
    const issued = await authority.enrol(readClaim(claim), device, request, nowMs());
    log.info({ device, serial: issued.serial, from, ended: issued.ended }, 'device enrolled');
    // One that had been shut out gets its rights back.
    if (issued.ended.length > 0 || wasOut) await options.onChanged(device);
    return issued;
  };
  const renew = async (body: Buffer, from: string): Promise<Issued> => {
    const wish = parsed(renewSchema, body);
    const issued = await authority.renew(wish.certificate, wish.request, wish.signature, nowMs());
    log.info({ serial: issued.serial, from }, 'certificate renewed');
    return issued;
  };
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const from = request.socket.remoteAddress ?? '';
    tries.count(from);
    const url = new URL(request.url ?? '/', 'https://authority.invalid');
    const { pathname } = url;
    if (request.method === 'GET' && pathname === '/v1/time') {
      const nonce = url.searchParams.get('nonce') ?? '';
      if (!/^[0-9a-f]{32}$/.test(nonce)) {
        throw new AuthorityError('CW-CAU-007', 'the time is told for a nonce of 32 hexadecimal digits');
      }
      sendJson(response, 200, authority.time(nonce, nowMs()));
      return;
    }
    const work = pathname === '/v1/enrol' ? enrol : pathname === '/v1/renew' ? renew : undefined;
    if (work === undefined || request.method !== 'POST' || request.headers.origin !== undefined) {
      throw new AuthorityError('CW-CAU-007', 'there is nothing at this address, or not for a web page');
    }
    const issued = await work(await bodyOf(request), from);
    sendJson(response, 200, {
      certificate: issued.certificate,
      authority: issued.authority,
      ...(issued.broker === undefined ? {} : { broker: issued.broker }),
    });
  };
  server.on('request', (request, response) => {
    answer(request, response).catch((error: unknown) => sendRefusal(request, response, error, log));
  });
  const port = await listen(server, host, options.port, '--listen');
  return { port, close: () => closeServer(server) };
}

/** The whole body. One that is too large is let run into nothing, so that whoever sent it hears why; the server's timeout ends it. */
function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const parts: Buffer[] = [];
  let size = 0;
  request.on('data', (part: Buffer) => {
    size += part.length;
    if (size <= largestBody) parts.push(part);
    else reject(new AuthorityError('CW-CAU-007', `the request has more than ${largestBody} bytes`));
  });
  request.once('end', () => resolve(Buffer.concat(parts)));
  request.once('error', reject);
  request.once('close', () => reject(new AuthorityError('CW-CAU-007', 'the request was cut off')));
  return promise;
}

function parsed<Schema extends z.ZodType>(schema: Schema, body: Buffer): z.infer<Schema> {
  try {
    return schema.parse(JSON.parse(body.toString('utf8')));
  } catch {
    // What was sent is not quoted: it may be a claim.
    throw new AuthorityError('CW-CAU-007', 'the request is not one that this service takes');
  }
}

function sendRefusal(request: IncomingMessage, response: ServerResponse, error: unknown, log: Logger): void {
  const code = isCoded(error) ? error.code : undefined;
  const status = code === undefined ? undefined : statusOf[code];
  const from = request.socket.remoteAddress;
  if (status === undefined)
    log.error({ error: describeError(error), from }, 'the authority could not answer');
  else log.warn({ code, from }, describeError(error));
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.setHeader('Connection', 'close');
  const message =
    status === undefined ? 'the authority could not answer; its log says why' : (error as Error).message;
  sendJson(response, status ?? 500, { code: status === undefined ? 'CW-CAU-001' : code, message });
}
