import type { IncomingMessage, ServerResponse } from 'node:http';
import { PagesError } from './errors.ts';

/** Addresses on which a page may listen. */
export const loopbackHosts: readonly string[] = ['127.0.0.1', 'localhost', '::1'];

const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Sent with every answer: nothing from elsewhere is loaded, nothing from elsewhere may embed or read the page. */
export function secure(response: ServerResponse): void {
  response.setHeader('Content-Security-Policy', contentSecurityPolicy);
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('X-Frame-Options', 'DENY');
  response.setHeader('Referrer-Policy', 'no-referrer');
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
  response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
}

/**
 * Refuses what did not come from this page in a browser on this machine. A page of the internet can make a browser call
 * loopback, by a name that resolves to it (DNS rebinding: the Host is foreign) or openly (the Origin is foreign).
 * @param port the port the page listens on
 * @throws CW-PAG-003
 */
export function checkAddressee(request: IncomingMessage, port: number): void {
  const hosts = ['127.0.0.1', 'localhost', '[::1]'].flatMap((name) =>
    port === 80 ? [name, `${name}:80`] : [`${name}:${port}`],
  );
  const { host, origin } = request.headers;
  if (host === undefined || !hosts.includes(host.toLowerCase())) {
    throw new PagesError('CW-PAG-003', `this page answers to ${hosts[0]}, not to ${quote(host)}`);
  }
  const origins = hosts.map((name) => `http://${name}`);
  if (origin !== undefined && !origins.includes(origin.toLowerCase())) {
    throw new PagesError('CW-PAG-003', `a page of ${quote(origin)} may not read this one`);
  }
  const site = request.headers['sec-fetch-site'];
  const navigates = request.headers['sec-fetch-mode'] === 'navigate';
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && !navigates) {
    throw new PagesError('CW-PAG-003', 'another page may not read this one');
  }
}

/** What a stranger sent, fit for a message: short, and in quotes. */
function quote(text: string | undefined): string {
  return text === undefined ? 'no name' : JSON.stringify(text.slice(0, 80));
}
