import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Infer } from '#events/fields.ts';
import type { phoneSay } from '#events/mqtt-payloads.ts';

export type PhoneSay = Infer<typeof phoneSay>;

/** Bytes of a session's secret for phones: nobody guesses 2¹²⁸. */
export const phoneSecretBytes = 16;

/** The channel of a secret, 32 hexadecimal digits: it names topics, so that the secret itself never travels. */
export function phoneChannel(secret: Uint8Array): string {
  return createHash('sha256').update('cartwright phone channel\0').update(secret).digest('hex').slice(0, 32);
}

/** HMAC-SHA256 of what a phone says, hexadecimal: number, what, symbology and code, a line end after each. */
export function phoneMac(secret: Uint8Array, say: Omit<PhoneSay, 'mac'>): string {
  const { number, what, symbology = '', code = '' } = say;
  return createHmac('sha256', secret).update(`${number}\n${what}\n${symbology}\n${code}\n`).digest('hex');
}

/** True where it was said by somebody who knows the secret. */
export function isPhoneMac(secret: Uint8Array, say: PhoneSay): boolean {
  return timingSafeEqual(Buffer.from(phoneMac(secret, say), 'hex'), Buffer.from(say.mac, 'hex'));
}
