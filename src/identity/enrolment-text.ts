/** What is signed between a device and its store's authority; both sides make the same bytes of it. */

/** The authority's word on the time, for whoever drew `nonce` (hexadecimal). */
export function timeText(store: string, nonce: string, timeMs: number): Buffer {
  return Buffer.from(`cartwright time\0${store}\0${nonce}\0${timeMs}`);
}

/** A device's wish for a certificate of a new key, signed by the key that it has. */
export function renewalText(store: string, device: string, request: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`cartwright renew\0${store}\0${device}\0`), request]);
}

/** Certificates of a PEM text, each by itself. */
export function certificatesOf(pem: string): string[] {
  const found = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return found.map((one) => `${one}\n`);
}
