/** What a phone says, without the proof that it may. */
export interface Say {
  /** Larger than any before on this channel. */
  readonly number: number;
  readonly what: 'join' | 'scan' | 'leave';
  readonly code?: string;
  /** AIM identifier, as `]E0`. */
  readonly symbology?: string;
}

const channelDigits = 32;
const text = new TextEncoder();

function hexadecimal(bytes: ArrayBuffer): string {
  return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The channel of a secret (docs/mqtt.md, Phones): it names topics, the secret itself never travels. */
export async function channelOf(secret: Uint8Array<ArrayBuffer>): Promise<string> {
  const prefix = text.encode('cartwright phone channel\0');
  const bytes = new Uint8Array([...prefix, ...secret]);
  return hexadecimal(await crypto.subtle.digest('SHA-256', bytes)).slice(0, channelDigits);
}

/** HMAC-SHA256 of what is said, hexadecimal: number, what, symbology and code, a line feed after each. */
export async function macOf(secret: Uint8Array<ArrayBuffer>, say: Say): Promise<string> {
  const { number, what, symbology = '', code = '' } = say;
  const key = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
  ]);
  const said = text.encode(`${number}\n${what}\n${symbology}\n${code}\n`);
  return hexadecimal(await crypto.subtle.sign('HMAC', key, said));
}
