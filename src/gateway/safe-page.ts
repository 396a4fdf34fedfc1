import { createServer } from 'node:http';
import type { Logger } from '#base/log.ts';
import { checkAddressee, secure } from '#pages/requests.ts';
import { closeServer, listen, sendError } from '#pages/serving.ts';

/** What shoppers read, by language. */
const lines: Readonly<Record<string, string>> = {
  en: 'This cart is resting. Please take another one.',
  de: 'Dieser Wagen hat Pause. Bitte nehmen Sie einen anderen.',
  it: 'Questo carrello è in pausa. Prendine un altro, per favore.',
  tr: 'Bu araba şu anda hizmet dışı. Lütfen başka bir tane alın.',
};
const style =
  'body{margin:0;min-height:100vh;display:flex;flex-direction:column;justify-content:center;align-items:center;gap:2rem;background:#10243a;color:#fff;font:600 40px/1.3 system-ui,sans-serif;text-align:center}p{margin:0 2rem}';
/** Goes back to the shopper's page when the gateway serves it again; this page doesn't have what it asks for. */
const script = "setInterval(()=>fetch('api/produce').then((a)=>{if(a.ok)location.reload()},()=>{}),5000);";

/**
 * Serves, on the port of the shopper's display, that this cart is out of service. Resolves with what ends it; rejects with
 * CW-PAG-002 where the port can't be had.
 */
export async function startSafePage(
  port: number,
  languages: readonly string[],
  log: Logger,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const texts = languages.flatMap((code) =>
    lines[code] === undefined ? [] : [[code, lines[code]] as const],
  );
  const paragraphs = texts.map(([code, text]) => `<p lang="${code}">${text}</p>`).join('');
  const page = `<!doctype html><html lang="${texts[0]?.[0] ?? 'en'}"><meta charset="utf-8"><title>Cartwright</title><link rel="stylesheet" href="style.css"><body>${paragraphs}<script src="script.js"></script></body></html>`;
  const files: Readonly<Record<string, readonly [string, string]>> = {
    '/': ['text/html; charset=utf-8', page],
    '/style.css': ['text/css', style],
    '/script.js': ['text/javascript', script],
  };
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000, maxHeaderSize: 8_192 });
  server.maxConnections = 16;
  let bound = 0;
  server.on('request', (request, response) => {
    try {
      secure(response);
      checkAddressee(request, bound);
      const file = files[(request.url ?? '/').replace(/[?#].*$/s, '')];
      if (file === undefined) response.writeHead(404).end();
      else response.writeHead(200, { 'Content-Type': file[0], 'Cache-Control': 'no-store' }).end(file[1]);
    } catch (error) {
      sendError(response, error, log);
    }
  });
  bound = await listen(server, '127.0.0.1', port, 'display.port');
  return { port: bound, close: () => closeServer(server) };
}
