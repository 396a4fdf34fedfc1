import { readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import { DriverError } from '../errors.ts';

/** Tells when a file descriptor can be read or written, by the event loop's own poll: no thread waits in a read. */
export interface Poller {
  once(event: 'readable' | 'writable', listener: (error: Error | null) => void): unknown;
  /** Ends the waiting; whoever waits hears an error. Must come before the descriptor is closed. */
  stop(): void;
}

/** How many chunks are taken in one turn of the event loop, so that one device can't starve the others. */
const mostChunks = 16;

export interface ReadOptions {
  /** Opened with O_NONBLOCK. */
  readonly fd: number;
  readonly poller: Poller;
  readonly chunkBytes: number;
  /** Gets a copy of its own. */
  readonly onData: (bytes: Uint8Array) => void;
  /** Once; `cause` is undefined where the other end hung up. */
  readonly onEnd: (cause: Error | undefined) => void;
}

/** Reads whatever comes until the end or until the returned function is called. */
export function readWhenReady({ fd, poller, chunkBytes, onData, onEnd }: ReadOptions): () => void {
  const buffer = Buffer.allocUnsafeSlow(chunkBytes);
  let running = true;
  const end = (cause: Error | undefined) => {
    running = false;
    onEnd(cause);
  };
  const ready = () => {
    for (let i = 0; running && i < mostChunks; i++) {
      let bytes: number;
      try {
        bytes = readSync(fd, buffer, 0, chunkBytes, null);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EINTR') continue;
        if (code === 'EAGAIN') break;
        end(error instanceof Error ? error : new Error(String(error)));
        return;
      }
      if (bytes === 0) {
        end(undefined);
        return;
      }
      onData(Uint8Array.from(buffer.subarray(0, bytes)));
      if (bytes < chunkBytes) break;
    }
    if (running) wait();
  };
  // An error of the poll is a hang-up: reading tells which one.
  const wait = () => poller.once('readable', () => running && ready());
  wait();
  return () => {
    running = false;
  };
}

/**
 * The library's poll belongs to the main thread's event loop, wherever it is called from; on another thread it would end
 * the process. Throws CW-DRV-004 there.
 */
export function mustBeMainThread(): void {
  if (isMainThread) return;
  const message =
    'serial ports and input devices can be opened on the main thread only; run it in a process of its own';
  throw new DriverError('CW-DRV-004', message);
}

/** Those that were made, by descriptor; there are no more than descriptors that were open at once. */
const pollers = new Map<number, Poller>();

/**
 * The poller of a descriptor of a device node. It comes with the serial port library, where none is ever collected, and
 * one that was not stopped goes on watching its number when another device has it: then the event loop ends the process.
 * So there is one for each number, which whoever opens a device under it gets again, and `stop` must come before `close`.
 */
export function pollerFor(fd: number): Poller {
  mustBeMainThread();
  const known = pollers.get(fd);
  if (known !== undefined) return known;
  const { Poller: Made } = serialBindings<{ Poller: new (fd: number) => Poller }>('poller');
  const made = new Made(fd);
  pollers.set(fd, made);
  return made;
}

/** A part of the serial port library that it does not export. */
export function serialBindings<Part>(name: 'poller' | 'load-bindings'): Part {
  const load = createRequire(import.meta.resolve('serialport'));
  return load(`@serialport/bindings-cpp/dist/${name}.js`) as Part;
}
