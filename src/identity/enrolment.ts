import { randomBytes, verify } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import { z } from 'zod';
import { plainCause } from '#base/system-error.ts';
import { type Chain, checkHost, checkTimes, followChain, followPem } from './chain.ts';
import { certificatesOf, timeText } from './enrolment-text.ts';
import { IdentityError } from './errors.ts';

/** The authority of a store as a device knows it. */
export interface AuthorityPlace {
  readonly authority: string;
  readonly fingerprint: string;
  readonly store: string;
}

const answerSchema = z.object({
  certificate: z.string().max(16_384),
  authority: z.string().max(16_384),
  broker: z.string().max(256).optional(),
});

/** What the authority gave: the chain of the device's certificate, the authority's own certificates, the broker's address. */
export type EnrolmentAnswer = z.infer<typeof answerSchema>;

const timeSchema = z.object({ timeMs: z.number().int(), signature: z.string().max(256) });
const mostAnswer = 64 * 1024;
const answerWithinMs = 15_000;
/** Nothing of Cartwright was made before that: an authority that says so is not believed. */
const earliestMs = Date.UTC(2025, 0, 1);

/**
 * One conversation with the store's authority. What is believed, and when:
 * 1. Before anything is sent, the chain that the server shows: its root by the SHA-256 that came with the claim, the rest by
 *    signatures, the name by the address. TLS itself proves that the server has the leaf's key. The clock is not asked.
 * 2. The time: signed by the issuing key for a number that was just drawn, so that a stolen key of an old server can't tell it.
 * 3. With that time the chain's own dates. Only then claim and request are sent.
 */
export class AuthorityTalk {
  readonly #place: AuthorityPlace;
  readonly #host: string;
  #offsetMs: number | undefined;

  constructor(place: AuthorityPlace) {
    this.#place = place;
    this.#host = new URL(place.authority).hostname;
  }

  /** The time by the authority's word, UTC ms, whatever this machine's clock says. Rejects with CW-IDN-016 or CW-IDN-017. */
  async time(): Promise<number> {
    const nonce = randomBytes(16).toString('hex');
    const { body, chain } = await this.#ask('GET', `/v1/time?nonce=${nonce}`, undefined, undefined);
    const { timeMs, signature } = parsed(timeSchema, body);
    const isSigned = verify(
      'sha256',
      timeText(this.#place.store, nonce, timeMs),
      { key: chain.issuing.publicKey, dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64'),
    );
    if (!isSigned || timeMs < earliestMs) {
      throw new IdentityError(
        'CW-IDN-017',
        "the time is not signed by the store's authority; nothing was sent to it",
      );
    }
    checkTimes(chain, timeMs);
    this.#offsetMs = timeMs - monotonicMs();
    return timeMs;
  }

  /** Asks for something that may be told only to the authority itself: the time is asked for first. Rejects as `time`, or with CW-IDN-018. */
  async post(path: string, value: object): Promise<EnrolmentAnswer> {
    if (this.#offsetMs === undefined) await this.time();
    const nowMs = monotonicMs() + (this.#offsetMs ?? 0);
    const { body } = await this.#ask('POST', path, JSON.stringify(value), nowMs);
    return parsed(answerSchema, body);
  }

  /**
   * The answer as it may be kept. Rejects with CW-IDN-017 where the certificate is not of this device, this key and this authority.
   */
  check(answer: EnrolmentAnswer, device: string, spki: Uint8Array): void {
    const certificates = [...certificatesOf(answer.certificate), ...certificatesOf(answer.authority)].join(
      '',
    );
    const chain = followPem(certificates, this.#place.fingerprint, 'client');
    const key = chain.leaf.publicKey.export({ format: 'der', type: 'spki' });
    const wanted = `URI:cartwright:${this.#place.store}/${device}`;
    if (!key.equals(spki) || chain.leaf.subjectAltName !== wanted || chain.leaf.subject !== `CN=${device}`) {
      throw new IdentityError(
        'CW-IDN-017',
        'the certificate that came is of another device or key; it is not taken',
      );
    }
    checkTimes(chain, monotonicMs() + (this.#offsetMs ?? Date.now() - monotonicMs()));
  }

  #ask(
    method: 'GET' | 'POST',
    path: string,
    body: string | undefined,
    nowMs: number | undefined,
  ): Promise<{ readonly body: string; readonly chain: Chain }> {
    const { authority, fingerprint } = this.#place;
    const { promise, resolve, reject } = Promise.withResolvers<{
      readonly body: string;
      readonly chain: Chain;
    }>();
    let judged: Chain | undefined;
    const request = httpsRequest(new URL(path, authority), {
      method,
      // The chain is judged below, by the fingerprint; Node's own judgement needs a clock and a list of authorities.
      rejectUnauthorized: false,
      agent: false,
      minVersion: 'TLSv1.2',
      timeout: answerWithinMs,
      headers:
        body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    });
    request.once('socket', (socket) => {
      socket.once('secureConnect', () => {
        try {
          const chain = followChain(shownBy(socket as TLSSocket), fingerprint, 'server');
          checkHost(chain, this.#host);
          if (nowMs !== undefined) checkTimes(chain, nowMs);
          judged = chain;
          // Sent only now: nothing goes to a server that was not judged.
          request.end(body);
        } catch (error) {
          reject(error);
          request.destroy();
        }
      });
    });
    request.once('timeout', () => request.destroy(new Error(`no answer within ${answerWithinMs / 1_000} s`)));
    request.once('error', (error) => reject(unreachable(authority, error)));
    request.once('response', (response) => {
      const finish = async () => {
        const text = await textOf(response);
        if (judged === undefined) throw unreachable(authority, new Error('it was not judged'));
        if (response.statusCode !== 200) throw refused(response.statusCode ?? 0, text);
        return { body: text, chain: judged };
      };
      finish().then(resolve, (error: unknown) =>
        reject(error instanceof IdentityError ? error : unreachable(authority, error)),
      );
    });
    return promise;
  }
}

/** A clock that nobody sets, ms. */
const monotonicMs = () => performance.now();

/** The certificates that the other side shows, leaf first, DER. */
function shownBy(socket: TLSSocket): Uint8Array[] {
  const shown: Uint8Array[] = [];
  let one: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  while (one?.raw !== undefined && shown.length < 8) {
    shown.push(one.raw);
    one = one.issuerCertificate === one ? undefined : one.issuerCertificate;
  }
  return shown;
}

async function textOf(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > mostAnswer) throw new Error(`the answer has more than ${mostAnswer} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function parsed<Schema extends z.ZodType>(schema: Schema, text: string): z.infer<Schema> {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new IdentityError('CW-IDN-017', "the answer is not one of a store's authority", { cause });
  }
}

const refusalSchema = z.object({ code: z.string().max(32), message: z.string().max(1_000) });

function refused(status: number, text: string): IdentityError {
  let why = `status ${status}`;
  let code: string | undefined;
  try {
    const told = refusalSchema.parse(JSON.parse(text));
    why = `${told.code} ${told.message}`;
    code = told.code;
  } catch {
    // Its status is all that is known.
  }
  return new IdentityError('CW-IDN-018', `the store's authority refuses: ${why}`, {
    details: { status, code },
  });
}

function unreachable(authority: string, cause: unknown): IdentityError {
  return new IdentityError(
    'CW-IDN-016',
    `${authority} can't be reached: ${plainCause(cause)}. Is the network up, and does authority serve run there? Run the same command again: it goes on where it was`,
    { cause },
  );
}
