import type { IncomingMessage, ServerResponse } from 'node:http';
import { ConsoleError } from './errors.ts';

/** Sent with every answer: nothing from elsewhere is loaded, nothing from elsewhere may embed or read the page, and it speaks to the broker alone. */
export function secure(response: ServerResponse, broker: string): void {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `connect-src 'self' ${originOf(broker)}`,
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');
  response.setHeader('Content-Security-Policy', policy);
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('X-Frame-Options', 'DENY');
  response.setHeader('Referrer-Policy', 'no-referrer');
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
  response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
  response.setHeader('Strict-Transport-Security', 'max-age=31536000');
  response.setHeader('Permissions-Policy', 'camera=(), microphone=(), geolocation=(), usb=(), serial=()');
}

function originOf(url: string): string {
  const { protocol, host } = new URL(url);
  return `${protocol}//${host}`;
}

/**
 * Refuses what did not come from this page: by another name (DNS rebinding), or from a page of another origin.
 * @param names host names and addresses that this console answers to, without port
 * @throws CW-CON-002
 */
export function checkAddressee(request: IncomingMessage, names: readonly string[]): void {
  const { host = '', origin } = request.headers;
  const name = host.toLowerCase().replace(/:\d+$/, '');
  if (!names.includes(name)) {
    const shown = JSON.stringify(host.slice(0, 80));
    throw new ConsoleError(
      'CW-CON-002',
      `this console answers to ${names.join(', ')}, not to ${shown}; --name adds one`,
    );
  }
  if (origin !== undefined && origin.toLowerCase() !== `https://${host.toLowerCase()}`) {
    throw new ConsoleError('CW-CON-002', 'a page of another origin may not ask this console');
  }
  if (request.method === 'POST' && origin === undefined) {
    throw new ConsoleError('CW-CON-002', 'a request that changes something has to name its origin');
  }
  const site = request.headers['sec-fetch-site'];
  const navigates = request.headers['sec-fetch-mode'] === 'navigate';
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && !navigates) {
    throw new ConsoleError('CW-CON-002', 'another page may not read this console');
  }
}

/** The whole body of a request. Rejects with CW-CON-003 where it has more than `most` bytes. */
export async function readBody(request: IncomingMessage, most: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > most) throw new ConsoleError('CW-CON-003', `the request has more than ${most} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}
