import { SystemCallError } from './ioctl.ts';

const protectRead = 1;
const protectWrite = 2;
const mapShared = 1;

/** Memory of a device that is mapped into this process. */
export interface Mapped {
  readonly bytes: number;
  /** Copies the first `bytes` of it. */
  copyTo(target: Uint8Array, bytes: number): void;
  /** Idempotent. */
  unmap(): void;
}

/** mmap(2) of the C library. Throws SystemCallError where the kernel refuses. */
export type MapMemory = (fd: number, offset: number, bytes: number) => Mapped;

let loaded: Promise<MapMemory> | undefined;

/** The machine's mmap; the library that calls it is loaded when it is first needed. */
export function machineMemory(): Promise<MapMemory> {
  loaded ??= load();
  return loaded;
}

type Address = number | bigint;

async function load(): Promise<MapMemory> {
  const { default: koffi } = await import('koffi');
  const library = koffi.load(null);
  const map = library.func('mmap', 'intptr_t', ['uintptr_t', 'size_t', 'int', 'int', 'int', 'long']) as (
    ...args: [near: number, bytes: number, protection: number, flags: number, fd: number, offset: number]
  ) => Address;
  const unmap = library.func('munmap', 'int', ['intptr_t', 'size_t']) as (
    address: Address,
    bytes: number,
  ) => number;
  const move = library.func('memmove', 'intptr_t', ['void *', 'intptr_t', 'size_t']) as (
    target: Uint8Array,
    source: Address,
    bytes: number,
  ) => Address;
  return (fd, offset, bytes) => {
    const address = map(0, bytes, protectRead | protectWrite, mapShared, fd, offset);
    if (address === -1 || address === -1n) throw new SystemCallError('mmap', koffi.errno());
    let isMapped = true;
    return {
      bytes,
      copyTo: (target, count) => {
        if (!isMapped || count > bytes || count > target.length)
          throw new RangeError('outside of the memory');
        move(target, address, count);
      },
      unmap: () => {
        if (isMapped) unmap(address, bytes);
        isMapped = false;
      },
    };
  };
}
