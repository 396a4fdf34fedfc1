import { writeSync } from 'node:fs';
import type { SerialSettings } from './ports.ts';
import { type Poller, pollerFor, serialBindings } from './readiness.ts';

/** The library's native calls, which run on a thread of the pool. */
interface NativeTty {
  asyncOpen(path: string, options: object): Promise<number>;
  asyncClose(fd: number): Promise<void>;
}

/** An open serial line: its descriptor, which does not block, and what it needs to be read, written and closed. */
export interface Tty {
  readonly fd: number;
  readonly poller: Poller;
  /** Resolves when the kernel has taken all bytes. Rejects with the system's error, or when the line is closed meanwhile. */
  write(bytes: Uint8Array): Promise<void>;
  /** Once. Closing may wait for bytes that are still to be sent, so it never holds up the event loop. */
  close(): Promise<void>;
}

/**
 * Opens a serial line exclusively with its settings, by the serial port library's native part: its own streams and
 * pollers are not used (see `pollerFor`). Rejects with the system's error.
 */
export async function openTty(path: string, settings: SerialSettings): Promise<Tty> {
  const { dataBits = 8, parity = 'none', stopBits = 1, flowControl = 'none', baudRate } = settings;
  const native = serialBindings<NativeTty>('load-bindings');
  const fd = await native.asyncOpen(path, {
    baudRate,
    dataBits,
    parity,
    stopBits,
    rtscts: flowControl === 'rts-cts',
    xon: flowControl === 'xon-xoff',
    xoff: flowControl === 'xon-xoff',
    xany: false,
    vmin: 1,
    vtime: 0,
    hupcl: true,
    lock: true,
  });
  const poller = pollerFor(fd);
  let open = true;
  return {
    fd,
    poller,
    async write(bytes) {
      for (let at = 0; at < bytes.length; ) {
        if (!open) throw new Error('the serial line was closed');
        try {
          // Not on a thread of the pool: by the time it gets there the number may be another device's.
          at += writeSync(fd, bytes, at, bytes.length - at);
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException;
          if (code === 'EAGAIN') await writable(poller);
          else if (code !== 'EINTR') throw error;
        }
      }
    },
    async close() {
      if (!open) return;
      open = false;
      poller.stop();
      await native.asyncClose(fd);
    },
  };
}

function writable(poller: Poller): Promise<void> {
  return new Promise((resolve, reject) => {
    poller.once('writable', (error) => (error === null ? resolve() : reject(error)));
  });
}
