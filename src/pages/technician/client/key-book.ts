import { keyListPayload } from '#events/mqtt-payloads.ts';
import { toHex } from './bytes.ts';
import { decodeCbor } from './cbor.ts';
import { keyHash } from './keys.ts';
import { readRecord } from './records.ts';

export interface KnownKey {
  readonly id: string;
  readonly role: string;
  readonly who?: string | undefined;
  readonly validTo?: number | undefined;
  readonly revoked?: boolean | undefined;
}

/**
 * The list of keys as the broker has it. It is shown, not believed: the page does not know the root key, devices do.
 */
export class KeyBook {
  keys: readonly KnownKey[] = [];
  version: number | undefined;

  /** Takes the signed list; what is none changes nothing. */
  async take(payload: Uint8Array): Promise<void> {
    try {
      const parts = decodeCbor(payload.subarray(1));
      const inner = Array.isArray(parts) ? parts[2] : undefined;
      if (!(inner instanceof Uint8Array)) return;
      const list = readRecord(keyListPayload, inner);
      const keys = await Promise.all(
        list.keys.map(async ({ key, ...more }) => ({
          ...more,
          id: toHex(await keyHash(new Uint8Array(key))),
        })),
      );
      this.keys = keys;
      this.version = list.version;
    } catch {
      // Anybody who may write there can send anything.
    }
  }

  /** What the list says of a key: `unknown` where it is not in it. */
  standing(id: string): 'valid' | 'revoked' | 'unknown' {
    const found = this.keys.find((key) => key.id === id);
    return found === undefined ? 'unknown' : found.revoked === true ? 'revoked' : 'valid';
  }
}
