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
  }

  const bind: { readonly Firmata: typeof Firmata };
  export default bind;
}
