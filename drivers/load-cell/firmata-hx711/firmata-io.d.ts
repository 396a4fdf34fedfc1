declare module 'firmata-io' {
  import type { EventEmitter } from 'node:events';

  /** What firmata-io needs of a transport: it listens to `open`, `data`, `error` and `close`. */
  interface FirmataTransport extends EventEmitter {
    write(bytes: Uint8Array, done?: () => void): void;
  }

  interface FirmataOptions {
    readonly reportVersionTimeout?: number;
  }

  export class Firmata extends EventEmitter {
    constructor(transport: FirmataTransport, options: FirmataOptions);
    isReady: boolean;
    transport: FirmataTransport;
    firmware: { name?: string; version?: { major: number; minor: number } };
    version: { major?: number; minor?: number };
    pins: readonly { readonly supportedModes: readonly number[] }[];
    reportVersionTimeoutId: NodeJS.Timeout;
    /** Of all boards of the process: one handler a command byte. */
    sysexResponse(command: number, handler: (data: number[]) => void): this;
    clearSysexResponse(command: number): void;
  }

  const bind: { readonly Firmata: typeof Firmata };
  export default bind;
}

declare module 'firmata-io/lib/encoder7bit.js' {
  const encoder: { readonly from7BitArray: (packed: readonly number[]) => number[] };
  export default encoder;
}
