/**
 * QoS 1 messages that the broker takes before it acknowledges (Receive Maximum). One quota per connection, shared by
 * events and messages; what a late callback gives back belongs to the old one.
 */
export class Quota {
  #free: number;

  constructor(size: number) {
    this.#free = size;
  }

  take(): boolean {
    if (this.#free <= 0) return false;
    this.#free--;
    return true;
  }

  give(): void {
    this.#free++;
  }
}

/** Sends one QoS 1 message; `done` gets the broker's refusal (a reason code of 0x80 or more), or undefined for PUBACK. */
export interface Transport {
  readonly maximumPacketSize: number;
  publish(
    topic: string,
    payload: Uint8Array,
    options: { readonly qos: 0 | 1; readonly retain: boolean },
    done: (refusal: number | undefined) => void,
  ): void;
}
