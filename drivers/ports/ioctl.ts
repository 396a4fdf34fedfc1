import { getSystemErrorName } from 'node:util';

/** Why a system call failed: `code` is its name, as Node's own errors have it. */
export class SystemCallError extends Error {
  readonly code: string;
  readonly errno: number;

  constructor(call: string, errno: number) {
    const code = errno === 0 ? 'UNKNOWN' : getSystemErrorName(-errno);
    super(`${call}: ${code}`);
    this.name = 'SystemCallError';
    this.code = code;
    this.errno = errno;
  }
}

/** ioctl(2) of the C library. What fails throws or rejects with SystemCallError. */
export interface Ioctl {
  /** Passes a buffer, which the kernel reads or fills. For calls that don't wait for a device. Returns the call's own result. */
  buffer(fd: number, request: number, data: Uint8Array): number;
  /** Like `buffer`, on a thread of the pool. `keep`: the buffers that `data` points to. */
  bufferAsync(fd: number, request: number, data: Uint8Array, keep: readonly Uint8Array[]): Promise<number>;
  /** Passes a number. */
  value(fd: number, request: number, value: number): void;
  /** Like `value`; false where it failed. */
  tryValue(fd: number, request: number, value: number): boolean;
  /** Where a buffer's bytes lie, for structures that point to them. */
  addressOf(data: Uint8Array): bigint;
}

type Native<Arguments extends unknown[]> = ((...args: Arguments) => number) & {
  async(...args: [...Arguments, (error: Error | null, result: number) => void]): void;
};

let loaded: Promise<Ioctl> | undefined;

/** The machine's ioctl; the library that calls it is loaded when it is first needed. */
export function machineIoctl(): Promise<Ioctl> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<Ioctl> {
  const { default: koffi } = await import('koffi');
  const library = koffi.load(null);
  const withBuffer = library.func('ioctl', 'int', ['int', 'unsigned long', 'void *']) as Native<
    [number, number, Uint8Array]
  >;
  const withValue = library.func('ioctl', 'int', ['int', 'unsigned long', 'long']) as Native<
    [number, number, number]
  >;
  // The C library's memmove of nothing returns where its target lies.
  const moved = library.func('memmove', 'uintptr_t', ['void *', 'void *', 'size_t']) as (
    target: Uint8Array,
    source: Uint8Array,
    bytes: number,
  ) => number | bigint;
  const check = (result: number) => {
    if (result < 0) throw new SystemCallError('ioctl', koffi.errno());
    return result;
  };
  return {
    buffer: (fd, request, data) => check(withBuffer(fd, request, data)),
    bufferAsync: (fd, request, data, keep) =>
      new Promise((resolve, reject) => {
        // Neither may be collected while the kernel writes to them.
        const held = [data, ...keep];
        withBuffer.async(fd, request, data, (error, result) => {
          // Read first: whatever runs in between may change it.
          const errno = koffi.errno();
          held.length = 0;
          if (error !== null) reject(error);
          else if (result < 0) reject(new SystemCallError('ioctl', errno));
          else resolve(result);
        });
      }),
    value: (fd, request, value) => {
      check(withValue(fd, request, value));
    },
    tryValue: (fd, request, value) => withValue(fd, request, value) >= 0,
    addressOf: (data) => BigInt(moved(data, data, 0)),
  };
}
