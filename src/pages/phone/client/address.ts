/** What the QR code on a cart's display says: which cart, the session's secret, and the way to it. */
export interface Address {
  readonly store: string;
  readonly device: string;
  /** 16 bytes. */
  readonly secret: Uint8Array<ArrayBuffer>;
  /** WebSocket address of the store's broker for phones. */
  readonly broker: string;
}

/** Version, store, device, secret, broker (docs/mqtt.md, Phones). The broker, as the last part, may hold dots. */
const parts = /^#1\.([a-z0-9-]+)\.([a-z0-9-]+)\.([A-Za-z0-9_-]{22})\.(.+)$/;
const loopback: readonly string[] = ['127.0.0.1', 'localhost', '[::1]'];

/** Reads the part of the page's address after the `#`; undefined where it is no cart's. */
export function readAddress(hash: string): Address | undefined {
  const [, store, device, secret, broker] = parts.exec(hash) ?? [];
  if (store === undefined || device === undefined || secret === undefined || broker === undefined) {
    return undefined;
  }
  const url = readUrl(broker);
  const open = url?.protocol === 'ws:' && loopback.includes(url.hostname);
  if (url === undefined || (url.protocol !== 'wss:' && !open)) return undefined;
  const text = atob(`${secret.replaceAll('-', '+').replaceAll('_', '/')}==`);
  return { store, device, secret: Uint8Array.from(text, (letter) => letter.charCodeAt(0)), broker: url.href };
}

function readUrl(encoded: string): URL | undefined {
  try {
    return new URL(decodeURIComponent(encoded));
  } catch {
    return undefined;
  }
}
