import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { get as getPlain, type IncomingMessage } from 'node:http';
import { get as getSecure } from 'node:https';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Clock } from '#base/clock.ts';
import { describeError } from '#base/errors.ts';
import type { Random } from '#base/random.ts';
import { Backoff } from '#base/retry.ts';
import { UpdateError } from './errors.ts';
import type { ReleaseManifest } from './manifest.ts';

const silenceMs = 60_000;
const triesAnAddress = 5;

export interface FetchOptions {
  readonly urls: readonly string[];
  readonly manifest: Pick<ReleaseManifest, 'version' | 'bytes' | 'sha256'>;
  /** Where the archive comes to lie; `.part` is added while it is not whole. */
  readonly to: string;
  readonly maxBytesPerS: number;
  /** Certificates, PEM, that vouch for the server, where Node's own list doesn't. */
  readonly ca?: string | undefined;
  readonly clock: Pick<Clock, 'nowUs' | 'after'>;
  readonly random: Pick<Random, 'next'>;
  readonly signal: AbortSignal;
}

/**
 * Fetches the archive of a release from the first address that has it, going on where an earlier attempt, or an earlier run,
 * ended. Never more than the signed number of bytes. Rejects with CW-UPD-051, and as the signal's abort.
 */
export async function fetchArchive(options: FetchOptions): Promise<void> {
  const { urls, manifest, to, clock, random, signal } = options;
  await mkdir(dirname(to), { recursive: true });
  await clearOthers(to);
  if (await isWhole(to, manifest)) return;
  const part = `${to}.part`;
  const failures: string[] = [];
  for (const url of urls) {
    const backoff = new Backoff({ firstMs: 1_000, maxMs: 60_000 }, random);
    for (let attempt = 0; attempt < triesAnAddress; attempt++) {
      signal.throwIfAborted();
      try {
        await fetchOnce(url, part, options);
        if (!(await isWhole(part, manifest))) {
          await rm(part, { force: true });
          throw new Refused('what came is not the signed archive');
        }
        await rename(part, to);
        return;
      } catch (error) {
        signal.throwIfAborted();
        failures.push(`${url}: ${describeError(error)}`);
        if (error instanceof Refused) break;
        await new Promise<void>((resolve) => {
          const cancel = clock.after(backoff.nextMs() * 1_000, resolve);
          const end = () => {
            cancel();
            resolve();
          };
          signal.addEventListener('abort', end, { once: true });
        });
      }
    }
  }
  throw new UpdateError(
    'CW-UPD-051',
    `release ${manifest.version} can't be fetched: ${failures.slice(-3).join('; ') || 'no address is given'}`,
  );
}

/** An address that is not asked again. */
class Refused extends Error {}

/** Removes what was fetched of other releases: one at a time lies there. */
async function clearOthers(to: string): Promise<void> {
  const own = basename(to);
  for (const name of await readdir(dirname(to))) {
    if (name !== own && name !== `${own}.part`)
      await rm(join(dirname(to), name), { recursive: true, force: true });
  }
}

async function isWhole(path: string, { bytes, sha256 }: FetchOptions['manifest']): Promise<boolean> {
  const { size } = await stat(path).catch(() => ({ size: -1 }));
  if (size !== bytes) return false;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex') === sha256;
}

async function fetchOnce(url: string, part: string, options: FetchOptions): Promise<void> {
  const { bytes } = options.manifest;
  const before = await stat(part).catch(() => ({ size: 0 }));
  const from = before.size < bytes ? before.size : 0;
  const { stream, start } = await openAddress(url, from, options);
  const file = await open(part, start === 0 ? 'w' : 'r+', 0o600);
  try {
    await pour(stream, file, start, options);
    await file.sync();
  } finally {
    stream.destroy();
    await file.close();
  }
}

async function pour(
  stream: AsyncIterable<Buffer>,
  file: FileHandle,
  start: number,
  { manifest, maxBytesPerS, clock, signal }: FetchOptions,
): Promise<void> {
  const beganUs = clock.nowUs();
  let at = start;
  for await (const chunk of stream) {
    signal.throwIfAborted();
    if (at + chunk.length > manifest.bytes) throw new Refused(`it has more than ${manifest.bytes} bytes`);
    await file.write(chunk, 0, chunk.length, at);
    at += chunk.length;
    const aheadUs = ((at - start) / maxBytesPerS) * 1_000_000 - (clock.nowUs() - beganUs);
    if (aheadUs > 10_000) await new Promise<void>((resolve) => void clock.after(aheadUs, resolve));
  }
  if (at < manifest.bytes) throw new Error(`it ended after ${at} of ${manifest.bytes} bytes`);
}

interface Source {
  readonly stream: AsyncIterable<Buffer> & { destroy(): unknown };
  /** From which byte on it comes. */
  readonly start: number;
}

async function openAddress(url: string, from: number, options: FetchOptions): Promise<Source> {
  if (!URL.canParse(url)) throw new Refused('it is no address');
  const { protocol, hostname } = new URL(url);
  if (protocol === 'file:')
    return { stream: createReadStream(fileURLToPath(url), { start: from }), start: from };
  const isLocal = hostname === '127.0.0.1' || hostname === 'localhost' || hostname === '[::1]';
  if (protocol !== 'https:' && !(protocol === 'http:' && isLocal))
    throw new Refused('only https and file are taken');
  const response = await request(url, from, options);
  const { statusCode = 0, headers } = response;
  const range = /^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1];
  if (statusCode === 206 && range !== undefined) return { stream: response, start: Number(range) };
  // Who knows nothing of ranges gives all of it.
  if (statusCode === 200) return { stream: response, start: 0 };
  response.destroy();
  const message = `the server answered ${statusCode}`;
  throw statusCode >= 500 || statusCode === 416 || statusCode === 429
    ? new Error(message)
    : new Refused(message);
}

function request(url: string, from: number, { ca, signal }: FetchOptions): Promise<IncomingMessage> {
  const headers = from > 0 ? { range: `bytes=${from}-` } : {};
  return new Promise((resolve, reject) => {
    const options = { headers, signal, timeout: silenceMs, ...(ca === undefined ? {} : { ca }) };
    const asked = url.startsWith('https:')
      ? getSecure(url, options, resolve)
      : getPlain(url, options, resolve);
    asked.once('timeout', () => asked.destroy(new Error(`it was silent for ${silenceMs / 1_000} s`)));
    asked.once('error', reject);
  });
}

/** Reads a file of certificates; undefined where there is none. */
export async function certificatesIn(path: string | undefined): Promise<string | undefined> {
  return path === undefined ? undefined : await readFile(path, 'utf8');
}
